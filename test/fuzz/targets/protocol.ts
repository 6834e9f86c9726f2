// Frames of both wire protocols, as a server reads them from a hostile client or holder, and a client in
// TypeScript from a hostile server.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type net from "node:net";
import type { Call } from "../../../src/commands/dispatch/call.ts";
import {
  ClientFrame,
  clientProtocol,
  decodeInputAt,
  decodeSignal,
  decodeSize,
  encodeExec,
  encodeExit,
  encodeHello,
  encodeInputMode,
  encodeResume,
  encodeSignals,
  longestRequest,
  mostEntries,
  mostFromClient,
  mostFromServer,
  mostLimits,
  type Request,
  RequestReader,
  ServerFrame,
} from "../../../src/protocol/client.ts";
import { encodeFrame, FrameReader, frameHeader, ProtocolError } from "../../../src/protocol/frame.ts";
import {
  decodeData,
  decodeExit,
  decodeGap,
  decodeHello,
  decodeTyped,
  FromHolder,
  fromHolderLimit,
} from "../../../src/protocol/holder.ts";
import { Peer } from "../../../src/server/clients/peer.ts";
import { decodeServerFrame, encodeInputAt, encodeRequest, encodeSignal, encodeSize } from "../../support/holder/client-codec.ts";
import type { Random } from "../../support/random.ts";
import type { Target } from "../target.ts";

const request: Request = {
  protocol: clientProtocol,
  version: "0.1.0",
  name: "falcon",
  pid: 4711,
  arguments: ["launch", "-o", "output/run", "x=1"],
  environment: { PATH: "/usr/bin", HOME: "/home/u", EMPTY: "", LANG: "C.UTF-8" },
  directory: "/home/u/project",
  terminal: { stdin: true, stdout: true, stderr: true, cols: 80, rows: 24, filter: 1 },
  umask: 0o22,
  limits: [{ resource: 7, soft: 1024n, hard: 2n ** 64n - 1n }],
  token: "00112233445566778899aabbccddeeff",
};

/** Changes whole frames: one is left out, doubled, moved, given another type or another announced length. */
function mutateFrames(random: Random, input: Buffer): Buffer {
  const frames: Buffer[] = [];
  let at = 0;
  while (at + frameHeader <= input.length) {
    const end = Math.min(input.length, at + frameHeader + input.readUInt32LE(at));
    frames.push(input.subarray(at, end));
    at = end;
  }
  if (frames.length === 0) return encodeFrame(random.below(256), random.bytes(random.below(40)));
  const i = random.below(frames.length);
  const frame = Buffer.from(frames[i] as Buffer);
  switch (random.below(6)) {
    case 0:
      frames.splice(i, 1);
      break;
    case 1:
      frames.splice(random.below(frames.length), 0, frame);
      break;
    case 2:
      frame[4] = random.below(256);
      frames[i] = frame;
      break;
    case 3:
      frame.writeUInt32LE(random.pick([0, 1, frame.length, 65_536, 65_545, mostFromClient, mostFromClient + 1, 0xffffffff]), 0);
      frames[i] = frame;
      break;
    case 4:
      frames[i] = encodeFrame(frame[4] ?? 0, frame.subarray(frameHeader), random.bytes(random.below(300)));
      break;
    default:
      frames[i] = encodeFrame(frame[4] ?? 0, frame.subarray(frameHeader, frameHeader + random.below(frame.length)));
  }
  return Buffer.concat(frames);
}

/**
 * Feeds a stream in pieces of these lengths, again and again. Answers the frames, and whether a frame was
 * refused.
 */
function readFrames(
  bytes: Buffer,
  limit: number,
  cuts: readonly number[],
): { frames: { type: number; payload: Buffer }[]; refused: boolean } {
  const frames: { type: number; payload: Buffer }[] = [];
  const reader = new FrameReader(limit, (type, payload) => frames.push({ type, payload: Buffer.from(payload) }));
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const cut = cuts[i % cuts.length] as number;
      reader.feed(bytes.subarray(at, at + cut));
      at += cut;
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const before = frames.length;
    reader.feed(encodeFrame(1));
    assert.equal(frames.length, before, "nothing is delivered after a refusal");
    return { frames, refused: true };
  }
  return { frames, refused: false };
}

