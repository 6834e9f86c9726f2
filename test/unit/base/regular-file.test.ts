// What is read of files that somebody else made: regular ones, the kernel's own among them.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { head } from "../../../src/base/aside/regular-file.ts";

const linux = { skip: fs.existsSync("/proc/self/status") ? false : "no /proc" };

test("a file of the kernel's, which has no size, is read as any other", linux, () => {
  assert.match(head("/proc/self/status", 4096), /^Name:\s/);
  assert.equal(head("/proc/self/status", 5), "Name:");
});

test("an empty file, a folder and what is not there have no beginning", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "head-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  fs.writeFileSync(path.join(folder, "empty"), "");
  for (const name of ["empty", ".", "none"]) assert.equal(head(path.join(folder, name), 100), "", name);
});
