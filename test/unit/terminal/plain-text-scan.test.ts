// The plain beginning of output, in JavaScript and in C: the same, whatever the bytes.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { PlainTextScan } from "../../../src/terminal/model/skip.ts";
import { scanPlainText } from "../../support/oracle/plain-text-scan.ts";
import { addon, notBuilt } from "../../support/paths.ts";

const found = (find: PlainTextScan, text: string | Uint8Array) => {
  const numbers = new Uint32Array(3);
  find(typeof text === "string" ? Buffer.from(text) : text, numbers);
  return [...numbers];
};

const cases: [text: string, length: number, lineFeeds: number, attributes: number][] = [
  ["", 0, 0, 0],
  ["loss\t1\r\nnext\r\n", 14, 2, 0],
  ["é ² 収束 🦅", 17, 0, 0],
  ["a\u009bm", 1, 0, 0],
  ["a\x7f", 1, 0, 0],
  ["a\x07", 1, 0, 0],
  ["\x1b[1mred\x1b[0m\x1b[38;5;9mx", 21, 0, 7],
  ["\x1b[4:3mx\x1b[m", 10, 0, 7],
  ["x\x1b[K", 1, 0, 0],
  ["x\x1b[?25l", 1, 0, 0],
  ["x\x1b[1", 1, 0, 0],
  ["x\x1b[", 1, 0, 0],
  ["x\x1b", 1, 0, 0],
];
const calls: [string, PlainTextScan | string][] = [
  ["in JavaScript", scanPlainText],
  ["in C", notBuilt([addon]).length > 0 ? "native part not built" : createRequire(import.meta.url)(addon).scanPlainText],
];

for (const [where, find] of calls) {
  describe(`plain output, found ${where}`, { skip: typeof find === "string" && find }, () => {
    for (const [text, ...expected] of cases)
      test(JSON.stringify(text), () => assert.deepEqual(found(find as PlainTextScan, text), expected));
    for (const text of ["ab\xc2", "ab\xc2a", "ab\xc2\xc2\x9bm", "ab\xc2\xff"])
      test(`a C2 that begins no character: ${JSON.stringify(text)}`, () =>
        assert.deepEqual(found(find as PlainTextScan, Buffer.from(text, "latin1")), [2, 0, 0]));
    test("an SGR without an end in sight", () => {
      const long = (length: number) => Buffer.from(`\x1b[${"0".repeat(length - 3)}m`);
      assert.deepEqual(found(find as PlainTextScan, long(64)), [64, 0, 0]);
      assert.deepEqual(found(find as PlainTextScan, long(65)), [0, 0, 0]);
    });
  });
}

test("C and JavaScript find the same in any bytes", { skip: typeof calls[1]?.[1] === "string" && calls[1][1] }, () => {
  const native = calls[1]?.[1] as PlainTextScan;
  const pieces = [
    "\x1b[0m",
    "\x1b[m",
    "\x1b[1;3m",
    "\x1b[",
    "\x1b",
    "m",
    "0",
    ";",
    "\r\n",
    "\n",
    "text",
    "\u0085",
    "²",
    "│",
    "\t",
    "\x7f",
    "\x00",
  ];
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((words) => new Uint8Array(Buffer.from(words.join("")))),
  );
  fc.assert(
    fc.property(bytes, (some) => assert.deepEqual(found(native, some), found(scanPlainText, some))),
    { numRuns: 5000, seed: 1 },
  );
  assert.throws(() => native("text" as never, new Uint32Array(3)), TypeError);
  assert.throws(() => native(new Uint8Array(1), new Uint32Array(2)), TypeError);
});
