// The lint rule on node:fs, node:child_process and the clocks really refuses, and this tree keeps to it.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { root } from "../support/paths.ts";

const check = (...args: string[]) =>
  spawnSync(process.execPath, [path.join(root, "scripts/check-files.mjs"), ...args], { encoding: "utf8" });

test("a module that touches files without a reason is refused, however it imports node:fs", () => {
  const folder = fs.mkdtempSync("/tmp/fs-lint-");
  try {
    const put = (file: string, text: string) => {
      fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
      fs.writeFileSync(path.join(folder, file), text);
    };
    put("src/store/fine.ts", 'import fs from "node:fs";\n');
    put("src/commands/none.ts", 'import path from "node:path"; // from "fs-extra"\n');
    const refused = [
      'import fs from "node:fs";',
      'import { open } from "node:fs/promises";',
      'import { statSync } from "fs";',
      'await import("node:fs");',
      'require("fs");',
    ];
    for (const [n, text] of refused.entries()) put(`src/commands/asks-${n}.ts`, `${text}\n`);
    const { status, stderr } = check(folder);
    assert.equal(status, 1);
    for (const n of refused.keys())
      assert.match(stderr, new RegExp(`src/commands/asks-${n}\\.ts uses node:fs: have it done aside`));
    assert.equal(stderr.trim().split("\n").length, refused.length);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("so is one that starts programs; types of node:child_process are none", () => {
  const folder = fs.mkdtempSync("/tmp/program-lint-");
  try {
    fs.mkdirSync(path.join(folder, "src/commands"), { recursive: true });
    const put = (name: string, text: string) => fs.writeFileSync(path.join(folder, "src/commands", name), `${text}\n`);
    put("types.ts", 'import type { ChildProcess } from "node:child_process";');
    const refused = [
      'import { spawn } from "node:child_process";',
      'import { type ChildProcess, execFile } from "child_process";',
      'import type { X } from "y";\nimport {\n  fork,\n} from "node:child_process";',
      'await import("node:child_process");',
      'export { spawn } from "node:child_process";',
    ];
    for (const [n, text] of refused.entries()) put(`starts-${n}.ts`, text);
    const { status, stderr } = check(folder);
    assert.equal(status, 1);
    for (const n of refused.keys())
      assert.match(stderr, new RegExp(`src/commands/starts-${n}\\.ts uses node:child_process: start it by`));
    assert.equal(stderr.trim().split("\n").length, refused.length);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("so is one that reads a clock by itself; a time that is given is none", () => {
  const folder = fs.mkdtempSync("/tmp/clock-lint-");
  try {
    fs.mkdirSync(path.join(folder, "src/session"), { recursive: true });
    const put = (name: string, text: string) => fs.writeFileSync(path.join(folder, "src/session", name), `${text}\n`);
    put("given.ts", "export const text = (ms: number) => new Date(ms).toISOString();");
    const refused = [
      "const now = Date.now();",
      "const clock = performance.now;",
      "new Date();",
      "const text = Date();",
      "process.hrtime.bigint();",
    ];
    for (const [n, text] of refused.entries()) put(`reads-${n}.ts`, text);
    const { status, stderr } = check(folder);
    assert.equal(status, 1);
    for (const n of refused.keys()) assert.match(stderr, new RegExp(`src/session/reads-${n}\\.ts uses a clock: ask`));
    assert.equal(stderr.trim().split("\n").length, refused.length);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("this tree keeps to it", () => {
  const { status, stderr } = check();
  assert.equal(status, 0, stderr);
});
