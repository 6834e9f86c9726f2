import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import unicode11 from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import fc from "fast-check";
import { withoutAttributes } from "../../../src/base/text/control-sequences.ts";
import { LineReader, type LogLine } from "../../../src/logs/line-reader.ts";
import { styledText } from "../../../src/logs/line-text.ts";

/** The text of a line without its looks. */
const plainText = (runs: LogLine["runs"]) => withoutAttributes(styledText(runs));

function lines(stream: string | Buffer, cols = 80, rows = 24): string[] {
  return read(stream, cols, rows).map((line) => plainText(line.runs));
}

function read(stream: string | Buffer, cols = 80, rows = 24): LogLine[] {
  const reader = new LineReader(cols, rows);
  return [...reader.feed(Buffer.from(stream)), ...reader.end()];
}

test("plain lines come as they are, blank ones too, without blanks at their end", () => {
  assert.deepEqual(lines("one\r\n\r\n  two  \r\nthree"), ["one", "", "  two", "three"]);
  assert.deepEqual(lines(""), []);
  assert.deepEqual(lines("a\tb\r\n"), ["a       b"]);
});

test("numbers and offsets tell where a line is", () => {
  const found = read("ab\r\ncde\r\nf");
  assert.deepEqual(
    found.map((l) => [l.number, l.offset]),
    [
      [0, 0],
      [1, 4],
      [2, 9],
    ],
  );
});

test("colours are kept, in the shortest form, and end with the line", () => {
  const [line] = read("a\x1b[31mred\x1b[1mbold\x1b[0m \x1b[38;2;1;2;3;48;5;200mx\x1b[m\r\n");
  assert.equal(line && styledText(line.runs), "a\x1b[0;31mred\x1b[0;1;31mbold\x1b[0m \x1b[0;38;2;1;2;3;48;5;200mx\x1b[0m");
  const [curly] = read("\x1b[4:3;58:2::9:8:7mwrong\x1b[59;24m ok\r\n");
  assert.equal(curly && styledText(curly.runs), "\x1b[0;58:2::9:8:7;39;4:3mwrong\x1b[0m ok");
});

test("a progress bar collapses to its last state", () => {
  assert.deepEqual(lines("start\r\n10%\r20%\r100%\r\ndone\r\n"), ["start", "100%", "done"]);
  assert.deepEqual(lines("long text\rshort\x1b[K\r\n"), ["short"]);
  assert.deepEqual(lines("abc\b\bX\r\n"), ["aXc"]);
  // two bars, drawn by moving up
  const frames = [1, 2, 3].map((n) => `\x1b[2A\x1b[2Ka: ${n}\r\n\x1b[2Kb: ${n * n}\r\n`);
  assert.deepEqual(lines(`head\r\na: 0\r\nb: 0\r\n${frames.join("")}tail\r\n`), ["head", "a: 3", "b: 9", "tail"]);
});

test("a line longer than the terminal is one line again", () => {
  const long = "x".repeat(200);
  assert.deepEqual(lines(`${long}\r\nnext\r\n`), [long, "next"]);
  assert.deepEqual(lines(`${"y".repeat(80)}\r\nnext\r\n`), ["y".repeat(80), "next"]);
  const wide = "漢字".repeat(50);
  assert.deepEqual(lines(`${wide}\r\n`), [wide]);
  assert.deepEqual(lines(`${long}${"\r\n".repeat(30)}end`, 80, 5)[0], long);
  assert.deepEqual(lines(`${long}\r\n${wide}\r\nnext\r\n`, 80, 1), [long, wide, "next"], "in a terminal of one row, too");
});

test("a wiped screen keeps what stood on it", () => {
  assert.deepEqual(lines("one\r\ntwo\r\n\x1b[H\x1b[2Jthree\r\n"), ["one", "two", "three"]);
  assert.deepEqual(lines("one\r\n\x1bctwo\r\n"), ["one", "two"]);
});

test("line drawing, repeated characters, wide and combining ones", () => {
  assert.deepEqual(lines("\x1b(0lqqk\x1b(B text\r\n"), ["┌──┐ text"]);
  assert.deepEqual(lines("-\x1b[9b|\r\n"), ["----------|"]);
  assert.deepEqual(lines("e\u0301 漢x\x1b[3D.\r\n"), ["e\u0301 . x"]);
});

