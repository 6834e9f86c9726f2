// What a client is told at the end of its command.
import assert from "node:assert/strict";
import type net from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { ClientFrame, encodeExit, encodeInputMode, ServerFrame } from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
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
