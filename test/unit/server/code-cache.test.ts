// What is kept of the code that Node compiles.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { keepCompiled, mostCompiled } from "../../../src/server/code-cache.ts";

test("files of earlier installations stay until there are too many", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-code-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const below = path.join(folder, "v24");
  fs.mkdirSync(below);
  for (let i = 0; i < mostCompiled; i++) fs.writeFileSync(path.join(below, `${i}`), "x");
  keepCompiled(folder);
  assert.equal(fs.readdirSync(below).length, mostCompiled);
  fs.writeFileSync(path.join(below, "more"), "x");
  keepCompiled(folder);
  assert.equal(fs.readdirSync(below).length, 0);
  keepCompiled(path.join(folder, "not-there"));
});
