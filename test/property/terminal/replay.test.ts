// Whatever a program writes, and wherever it is cut: a terminal that is given snapshot and rest equals one
// that was given all.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { cannotBeRight } from "../../replay/known.ts";
import { compare, type State, UserScreen } from "../../replay/user-screen.ts";
import { size, stream } from "./vocabulary.ts";

/**
 * Runs of each property, the same ones every time; FALCON_PROPERTY_RUNS and _SEED (a number, or `random`) for
 * longer searches.
 */
const numRuns = Number(process.env.FALCON_PROPERTY_RUNS ?? 250);
const { FALCON_PROPERTY_SEED } = process.env;
const seed = FALCON_PROPERTY_SEED === "random" ? {} : { seed: Number(FALCON_PROPERTY_SEED ?? 20261124) };

const lines = 30;

/**
 * Found by longer searches, mended, and kept: REP that fills the scrollback, with narrow and wide characters,
 * before and behind the cut.
 */
const bytes = (text: string) => Buffer.from(text, "latin1");
const tiny = { cols: 2, rows: 1 };
const wide = "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e";
const foundCut: [typeof tiny, Buffer, number][] = [
  [tiny, bytes(" \x1b[24b "), 0.857],
  [tiny, bytes(`${wide}\x1b[24b\x1b[48;5;0m`), 0.608],
  [{ cols: 5, rows: 2 }, bytes(`${wide}\x1b[65536b`), 0.99],
  [tiny, bytes("a\r\nb\x1b7\r\n\x1b[3J\x1b8c"), 0.7],
];
const foundResized: [typeof tiny, [Buffer, typeof tiny][], Buffer][] = [
  [tiny, [[bytes("\r\n"), tiny]], bytes(" \x1b[4;0b\x1b[?K")],
  [tiny, [[bytes("\x1b]8;;\x07"), tiny]], bytes(` \x1b[24b${wide}`)],
  [tiny, [[bytes("lqqqk"), tiny]], bytes("\x1b[24b\x1b[0;0@")],
];

function assertSame(expected: State, found: State, where: string): void {
  const differences = compare(expected, found);
  if (differences.length === 0 || cannotBeRight("generated", differences) !== undefined) return;
  assert.fail(`${where}: ${differences.map(({ what, detail }) => `${what}: ${detail}`).join("\n")}`);
}

test("snapshot and rest equal the whole stream", () => {
  fc.assert(
    fc.property(size, stream, fc.double({ min: 0, max: 1, noNaN: true }), ({ cols, rows }, output, fraction) => {
      const cut = Math.floor(output.length * fraction);
      const whole = new UserScreen(cols, rows, lines);
      const joined = new UserScreen(cols, rows, lines);
      const screen = new Screen({ cols, rows, scrollback: lines });
      try {
        whole.feed(output.subarray(0, cut));
        screen.feed(output.subarray(0, cut));
        const { first, history, tail } = screen.snapshot(lines);
        joined.feed(Buffer.concat([first, history, tail]));
        assertSame(whole.state(), joined.state(), `right after the attach at ${cut}`);
        whole.feed(output.subarray(cut));
        joined.feed(output.subarray(cut));
        assertSame(whole.state(), joined.state(), `at the end, attached at ${cut}`);
      } finally {
        whole.dispose();
        joined.dispose();
        screen.dispose();
      }
    }),
    { numRuns, includeErrorInReport: true, examples: foundCut, ...seed },
  );
});

/**
 * DECALN under origin mode fills lines that xterm.js finds behind the end of its list after a resize: left
 * over ones.
 */
const plain = stream.map((output) => Buffer.from(output.toString("latin1").replaceAll("\x1b#8", ""), "latin1"));

test("after resizes a snapshot is the screen, and goes on like it", () => {
  fc.assert(
    fc.property(size, fc.array(fc.tuple(plain, size), { minLength: 1, maxLength: 4 }), plain, ({ cols, rows }, parts, rest) => {
      const screen = new Screen({ cols, rows, scrollback: lines });
      const seen = new UserScreen(cols, rows, lines, screen.terminal);
      let joined: UserScreen | undefined;
      try {
        for (const [output, next] of parts) {
          screen.feed(output);
          screen.resize(next.cols, next.rows);
        }
        joined = new UserScreen(screen.cols, screen.rows, lines);
        const { first, history, tail } = screen.snapshot(lines);
        joined.feed(Buffer.concat([first, history, tail]));
        assertSame(seen.state(), joined.state(), "right after the attach");
        screen.feed(rest);
        joined.feed(rest);
        assertSame(seen.state(), joined.state(), "at the end");
      } finally {
        joined?.dispose();
        screen.dispose();
      }
    }),
    { numRuns, includeErrorInReport: true, examples: foundResized, ...seed },
  );
});

test("a stored screen opens as it was", () => {
  fc.assert(
    fc.property(size, stream, stream, ({ cols, rows }, output, rest) => {
      const screen = new Screen({ cols, rows, scrollback: lines });
      let opened: Screen | undefined;
      try {
        screen.feed(output);
        const { offset, replay } = screen.encode();
        opened = Screen.restore(replay, { scrollback: lines, offset });
        opened.feed(output.subarray(offset));
        const check = (where: string) => {
          const [a, b] = [screen.snapshot(lines), (opened as Screen).snapshot(lines)];
          // the tail may have fewer bytes of characters that are broken anyway
          for (const part of ["first", "history"] as const)
            assert.equal(b[part].toString("latin1"), a[part].toString("latin1"), `${part} ${where}`);
          assert.equal(b.offset, a.offset);
        };
        check("when opened");
        screen.feed(rest);
        opened.feed(rest);
        check("at the end");
      } finally {
        screen.dispose();
        opened?.dispose();
      }
    }),
    { numRuns, includeErrorInReport: true, ...seed },
  );
});
