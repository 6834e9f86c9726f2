// The frame of both protocols: how it is laid out, cut and refused.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeFrame, FrameReader, frameHeader, ProtocolError } from "../../../src/protocol/frame.ts";

type Frame = [type: number, payload: string];

/** A reader and what it has delivered. */
function reader(limit = 100): { frames: Frame[]; reader: FrameReader } {
  const frames: Frame[] = [];
  return { frames, reader: new FrameReader(limit, (type, payload) => frames.push([type, payload.toString("latin1")])) };
}

test("a frame is u32 length, little endian, u8 type, payload", () => {
  assert.equal(frameHeader, 5);
  assert.equal(encodeFrame(7, Buffer.from("abc")).toString("hex"), "0300000007616263");
  assert.equal(encodeFrame(255).toString("hex"), "00000000ff");
  assert.equal(encodeFrame(1, Buffer.from("a"), Buffer.alloc(0), Buffer.from("bc")).toString("hex"), "0300000001616263");
  assert.equal(encodeFrame(2, Buffer.alloc(0x10203)).subarray(0, 5).toString("hex"), "0302010002");
});

describe("FrameReader", () => {
  const stream = Buffer.concat([encodeFrame(1, Buffer.from("one")), encodeFrame(2), encodeFrame(3, Buffer.from("three"))]);
  const wanted: Frame[] = [
    [1, "one"],
    [2, ""],
    [3, "three"],
  ];

  test("finds the frames however the stream is cut", () => {
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const { frames, reader: one } = reader();
        for (const chunk of [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]) one.feed(chunk);
        assert.deepEqual(frames, wanted);
      }
    }
  });

  test("takes a payload of the limit, and refuses one byte more before it has come", () => {
    const { frames, reader: one } = reader(4);
    one.feed(encodeFrame(1, Buffer.from("1234")));
    assert.deepEqual(frames, [[1, "1234"]]);
    assert.throws(
      () => one.feed(encodeFrame(9, Buffer.from("12345")).subarray(0, frameHeader)),
      (error) => error instanceof ProtocolError && error.message === "frame of type 9 announces 5 bytes, at most 4 are allowed",
    );
    one.feed(encodeFrame(1, Buffer.from("x")));
    assert.equal(frames.length, 1, "nothing comes after a refusal");
  });

  test("delivers nothing once it was stopped, not even from the same chunk", () => {
    const seen: number[] = [];
    const one = new FrameReader(100, (type) => {
      seen.push(type);
      if (type === 2) one.stop();
    });
    one.feed(stream);
    one.feed(stream);
    assert.deepEqual(seen, [1, 2]);
  });

  test("keeps its own copy of what is spread over chunks", () => {
    const { frames, reader: one } = reader();
    const chunk = Buffer.from(encodeFrame(1, Buffer.from("abcdef")));
    const rest = chunk.subarray(8);
    one.feed(chunk.subarray(0, 8));
    chunk.fill(0x78, 0, 8);
    one.feed(rest);
    assert.deepEqual(frames, [[1, "abcdef"]]);
  });
});
