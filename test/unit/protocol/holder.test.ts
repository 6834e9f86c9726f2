// Pins the holder's protocol: holders of today run for weeks and are served by every later server. A change
// here breaks running sessions; what is needed beyond this takes a new type, or comes at the end of a
// payload.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { FrameReader, ProtocolError } from "../../../src/protocol/frame.ts";
import {
  decodeData,
  decodeExit,
  decodeGap,
  decodeHello,
  decodeHole,
  decodeSized,
  decodeTyped,
  encodeFd,
  encodeGo,
  encodeInput,
  encodeKeys,
  encodeRelease,
  encodeSignal,
  encodeSpeak,
  encodeSubscribe,
  encodeWindowSize,
  FromHolder,
  fromHolderLimit,
  HelloFlag,
  HolderRole,
  HoleReason,
  highestHolderVersion,
  holderProtocolVersion,
  payloadSize,
  SignalTarget,
  ToHolder,
  toHolderLimit,
} from "../../../src/protocol/holder.ts";
import { encodeKeep } from "../../support/holder/holder-cursor.ts";
import { root } from "../../support/paths.ts";

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");

test("the numbers are frozen", () => {
  assert.equal(holderProtocolVersion, 1);
  assert.deepEqual(ToHolder, {
    go: 1,
    subscribe: 2,
    input: 3,
    windowSize: 4,
    signal: 5,
    fd: 6,
    release: 7,
    keep: 8,
    speak: 9,
    keys: 10,
    renew: 11,
  });
  assert.deepEqual(FromHolder, {
    hello: 65,
    data: 66,
    exit: 67,
    fd: 68,
    gap: 69,
    typed: 70,
    sized: 71,
    hole: 72,
    taken: 73,
    interrupted: 74,
  });
  assert.deepEqual(HelloFlag, { adopted: 1, holes: 2, execFailed: 4, countsInterrupts: 8 });
  assert.deepEqual(SignalTarget, { program: 0, foreground: 1, descendants: 2 });
  assert.deepEqual(payloadSize, {
    go: 20,
    goLimit: 20,
    hello: 41,
    exit: 44,
    gap: 16,
    dataOffset: 8,
    typed: 8,
    sized: 12,
    hole: 17,
    taken: 16,
    interrupted: 4,
  });
  assert.equal(toHolderLimit, 65536);
  assert.equal(fromHolderLimit, 65544);
});

test("version 2: a connection asks for it; keys are counted, holes stand in the stream", () => {
  assert.equal(highestHolderVersion, 2);
  assert.deepEqual(HolderRole, { server: 0, viewer: 1, session: 2 });
  assert.deepEqual(HoleReason, { notStored: 1, freed: 2 });
  assert.deepEqual(encodeSpeak(2, HolderRole.viewer), hex("03000000 09 0200 01"));
  assert.deepEqual(
    encodeKeys({ writer: 0x0102n, number: 3, more: true }, Buffer.from("ab")),
    hex("13000000 0a 0201000000000000 0300000000000000 01 6162"),
  );
  assert.deepEqual(decodeHole(hex("0100000000000000 0500000000000000 02")), { offset: 1, length: 5, reason: 2 });
  assert.throws(() => decodeHole(Buffer.alloc(16)), ProtocolError);
});

test("every frame to the holder has exactly these bytes", () => {
  assert.deepEqual(
    encodeGo({ umask: 0o27, keep: 0x1_0000_0002, oomScoreAdj: -3, cols: 120, rows: 40, limits: [] }),
    hex("14000000 01 0100 1700 0200000001000000 fdff 7800 2800 0000"),
  );
  assert.deepEqual(
    encodeGo({
      umask: 0,
      keep: 0,
      oomScoreAdj: 200,
      cols: 1,
      rows: 1,
      limits: [{ resource: 7, soft: 1024n, hard: 2n ** 64n - 1n }],
    }),
    hex("28000000 01 0100 0000 0000000000000000 c800 0100 0100 0100 07000000 0004000000000000 ffffffffffffffff"),
  );
  assert.deepEqual(encodeSubscribe(0x12_3456_789a), hex("08000000 02 9a78563412000000"));
  assert.deepEqual(encodeInput(Buffer.from("j")), hex("01000000 03 6a"));
  assert.deepEqual(encodeWindowSize(300, 50), hex("04000000 04 2c01 3200"));
  assert.deepEqual(encodeSignal(15, SignalTarget.foreground), hex("02000000 05 0f 01"));
  assert.deepEqual(encodeFd(), hex("00000000 06"));
  assert.deepEqual(encodeRelease(), hex("00000000 07"));
  assert.deepEqual(encodeKeep(256_000_000), hex("08000000 08 0040420f00000000"));
});

test("every frame from the holder is read from exactly these bytes", () => {
  assert.deepEqual(
    decodeHello(hex("0100 0300 39300000 3a300000 0000400000000000 0100000001000000 00 00000000 e803000000000000")),
    {
      version: 1,
      adopted: true,
      holes: true,
      countsInterrupts: false,
      execError: null,
      holderPid: 12345,
      programPid: 12346,
      base: 4 << 20,
      end: 0x1_0000_0001,
      ended: false,
      status: 0,
      start: 1000,
      highest: 1,
    },
    "of version 1",
  );
  const later = hex("0100 0800 39300000 3a300000 0000000000000000 0000000000000000 00 00000000 e803000000000000 0200");
  assert.equal(decodeHello(later).highest, 2);
  assert.equal(decodeHello(later).countsInterrupts, true);
  assert.equal(decodeHello(later).version, 1);
  assert.deepEqual(
    decodeExit(hex("ffffffff 0200000000000000 0300000000000000 0400000000000000 0500000000000000 0600000000000000")),
    { status: -1, end: 2, time: 3 },
  );
  assert.deepEqual(decodeData(hex("0500000000000000 6869")), { offset: 5, bytes: Buffer.from("hi") });
  assert.deepEqual(decodeGap(hex("0500000000000000 0600000000000000")), { offset: 5, length: 6 });
  assert.equal(decodeTyped(hex("0500000000000000")), 5);
  assert.deepEqual(decodeSized(hex("0500000000000000 6500 2100")), { offset: 5, cols: 101, rows: 33 });
});

