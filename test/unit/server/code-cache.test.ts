// What is kept of the code that Node compiles.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { keepCompiled, mostCompiled } from "../../../src/server/code-cache.ts";

test("files of earlier installations stay until there are too many, and then the oldest go", (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-code-"));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const below = path.join(folder, "v24");
  fs.mkdirSync(below);
  const write = (name: string, seconds: number) => {
    fs.writeFileSync(path.join(below, name), "x");
    fs.utimesSync(path.join(below, name), seconds, seconds);
  };
  // the names are in another order than the times
  for (let i = 0; i < mostCompiled; i++) write(`${i}`, 2 * mostCompiled - i);
  keepCompiled(folder);
  assert.equal(fs.readdirSync(below).length, mostCompiled);
  for (const name of ["more", "still more"]) write(name, 3 * mostCompiled);
  keepCompiled(folder);
  const left = fs.readdirSync(below);
  assert.equal(left.length, mostCompiled);
  const gone = [mostCompiled - 1, mostCompiled - 2].map(String);
  assert.deepEqual(
    gone.filter((name) => left.includes(name)),
    [],
  );
  keepCompiled(path.join(folder, "not-there"));
});
