// Tables fit the terminal and hold their columns under wide characters and colours.
import assert from "node:assert/strict";
import { test } from "node:test";
import stringWidth from "string-width";
import { isPlain, table } from "../../../../src/commands/text/table.ts";
import { drawChart } from "../../../../src/presentation/chart.ts";

const columns = [{ title: "ID" }, { title: "AGE", right: true }, { title: "RUN" }];

test("columns line up, numbers to the right, no line has a trailing blank", () => {
  const lines = table(
    columns,
    [
      ["a", "1 s", "/x"],
      ["\x1b[32mbbb\x1b[39m", "10 min", "/日本"],
    ],
    0,
  ).split("\n");
  assert.equal(lines.length, 3);
  for (const line of lines) assert.equal(line, line.trimEnd());
  assert.equal(lines[0], "ID      AGE  RUN");
  assert.equal(lines[1], "a       1 s  /x");
  assert.equal(lines[2], "\x1b[32mbbb\x1b[39m  10 min  /日本");
});

test("a narrow terminal cuts the filling column first", () => {
  const text = table(columns, [["abcdef", "1 s", "/a/very/long/path/that/does/not/fit"]], 30);
  for (const line of text.split("\n")) assert.ok(stringWidth(line) <= 30, line);
  assert.ok(text.includes("abcdef"));
  assert.ok(text.includes("…"));
});

test("even one column of a terminal gives no line that is wider than four characters a column", () => {
  const text = table(columns, [["abcdef", "123456789", "/a/very/long/path"]], 1);
  assert.ok(text.length > 0);
});

test("a name or a title cannot act on the terminal; our own colours stay", () => {
  const text = table(columns, [["a\x1b]0;rm\x07b", "\x1b[32m1 s\x1b[39m", "/x\n\u009b2J"]], 0);
  assert.ok(text.includes("a\\x1b]0;rm\\x07b"), text);
  assert.ok(text.includes("\x1b[32m1 s\x1b[39m"));
  assert.ok(text.includes("/x\\n\\u009b2J"));
});

test("what is cut keeps its colours whole, and a wide character that does not fit is left out", () => {
  const text = table([{ title: "A" }], [["\x1b[31mabcdefghijklmno\x1b[39m"], ["日本日本日本日本"]], 12);
  assert.deepEqual(text.split("\n"), ["A", "\x1b[31mabcdefghijk…\x1b[39m", "日本日本日…"]);
});

test("what is taken for plain takes one column a character, as the tables of Unicode have it; a chart is plain", () => {
  for (let code = 0x20; code < 0xffff; code++) {
    const text = String.fromCharCode(code);
    if (isPlain(text)) assert.equal(stringWidth(text), 1, code.toString(16));
  }
  const { rows } = drawChart([{ x: [1, 2, 3, 4], y: [3, 1, 2, 1.5] }], 60, 9);
  assert.deepEqual(
    rows.filter((row) => !isPlain(row)),
    [],
  );
});
