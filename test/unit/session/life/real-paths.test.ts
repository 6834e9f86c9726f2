// Paths that are compared: through a link too, and before what they name is there.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { operationOf, useAside } from "../../../../src/base/aside/aside.ts";
import { learnRealPaths, othersPatience, realPath } from "../../../../src/session/life/real-paths.ts";

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

test("a file system of others that does not answer is not waited for; what answers late is known the next time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.after(() => useAside(undefined));
  let answer: ((real: string) => void) | undefined;
  const asked: string[] = [];
  useAside(async (_name, file) => {
    asked.push(file);
    return file === "/away/run" ? new Promise((resolve) => (answer = resolve)) : `/real${file}`;
  });
  const learnt = learnRealPaths(["/mine"], ["/there", "/away/run"]);
  await new Promise((resolve) => setImmediate(resolve));
  t.mock.timers.tick(othersPatience);
  await learnt;
  assert.deepEqual(["/mine", "/there", "/away/run"].map(realPath), ["/real/mine", "/real/there", "/away/run"]);
  answer?.("/real/away/run");
  await new Promise((resolve) => setImmediate(resolve));
  await learnRealPaths([], ["/away/run"]);
  assert.equal(realPath("/away/run"), "/real/away/run");
});
