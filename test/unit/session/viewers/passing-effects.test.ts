// What of a program's stream reaches a terminal that is shown frames: bell, notification and clipboard,
// wherever the stream is cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PassingEffects } from "../../../../src/session/viewers/passing-effects.ts";

const passed = (...chunks: (string | Buffer)[]): string => {
  const effects = new PassingEffects();
  return chunks.map((chunk) => effects.feed(Buffer.from(chunk)).toString()).join("");
};

test("bells, notifications and the clipboard are passed in order, and nothing else, at every cut", () => {
  const stream =
    "a\x07\x1b]2;title\x07é\x1b]52;c;aGk=\x07\x1b]9;done\x1b\\\x1b[31m\x07x\x1b]777;notify;a;ü\x1b\\\x1b]8;;u\x1b\\\x1b]4;1;red\x07";
  const wanted = "\x07\x1b]52;c;aGk=\x1b\\\x1b]9;done\x1b\\\x07\x1b]777;notify;a;ü\x1b\\";
  const bytes = Buffer.from(stream);
  for (let at = 0; at <= bytes.length; at++)
    assert.equal(passed(bytes.subarray(0, at), bytes.subarray(at)), wanted, `cut at ${at}`);
});

test("a bell inside a string is none; a command that is broken off is none", () => {
  assert.equal(passed("\x1bPq\x07\x1b\\\x1b_x\x07\x1b\\"), "");
  assert.equal(passed("\x1b]9;half\x18\x07"), "\x07");
  assert.equal(passed("\x1b]9;half\x1b]9;whole\x07"), "\x1b]9;half\x1b\\\x1b]9;whole\x1b\\");
  assert.equal(passed("\u009d9;c1\u009c\x07"), "\x1b]9;c1\x1b\\\x07");
});

test("a command without an end is dropped past its bound, and what comes after it is read", () => {
  assert.equal(passed("\x1b]52;c;", Buffer.alloc((1 << 20) + 1, "A"), "\x07\x07"), "\x07");
});