test("an editor on the alternate screen leaves no lines; what stands around it stays in order", () => {
  const stream = "$ vi\r\n\x1b[?1049h\x1b[Htext\r\n~\r\n~\r\n\x1b[?1049l$ ls\r\nfile\r\n";
  assert.deepEqual(lines(stream), ["$ vi", "$ ls", "file"]);
});

// ---- falcon's display: the sequences of interactive.py (falcon.md), for any height at any time

interface Size {
  cols: number;
  rows: number;
}
const footerHeight = 20;

function footer({ cols, rows }: Size, n: number): string {
  const top = rows - footerHeight;
  const content = ["─".repeat(cols), `\x1b[33m\x1b[1m▸ z\x1b[0m\x1b[0m | ${n}/300`, `\x1b[90m${"─".repeat(cols)}\x1b[0m`];
  while (content.length < footerHeight - 1) content.push(`08:00:00 [INFO] Epoch ${n + content.length}/300 | loss=0.5`);
  content.push("\x1b[90m[j/k] switch node\x1b[0m");
  let out = "\x1b[s";
  for (const [i, line] of content.entries()) if (top + i < rows) out += `\x1b[${top + i + 1};1H\x1b[K${line}`;
  return `${out}\x1b[u`;
}

function message(size: Size, text: string): string {
  return `\x1b[${size.rows - footerHeight};1H${text}\r\n`;
}

function begin(size: Size): string {
  const bottom = size.rows - footerHeight;
  return `starting\r\n\x1b[?1049h\x1b[22;0;0t\x1b[?25l\x1b[1;${bottom}r\x1b[${bottom};1H${footer(size, 0)}`;
}

test("falcon's driver lines come once each and in order, whatever sizes the terminal has meanwhile", () => {
  let size = { cols: 100, rows: 50 };
  const reader = new LineReader(size.cols, size.rows);
  const found: LogLine[] = [];
  found.push(...reader.feed(Buffer.from(begin(size))));
  const expected = ["starting"];
  const sizes = [
    { cols: 100, rows: 24 },
    { cols: 40, rows: 60 },
    { cols: 200, rows: 21 },
    { cols: 80, rows: 12 },
    { cols: 100, rows: 50 },
  ];
  for (let i = 0; i < 1000; i++) {
    // the program learns of a size before or after the stream tells it
    const next = i % 100 === 50 ? (sizes[(i / 100) | (0 % sizes.length)] ?? size) : size;
    if (i % 200 < 100) found.push(...reader.resize(next.cols, next.rows));
    const text = `08:02:00 [INFO] driver message ${i}`;
    found.push(...reader.feed(Buffer.from(message(next, text) + footer(next, i) + footer(next, i))));
    if (next !== size) found.push(...reader.resize(next.cols, next.rows));
    size = next;
    expected.push(text);
  }
  found.push(
    ...reader.feed(
      Buffer.from(`\x1b[1;${size.rows}r\x1b[${size.rows - footerHeight};1H\x1b[?25h\x1b[?1049l\x1b[23;0;0tdone\r\n`),
    ),
  );
  found.push(...reader.end());
  expected.push("done");
  assert.deepEqual(
    found.map((l) => plainText(l.runs)),
    expected,
  );
});

test("messages of several lines, stray output between redraws and a cut sequence stay whole", () => {
  const size = { cols: 80, rows: 40 };
  const stream = [
    begin(size),
    message(size, "Traceback (most recent call last):\r\n  File x\r\n\r\nValueError: no"),
    footer(size, 1),
    "(raylet) a warning of another process\r\n",
    footer(size, 2),
    message(size, "coloured \x1b[33m⚠ Stopping gracefully\x1b[0m"),
    // truncated by the program in the middle of a sequence: the terminal takes `...` for part of it
    message(size, "cut \x1b[3..."),
    footer(size, 3),
    message(size, "漢字 wide"),
    "\x1b[u\x1b[s",
    footer(size, 4),
  ];
  assert.deepEqual(lines(stream.join(""), 80, 40), [
    "starting",
    "Traceback (most recent call last):",
    "  File x",
    "",
    "ValueError: no",
    "(raylet) a warning of another process",
    "coloured ⚠ Stopping gracefully",
    "cut",
    "漢字 wide",
  ]);
});

