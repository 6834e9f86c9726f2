// The table of terminal modes: one line a mode, all that the issue of each terminal names, and the docs say
// what it says.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { defaultConfig } from "../../../src/base/config/config.ts";
import { modeRules } from "../../../src/platform/native.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { leaveTerminal, modesWeNeed } from "../../../src/session/viewers/viewer-terminal.ts";
import { modePage, pageWithModes } from "../../support/terminal/mode-table.ts";

const introducer = (dec: boolean) => (dec ? "\x1b[?" : "\x1b[");

test("one line a mode; none that never passes is saved, none that passes has neither a state to go back to nor a reason", () => {
  const names = modeRules.map(({ mode, dec }) => `${dec ? "?" : ""}${mode}`);
  assert.equal(new Set(names).size, names.length);
  for (const rule of modeRules) {
    if (rule.passage === "never") assert.ok(!rule.kept, rule.name);
    // 1048 saves a cursor, which is no state
    else assert.ok(rule.kept || rule.leaving !== "nothing" || rule.mode === 1048, rule.name);
  }
});

test("each mode passes or does not, as its line says, alone and in a list", () => {
  const filtered = (text: string) =>
    new StreamFilter(defaultConfig.programSequences, { of: "program" }).feed(Buffer.from(text)).toString();
  for (const { mode, dec, passage } of modeRules) {
    for (const final of ["h", "l"]) {
      const [alone, list] = [`${introducer(dec)}${mode}${final}`, `${introducer(dec)}${dec ? 25 : 4};${mode}${final}`];
      const passes = passage === "passes" || (passage === "needed" && final === "h");
      assert.equal(filtered(`a${alone}b`), passes ? `a${alone}b` : "a\x1b\\b", alone);
      if (!passes) assert.equal(filtered(list), `\x1b\\${introducer(dec)}${dec ? 25 : 4}${final}`, list);
      else assert.equal(filtered(list), list);
    }
  }
});

test("what we need is set behind each reset by the filter as at the start", () => {
  const filter = new StreamFilter(defaultConfig.programSequences, { of: "program" });
  assert.equal(filter.feed(Buffer.from("\x1bc")).toString(), `\x1bc${modesWeNeed}`);
  assert.equal(filter.feed(Buffer.from("\x1b[!p")).toString(), `\x1b[!p${modesWeNeed}`);
  assert.equal(filter.feed(Buffer.from("\x1b[?2004r")).toString(), "\x1b\\");
});

test("leaving writes each mode that passes as its line says", () => {
  const written = leaveTerminal().toString("latin1");
  for (const { mode, dec, leaving, kept } of modeRules) {
    const named = (final: string) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC introduces them
      const lists = [...written.matchAll(/\x1b\[(\??)([\d;]+)([hlr])/g)].filter(
        ([, prefix, , end]) => end === final && (prefix === "?") === dec,
      );
      return lists.some(([, , modes = ""]) => modes.split(";").includes(String(mode)));
    };
    if (leaving !== "nothing") assert.ok(named(leaving === "set" ? "h" : "l"), `${mode}`);
    if (kept) assert.ok(named("r"), `${mode}`);
  }
});

test("the docs' table is the one of the filter (node --import tsx test/support/terminal/mode-table.ts writes it)", () => {
  const page = fs.readFileSync(modePage, "utf8");
  assert.equal(page, pageWithModes(page));
});
