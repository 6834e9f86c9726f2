// The build's check of xterm.js: it passes with the version that we have, and fails in a sentence with one
// whose internals have moved.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { buildSync } from "esbuild";

const built = buildSync({
  entryPoints: [path.resolve(import.meta.dirname, "../../scripts/check-internals.ts")],
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  write: false,
}).outputFiles[0]?.text as string;

const run = (script: string) => spawnSync(process.execPath, ["-"], { input: script, encoding: "utf8" });

test("xterm.js as it is installed passes", () => {
  const { status, stderr } = run(built);
  assert.equal(stderr, "");
  assert.equal(status, 0);
});

test("an xterm.js with a field renamed, as in its 6.1 beta, is told in one sentence", () => {
  // in xterm.js itself, not where internals.ts looks for it
  const moved = built.replace(/(?<!#core)\.coreMouseService/g, ".mouseStateService");
  assert.notEqual(moved, built);
  const { status, stderr } = run(moved);
  assert.match(stderr, /^This version of @xterm\/headless is not the one that .*activeProtocol.*\.\n$/);
  assert.equal(status, 1);
});
