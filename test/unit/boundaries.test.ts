// `npm run check` refuses an import across a forbidden boundary, and allows every import that
// docs/design/architecture.md allows.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";

const root = path.resolve(import.meta.dirname, "../..");

/**
 * The table of docs/design/architecture.md: a folder's row names the folders that it may import from, or "all
 * above".
 */
function table(): Map<string, string[]> {
  const page = fs.readFileSync(path.join(root, "docs/design/architecture.md"), "utf8");
  const section = /## Folders, and who may import whom\n+([\s\S]*?)\n\n/.exec(page)?.[1] ?? "";
  const rows = section.split("\n").map((line) => /^ {4}(\w+)\/ .* {2,}(\S.*)$/.exec(line));
  const allowed = new Map<string, string[]>();
  for (const row of rows) {
    assert.ok(row?.[1] && row[2], `a row of the table in docs/design/architecture.md cannot be read: ${row?.input}`);
    allowed.set(row[1], row[2] === "all above" ? [...allowed.keys()] : row[2] === "nothing of ours" ? [] : row[2].split(", "));
  }
  return allowed;
}

interface Report {
  diagnostics: { category: string; location: { path: string | { file: string } } }[];
}

const allowed = table();
let folder = "";
let report: Report;
/** What scripts/check-imports.mjs says of the tree, a line each. */
let complaints: string[] = [];

/**
 * A tree with a file for every pair of folders (and a ring of two files), linted once by the project's own
 * rules.
 */
before(() => {
  folder = fs.mkdtempSync("/tmp/fs-lint-");
  const settings = JSON.parse(fs.readFileSync(path.join(root, "biome.json"), "utf8"));
  settings.vcs.enabled = false;
  fs.writeFileSync(path.join(folder, "biome.json"), JSON.stringify(settings));
  const put = (file: string, text: string) => {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), text);
  };
  for (const from of allowed.keys()) {
    for (const to of allowed.keys()) {
      if (to !== from) put(`src/${from}/to-${to}.ts`, `import { thing } from "../${to}/thing.ts";\nthing();\n`);
    }
    put(`src/${from}/room/up.ts`, 'import type { thing } from "../up.ts";\nexport type T = thing;\n');
    put(`src/${from}/room/to-base.ts`, 'import { thing } from "../../base/thing.ts";\nthing();\n');
    put(`src/${from}/room/to-server.ts`, 'export type { thing } from "../../server/thing.ts";\n');
    put(
      `src/${from}/to-stranger.ts`,
      `import type { thing } from "../folder-without-a-rule/thing.ts";\nexport type T = thing;\n`,
    );
    put(`src/${from}/to-database.ts`, `import Database from "better-sqlite3";\nexport default new Database("x");\n`);
  }
  for (const from of ["session", "trainers"])
    put(`src/${from}/to-falcon.ts`, 'import { falcon } from "../trainers/falcon/trainer.ts";\nfalcon();\n');
  put("src/trainers/falcon/to-interface.ts", 'import type { Trainer } from "../trainer.ts";\nexport type T = Trainer;\n');
  put("src/trainers/falcon/to-run.ts", 'import type { Run } from "../run/run.ts";\nexport type T = Run;\n');
  put("src/trainers/run/to-falcon.ts", 'import { falcon } from "../falcon/trainer.ts";\nfalcon();\n');
  put("src/trainers/falcon/to-none.ts", 'import { none } from "../none/trainer.ts";\nnone();\n');
  put("src/trainers/falcon/to-files.ts", 'import { files } from "../files/rows.ts";\nfiles();\n');
  put("src/trainers/files/to-falcon.ts", 'import { falcon } from "../falcon/trainer.ts";\nfalcon();\n');
  put("src/session/to-files.ts", 'import { files } from "../trainers/files/rows.ts";\nfiles();\n');
  put("src/trainers/registry.ts", 'import { falcon } from "./falcon/trainer.ts";\nfalcon();\n');
  put("src/base/ring-a.ts", 'import { b } from "./ring-b.ts";\nexport const a = () => b;\n');
  put("src/base/ring-b.ts", 'import { a } from "./ring-a.ts";\nexport const b = () => a;\n');
  put("src/base/type-ring-a.ts", 'import type { B } from "./type-ring-b.ts";\nexport type A = B[];\n');
  put("src/base/type-ring-b.ts", 'import type { A } from "./type-ring-a.ts";\nexport type B = A | null;\n');
  const biome = path.join(root, "node_modules/@biomejs/biome/bin/biome");
  const run = spawnSync(process.execPath, [biome, "lint", "--reporter=json", "--max-diagnostics=none", "src"], {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  assert.ok(run.stdout.startsWith("{"), run.stderr);
  report = JSON.parse(run.stdout);
  const check = spawnSync(process.execPath, [path.join(root, "scripts/check-imports.mjs"), folder], { encoding: "utf8" });
  assert.notEqual(check.status, 0);
  complaints = check.stderr.split("\n");
});

