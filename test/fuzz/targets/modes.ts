// A viewer's terminal through a program's modes and resets, and its leaving.
import assert from "node:assert/strict";
import headless from "@xterm/headless";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { modeRules } from "../../../src/platform/native.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { enterTerminal, leaveTerminal } from "../../../src/session/viewers/viewer-terminal.ts";
import { stateOf, written } from "../../support/terminal/terminal-state.ts";
import type { Target } from "../target.ts";

/** Each mode that we know set and reset, saved and restored, and what resets all of them. */
const words = [
  ...modeRules.flatMap(({ mode, dec }) =>
    (dec ? ["h", "l", "s", "r"] : ["h", "l"]).map((to) => `\x1b[${dec ? "?" : ""}${mode}${to}`),
  ),
  ...["\x1bc", "\x1b[!p", "\x1b7", "\x1b8", "\x1b=", "\x1b>", "\x1b(0", "\x0e", "\x1b[>5u", "\x1b[<u", "\x1b[>4;2m", "\x1b[4 q"],
  ...["\x1b[?1049;2004;25l", "\x1b[?", ";", "h", "l", '\x1b[61"p', "\x1b G", "\x1b%@", "\x1b[1;5r"],
];

/** So many bytes come at once: sequences are cut anywhere. */
const piece = 7;

export const targets: readonly Target[] = [
  {
    name: "modes",
    what: "any modes and resets, cut anywhere: a paste stays one while they last, and leaving gives the terminal back as it was",
    inputs: 100_000,
    longest: 300,
    seeds: () => [Buffer.from("\x1b[?1049h\x1b[?1000h\x1b[?25l\x1bc\x1b[?2004l\x1b[!p\x1b[20h"), Buffer.from(words.join(""))],
    words,
    async run(input) {
      const terminal = new headless.Terminal({ cols: 40, rows: 10, allowProposedApi: true, logLevel: "off" });
      try {
        const before = stateOf(terminal);
        await written(terminal, enterTerminal({ title: "t", rows: 10 }));
        const filter = new StreamFilter(defaultConfig.programSequences, { of: "program" });
        for (let at = 0; at < input.length; at += piece) {
          await written(terminal, filter.feed(input.subarray(at, at + piece)));
          assert.equal(terminal.modes.bracketedPasteMode, true, `behind byte ${at + piece}`);
        }
        // as the client does behind a sequence that was torn
        await written(terminal, "\x18");
        await written(terminal, leaveTerminal());
        assert.deepEqual(stateOf(terminal), before);
      } finally {
        terminal.dispose();
      }
    },
  },
];
