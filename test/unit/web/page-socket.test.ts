// A page's WebSocket after it was told to go.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { WebSocket } from "ws";
import { PageSocket } from "../../../src/web/server/page-socket.ts";
import type { RunsFeed } from "../../../src/web/server/runs-feed.ts";
import type { SessionServer } from "../../../src/web/server/session-server.ts";

/** A WebSocket whose other side never answers a goodbye. */
class Socket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly bufferedAmount = 0;
  readonly said: string[] = [];

  send(data: string): void {
    this.said.push(data);
  }

  close(): void {
    this.readyState = 2;
  }

  terminate(): void {
    this.emit("close");
  }
}

test("whoever is sent out types no more, though they do not go by themselves", async (t) => {
  const typed: string[] = [];
  const line = { input: (bytes: Uint8Array) => typed.push(String(bytes)), size() {}, pause() {}, resume() {}, close() {} };
  const server = { terminal: async () => line } as unknown as SessionServer;
  const socket = new Socket();
  const grant = { id: "g", kind: "owner" as const, name: "owner", session: null, created: 0, expires: 1, once: false, hash: "" };
  const page = new PageSocket(socket as unknown as WebSocket, server, {} as RunsFeed, {
    find: () => grant,
    readOnly: false,
    version: "0",
    steady: () => 0,
    audit() {},
  });
  t.after(() => socket.terminate());
  const say = (message: object) => socket.emit("message", JSON.stringify(message), false);
  const type = (text: string) => socket.emit("message", Buffer.from(text), true);
  say({ do: "hello", token: "t" });
  say({ do: "attach", id: "a1b2c3", cols: 80, rows: 24, type: true, takeOver: false });
  await new Promise(setImmediate);
  type("before");
  page.end("this link is not valid any more");
  type("after");
  assert.deepEqual(typed, ["before"]);
});
