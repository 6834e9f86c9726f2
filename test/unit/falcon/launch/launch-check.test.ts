// What is certain to end a launch is said before it; what is not certain, and what is not falcon, is passed
// over.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { parseLaunch } from "../../../../src/trainers/falcon/launch/arguments.ts";
import { checkLaunch } from "../../../../src/trainers/falcon/launch/launch-check.ts";
import { withWatchedPipe } from "../../../support/watched-pipe.ts";

let folder: string;
let falcon: string;
beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/fs-");
  falcon = write("bin/falcon", "#!/bin/sh\n# from falcon.cli import main\n");
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text, { mode: 0o755 });
  return file;
}
const check = (...args: string[]) => checkLaunch([falcon], parseLaunch(args), folder);

const config =
  "graph:\n  theta:\n    estimator: {max_epochs: 3}\n  x:\n    parents: [theta]\n    observed: \"./data/obs.npz['x']\"\n";

test("a configuration that is not there, is a folder, or is no YAML", async () => {
  assert.equal(await check(), `there is no config.yml in ${folder}; -c names another one`);
  assert.equal(await check("-c", "mine.yml"), `there is no mine.yml in ${folder}`);
  write("config.yml", "graph:\n  x: [1\n  y: 2\n");
  assert.match((await check()) ?? "", /config\.yml is no YAML: line \d+: /);
  fs.mkdirSync(path.join(folder, "dir.yml"));
  assert.match((await check("--config=dir.yml")) ?? "", /dir\.yml is a folder/);
});

test("a configuration that is a pipe is left to falcon, and not opened before", async () => {
  const { answer, opened } = await withWatchedPipe(path.join(folder, "config.yml"), () => check());
  assert.deepEqual({ answer, opened }, { answer: undefined, opened: false });
});

test("a run that is resumed reads its own configuration", async () => {
  write("output/run/config.yml", "graph: {}\n");
  assert.equal(await check("-o", "output/run"), undefined, "without one here");
  write("output/run/config.yml", "graph: [\n");
  assert.match((await check("-o", "output/run")) ?? "", /output\/run\/config\.yml is no YAML/);
});

test("observations: of a file in its brackets, by an override, interpolated, switched off", async () => {
  write("config.yml", config);
  assert.equal(await check(), `the observation of x, ${folder}/data/obs.npz, is not there (${folder}/config.yml)`);
  write("data/obs.npz", "");
  assert.equal(await check(), undefined);
  assert.equal(
    await check("graph.x.observed=other.npy"),
    `the observation of x, ${folder}/other.npy, is not there (graph.x.observed)`,
  );
  for (const passed of [`graph.x.observed=\${run_dir}/obs.npy`, "graph.x.observed=null", "graph.x={}", "graph=null"])
    assert.equal(await check(passed), undefined, passed);
});

test("a run directory that cannot be made", async () => {
  write("config.yml", "graph: {}\n");
  write("file", "");
  assert.equal(await check("-o", "file/run"), `the run directory ${folder}/file/run cannot be made: ${folder}/file is a file`);
  assert.equal(await check("-o", "new/deep/run"), undefined);
  assert.equal(fs.existsSync(path.join(folder, "new")), false, "nothing is made");
});

test("a console script whose Python is gone", async () => {
  write("config.yml", "graph: {}\n");
  falcon = write("bin/falcon", "#!/no/such/env/bin/python3\nfrom falcon.cli import main\n");
  assert.match((await check()) ?? "", /is started by \/no\/such\/env\/bin\/python3, which is not there/);
});

test("another program in its place has rules of its own", async () => {
  falcon = write("bin/falcon", "#!/bin/sh\necho\n");
  assert.equal(await check(), undefined);
  assert.match((await checkLaunch(["python3", "-m", "falcon.cli"], parseLaunch([]), folder)) ?? "", /there is no config\.yml/);
});

test("a file that is longer than any configuration is left to falcon", async () => {
  write("config.yml", `${"#".repeat((1 << 20) + 1)}\ngraph: [\n`);
  assert.equal(await check(), undefined);
});

test("a configuration with more in it than is read here is left to falcon", async () => {
  const matrix = `m: [${Array(150).fill(`[${Array(150).fill(0)}]`)}]\n`;
  const merges = `a: &a {b: 1}\n${Array.from({ length: 20 }, (_, i) => `c${i}: {<<: *a}\n`).join("")}`;
  const nested = `a: ${"[".repeat(300)}${"]".repeat(300)}\n`;
  const aliases = `a: &a {b: [1, 2]}\nc: [${Array(900).fill("*a")}]\nd: &d [*a, *a]\ne: [${Array(90).fill("*d")}]\n`;
  for (const text of [matrix, "# a comment\n".repeat(25_000), merges, nested, aliases]) {
    write("config.yml", text);
    assert.equal(await check(), undefined, text.slice(0, 40));
  }
});

test("brackets and quotes whose lines stand no further in, and a comment close behind one, are falcon's to read", async () => {
  for (const text of [
    'paths:\n  imports: [\n  "./src"\n  ]\n',
    'paths:\n  imports: {\n"a": 1\n}\n',
    'paths:\n  a: "one\ntwo"\n',
    "paths:\n  a: 'one\n\n  two'\n",
    "paths:\n  imports: [./src]# mine\n",
  ]) {
    write("config.yml", text);
    assert.equal(await check(), undefined, text);
  }
  for (const text of ["graph: [\n", "graph: {a: [1]\n", 'graph: "a\n', "graph: 'a\nb: 1\n", 'a: ["x"]\nb: "\n']) {
    write("config.yml", text);
    assert.match((await check()) ?? "", /config\.yml is no YAML/, text);
  }
});