test("a move past the right edge ends there, on both screens", () => {
  const size = { cols: 80, rows: 40 };
  const right = `${" ".repeat(79)}x`;
  assert.deepEqual(lines(`\x1b[20;99999Hx\r\n${begin(size)}${message(size, "\x1b[20;99999Hx")}`, 80, 40).slice(-3), [
    right,
    "starting",
    right,
  ]);
});

test("a message that is being written shows as an open line, a footer does not", () => {
  const size = { cols: 80, rows: 40 };
  const reader = new LineReader(80, 40);
  reader.feed(Buffer.from(`${begin(size)}\x1b[20;1Hhalf a mess`));
  assert.deepEqual(
    reader.open().map((l) => [plainText(l.runs), l.complete]),
    [["half a mess", false]],
  );
  reader.feed(Buffer.from("\x1b[s\x1b[21;1Hfooter"));
  assert.deepEqual(
    reader.open().map((l) => plainText(l.runs)),
    ["half a mess"],
  );
  assert.deepEqual(
    reader.feed(Buffer.from("\x1b[uage\r\n")).map((l) => plainText(l.runs)),
    ["half a message"],
  );
});

const corpus = process.env.FALCON_CORPUS ?? path.join(import.meta.dirname, "../../../../shared/corpus");

test("the recorded display of the real falcon gives its 60 messages", (t) => {
  const file = path.join(corpus, "recorded/falcon-tui-80x40.bin");
  if (!fs.existsSync(file)) return t.skip("the corpus of recordings is not here");
  const found = lines(fs.readFileSync(file), 80, 40);
  assert.deepEqual(found.slice(0, 2), ["falcon v0.1.0 starting", "Output: output/test-run"]);
  const messages = found.slice(2, -1).filter((line) => line !== "WARN coloured");
  assert.equal(messages.length, 60);
  for (const [i, line] of messages.entries()) assert.match(line, new RegExp(`driver message ${i}( x|$)`));
  assert.equal(found.at(-1), "done");
});

