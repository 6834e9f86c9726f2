// Paths that are compared: through a link too, and before what they name is there.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { operationOf, useAside } from "../../../../src/base/aside/aside.ts";
import { learnRealPaths, realPath } from "../../../../src/session/life/real-paths.ts";

test("a directory that is made only later is the same through a link and without it, however early one asked", async () => {
  const folder = fs.realpathSync(fs.mkdtempSync("/tmp/fs-"));
  try {
    fs.mkdirSync(path.join(folder, "scratch"));
    fs.symlinkSync("scratch", path.join(folder, "runs"));
    const [typed, real] = [path.join(folder, "runs/a/b"), path.join(folder, "scratch/a/b")];
    assert.deepEqual([realPath(typed), realPath(`${typed}/`), realPath(folder)], [real, real, folder]);
    useAside(async (name, _file, args) => operationOf(name)?.(...(args as never[])));
    await learnRealPaths([], [typed]);
    fs.mkdirSync(real, { recursive: true });
    await learnRealPaths([real], [typed]);
    assert.equal(realPath(typed), realPath(real));
  } finally {
    useAside(undefined);
    fs.rmSync(folder, { recursive: true });
  }
});
