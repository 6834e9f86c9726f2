// What a client is told at the end of its command.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { showable } from "../../../src/base/text/terminal-bytes.ts";
import { dup } from "../../../src/platform/native.ts";
import { ClientFrame, encodeExit, encodeInputMode, mostFromServer, ServerFrame } from "../../../src/protocol/client.ts";
import { encodeFrame, FrameReader } from "../../../src/protocol/frame.ts";
import { Peer, type PeerEffects } from "../../../src/server/clients/peer.ts";

/** A peer whose command is `run`, the socket that it reads, and what it has written. */
function connected(run: PeerEffects["run"]): { peer: Peer; socket: Duplex; writes: Buffer[] } {
  const writes: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk);
      done();
    },
  });
  const effects: PeerEffects = { pid: 1, version: "0", run, foreign: () => false, log() {} };
  return { peer: new Peer(socket as unknown as net.Socket, effects), socket, writes };
}

test("last words and the exit status are one write: a server that is killed tells both or neither, and the next one tells them once", () => {
  const { peer, writes } = connected(async () => 0);
  peer.lastWords("abcdef\n");
  peer.inputMode(0);
  assert.deepEqual(writes, [encodeInputMode(0)], "nothing is said before the end");
  peer.exit(0);
  assert.deepEqual(writes[1], Buffer.concat([encodeFrame(ServerFrame.stdout, Buffer.from("abcdef\n")), encodeExit(0)]));
  assert.equal(writes.length, 2);
});

test("what is written together is one write: output and what to ask the next server for behind it", async () => {
  const writes: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    writev(chunks, done) {
      writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
      done();
    },
  });
  const effects: PeerEffects = { pid: 1, version: "0", run: async () => 0, foreign: () => false, log() {} };
  const peer = new Peer(socket as unknown as net.Socket, effects);
  for (const length of [5, 100_000]) {
    const output = Buffer.alloc(length, "x");
    peer.together(() => {
      peer.write(showable(output));
      peer.resume(["@logs", "abc", String(length)]);
    });
    const frames: number[] = [];
    const reader = new FrameReader(mostFromServer, (type) => frames.push(type));
    reader.feed(writes.pop() as Buffer);
    assert.equal(frames.at(0), ServerFrame.stdout);
    assert.equal(frames.at(-1), ServerFrame.resume);
    assert.deepEqual(writes, []);
  }
});

test("keys may go past the server only once the command has taken what was typed: what waits for it is to be overtaken by nothing", async () => {
  const { peer, socket, writes } = connected(() => new Promise(() => {}));
  const hello = Buffer.concat([Buffer.from([1, 0, 1, 0, 0, 0]), Buffer.from("0\0falcon")]);
  const terminal = Buffer.from([7, 80, 0, 24, 0, 0, 0, 0, 0]);
  const request = [
    encodeFrame(ClientFrame.hello, hello),
    encodeFrame(ClientFrame.directory, Buffer.from("/")),
    encodeFrame(ClientFrame.terminal, terminal),
    encodeFrame(ClientFrame.token, Buffer.alloc(16)),
    encodeFrame(ClientFrame.run),
  ];
  socket.push(Buffer.concat([...request, encodeFrame(ClientFrame.input, Buffer.from("early"))]));
  await new Promise((resolve) => setImmediate(resolve));
  const counted = () => writes.at(-1)?.readUInt32LE(5);
  peer.keysOpen(new Uint8Array(32), 0);
  assert.equal(counted(), 0);
  const taken: string[] = [];
  peer.onInput = (bytes) => taken.push(bytes.toString());
  peer.keysOpen(new Uint8Array(32), 0);
  assert.deepEqual({ taken, counted: counted() }, { taken: ["early"], counted: 1 });
});

test("whoever waits until all was written is told of it behind a descriptor, too, which waits for the client", async () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const server = net.createServer().listen(path.join(folder, "sock"));
  await once(server, "listening");
  const client = net.connect(path.join(folder, "sock"));
  try {
    const [socket] = (await once(server, "connection")) as [net.Socket];
    const peer = new Peer(socket, { pid: 1, version: "0", run: async () => undefined, foreign: () => false, log() {} });
    peer.write(showable(Buffer.alloc(2 << 20)));
    peer.keysOpen(new Uint8Array(32), 0, dup(process.stderr.fd));
    const told: number[] = [];
    peer.onDrained(() => {
      told.push(peer.backlog());
      peer.onDrained(() => told.push(peer.backlog()));
    });
    const opened = new Promise<void>((resolve) => {
      const reader = new FrameReader(mostFromServer, (type) => type === ServerFrame.keysOpen && resolve());
      client.on("data", (chunk) => reader.feed(chunk));
    });
    await opened;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(told, [0, 0]);
  } finally {
    client.destroy();
    server.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
