// What a client is told at the end of its command.
import assert from "node:assert/strict";
import type net from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { encodeExit, encodeInputMode, ServerFrame } from "../../../src/protocol/client.ts";
import { encodeFrame } from "../../../src/protocol/frame.ts";
import { Peer, type PeerEffects } from "../../../src/server/peer.ts";

test("last words and the exit status are one write: a server that is killed tells both or neither, and the next one tells them once", () => {
  const writes: Buffer[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk);
      done();
    },
  });
  const effects: PeerEffects = { pid: 1, version: "0", run: async () => 0, foreign: () => false, log() {} };
  const peer = new Peer(socket as unknown as net.Socket, effects);
  peer.lastWords("abcdef\n");
  peer.inputMode(0);
  assert.deepEqual(writes, [encodeInputMode(0)], "nothing is said before the end");
  peer.exit(0);
  assert.deepEqual(writes[1], Buffer.concat([encodeFrame(ServerFrame.stdout, Buffer.from("abcdef\n")), encodeExit(0)]));
  assert.equal(writes.length, 2);
});
