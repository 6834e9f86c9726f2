// A program may say "two thousand million times" in thirteen bytes; the screen does what can be seen of it,
// and is done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen } from "../../../src/terminal/model/screen.ts";

const cols = 20;
const rows = 6;

/** The whole state behind a sequence, in the midst of a screen with a scroll region, tabs and colours. */
function after(sequence: string): Buffer {
  const screen = new Screen({ cols, rows, scrollback: 10 });
  screen.feed(Buffer.from(`one\r\ntwo\r\nthree\r\nfour\r\nfive\r\nsix\x1b[2;5r\x1b[3;4H\x1b[31mx${sequence}`));
  const { first, history } = screen.snapshot(10);
  screen.dispose();
  return Buffer.concat([first, history]);
}

for (const final of ["L", "M", "S", "T", "I", "Z"])
  test(`CSI 2147483647 ${final} is the same as one screen's worth`, () => {
    assert.deepEqual(after(`\x1b[2147483647${final}`), after(`\x1b[${cols}${final}`));
    assert.deepEqual(after(`\x1b[99999999999999${final}`), after(`\x1b[${cols}${final}`));
  });

test("CSI n b (REP) fills the screen and ends in the column where all would have ended", () => {
  for (const count of [500, 501, 513, 1_000_003]) {
    const wanted = new Screen({ cols, rows, scrollback: 0 });
    wanted.feed(Buffer.from("y".repeat(1 + (count > 5000 ? cols * rows * 2 + ((count - cols * rows * 2) % cols) : count))));
    const screen = new Screen({ cols, rows, scrollback: 0 });
    screen.feed(Buffer.from(`y\x1b[${count}b`));
    assert.deepEqual(screen.text(), wanted.text());
  }
});

test("what needs no bound has none", () => {
  assert.notDeepEqual(after("\x1b[2L"), after("\x1b[1L"));
  assert.notDeepEqual(after("\x1b[2b"), after("\x1b[1b"));
});
