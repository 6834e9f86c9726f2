// What the page downloads, at the pace of who takes it.
import assert from "node:assert/strict";
import { once } from "node:events";
import http, { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Api } from "../../../src/web/server/api.ts";
import type { Line } from "../../../src/web/server/line.ts";
import type { SessionServer } from "../../../src/web/server/session-server.ts";

test("whoever takes nothing of a download for long is let go of, and its command too", async (t) => {
  const setTimeout = ServerResponse.prototype.setTimeout;
  t.mock.method(ServerResponse.prototype, "setTimeout", function (this: ServerResponse, _ms: number, over: () => void) {
    return setTimeout.call(this, 1, over);
  });
  let paused = false;
  const closed = new Promise<void>((resolve) => {
    const line: Line = {
      ...{ input() {}, size() {}, resume() {} },
      pause: () => {
        paused = true;
      },
      close: resolve,
    };
    const server = {
      async stream(_args: string[], stdout: (bytes: Buffer, line: Line) => void, _stderr: unknown, begun: (line: Line) => void) {
        begun(line);
        while (!paused) stdout(Buffer.alloc(1 << 20), line);
        return new Promise<number>(() => {});
      },
    };
    const api = new Api(server as unknown as SessionServer);
    const web = http.createServer((request, response) => {
      void api.answer(new URL(`http://page${request.url}`), { role: "owner", session: null }, response);
    });
    t.after(() => web.close());
    web.listen(0, "127.0.0.1", async () => {
      const { port } = web.address() as AddressInfo;
      const asked = http.get({ host: "127.0.0.1", port, path: "/api/export/a1b2c3/text" });
      asked.on("error", () => {});
      const [response] = (await once(asked, "response")) as [http.IncomingMessage];
      response.on("error", () => {});
    });
  });
  await closed;
  assert.ok(paused);
});

test("a download that was given up before its command has begun leaves none behind", async (t) => {
  const closed = new Promise<void>((resolve) => {
    const line: Line = { input() {}, size() {}, pause() {}, resume() {}, close: resolve };
    let left: Promise<unknown> | undefined;
    const server = {
      async stream(_args: string[], _stdout: unknown, _stderr: unknown, begun: (line: Line) => void) {
        await left;
        begun(line);
        return new Promise<number>(() => {});
      },
    };
    const api = new Api(server as unknown as SessionServer);
    const web = http.createServer((request, response) => {
      left = once(response, "close");
      void api.answer(new URL(`http://page${request.url}`), { role: "owner", session: null }, response);
      asked.destroy();
    });
    t.after(() => web.close());
    let asked: http.ClientRequest;
    web.listen(0, "127.0.0.1", () => {
      const { port } = web.address() as AddressInfo;
      asked = http.get({ host: "127.0.0.1", port, path: "/api/export/a1b2c3/text" });
      asked.on("error", () => {});
    });
  });
  await closed;
});
