// A flood of which only the end was parsed leaves the same screen as one that was parsed whole.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { compare, isVisible, type State, UserScreen } from "../../replay/user-screen.ts";
import { scanPlainText } from "../../support/oracle/plain-text-scan.ts";
import { stream } from "./vocabulary.ts";

const numRuns = Number(process.env.FALCON_PROPERTY_RUNS ?? 60);
const { FALCON_PROPERTY_SEED } = process.env;
const seed = FALCON_PROPERTY_SEED === "random" ? {} : { seed: Number(FALCON_PROPERTY_SEED ?? 20261124) };

const word = fc.oneof(
  { weight: 400, arbitrary: fc.string({ unit: "grapheme-ascii", minLength: 0, maxLength: 30 }) },
  { weight: 150, arbitrary: fc.integer({ min: 0, max: 109 }).map((n) => `\x1b[${n}m`) },
  {
    weight: 150,
    arbitrary: fc.constantFrom(
      "\x1b[m",
      "\x1b[0m",
      "\x1b[1;38;5;200m",
      "\x1b[4:3m",
      "\x1b[58:5:9m",
      "\x1b[48;2;1;2;3m",
      "\x1b[0;7m",
    ),
  },
  { weight: 100, arbitrary: fc.constantFrom("日本語", "é", "e\u0301", "\u0301", "😀", "\u00a0", "\t", "\r", "│", "\u200b") },
  // what makes a text not plain
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "\x07",
      "\b",
      "\x1b[K",
      "\u0085",
      "\x7f",
      "\x1b[?7l",
      "\x1b[2;3r",
      "\x1b[?1049h",
      "\x1b[r",
      "\x0e",
    ),
  },
);
const line = fc
  .tuple(fc.array(word, { maxLength: 5 }), fc.constantFrom("\r\n", "\r\n", "\r\n", "\r\n", "\n", ""))
  .map(([words, end]) => words.join("") + end);

/** Some 20 kB of lines: long enough to be held back. */
const flood = fc
  .array(line, { minLength: 3, maxLength: 40, size: "max" })
  .map((lines) => Buffer.from(lines.join("").repeat(Math.ceil(20_000 / Math.max(1, lines.join("").length))), "utf8"));

/**
 * A scroll region and something below it, as falcon draws its display, with the cursor inside of the region
 * or not.
 */
const region = fc
  .record({
    top: fc.constantFrom("", "1", "1", "1", "2"),
    bottom: fc.integer({ min: 1, max: 8 }),
    below: fc.string({ unit: "grapheme-ascii", maxLength: 10 }),
    y: fc.integer({ min: 1, max: 8 }),
    x: fc.integer({ min: 1, max: 60 }),
    origin: fc.boolean(),
  })
  .map(({ top, bottom, below, y, x, origin }) =>
    Buffer.from(
      `\x1b[${top};${bottom}r\x1b[${bottom + 1};1H${below}\x1b[${y};${x}H${origin ? `\x1b[?6h\x1b[${y};${x}H` : ""}`,
      "utf8",
    ),
  );

const output = fc
  .array(fc.oneof({ weight: 3, arbitrary: flood }, { weight: 1, arbitrary: stream }, { weight: 1, arbitrary: region }), {
    minLength: 2,
    maxLength: 6,
  })
  .map((parts) => Buffer.concat(parts));

/** The next part of the output: read by the screen itself, as much as it takes, or fed. */
interface Part {
  length: number;
  fetched: boolean;
}
const part: fc.Arbitrary<Part> = fc.record({ length: fc.integer({ min: 1, max: 40_000 }), fetched: fc.boolean() });

/**
 * Node's own blocks, of which small buffers are pieces: 8 KiB up to Node 22, 64 KiB in 24.19 and later, and
 * what a person may set.
 */
const pools = [0, 8 << 10, 64 << 10, 1 << 20];

for (const pool of pools)
  test(`skipping what nobody can see any more changes nothing, with Node's pool of ${pool} bytes`, (t) => {
    const before = Buffer.poolSize;
    t.after(() => setPool(before));
    setPool(pool);
    check(Math.ceil(numRuns / pools.length));
  });

/** Sets the pool's size, and leaves the one that is in use. */
function setPool(size: number): void {
  const last = Math.max(Buffer.poolSize, size);
  Buffer.poolSize = size;
  for (let left = last; left > 0; left -= 1 << 10) Buffer.allocUnsafe(1 << 10);
}

function check(numRuns: number): void {
  let skipped = 0;
  let fetched = 0;
  let joinedUnparsed = 0;
  fc.assert(
    fc.property(
      fc.record({
        cols: fc.integer({ min: 4, max: 60 }),
        rows: fc.integer({ min: 1, max: 8 }),
        scrollback: fc.integer({ min: 0, max: 40 }),
      }),
      output,
      fc.array(part, { minLength: 1, maxLength: 12 }),
      ({ cols, rows, scrollback }, bytes, parts) => {
        // the same emulator, with the same bounds on counts
        const eager = new Screen({ cols, rows, scrollback });
        const whole = new UserScreen(cols, rows, scrollback, eager.terminal);
        const lazy = new Screen({ cols, rows, scrollback, scanPlainText });
        const seen = new UserScreen(cols, rows, scrollback, lazy.terminal);
        let parsed = 0;
        const { parse } = seen.core._inputHandler;
        seen.core._inputHandler.parse = function (this: unknown, part: Uint8Array) {
          parsed += part.length;
          return parse.call(this, part);
        };
        try {
          let fed = 0;
          for (let i = 0; fed < bytes.length; i++) {
            const part = parts[i % parts.length] as Part;
            const next = bytes.subarray(fed, fed + part.length);
            const taken = part.fetched ? lazy.fetch((into) => next.copy(into)) : 0;
            if (taken === 0) lazy.feed(next);
            fetched += taken;
            fed += taken === 0 ? next.length : taken;
            assert.equal(lazy.offset, fed);
          }
          eager.feed(bytes);
          // a viewer that is given the screen while output waits to be parsed sees the same
          const viewers = [eager, lazy].map((screen) => {
            const viewer = new UserScreen(cols, rows);
            const { first, tail } = screen.snapshot(0);
            viewer.feed(Buffer.concat([first, tail]));
            return viewer;
          }) as [UserScreen, UserScreen];
          joinedUnparsed += lazy.unsettled ? 1 : 0;
          const [calm, hasty] = viewers.map((viewer) => viewer.state()) as [State, State];
          for (const viewer of viewers) viewer.dispose();
          assert.deepEqual(compare(calm, hasty).filter(isVisible), []);
          lazy.settle();
          const differences = compare(whole.state(), seen.state());
          assert.deepEqual(differences, []);
          // what the parser will do with the next character is a part of the state
          const rest = Buffer.from("\u0301x\x1b[3b\x1b[2Sy");
          eager.feed(rest);
          lazy.feed(rest);
          assert.deepEqual(compare(whole.state(), seen.state()), []);
          skipped += bytes.length - parsed;
        } finally {
          eager.dispose();
          lazy.dispose();
        }
      },
    ),
    { numRuns, includeErrorInReport: true, ...seed },
  );
  assert.ok(skipped > 0, "nothing was skipped: nothing was tested");
  assert.ok(fetched > 0, "the screens read nothing themselves");
  assert.ok(joinedUnparsed > 0, "no viewer joined while output waited");
}
