import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Beginning,
  blockLines,
  type Fed,
  type NewBlock,
  packLines,
  readLines,
  type Selected,
  type Selection,
  unpackLines,
} from "../../../src/logs/line-job.ts";
import { LineReader } from "../../../src/logs/line-reader.ts";
import { styledText } from "../../../src/logs/line-text.ts";

const begin: Beginning = { offset: 0, cols: 80, rows: 24 };
const all: Selection = {
  from: 0,
  to: Number.MAX_SAFE_INTEGER,
  since: 0,
  stamp: 0,
  pattern: null,
  colours: true,
  prefix: "",
};

function textOf(...selected: Selected[]): string {
  return selected.map(({ text }) => Buffer.from(text).toString()).join("");
}
const bytes = (text: string): Fed => ({ bytes: new Uint8Array(Buffer.from(text)) });

test("blocks and what follows them are what reading in one go gives, wherever the stream is cut (property)", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "\r\n",
      "\r",
      "\x1b[31m",
      "\x1b[0m",
      "\x1b[2A",
      "\x1b[K",
      "\x1b[?1049h\x1b[1;10r",
      "\x1b[s",
      "\x1b[u",
      "\x1b[?1049l",
      "漢",
    ),
    fc.stringMatching(/^[a-z ]{1,30}$/),
    fc.nat(400).map((n) => Array.from({ length: n }, (_, i) => `line ${i}\r\n`).join("")),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      fc.array(fc.nat(5000), { maxLength: 5 }),
      fc.nat(5),
      (parts, cuts, packed) => {
        const stream = Buffer.from(parts.join(""));
        const reader = new LineReader(80, 24);
        const lines = [...reader.feed(stream), ...reader.end()];
        const expected = lines.map(({ runs }) => `${styledText(runs)}\n`).join("");
        const edges = [0, ...cuts.map((cut) => Math.min(cut, stream.length)).sort((a, b) => a - b), stream.length];
        let at: Uint8Array | Beginning = begin;
        const blocks: NewBlock[] = [];
        const chunks: Selected[] = [];
        for (let i = 1; i < edges.length; i++) {
          const feed: Fed[] = [{ bytes: new Uint8Array(stream.subarray(edges[i - 1], edges[i])) }];
          if (i <= packed && i < edges.length - 1) {
            const answer = packLines({ do: "pack", at, feed, end: false });
            blocks.push(...answer.blocks);
            assert.equal(answer.offset, edges[i]);
            at = answer.state;
          } else {
            const answer = readLines({ do: "read", at, feed, standing: i === edges.length - 1 ? "end" : "keep", select: all });
            chunks.push(answer.lines);
            at = answer.state;
          }
        }
        assert.ok(blocks.every(({ count }) => count === blockLines));
        assert.equal(textOf(unpackLines({ do: "unpack", blocks, select: all }), ...chunks), expected);
        const numbers = [...unpackLines({ do: "unpack", blocks, select: all }).numbers, ...chunks.flatMap((c) => [...c.numbers])];
        assert.deepEqual(
          numbers,
          lines.map((_, i) => i),
        );
      },
    ),
    { numRuns: 150, seed: 8 },
  );
});

test("the end packs what is left, and nothing comes twice", () => {
  const first = packLines({ do: "pack", at: begin, feed: [bytes("one\r\ntwo\r\nthr")], end: false });
  assert.deepEqual(first.blocks, []);
  const last = packLines({ do: "pack", at: first.state, feed: [bytes("ee")], end: true });
  assert.equal(last.blocks.length, 1);
  const [block] = last.blocks;
  assert.deepEqual([block?.first, block?.count, block?.offset], [0, 3, 0]);
  assert.equal(textOf(unpackLines({ do: "unpack", blocks: last.blocks, select: all })), "one\ntwo\nthree\n");
  assert.equal(textOf(readLines({ do: "read", at: last.state, feed: [], standing: "end", select: all }).lines), "");
});

test("what stands on the screen: kept, complete lines, all, finished", () => {
  const feed = [bytes("one\r\ntwo\r\nthr")];
  const shown = (standing: "keep" | "complete" | "show" | "end") => {
    const { lines, shown, total } = readLines({ do: "read", at: begin, feed, standing, select: all });
    return [textOf(lines), shown, total];
  };
  assert.deepEqual(shown("keep"), ["", 0, 3]);
  assert.deepEqual(shown("complete"), ["one\ntwo\n", 2, 3]);
  assert.deepEqual(shown("show"), ["one\ntwo\nthr\n", 3, 3]);
  assert.deepEqual(shown("end"), ["one\ntwo\nthr\n", 3, 3]);
});

test("selections: by number, by place, by pattern, plain, with a prefix", () => {
  const feed = [bytes("a\r\n\x1b[31mb nan\x1b[0m\r\nc\r\nnan d\r\n")];
  const chosen = (select: Partial<Selection>) =>
    textOf(readLines({ do: "read", at: begin, feed, standing: "end", select: { ...all, ...select } }).lines);
  assert.equal(chosen({}), "a\n\x1b[0;31mb nan\x1b[0m\nc\nnan d\n");
  assert.equal(chosen({ colours: false }), "a\nb nan\nc\nnan d\n");
  assert.equal(chosen({ from: 1, to: 3, colours: false }), "b nan\nc\n");
  assert.equal(chosen({ since: 19, colours: false }), "c\nnan d\n");
  assert.equal(chosen({ pattern: { source: "NAN", flags: "i" }, colours: false, prefix: "x: " }), "x: b nan\nx: nan d\n");
  assert.equal(chosen({ pattern: { source: "^nan", flags: "" } }), "\x1b[7mnan\x1b[0m d\n");
});

test("a file: line feeds alone, no wrapping, no control characters, its own times", () => {
  const file: Beginning = { offset: 0, cols: 0, rows: 0, file: true };
  const long = "x".repeat(3000);
  const text = `2026-11-24T08:00:00 [INFO] early\n  goes on\n2026-11-24T09:00:00 [INFO] late ${long}\n\x1b]0;title\x07more\n`;
  const read = (select: Partial<Selection>) =>
    textOf(readLines({ do: "read", at: file, feed: [bytes(text)], standing: "end", select: { ...all, ...select } }).lines);
  assert.equal(read({}), text.replace("\x1b]0;title\x07", ""));
  const stamp = new Date(2026, 10, 24, 8, 30).getTime();
  assert.equal(read({ stamp }), `2026-11-24T09:00:00 [INFO] late ${long}\nmore\n`);
});

test("missing bytes and other sizes are told to the reader; a display whose beginning is gone is assumed", () => {
  const feed: Fed[] = [bytes("one\r\ntw"), { missing: 100 }, bytes("o\r\n"), { cols: 10, rows: 3 }, bytes("three\r\n")];
  assert.equal(textOf(readLines({ do: "read", at: begin, feed, standing: "end", select: all }).lines), "one\ntw\no\nthree\n");
  const drawn: Beginning = { offset: 5000, cols: 80, rows: 24, drawn: true };
  const stream = "\x1b[u\x1b[4;1Hdriver 7\r\n\x1b[s\x1b[5;1H\x1b[Kfooter\x1b[6;1H\x1b[Kfooter\x1b[udriver 8\r\n";
  const answer = readLines({ do: "read", at: drawn, feed: [bytes(stream)], standing: "end", select: all });
  assert.equal(textOf(answer.lines), "driver 7\ndriver 8\n");
});
