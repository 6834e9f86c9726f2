// What a client types is counted: what the holder has is dropped, and what it has taken need not be kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptKeys } from "../../../../src/session/keys/kept-keys.ts";

function scene(before = 0) {
  const passed: [number, number][] = [];
  const keptKeys = new KeptKeys(7n, before, { passed: (read, typed) => passed.push([read, typed]) });
  const type = (text: string) => {
    const { bytes, by } = keptKeys.next(Buffer.from(text));
    return [Buffer.from(bytes).toString(), by.number];
  };
  return { keptKeys, passed, type };
}

test("is kept until the holder has it, and while a part of it is held back", () => {
  const { keptKeys, passed, type } = scene();
  assert.deepEqual(type("abc"), ["abc", 0]);
  keptKeys.read(3, true);
  assert.deepEqual(passed, []);
  // an Esc that may begin a sequence
  keptKeys.read(1, false);
  keptKeys.taken(3);
  assert.deepEqual(passed, [[3, 3]]);
  assert.deepEqual(type("\x1b"), ["\x1b", 3]);
  keptKeys.settled();
  keptKeys.taken(4);
  assert.deepEqual(passed.at(-1), [4, 4]);
});

test("keys that mean something to us reach nobody, and need not be kept", () => {
  const { keptKeys, passed } = scene();
  keptKeys.read(1, true);
  assert.deepEqual(passed, [[1, 0]]);
});

test("after a lost server, what the holder has is dropped, wherever it was cut", () => {
  const { keptKeys, passed, type } = scene(10);
  keptKeys.taken(14);
  assert.deepEqual(type("ab"), ["", 12]);
  assert.deepEqual(type("cdef"), ["ef", 14]);
  keptKeys.read(6, true);
  keptKeys.taken(16);
  assert.deepEqual(passed, [[6, 16]]);
});

test("of a thousand moments that the holder has not taken yet, some are remembered, the last one always", () => {
  const { keptKeys, passed, type } = scene();
  for (let i = 0; i < 1000; i++) {
    type("x");
    keptKeys.read(1, true);
  }
  keptKeys.taken(999);
  keptKeys.taken(1000);
  assert.deepEqual(passed.at(-1), [1000, 1000]);
});
