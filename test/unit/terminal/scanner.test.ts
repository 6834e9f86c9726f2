// The scanner says where a stream is between sequences, exactly as xterm.js' own parser does, wherever it is
// cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Model } from "../../../src/terminal/model/model.ts";
import { Scanner } from "../../../src/terminal/model/scanner.ts";
import { coreOf } from "../../../src/terminal/model/xterm-core.ts";
import { stream } from "../../property/terminal/vocabulary.ts";

const feed = (scanner: Scanner, text: string) => Buffer.from(scanner.feed(Buffer.from(text))).toString();

test("what is unfinished is held back, and comes with its end", () => {
  for (const [first, whole, second] of [
    ["abc\x1b[3", "abc", "1m"],
    ["abc\x1b", "abc", "M"],
    ["\x1b]2;tit", "", "le\x07"],
    ["\x1b]2;title\x1b", "", "\\"],
    ["x\x1bP$q", "x", "m\x1b\\"],
    ["\x1b_apc", "", "\x1b\\"],
  ] as const) {
    const scanner = new Scanner();
    assert.equal(feed(scanner, first), whole);
    assert.equal(scanner.tail().toString(), first.slice(whole.length));
    assert.equal(scanner.pending, first.length - whole.length);
    assert.equal(scanner.ground, false);
    assert.equal(feed(scanner, second), first.slice(whole.length) + second);
    assert.equal(scanner.ground, true);
    assert.equal(scanner.tail().length, 0);
  }
});

test("a character is never cut", () => {
  const text = Buffer.from("é—日😀");
  for (let cut = 0; cut <= text.length; cut++) {
    const scanner = new Scanner();
    const parts = [Buffer.from(scanner.feed(text.subarray(0, cut))), Buffer.from(scanner.feed(text.subarray(cut)))];
    for (const part of parts) assert.ok(!part.toString().includes("\ufffd"), `cut at ${cut}`);
    assert.equal(Buffer.concat(parts).toString(), text.toString());
  }
});

test("nothing is lost or doubled, however it is cut", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (output, sizes) => {
      const scanner = new Scanner();
      const parts: Buffer[] = [];
      for (let at = 0, i = 0; at < output.length; i++) {
        const size = sizes[i % sizes.length] as number;
        parts.push(Buffer.from(scanner.feed(output.subarray(at, at + size))));
        at += size;
      }
      assert.deepEqual(Buffer.concat([...parts, scanner.tail()]), output);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test("xterm.js' parser is between sequences wherever the scanner says so", () => {
  fc.assert(
    fc.property(stream, (output) => {
      const scanner = new Scanner();
      const model = new Model(20, 5, 10);
      try {
        for (const byte of output) {
          model.parse(scanner.feed(Uint8Array.of(byte)));
          assert.equal(coreOf(model.terminal)._inputHandler._parser.currentState, 0);
        }
      } finally {
        model.dispose();
      }
    }),
    { numRuns: 150, seed: 2 },
  );
});

test("a string without end does not fill the memory", () => {
  const scanner = new Scanner();
  feed(scanner, "\x1b]52;c;");
  const megabyte = Buffer.alloc(1 << 20, 0x41);
  for (let i = 0; i < 4; i++) assert.equal(scanner.feed(megabyte).length, 0);
  assert.ok(scanner.tail().length <= 1 << 20);
  assert.equal(scanner.pending, 7 + 4 * (1 << 20));
  feed(scanner, "\x07");
  assert.equal(feed(scanner, "next"), "next");
});
