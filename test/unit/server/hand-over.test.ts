// A client that is told of the next server waits for the end of the old one's side, whatever it has closed.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import { ServerFrame } from "../../../src/protocol/client.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { Listener } from "../../../src/server/clients/listener.ts";
import { Peer } from "../../../src/server/clients/peer.ts";

interface Connection {
  readonly peer: Peer;
  /** The server's side. */
  readonly accepted: net.Socket;
  readonly client: net.Socket;
}

/** A client that is connected to a peer by a real listener. */
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
  const peer = new Peer(socket, { pid: 1, version: "0", run: async () => undefined, foreign: () => false, log() {} });
  try {
    await work({ peer, accepted: socket, client });
  } finally {
    client.destroy();
    socket.destroy();
    listener.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

test("a client that was told of the next server and closed its side is kept until it is sent there", () =>
  connected(async ({ peer, accepted, client }) => {
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
  connected(async ({ peer, client }) => {
    client.end();
    client.resume();
    await peer.gone;
  }));
