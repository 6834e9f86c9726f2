// Whatever modes and resets a program sends: what we need of a viewer's terminal stands all the time, and
// leaving gives back the state from before.
import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import fc from "fast-check";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { enterTerminal, leaveTerminal } from "../../../src/session/viewers/viewer-terminal.ts";
import { stateOf, written } from "../../support/terminal/terminal-state.ts";
import { modesAndResets } from "./vocabulary.ts";

/** The same runs every time; `random` for searches. */
const { FALCON_PROPERTY_SEED } = process.env;
const seed = FALCON_PROPERTY_SEED === "random" ? {} : { seed: Number(FALCON_PROPERTY_SEED ?? 20261124) };

test("any modes and resets: a paste stays one while they last, and leaving gives the terminal back as it was", async () => {
  await fc.assert(
    fc.asyncProperty(modesAndResets, async (pieces) => {
      const terminal = new headless.Terminal({ cols: 40, rows: 10, allowProposedApi: true, logLevel: "off" });
      const before = stateOf(terminal);
      await written(terminal, enterTerminal({ title: "t", rows: 10 }));
      const filter = new StreamFilter(defaultConfig.programSequences, { of: "program" });
      for (const piece of pieces) {
        await written(terminal, filter.feed(Buffer.from(piece)));
        assert.equal(terminal.modes.bracketedPasteMode, true, JSON.stringify(piece));
      }
      await written(terminal, leaveTerminal());
      assert.deepEqual(stateOf(terminal), before);
      terminal.dispose();
    }),
    { numRuns: 200, ...seed },
  );
});

/** The parameters of each control sequence for DEC modes with this final byte. */
const lists = (bytes: Buffer, final: "s" | "r"): string[] =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC introduces them
  [...bytes.toString("latin1").matchAll(/\x1b\[\?([\d;]+)([sr])/g)].flatMap(([, modes = "", end]) =>
    end === final ? modes : [],
  );

test("what is kept of the terminal at the start is put back at the end", () => {
  const kept = lists(enterTerminal({ title: "t", rows: 3 }), "s");
  const back = lists(leaveTerminal(), "r");
  assert.ok(kept.length > 0 && kept.every((modes) => modes.split(";").length <= 16));
  assert.deepEqual(back, kept);
});
