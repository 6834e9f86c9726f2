// docs/design/limits.md, docs/design/security.md: each constant that they name is in its source, each line
// names tests, and each test is there.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { root } from "../support/paths.ts";

interface Row {
  line: number;
  cells: string[];
}

const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

/** Rows of the tables of a page whose last column is `column`. */
function rows(page: string, column: string): Row[] {
  const found: Row[] = [];
  let inTable = false;
  for (const [i, text] of read(page).split("\n").entries()) {
    const cells = text.startsWith("|")
      ? text
          .slice(1)
          .replace(/\|\s*$/, "")
          .split("|")
          .map((cell) => cell.trim())
      : undefined;
    if (cells === undefined) inTable = false;
    else if (cells.at(-1) === column) inTable = true;
    else if (inTable && !/^-+$/.test(cells[0] as string)) found.push({ line: i + 1, cells });
  }
  return found;
}

/** What the tests and suites of a file are called, templates as they are written. */
function titles(file: string): string[] {
  const source = read(file);
  return [...source.matchAll(/\b(?:test|describe|it)\(\s*(["'`])((?:\\.|(?!\1)[\s\S])*)\1/g)].map((match) => match[2] as string);
}

const fuzzTargets = (() => {
  const folder = path.join(root, "test/fuzz/targets");
  const sources = [...fs.readdirSync(folder).map((name) => `test/fuzz/targets/${name}`), "test/fuzz/native.ts"].map(read);
  return new Set(sources.flatMap((source) => [...source.matchAll(/\bname: "([\w-]+)"/g)].map((match) => match[1] as string)));
})();

/** What is wrong with a reference to a test; undefined where it is right. */
function fault(reference: string): string | undefined {
  const fuzz = /^fuzz ([\w-]+)$/.exec(reference);
  if (fuzz !== null) return fuzzTargets.has(fuzz[1] as string) ? undefined : "no such target";
  const script = /^npm run ([\w:]+)/.exec(reference);
  if (script !== null) return JSON.parse(read("package.json")).scripts[script[1] as string] ? undefined : "no such script";
  const [, file, words] = /^([\w/.-]+) › (.+)$/.exec(reference) ?? [];
  if (file === undefined || words === undefined) return "no reference";
  const full = `test/${file}.test.ts`;
  if (!fs.existsSync(path.join(root, full))) return `${full} is not there`;
  return titles(full).some((title) => title.includes(words)) ? undefined : `no test of ${full} has these words`;
}

for (const page of ["docs/design/limits.md", "docs/design/security.md"]) {
  test(`${page}: each line names its tests, and they are there`, () => {
    const all = rows(page, "test");
    assert.ok(all.length >= 15, `${all.length} lines`);
    const faults = all.flatMap(({ line, cells }) => {
      const last = cells.at(-1) as string;
      const references = [...last.matchAll(/`([^`]+)`/g)].map((match) => match[1] as string);
      // nothing is promised: nothing to test
      if (references.length === 0) return last === "–" && page === "docs/design/security.md" ? [] : [`line ${line}: no test`];
      return references.flatMap((reference) => {
        const wrong = fault(reference);
        return wrong === undefined ? [] : [`line ${line}: \`${reference}\`: ${wrong}`];
      });
    });
    assert.deepEqual(faults, []);
  });
}

test("docs/design/limits.md: each constant is in the source that is named beside it", () => {
  const faults: string[] = [];
  let count = 0;
  for (const { line, cells } of rows("docs/design/limits.md", "test")) {
    for (const [, names = "", file = ""] of (cells[0] as string).matchAll(
      /((?:`\w+`(?:, )?)+) \(((?:src|native)\/[\w/.-]+)\)/g,
    )) {
      for (const [, name = ""] of names.matchAll(/`(\w+)`/g)) {
        count++;
        const there = fs.existsSync(path.join(root, file)) && new RegExp(`\\b${name} ?=`).test(read(file));
        if (!there) faults.push(`line ${line}: ${name} in ${file}`);
      }
    }
  }
  assert.ok(count >= 60, `${count} constants`);
  assert.deepEqual(faults, []);
});

describe("the check itself", () => {
  test("finds what is not there", () => {
    assert.equal(fault("fuzz keys"), undefined);
    assert.equal(fault("unit/pages › finds what is not there"), undefined);
    assert.match(fault("fuzz no-such") ?? "", /no such target/);
    assert.match(fault("unit/no-such › x") ?? "", /is not there/);
    assert.match(fault("unit/pages › words that no test has") ?? "", /no test of/);
    assert.match(fault("npm run no-such") ?? "", /no such script/);
    assert.match(fault("unit/pages") ?? "", /no reference/);
  });
});
