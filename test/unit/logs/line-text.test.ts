import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withoutAttributes } from "../../../src/base/text/control-sequences.ts";
import { defaultStyle } from "../../../src/logs/cell-style.ts";
import { LineReader } from "../../../src/logs/line-reader.ts";
import { cutStyled, marked, matchesIn, styledText } from "../../../src/logs/line-text.ts";

const red = "\x1b[0;31m";
const plain = "\x1b[0m";

test("matches are inverted and the look before them counts again behind them", () => {
  const mark = (styled: string, pattern: RegExp) => marked(styled, matchesIn(withoutAttributes(styled), pattern) ?? []);
  assert.equal(mark("one two three", /two/g), `one \x1b[7mtwo${plain} three`);
  assert.equal(mark("aXbX", /X/g), `a\x1b[7mX${plain}b\x1b[7mX${plain}`);
  assert.equal(mark(`a${red}bc${plain}d`, /bc/g), `a${red}\x1b[7mbc${red}${plain}d`);
  assert.equal(mark(`a${red}bc${plain}d`, /ab/g), `\x1b[7ma${red}\x1b[7mb${red}c${plain}d`);
  assert.equal(mark(`a${red}bc${plain}d`, /abcd/g), `\x1b[7ma${red}\x1b[7mbc${plain}\x1b[7md${plain}`);
  assert.equal(mark("abc", /x*/g), "abc");
});

test("no match is undefined, an empty one is none to mark, many do not overlap", () => {
  assert.equal(matchesIn("abc", /x/g), undefined);
  assert.deepEqual(matchesIn("abc", /x*/g), []);
  assert.deepEqual(matchesIn("aaa", /a/g), [
    { from: 0, to: 1 },
    { from: 1, to: 2 },
    { from: 2, to: 3 },
  ]);
});

test("marking changes the inversion of the matches alone, whatever the line looks like (property)", () => {
  const part = fc.tuple(
    fc.constantFrom("", "\x1b[31m", "\x1b[0m", "\x1b[1;42m", "\x1b[38;5;99m"),
    fc.stringMatching(/^[a-d]{0,6}$/),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), fc.constantFrom(/a/g, /b+/g, /ab|cd/g, /[ac]./g, /d?/g), (parts, pattern) => {
      const styled = styledText(runsOf(parts.flat().join("")));
      const text = withoutAttributes(styled);
      const matches = matchesIn(text, pattern) ?? [];
      const cells = cellsOf(marked(styled, matches));
      const before = cellsOf(styled);
      assert.equal(cells.length, before.length);
      for (const [i, cell] of cells.entries()) {
        const within = matches.some(({ from, to }) => from <= i && i < to);
        assert.equal(cell.char, before[i]?.char);
        assert.equal(cell.look.replace(";7", ""), before[i]?.look, JSON.stringify(marked(styled, matches)));
        assert.equal(/[;[]7(;|m)/.test(cell.look), within);
      }
    }),
    { seed: 1 },
  );
});

function runsOf(text: string) {
  const reader = new LineReader(200, 5);
  const lines = [...reader.feed(Buffer.from(text)), ...reader.end()];
  return lines[0]?.runs ?? [];
}

/** Every character with the sequence that gives its look, read by the reader that made it. */
function cellsOf(styled: string): { char: string; look: string }[] {
  return runsOf(styled).flatMap(({ text, style }) =>
    [...text].map((char) => ({ char, look: style === defaultStyle ? "\x1b[0m" : style.sgr })),
  );
}

test("a line is cut at columns, not at characters; looks stay", () => {
  assert.equal(cutStyled("abcdef", 2, 3), "cde");
  assert.equal(cutStyled("漢字x", 1, 3), " 字");
  assert.equal(cutStyled("a漢", 0, 2), "a");
  assert.equal(cutStyled("\x1b[0;31mabc\x1b[0md", 1, 9), "\x1b[0;31mbc\x1b[0md\x1b[0m");
});
