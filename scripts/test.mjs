// Runs the tests of the named folders of test/: node's runner, TypeScript through tsx, one process a file.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "..");
const files = process.argv.slice(2).flatMap((folder) => testsBelow(path.join(root, "test", folder)));
if (files.length === 0) {
  console.error(`no tests in ${process.argv.slice(2).join(", ")}`);
  process.exit(1);
}
// a test that waits for ever fails by its name, and not by the patience of whoever waits for all of them (ms); Node 20.11 and later know it
const longest = 600_000;
const [major, minor] = process.versions.node.split(".").map(Number);
const limit = major > 20 || minor >= 11 ? [`--test-timeout=${longest}`] : [];
// two at a time: the machines have two cores, and every test has ptys and a server of its own
const run = spawnSync(process.execPath, ["--import", "tsx", "--test", "--test-concurrency=2", ...limit, ...files], {
  cwd: root,
  stdio: "inherit",
});
process.exit(run.status ?? 1);

function testsBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) return testsBelow(full);
      return entry.name.endsWith(".test.ts") ? [path.relative(root, full)] : [];
    })
    .sort();
}