test("a failed exec says which errno, and has a shell's status", () => {
  const hello = (errno: number): Buffer => {
    const payload = Buffer.alloc(payloadSize.hello);
    payload.writeUInt16LE(HelloFlag.execFailed, 2);
    payload.writeUInt8(1, 28);
    payload.writeInt32LE(errno, 29);
    return payload;
  };
  assert.deepEqual([decodeHello(hello(2)).execError, decodeHello(hello(2)).status], [2, 127 << 8]);
  assert.deepEqual([decodeHello(hello(13)).execError, decodeHello(hello(13)).status], [13, 126 << 8]);
});

test("a payload that is too short is refused, one that is longer is read", () => {
  assert.throws(() => decodeHello(Buffer.alloc(40)), ProtocolError);
  assert.throws(() => decodeExit(Buffer.alloc(43)), ProtocolError);
  assert.throws(() => decodeData(Buffer.alloc(7)), ProtocolError);
  assert.throws(() => decodeGap(Buffer.alloc(15)), ProtocolError);
  assert.throws(() => decodeTyped(Buffer.alloc(7)), ProtocolError);
  assert.equal(decodeHello(Buffer.alloc(60)).version, 0);
});

test("input longer than a frame is refused, not cut", () => {
  assert.equal(encodeInput(Buffer.alloc(toHolderLimit)).length, toHolderLimit + 5);
  assert.throws(() => encodeInput(Buffer.alloc(toHolderLimit + 1)), RangeError);
});

test("output arrives whole however the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 97 }), { minLength: 1 }),
      (outputs, cuts) => {
        let offset = 0;
        const frames = outputs.map((bytes) => {
          const payload = Buffer.alloc(8 + bytes.length);
          payload.writeBigUInt64LE(BigInt(offset));
          payload.set(bytes, 8);
          const frame = Buffer.alloc(5 + payload.length);
          frame.writeUInt32LE(payload.length);
          frame[4] = FromHolder.data;
          frame.set(payload, 5);
          offset += bytes.length;
          return frame;
        });
        const got: Buffer[] = [];
        let next = 0;
        const reader = new FrameReader(fromHolderLimit, (_, payload) => {
          const data = decodeData(payload);
          assert.equal(data.offset, next);
          next += data.bytes.length;
          got.push(Buffer.from(data.bytes));
        });
        const stream = Buffer.concat(frames);
        for (let at = 0, i = 0; at < stream.length; i++) {
          const size = cuts[i % cuts.length] as number;
          reader.feed(stream.subarray(at, at + size));
          at += size;
        }
        assert.deepEqual(Buffer.concat(got), Buffer.concat(outputs));
      },
    ),
    { seed: 1 },
  );
});

test("the C side and the page have the same numbers", () => {
  const header = readFileSync(path.join(root, "native/holder/holder.h"), "utf8");
  const numbers = new Map(
    [...header.matchAll(/^\s+((?:TO|FROM)_\w+) = (\d+),/gm)].map(([, name, value]) => [name, Number(value)]),
  );
  const names = {
    go: "TO_GO",
    subscribe: "TO_SUBSCRIBE",
    input: "TO_INPUT",
    windowSize: "TO_WINSIZE",
    signal: "TO_SIGNAL",
    release: "TO_RELEASE",
    keep: "TO_KEEP",
    speak: "TO_SPEAK",
    keys: "TO_KEYS",
    hello: "FROM_HELLO",
    data: "FROM_DATA",
    exit: "FROM_EXIT",
    gap: "FROM_GAP",
    typed: "FROM_TYPED",
    sized: "FROM_SIZED",
    hole: "FROM_HOLE",
    taken: "FROM_TAKEN",
    interrupted: "FROM_INTERRUPTED",
  };
  for (const [name, constant] of Object.entries(names)) {
    assert.equal(numbers.get(constant), ({ ...ToHolder, ...FromHolder } as Record<string, number>)[name], constant);
  }
  assert.equal(numbers.get("TO_FD"), ToHolder.fd);
  assert.equal(numbers.get("FROM_FD"), FromHolder.fd);
  const page = readFileSync(path.join(root, "docs/design/protocol.md"), "utf8").split("## Client")[0] ?? "";
  const rows = [...page.matchAll(/^\| (\d+) \| to (\w+) \| (\w+) \|/gm)].map(([, number, to, name]) => `${number} ${to} ${name}`);
  assert.deepEqual(rows, [
    "1 holder GO",
    "2 holder SUBSCRIBE",
    "3 holder INPUT",
    "4 holder WINSIZE",
    "5 holder SIGNAL",
    "6 holder FD",
    "7 holder RELEASE",
    "8 holder KEEP",
    "9 holder SPEAK",
    "10 holder KEYS",
    "11 holder RENEW",
    "65 server HELLO",
    "66 server DATA",
    "67 server EXIT",
    "68 server FD",
    "69 server GAP",
    "70 server TYPED",
    "71 server SIZED",
    "72 server HOLE",
    "73 server TAKEN",
    "74 server INTERRUPTED",
  ]);
});
