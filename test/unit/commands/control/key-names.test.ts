// Names of keys, and the bytes that a terminal sends for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../../src/base/failure.ts";
import { keyBytes } from "../../../../src/commands/control/key-names.ts";

test("a key that is no UTF-8 is the byte that it was", () => {
  assert.deepEqual(keyBytes("\udce9", "normal"), Buffer.from([0xe9]));
  assert.deepEqual(keyBytes("M-\udce9", "normal"), Buffer.from([0x1b, 0xe9]));
});

test("keys are what xterm sends", () => {
  const expected: [string, string][] = [
    ["j", "j"],
    ["é", "é"],
    ["Enter", "\r"],
    ["C-c", "\x03"],
    ["C-\\", "\x1c"],
    ["C-Space", "\0"],
    ["M-x", "\x1bx"],
    ["M-C-a", "\x1b\x01"],
    ["Up", "\x1b[A"],
    ["F1", "\x1bOP"],
    ["F12", "\x1b[24~"],
    ["PageUp", "\x1b[5~"],
  ];
  for (const [name, bytes] of expected) assert.equal(keyBytes(name, "normal").toString(), bytes, name);
  assert.equal(keyBytes("Up", "application").toString(), "\x1bOA");
});

test("an unknown name is said, with what to do", () => {
  for (const name of ["Entr", "C-Enter", "C-é", "word"]) {
    assert.throws(
      () => keyBytes(name, "normal"),
      (e: unknown) => e instanceof Failure && e.status === 2 && e.message.includes(name),
    );
  }
});
