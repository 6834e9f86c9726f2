// The lint rule on node:fs, node:child_process and the clocks really refuses, and this tree keeps to it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "../support/paths.ts";

const check = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(root, "scripts/check-files.mjs"), ...args], { encoding: "utf8" });

/** Each of `refused` is told of as a user of `what`, and none of the files that are fine. */
function assertRefused(fine: Record<string, string>, refused: readonly string[], what: string): void {
  const folder = fs.mkdtempSync("/tmp/fs-lint-");
  try {
    const files = { ...fine, ...Object.fromEntries(refused.map((text, n) => [`src/commands/refused-${n}.ts`, text])) };
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), `${text}\n`);
    }
    const { status, stderr } = check(folder);
    assert.equal(status, 1);
    for (const n of refused.keys()) assert.match(stderr, new RegExp(`src/commands/refused-${n}\\.ts uses ${what}`));
    assert.equal(stderr.trim().split("\n").length, refused.length);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

test("a module that touches files without a reason is refused, however it imports node:fs", () =>
  assertRefused(
    {
      "src/store/fine.ts": 'import fs from "node:fs";',
      "src/commands/none.ts": 'import path from "node:path"; // from "fs-extra"',
    },
    [
      'import fs from "node:fs";',
      'import { open } from "node:fs/promises";',
      'import { statSync } from "fs";',
      'await import("node:fs");',
      'require("fs");',
    ],
    "node:fs: have it done aside",
  ));

test("so is one that starts programs; types of node:child_process are none", () =>
  assertRefused(
    { "src/commands/types.ts": 'import type { ChildProcess } from "node:child_process";' },
    [
      'import { spawn } from "node:child_process";',
      'import { type ChildProcess, execFile } from "child_process";',
      'import type { X } from "y";\nimport {\n  fork,\n} from "node:child_process";',
      'await import("node:child_process");',
      'export { spawn } from "node:child_process";',
    ],
    "node:child_process: start it by",
  ));

test("so is one that reads a clock by itself; a time that is given is none", () =>
  assertRefused(
    { "src/commands/given.ts": "export const text = (ms: number) => new Date(ms).toISOString();" },
    [
      "const now = Date.now();",
      "const clock = performance.now;",
      "new Date();",
      "const text = Date();",
      "process.hrtime.bigint();",
    ],
    "a clock: ask",
  ));

test("this tree keeps to it", () => {
  const { status, stderr } = check();
  assert.equal(status, 0, stderr);
});