/** The frames of a stream by the letter of docs/design/protocol.md. */
function framesOf(bytes: Buffer, limit: number): { frames: { type: number; payload: Buffer }[]; refused: boolean } {
  const frames: { type: number; payload: Buffer }[] = [];
  for (let at = 0; at + frameHeader <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length > limit) return { frames, refused: true };
    if (at + frameHeader + length > bytes.length) break;
    frames.push({ type: bytes.readUInt8(at + 4), payload: bytes.subarray(at + frameHeader, at + frameHeader + length) });
    at += frameHeader + length;
  }
  return { frames, refused: false };
}

function allowed(error: unknown, ...kinds: (new (...args: never[]) => Error)[]): void {
  if (!kinds.some((kind) => error instanceof kind)) throw error;
}

/** A connection that a test holds the other end of. */
class FakeSocket extends EventEmitter {
  destroyed = false;
  readonly writableLength = 0;
  write(_: Uint8Array, done?: () => void): boolean {
    done?.();
    return true;
  }
  cork(): void {}
  uncork(): void {}
  setNoDelay(): void {}
  end(): void {}
  destroy(): void {
    this.destroyed = true;
  }
}

/** The INPUT that a stream of frames holds behind its request, and how far it goes before it is refused. */
function typedIn(bytes: Buffer): Buffer {
  const typed: Buffer[] = [];
  const reader = new RequestReader();
  let ready = false;
  try {
    for (const { type, payload } of framesOf(bytes, mostFromClient).frames) {
      if (!ready) ready = reader.take(type, payload) !== undefined;
      else if (type === ClientFrame.input) typed.push(payload);
      else if (type === ClientFrame.inputAt) typed.push(decodeInputAt(payload).bytes);
      else if (type === ClientFrame.size) decodeSize(payload);
      else if (type === ClientFrame.signal) decodeSignal(payload);
    }
  } catch {
    // the connection ends here
  }
  return Buffer.concat(typed);
}

