// The operating system commands that docs/design/security.md names under each setting are those that the
// table in native/filter/sequence_rules.c passes by it, and no others.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { type ProgramSequences, sequenceKinds } from "../../../src/base/config/config.ts";
import { StreamFilter } from "../../../src/platform/stream-filter.ts";
import { root } from "../../support/paths.ts";

/** More than any number of the table. */
const numbers = 6_000;

/** The one whose first word, not its number, says what it does. */
const iterm = 1337;

const rules = (passage: (kind: keyof ProgramSequences) => "pass" | "block") =>
  Object.fromEntries(sequenceKinds.map((kind) => [kind, passage(kind)])) as unknown as ProgramSequences;

/** Which of these pass, as something that is set. */
function passed(among: readonly number[], by: ProgramSequences): number[] {
  const filter = new StreamFilter(by, { of: "screen" });
  const passes = (text: string) => filter.feed(Buffer.from(text)).toString() === text;
  // 777 has its word in front
  return among.filter((number) => passes(`\x1b]${number};x\x07`) || passes(`\x1b]${number};notify;a;b\x07`));
}

/** "OSC 4, 5, 10 to 12; …": the numbers that a row of the page names. */
function named(what: string): number[] {
  return [...what.matchAll(/\b(\d+)(?: to (\d+))?\b/g)].flatMap(([, from, to]) => {
    const [first, last] = [Number(from), Number(to ?? from)];
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

test("each setting's commands in security.md are those of the table", () => {
  const page = fs.readFileSync(path.join(root, "docs/design/security.md"), "utf8");
  const every = Array.from({ length: numbers }, (_, number) => number).filter((number) => number !== iterm);
  const known = passed(
    every,
    rules(() => "pass"),
  );
  assert.ok(known.length > 30);
  for (const kind of sequenceKinds) {
    const what = new RegExp(`^\\| ${kind} \\| \\w+ \\| (.*) \\|$`, "m").exec(page)?.[1];
    assert.ok(what !== undefined, `security.md has a row for ${kind}`);
    const commands = /OSC ([^;.]*)/.exec(what)?.[1] ?? "";
    const expected = passed(
      known,
      rules((each) => (each === kind ? "pass" : "block")),
    );
    assert.deepEqual(named(commands), expected, kind);
  }
});