// ---- two properties

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 30 }) },
  { weight: 2, arbitrary: fc.constantFrom("漢字", "é", "e\u0301", "😀", "─".repeat(20)) },
  { weight: 4, arbitrary: fc.constantFrom("\r\n", "\n", "\r", "\b", "\t") },
  { weight: 2, arbitrary: fc.constantFrom("\x1b[31m", "\x1b[0m", "\x1b[1;38;5;9m", "\x1b[7m") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[A", "\x1b[3A", "\x1b[B", "\x1b[5C", "\x1b[2D", "\x1b[10G"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "\x1b7",
      "\x1b8",
      "\x1b[s",
      "\x1b[u",
      "\x1b[3X",
      "\x1b[2P",
      "\x1b[2@",
      "\x1bM",
      "\x1b[H",
      "\x1b[3;4H",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\x1b]0;title\x07", "\x1bPq\x1b\\", "\x1b[>4;1m", "\x1b[?25l", "\x1b[12", "\x1b[", "\x1b"),
  },
  { weight: 1, arbitrary: fc.constantFrom("\x1b[1;5r", "\x1b[r", "\x1b[?1049h", "\x1b[?1049l", "\x1b[2J", "\x1bc") },
);
const stream = fc.array(piece, { maxLength: 60 }).map((parts) => Buffer.from(parts.join("")));

test("blanks put in or columns taken out in the midst of a wide character leave no half of it", () => {
  for (const [sequence, expected] of [
    ["\x1b[2@", "漢 漢字"],
    ["\x1b[2P", "漢 漢字"],
    ["\x1b[P", "漢 漢字"],
  ] as const) {
    const reader = new LineReader(20, 6);
    const bytes = Buffer.from(`\x1b[1;5r漢字\b${sequence}漢字`);
    const lines = [...reader.feed(bytes), ...reader.open(), ...reader.end()];
    assert.deepEqual([...new Set(lines.map(({ runs }) => styledText(runs)))], [expected], JSON.stringify(sequence));
  }
  // what comes to stand with one half beyond the right edge is blank
  const reader = new LineReader(6, 3);
  const lines = [...reader.feed(Buffer.from("\x1b[1;2rab漢字\x1b[3G\x1b[@")), ...reader.open(), ...reader.end()];
  assert.deepEqual([...new Set(lines.map(({ runs }) => styledText(runs)))], ["ab 漢"]);
});

test("any cut, with the state written down and read again, gives the same lines", () => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(2000), { maxLength: 8 }), (bytes, cuts) => {
      const whole = new LineReader(20, 6);
      const expected = [...whole.feed(bytes), ...whole.open(), ...whole.end()];
      let reader = new LineReader(20, 6);
      const found: LogLine[] = [];
      let at = 0;
      for (const cut of [...cuts.map((c) => Math.min(c, bytes.length)).sort((a, b) => a - b), bytes.length]) {
        found.push(...reader.feed(bytes.subarray(at, cut)));
        reader = LineReader.from(JSON.parse(JSON.stringify(reader.state())));
        at = cut;
      }
      found.push(...reader.open(), ...reader.end());
      const shown = (all: LogLine[]) => all.map((l) => [l.number, styledText(l.runs)]);
      assert.deepEqual(shown(found), shown(expected));
    }),
    { numRuns: 1000, seed: 5 },
  );
});

test("one blank at the end of a wrapped row belongs to the line; the column that a wide character left does not", () => {
  const filled = `\x1b8\x1b[K${" ".repeat(19)}`;
  assert.deepEqual(lines(Buffer.from(`${"-".repeat(25)}${filled}`), 20, 6), [`${" ".repeat(20)}-----`]);
  assert.deepEqual(lines(Buffer.from(`${"-".repeat(19)}漢`), 20, 6), [`${"-".repeat(19)}漢`]);
});

test("what a plain program prints is what stands in a terminal of endless scrollback", async () => {
  const printing = fc.oneof(
    { weight: 5, arbitrary: fc.string({ minLength: 1, maxLength: 45 }) },
    { weight: 1, arbitrary: fc.constantFrom("é", "─".repeat(25), "ελληνικά") },
    { weight: 4, arbitrary: fc.constantFrom("\r\n", "\r\n", "\r", "\b", "\t") },
    { weight: 1, arbitrary: fc.constantFrom("\x1b[31m", "\x1b[0m") },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "\x1b[K",
        "\x1b[1K",
        "\x1b[2K",
        "\x1b[A",
        "\x1b[2A",
        "\x1b[B",
        "\x1b[5C",
        "\x1b[2D",
        "\x1b[10G",
        "\x1b[3;4H",
        "\x1b7",
        "\x1b8",
      ),
    },
  );
  // a wide character that does not fit leaves a blank at the end of its row, which is no part of the line:
  // there blanks do not count
  const wide = fc.oneof(
    { weight: 3, arbitrary: printing },
    { weight: 1, arbitrary: fc.constantFrom("漢字", "日本語のログ", "😀") },
  );
  const cases = fc.oneof(
    fc.record({ parts: fc.array(printing, { maxLength: 60 }), blanks: fc.constant(true) }),
    fc.record({ parts: fc.array(wide, { maxLength: 60 }), blanks: fc.constant(false) }),
  );
  await fc.assert(
    fc.asyncProperty(cases, async ({ parts, blanks }) => {
      const bytes = Buffer.from(parts.join(""));
      const terminal = new xterm.Terminal({ cols: 20, rows: 6, scrollback: 10_000, allowProposedApi: true });
      terminal.loadAddon(new unicode11.Unicode11Addon() as unknown as xterm.ITerminalAddon);
      terminal.unicode.activeVersion = "11";
      await new Promise<void>((resolve) => terminal.write(bytes, resolve));
      const expected: string[] = [];
      const buffer = terminal.buffer.normal;
      for (let y = 0; y < buffer.length; y++) {
        const line = buffer.getLine(y);
        const next = buffer.getLine(y + 1);
        const text = line?.translateToString(!next?.isWrapped) ?? "";
        if (line?.isWrapped) expected[expected.length - 1] += text;
        else expected.push(text);
      }
      terminal.dispose();
      const nonBlank = (all: string[]) => all.map((l) => (blanks ? l.trimEnd() : l.replaceAll(" ", ""))).filter((l) => l !== "");
      assert.deepEqual(nonBlank(lines(bytes, 20, 6)), nonBlank(expected));
    }),
    { numRuns: 500, includeErrorInReport: true, seed: 6 },
  );
});