after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** The rules that fired in a file of the tree. */
function fired(file: string): string[] {
  return report.diagnostics
    .filter(({ location }) => (typeof location.path === "string" ? location.path : location.path.file).endsWith(file))
    .map((diagnostic) => diagnostic.category);
}

/** Whether an import of a file of the tree is refused. */
function refused(file: string): boolean {
  return complaints.some((line) => line.startsWith(`${file}: imports `));
}

test("the table in docs/design/architecture.md names the folders of src", () => {
  const folders = fs.readdirSync(path.join(root, "src"));
  assert.deepEqual(folders.filter((name) => !allowed.has(name)).sort(), []);
  assert.ok(allowed.size >= 9);
});

test("an import fires where the table does not allow it, and nowhere else", () => {
  for (const [from, targets] of allowed) {
    for (const to of allowed.keys()) {
      if (to === from) continue;
      assert.equal(refused(`src/${from}/to-${to}.ts`), !targets.includes(to), `${from} -> ${to}`);
    }
    assert.ok(refused(`src/${from}/to-stranger.ts`), `${from} -> a folder without a rule, types only`);
    assert.ok(!refused(`src/${from}/room/up.ts`), `${from}: an inner room imports from its own folder`);
    assert.equal(refused(`src/${from}/room/to-base.ts`), from !== "base" && !targets.includes("base"), `${from}: an inner room`);
    assert.equal(
      refused(`src/${from}/room/to-server.ts`),
      from !== "server",
      `${from}: an inner room passes on what it may not have`,
    );
  }
});

test("a trainer's folder is known to itself and to the registry alone", () => {
  for (const file of [
    ...["session/to-falcon.ts", "session/to-files.ts", "trainers/to-falcon.ts"],
    ...["trainers/falcon/to-none.ts", "trainers/files/to-falcon.ts", "trainers/run/to-falcon.ts"],
  ])
    assert.ok(refused(`src/${file}`), file);
  const own = ["to-interface", "to-files", "to-run"].map((name) => `trainers/falcon/${name}.ts`);
  for (const file of ["trainers/registry.ts", ...own]) assert.ok(!refused(`src/${file}`), file);
});

test("the database's package is the store's alone", () => {
  for (const from of allowed.keys()) assert.equal(refused(`src/${from}/to-database.ts`), from !== "store", from);
});

test("a ring of imports fires", () => {
  assert.ok(fired("src/base/ring-a.ts").includes("lint/suspicious/noImportCycles"));
  assert.ok(fired("src/base/type-ring-a.ts").includes("lint/suspicious/noImportCycles"), "a ring of types as well");
});

test("an export that nothing in src imports is found", () => {
  const project = path.join(folder, "unused");
  fs.mkdirSync(path.join(project, "src/server"), { recursive: true });
  fs.mkdirSync(path.join(project, "test"));
  fs.writeFileSync(path.join(project, "package.json"), '{ "name": "unused", "type": "module" }');
  fs.copyFileSync(path.join(root, "test/knip.json"), path.join(project, "test/knip.json"));
  fs.writeFileSync(path.join(project, "src/server/main.ts"), 'import { used } from "./parts.ts";\nused();\n');
  fs.writeFileSync(path.join(project, "src/server/parts.ts"), "export const used = () => {};\nexport const tested = () => {};\n");
  fs.writeFileSync(path.join(project, "test/parts.test.ts"), 'import { tested } from "../src/server/parts.ts";\ntested();\n');
  const knip = path.join(root, "node_modules/knip/bin/knip.js");
  const run = spawnSync(process.execPath, [knip, "--config", "test/knip.json"], { cwd: project, encoding: "utf8" });
  assert.match(run.stdout, /^tested\s/m, run.stderr);
  assert.doesNotMatch(run.stdout, /^used\s/m);
  assert.notEqual(run.status, 0);
});
