// What list, watch and show draw of a fixed set of sessions, at the sizes that people have: each is kept as
// text in test/fixtures/pictures and was looked at as a picture. After a change of what is drawn:
// UPDATE_PICTURES=1, and look again.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import xterm from "@xterm/headless";
import { sessions } from "../../../../src/commands/list/sessions.ts";
import { show } from "../../../../src/commands/show/show.ts";
import { widthOf } from "../../../../src/commands/text/table.ts";
import { askFixed } from "../../../support/fixed-sessions.ts";
import { root } from "../../../support/paths.ts";

const folder = path.join(root, "test/fixtures/pictures");

/**
 * Compares with what is kept; UPDATE_PICTURES keeps the new one, and puts the same with its colours into the
 * folder that it names.
 */
function compare(name: string, said: string, text: string): void {
  const file = path.join(folder, `${name}.txt`);
  const update = process.env.UPDATE_PICTURES;
  if (update !== undefined) {
    fs.writeFileSync(file, text);
    if (path.isAbsolute(update)) fs.writeFileSync(path.join(update, `${name}.ansi`), said);
  }
  assert.equal(text, fs.readFileSync(file, "utf8"), `${name}: ${file}`);
}

/** Text as it was written, without its colours and the blanks at the ends of lines. */
function plain(said: string): string {
  return stripVTControlCharacters(said).replace(/ +$/gm, "");
}

for (const cols of [80, 100, 120, 300, 0]) {
  test(`the list at ${cols === 0 ? "no terminal" : `${cols} columns`}`, async () => {
    const { call, context, said } = askFixed({ terminal: { cols, stdout: cols > 0, stdin: cols > 0 } });
    assert.equal(await sessions.run(call, context, [], {}), 0);
    const text = plain(said());
    if (cols > 0) for (const line of text.split("\n")) assert.ok(widthOf(line) <= cols, line);
    else assert.equal(text, said().replace(/ +$/gm, ""), "no colours in a pipe");
    compare(`list-${cols}`, said(), text);
  });
}

for (const [name, what] of [
  ["running", "a1k9zq"],
  ["nan", "b2m8yp"],
  ["completed", "e5q5vm"],
  ["failed", "f6r4ul"],
] as const) {
  for (const cols of [80, 120, 0]) {
    test(`show of a ${name} run at ${cols === 0 ? "no terminal" : `${cols} columns`}`, async () => {
      const { call, context, said } = askFixed({ terminal: { cols, rows: 200, stdout: cols > 0, stdin: cols > 0 } });
      assert.equal(await show.run(call, context, [what], {}), 0);
      compare(`show-${name}-${cols}`, said(), plain(said()));
    });
  }
}

/** The screen after what was written. */
async function screenAfter(said: string, cols: number, rows: number): Promise<string> {
  const terminal = new xterm.Terminal({ cols, rows, allowProposedApi: true });
  await new Promise<void>((resolve) => terminal.write(said, resolve));
  const { active } = terminal.buffer;
  const lines = Array.from({ length: rows }, (_, y) => active.getLine(y)?.translateToString(true) ?? "");
  terminal.dispose();
  return `${lines.join("\n")}\n`;
}

for (const cols of [60, 80, 120, 200]) {
  for (const rows of [12, 24, 60]) {
    test(`the watch at ${cols}x${rows}`, { timeout: 60_000 }, async () => {
      const { call, context, said } = askFixed({ terminal: { cols, rows } });
      const watching = sessions.run(call, context, [], { watch: true });
      // one that fails says why, and is not waited for
      const drawn = async () => {
        while (!said().includes("leave")) await new Promise((resolve) => setTimeout(resolve, 1));
      };
      await Promise.race([drawn(), watching]);
      // what ended is unfolded, as a person does to look at it
      if (rows === 60) call.onInput(Buffer.from("e"));
      const picture = said();
      call.onInput(Buffer.from("q"));
      assert.equal(await watching, 0);
      compare(`watch-${cols}x${rows}`, picture, await screenAfter(picture, cols, rows));
    });
  }
}
