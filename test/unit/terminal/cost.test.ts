// A screen's slice of work is measured in cells that are touched, counted here, and never in time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Drawn, endOfSlice } from "../../../src/terminal/model/cost.ts";

const budget = 1 << 16;
const insertMode = false;
const sizes = [
  { cols: 80, rows: 24, insertMode },
  { cols: 200, rows: 60, insertMode },
  { cols: 1000, rows: 500, insertMode },
];

/** Lengths of the slices that the bytes are taken in. */
function slices(bytes: Uint8Array, size: Drawn): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = endOfSlice(bytes, at, budget, size);
    assert.ok(end > at && end <= bytes.length, "it goes on, and not too far");
    lengths.push(end - at);
    at = end;
  }
  return lengths;
}

/** Sequences that touch every cell, however short they are. */
const whole: Record<string, string> = {
  DECALN: "\x1b#8",
  ED: "\x1b[2J",
  "ED, eight-bit": "\u009b2J",
  "ED, with a control in it": "\x1b[2\x07J",
  "the alternate screen": "\x1b[?1049h",
  RIS: "\x1bc",
  IL: "\x1b[99L",
  SU: "\x1b[99S",
  SL: "\x1b[9 @",
  DECIC: "\x1b[9'}",
  REP: "\x1b[99999b",
};

for (const [name, sequence] of Object.entries(whole))
  test(`${name} ends a slice by the cells that it touches`, () => {
    const bytes = Buffer.from(sequence.repeat(2_000), "utf8");
    const length = Buffer.byteLength(sequence);
    for (const size of sizes) {
      const most = Math.max(...slices(bytes, size));
      // an eighth of a byte for a cell at the least; one sequence at the least, and the one by which the
      // budget is exceeded
      const touched = (most / length - 1) * size.cols * size.rows;
      assert.ok(touched / 8 <= budget, `${most / length} of them in a slice at ${size.cols}x${size.rows}`);
    }
  });

test("empty lines on a wide screen end it too", () => {
  assert.ok(Math.max(...slices(Buffer.alloc(1 << 17, "\n"), { cols: 1000, rows: 500, insertMode })) * 125 <= budget + 1000);
});

test("line feeds within a control sequence end it too: a terminal obeys them there", () => {
  const sequence = Buffer.concat([Buffer.from("\x1b["), Buffer.alloc(1 << 16, "\n"), Buffer.from("m")]);
  assert.ok(Math.max(...slices(sequence, { cols: 1000, rows: 500, insertMode })) * 125 <= budget + 1000);
});

test("text that is inserted ends it by what it moves, from where insertion begins", () => {
  const size = { cols: 1000, rows: 500, insertMode: true };
  assert.ok(Math.max(...slices(Buffer.alloc(1 << 16, "x"), size)) * 1000 <= budget + 1000);
  const begins = Buffer.from(`text\x1b[4h${"x".repeat(5000)}`);
  assert.equal(endOfSlice(begins, 0, budget, { ...size, insertMode: false }), "text\x1b[4h".length);
  assert.equal(endOfSlice(Buffer.from("\x1b[?7h\x1b[?2004hx"), 0, budget, sizes[0] as Drawn), 14);
});

test("tabs that are looked for end it by the columns", () => {
  for (const tabs of ["\x1b[999I", "\x1b[999Z"]) {
    const most = Math.max(...slices(Buffer.from(tabs.repeat(5000)), { cols: 1000, rows: 500, insertMode }));
    assert.ok((most / tabs.length - 1) * 1000 * 8 <= budget, `${most}`);
  }
});

test("ordinary text is taken 64 KiB at a time, and behind a line", () => {
  const text = Buffer.from(
    "a line of the log, \x1b[1;32mcoloured\x1b[0m, of some length, as programs write them\r\n".repeat(4_000),
  );
  for (const length of slices(text, { cols: 80, rows: 24, insertMode }).slice(0, -1)) assert.ok(length > budget / 3, `${length}`);
});

test("a sequence that the piece of output cuts in two, or that never ends, is taken", () => {
  for (const text of ["\x1b", "\x1b[", "\x1b[1;2", "\xc2", "\x1b#", `\x1b[${"1;".repeat(50_000)}`, "\x1b[\x1b[\x1b[J"])
    slices(Buffer.from(text, "latin1"), { cols: 80, rows: 24, insertMode });
});

test("the look at it goes over each byte once", () => {
  let read = 0;
  const bytes = new Proxy(Buffer.from("\x1b[".repeat(40_000)), {
    get: (target, name) => {
      if (typeof name === "string" && /^\d+$/.test(name)) read++;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  for (let at = 0; at < bytes.length; ) at = endOfSlice(bytes, at, budget, { cols: 80, rows: 24, insertMode });
  assert.ok(read < 6 * bytes.length, `${read} of ${bytes.length}`);
});
