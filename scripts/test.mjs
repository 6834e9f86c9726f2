// Runs the tests of the named folders and files of test/ (with or without "test/" before them): node's
// runner, one process a file. `--at-once N` of them run together: more than the usual two where they wait for
// others much of the time (for Slurm, for pip, for terminals).
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { asked } from "./asked.mjs";
import { compiledSources } from "./compiled/sources.mjs";
import { testsBelow } from "./test-files.mjs";

const root = path.resolve(import.meta.dirname, "..");
const { values, positionals } = asked({ allowPositionals: true, options: { "at-once": { type: "string", default: "2" } } });
const files = testsBelow(positionals);
if (files.length === 0) {
  console.error("which tests? Name folders and files of test/");
  process.exit(2);
}
// a test that waits for ever fails by its name, and not by the patience of whoever waits for all of them (ms)
const longest = 600_000;
const [major, minor] = process.versions.node.split(".").map(Number);
// known since Node 20.11; that timers in a test's hand are an experiment of Node's is nothing to act upon
const known = major > 20 || minor >= 11 ? [`--test-timeout=${longest}`, "--disable-warning=ExperimentalWarning"] : [];
const sources = compiledSources();
// two by themselves: the machines have two cores, and every test has ptys and a server of its own
const { status, failed } = runTests(files, Number(values["at-once"]));
if (status === 0) process.exit(0);
/**
 * Tests of whole programs wait for pictures on real terminals, for real jobs and real signals, on machines
 * that others use as well. Those that failed are run once more, alone, and both outcomes are said; a test
 * that fails then has failed. Other tests have one go. (`npm run test:flakes` finds those that fail by
 * chance.)
 */
const wholePrograms = [
  "e2e",
  "batch",
  "hosts",
  "kernel",
  "load",
  "notify",
  "resources",
  "compare",
  "packages",
  "rooms",
  "npm",
  "signals",
  "web",
  path.join("unit", "native"),
  // with real holders and shells
  path.join("unit", "session"),
];
const again = failed.filter((file) => wholePrograms.some((name) => file.startsWith(path.join("test", name) + path.sep)));
if (failed.length === 0 || again.length < failed.length) process.exit(status);
console.log(`\nfailed beside others, and run again alone: ${again.join(", ")}`);
const second = runTests(again, 1);
console.log(
  second.status === 0
    ? `\nBY CHANCE: ${again.length} failed beside others and passed alone; each is a defect of the product or of the test (npm run test:flakes):\n  ${again.join("\n  ")}`
    : `\nfailed alone as well: ${second.failed.join(", ")}`,
);
process.exit(second.status);

function runTests(chosen, concurrency) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-failed-"));
  const list = path.join(folder, "list");
  const reporters = [
    path.join(import.meta.dirname, "test-report.mjs"),
    "stdout",
    path.join(import.meta.dirname, "failed-files.mjs"),
    list,
  ];
  const options = reporters.map((value, i) => `--test-reporter${i % 2 === 0 ? "" : "-destination"}=${value}`);
  const args = [...sources, "--test", `--test-concurrency=${concurrency}`, ...known, ...options, ...chosen];
  const run = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  const lines = fs.existsSync(list) ? fs.readFileSync(list, "utf8").split("\n").filter(Boolean) : [];
  fs.rmSync(folder, { recursive: true, force: true });
  return { status: run.status ?? 1, failed: [...new Set(lines.map((file) => path.relative(root, file)))] };
}