export const targets: readonly Target[] = [
  {
    name: "peers",
    what: "several clients at once, their bytes mixed as they come: what each typed reaches its own session only, in order; a bad one ends alone",
    inputs: 300_000,
    longest: 6_000,
    seeds: () => [
      Buffer.concat([encodeRequest(request), encodeFrame(20, Buffer.from("typed")), encodeSize(3, 4), encodeFrame(21)]),
    ],
    mutate: mutateFrames,
    run(input) {
      const good = Buffer.concat([
        encodeRequest(request),
        encodeFrame(ClientFrame.input, Buffer.from("good")),
        encodeFrame(ClientFrame.input, Buffer.from("keys")),
      ]);
      // the same stream from two sides, one of them with a byte less, and an honest one between them
      const streams = [input, good, input.subarray(1), good];
      const reached = streams.map(() => [] as Buffer[]);
      const sockets = streams.map((_, i) => {
        const socket = new FakeSocket();
        const run = (call: Call) => {
          call.onInput = (bytes) => void reached[i]?.push(bytes);
          return new Promise<undefined>(() => {});
        };
        new Peer(socket as unknown as net.Socket, { pid: 1, version: "0", run, foreign: () => false, log: () => {} });
        return socket;
      });
      const piece = 1 + ((input[0] ?? 0) % 90);
      for (let at = 0; streams.some(({ length }) => at < length); at += piece)
        for (const [i, socket] of sockets.entries()) {
          const chunk = (streams[i] as Buffer).subarray(at, at + piece);
          if (chunk.length > 0 && !socket.destroyed) socket.emit("data", chunk);
        }
      for (const [i, bytes] of reached.entries()) assert.deepEqual(Buffer.concat(bytes), typedIn(streams[i] as Buffer));
      assert.equal(Buffer.concat(reached[1] as Buffer[]).toString(), "goodkeys");
      assert.ok(!sockets[1]?.destroyed && !sockets[3]?.destroyed, "an honest client is left alone");
      for (const socket of sockets) socket.emit("close");
    },
  },
  {
    name: "frames",
    what: "FrameReader: the same frames however they are cut; an announced length above the limit ends it",
    inputs: 1_200_000,
    longest: 4_000,
    seeds: () => [
      encodeRequest(request),
      Buffer.concat([encodeFrame(20, Buffer.from("typed")), encodeFrame(21), encodeSize(1, 2)]),
    ],
    mutate: mutateFrames,
    steps: { base: 2_000, perByte: 120 },
    run(input) {
      const [first = 0, second = 0] = input;
      const bytes = input.subarray(2);
      const wanted = framesOf(bytes, 1000);
      assert.deepEqual(readFrames(bytes, 1000, [1 + (first % 64), 1 + second]), wanted);
      if (bytes.length < 300) assert.deepEqual(readFrames(bytes, 1000, [1]), wanted);
    },
  },
  {
    name: "request",
    what: "the client's request: refused with ProtocolError, or complete and within every limit",
    inputs: 1_000_000,
    longest: 20_000,
    seeds: () => [
      encodeRequest(request),
      encodeRequest({ ...request, arguments: [], environment: {}, limits: [], directory: "" }),
      Buffer.concat([
        encodeRequest(request),
        encodeFrame(ClientFrame.input, Buffer.from("d")),
        encodeSize(3, 4),
        encodeSignal(2),
        encodeInputAt({ bytes: Buffer.from("d"), at: 5, answer: true }),
      ]),
    ],
    words: ["__proto__=1", "constructor=", "=x=y", "\0", "falcon-sessions", "PATH="],
    mutate: mutateFrames,
    steps: { base: 3_000, perByte: 120 },
    run(input) {
      const reader = new RequestReader();
      let read: Request | undefined;
      const frames = new FrameReader(mostFromClient, (type, payload) => {
        if (read === undefined) read = reader.take(type, payload);
        else if (type === ClientFrame.size) decodeSize(payload);
        else if (type === ClientFrame.signal) decodeSignal(payload);
        else if (type === ClientFrame.inputAt) decodeInputAt(payload);
      });
      try {
        frames.feed(input);
      } catch (error) {
        allowed(error, ProtocolError);
      }
      if (read === undefined) return;
      assert.ok(read.arguments.every((argument) => typeof argument === "string"));
      assert.ok(read.arguments.length <= mostEntries && Object.keys(read.environment).length <= mostEntries);
      assert.ok(Object.values(read.environment).every((value) => typeof value === "string"));
      assert.equal(Object.getPrototypeOf(read.environment), Object.prototype);
      assert.ok(read.limits.length <= mostLimits && input.length <= longestRequest);
      assert.match(read.token, /^[0-9a-f]{32}$/);
      assert.ok(read.umask >= 0 && read.umask <= 0o777);
    },
  },
  {
    name: "server-frames",
    what: "what a server says, decoded: a message, null (of a later version) or ProtocolError",
    inputs: 600_000,
    longest: 3_000,
    seeds: () => [
      Buffer.concat([
        encodeHello({ protocol: 1, pid: 1, version: "1" }),
        encodeInputMode(2),
        encodeSignals(true),
        encodeResume(["attach", "id"]),
        encodeFrame(ServerFrame.restore, Buffer.from("x")),
        encodeFrame(ServerFrame.stdout, Buffer.from("text")),
        encodeExec("/bin/sh", ["sh", "-c", "x"]),
        encodeFrame(ServerFrame.reconnect),
        encodeExit(3),
      ]),
    ],
    mutate: mutateFrames,
    steps: { base: 2_000, perByte: 120 },
    run(input) {
      const frames = new FrameReader(mostFromServer, (type, payload) => {
        const message = decodeServerFrame(type, payload);
        if (message?.frame === "exec") assert.ok(message.argv.length > 0);
        if (message?.frame === "exit") assert.ok(message.status >= 0 && message.status <= 255);
      });
      try {
        frames.feed(input);
      } catch (error) {
        allowed(error, ProtocolError);
      }
    },
  },
  {
    name: "holder-frames",
    what: "what a holder says, decoded: numbers, or ProtocolError",
    inputs: 600_000,
    longest: 2_000,
    seeds: () => {
      const filled = (type: number, length: number) => encodeFrame(type, Buffer.alloc(length, 3));
      return [Buffer.concat([filled(65, 41), filled(66, 20), filled(67, 44), filled(68, 0), filled(69, 16), filled(70, 8)])];
    },
    mutate: mutateFrames,
    steps: { base: 2_000, perByte: 120 },
    run(input) {
      const frames = new FrameReader(fromHolderLimit, (type, payload) => {
        if (type === FromHolder.hello) {
          const hello = decodeHello(payload);
          assert.ok(Number.isInteger(hello.status));
          assert.ok(hello.base >= 0 && hello.end >= 0);
        } else if (type === FromHolder.data) assert.equal(decodeData(payload).bytes.length, payload.length - 8);
        else if (type === FromHolder.exit) assert.ok(Number.isInteger(decodeExit(payload).status));
        else if (type === FromHolder.gap) assert.ok(decodeGap(payload).length >= 0);
        else if (type === FromHolder.typed) assert.ok(decodeTyped(payload) >= 0);
      });
      try {
        frames.feed(input);
      } catch (error) {
        allowed(error, ProtocolError);
      }
    },
  },
];
