// Every regular expression of src does work that grows with the length of what it reads, not faster: its
// steps are counted on texts that are made to cost much, at two lengths. Time is not measured.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { parseSync } from "oxc-parser";
import { root } from "../support/paths.ts";
import { PatternSteps, TooMany } from "../support/terminal/pattern-steps.ts";

/** Twice as long costs at most so many times the steps: 2 and what rounding takes; squared it is 4. */
const mostGrowth = 2.7;
/** Characters of the texts; what grows fast is counted once more where the bounds of patterns have ended. */
const [short, long] = [48, 260];
/** Steps beyond which nothing has to be compared: no linear pattern needs as many. */
const mostSteps = 300_000;

interface Written {
  file: string;
  source: string;
  flags: string;
}

/** Of a node of the syntax tree, what is looked at. */
interface Found {
  regex?: { pattern: string; flags: string };
  callee?: { name?: string };
}

/** All patterns below a folder as they are written, and the file of each that is made of something else. */
function patternsOf(folder: string): { written: Written[]; calls: string[] } {
  const written: Written[] = [];
  const calls: string[] = [];
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    const text = fs.readFileSync(path.join(folder, name), "utf8");
    const { program, errors } = parseSync(name, text);
    assert.deepEqual(errors, [], name);
    const walk = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      if (Array.isArray(node)) return node.forEach(walk);
      const { regex, callee } = node as Found;
      if (regex !== undefined) written.push({ file: name, source: regex.pattern, flags: regex.flags });
      if (callee?.name === "RegExp") calls.push(name);
      Object.values(node).forEach(walk);
    };
    walk(program);
  }
  return { written, calls };
}

/** The first attack that costs more than its length, in words. */
function worst(source: string, flags: string): string | undefined {
  const steps = new PatternSteps(source, flags);
  const count = (text: string) => {
    try {
      return steps.count(text, mostSteps);
    } catch (error) {
      // so deep as well
      if (error instanceof TooMany || error instanceof RangeError) return Number.POSITIVE_INFINITY;
      throw error;
    }
  };
  for (const { text, what } of steps.attacks()) {
    const grows = (length: number) => {
      const [once, twice] = [count(text(length)), count(text(2 * length))];
      return twice > mostGrowth * once || twice === Number.POSITIVE_INFINITY ? `${once} steps, then ${twice}` : undefined;
    };
    const growth = grows(short) && grows(long);
    if (growth !== undefined) return `${what}: ${growth}`;
  }
  return undefined;
}

const own = "a person's own pattern, in a thread that is ended past its time";

/** What is made while the server runs: what it can be, or why it may cost what it costs. */
const made: Record<string, [string, string] | string> = {
  "batch/time-limit.ts": ["^[^\\S\\n]*Resource_List\\.walltime = (.+)$", "m"],
  "platform/log-out.ts": ["^[^\\S\\n]*KillUserProcesses[^\\S\\n]*=(.*)$", "gm"],
  "resources/memory-limit.ts": ["^oom_kill (\\d+)$", "m"],
  "terminal/model/answers.ts": [".{2}", "g"],
  "doctor/cleaner.ts": "of tmpfiles.d, which is root's",
  "doctor/falcons.ts": "of a line of the user's own start files",
  "commands/compare/run-directories.ts": "a person's own pattern of names, which have 255 characters; aside",
  "commands/output/log-options.ts": own,
  "commands/output/log-search.ts": own,
  "trainers/terminal/bars.ts": "of a row of a screen, of which 400 columns are read (mostColumns)",
  "commands/web/page.ts": own,
  "logs/line-job.ts": own,
  "logs/session-lines.ts": own,
};

const src = path.join(root, "src");
const { written, calls } = patternsOf(src);

/** The patterns that a module makes of others when it is imported. */
async function madeAtImport(file: string): Promise<Written[]> {
  const found: Written[] = [];
  // first as it is, so that only the module itself is there anew
  await import(path.join(src, file));
  const before = globalThis.RegExp;
  globalThis.RegExp = new Proxy(before, {
    construct(target, words: [string, string?]) {
      const pattern = new target(...words);
      found.push({ file, source: pattern.source, flags: pattern.flags });
      return pattern;
    },
  });
  try {
    await import(`${path.join(src, file)}?patterns`);
  } finally {
    globalThis.RegExp = before;
  }
  return found;
}

describe("work grows with the length of the text, in each pattern", () => {
  const files = [...new Set(written.map(({ file }) => file))].sort();
  for (const file of files)
    test(file, () => {
      for (const { source, flags } of written.filter((each) => each.file === file))
        assert.equal(worst(source, flags), undefined, `/${source}/${flags}`);
    });

  for (const file of [...new Set(calls)].sort())
    test(`${file}, of what it makes patterns of`, async () => {
      const known = made[file];
      if (typeof known === "string") return;
      const all = known === undefined ? await madeAtImport(file) : [{ source: known[0], flags: known[1] }];
      const expected = known === undefined ? calls.filter((each) => each === file).length : 1;
      assert.ok(all.length >= expected, "a pattern that is made later: this test's table needs a line for it");
      for (const { source, flags } of all) assert.equal(worst(source, flags), undefined, `/${source}/${flags}`);
    });

  test("every line of the table is needed", () => {
    for (const file of Object.keys(made)) assert.ok(calls.includes(file), file);
  });

  test("what grows faster is found", () => {
    for (const [source, flags] of [
      ["\\s+$", ""],
      ["^(a+)+$", ""],
      ["^\\s*(x)?\\s*$", ""],
      ["(\\d+):(\\d+)$", ""],
      ["^(?:a|a)*b", ""],
      ["<a.*<b.*>", ""],
    ] as const)
      assert.match(worst(source, flags) ?? "none", / steps, then /, source);
    for (const source of ["(?<!\\s)\\s+$", "^\\s+$", "a[^ab]*b", "\\bx{1,20}y"])
      assert.equal(worst(source, ""), undefined, source);
  });
});
