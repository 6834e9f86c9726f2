// A client that is told of the next server waits for the end of the old one's side, whatever it has closed;
// and the old one goes though a client stands still.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { ServerFrame } from "../../../src/protocol/client.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { encodeOwnRequest } from "../../../src/protocol/own-request.ts";
import { Clients } from "../../../src/server/clients/clients.ts";
import { Listener } from "../../../src/server/clients/listener.ts";
import { Peer } from "../../../src/server/clients/peer.ts";
import { requestOf } from "../../support/holder/client-codec.ts";
import { root } from "../../support/paths.ts";

/** How long (ms) clients that were sent away are waited for. */
const longestGoing = 10_000;

interface Connection {
  /** The server's side. */
  readonly accepted: net.Socket;
  readonly client: net.Socket;
}

/** A client that is connected by a real listener. */
async function connected(work: (connection: Connection) => Promise<void>): Promise<void> {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const entry = (name: string) => {
    const { ino } = fs.statSync(path.join(folder, name));
    return { kind: "socket", inode: ino };
  };
  const remove = (name: string) => fs.rmSync(path.join(folder, name), { force: true });
  let accept: (socket: net.Socket) => void = () => {};
  const accepted = new Promise<net.Socket>((resolve) => {
    accept = resolve;
  });
  const file = path.join(folder, "server.sock");
  const listener = new Listener(file, { accepted: accept, log() {}, uid: process.getuid?.() ?? 0, home: { entry, remove } });
  await listener.listen();
  const client = net.connect({ path: file, allowHalfOpen: true });
  const socket = await accepted;
  try {
    await work({ accepted: socket, client });
  } finally {
    client.destroy();
    socket.destroy();
    listener.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const peerOf = (socket: net.Socket) =>
  new Peer(socket, { pid: 1, version: "0", run: async () => undefined, foreign: () => false, log() {} });

test("a client that was told of the next server and closed its side is kept until it is sent there", () =>
  connected(async ({ accepted, client }) => {
    const peer = peerOf(accepted);
    const frames: number[] = [];
    const reader = new FrameReader(1 << 20, (type) => frames.push(type));
    client.on("data", (bytes) => {
      reader.feed(bytes);
      client.end();
    });
    peer.announceNext();
    await once(accepted, "end");
    // as late as the next server may take
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(accepted.writableEnded, false, "the server's side is open");
    peer.reconnect();
    await once(client, "end");
    await peer.gone;
    assert.deepEqual(frames, [ServerFrame.reconnect, ServerFrame.reconnect]);
  }));

test("one that ends by itself is let go of", () =>
  connected(async ({ accepted, client }) => {
    const peer = peerOf(accepted);
    client.end();
    client.resume();
    await peer.gone;
  }));

test("a server that hands over goes though a client stands still, which finds in its socket what it was told", (t) =>
  connected(async ({ accepted, client }) => {
    let ran = () => {};
    const runs = new Promise<void>((resolve) => {
      ran = resolve;
    });
    const clients = new Clients({
      ...{ home: "/none", root, version: "0.0.1", log() {}, lookBeforeUse() {}, claim() {}, changed() {} },
      ...{ ending: () => false, handingOver: () => false, upgrade: async () => {} },
      run: () => {
        ran();
        return new Promise(() => {});
      },
    });
    clients.accept(accepted);
    client.write(requestOf(["logs", "-f"]));
    await runs;
    t.mock.timers.enable({ apis: ["setTimeout"] });
    let goes = false;
    const gone = clients
      .sendAway((peer) => peer.reconnect())
      .then(() => {
        goes = true;
      });
    t.mock.timers.tick(longestGoing - 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(goes, false);
    t.mock.timers.tick(1);
    await gone;
    const frames: number[] = [];
    const reader = new FrameReader(1 << 20, (type) => frames.push(type));
    client.on("data", (bytes) => reader.feed(bytes));
    await once(client, "end");
    assert.deepEqual(frames, [ServerFrame.hello, ServerFrame.reconnect]);
    clients.close();
  }));

for (const [who, request, becomes] of [
  ["another server's or the page's question", encodeOwnRequest(["sessions"]), "answered"],
  ["a client that may not start a server there", requestOf(["sessions"], { version: "0.0.0" }), "answered"],
  ["a client that starts the next one", requestOf(["sessions"]), "sent on"],
] as const)
  test(`a server whose installation is gone: ${who} is ${becomes}`, () =>
    connected(async ({ accepted, client }) => {
      let became = (_: string) => {};
      const told = new Promise<string>((resolve) => {
        became = resolve;
      });
      const clients = new Clients({
        ...{ home: "/none", root: "/none", version: "0.0.1", log() {}, lookBeforeUse() {}, claim() {}, changed() {} },
        ...{ ending: () => false, handingOver: () => false },
        upgrade: async () => became("sent on"),
        run: async () => {
          became("answered");
          return 0;
        },
      });
      try {
        clients.accept(accepted);
        client.resume();
        client.write(request);
        assert.equal(await told, becomes);
      } finally {
        clients.close();
      }
    }));
