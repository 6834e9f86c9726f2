// Which run directory a session trains into: named, found by the open log of its driver, or by the link that
// falcon moves.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { canonical, findRunDirectory, latestLink, openDriverLog } from "../../../../src/trainers/falcon/run/run-directory.ts";
import { falcon } from "../../../../src/trainers/falcon/trainer.ts";
import { layOut, recordedRuns } from "../../../support/recorded.ts";

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "rundir-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

const linux = { skip: fs.existsSync("/proc/self/fd") ? false : "open files of a process are not to be seen here" };

let projects = 0;
const project = () => {
  const folder = path.join(home, String(++projects));
  fs.mkdirSync(path.join(folder, "output"), { recursive: true });
  return folder;
};

/** Holds a file open as falcon's driver does. */
async function holding<T>(file: string, work: () => Promise<T>): Promise<T> {
  const fd = fs.openSync(file, "a");
  try {
    return await work();
  } finally {
    fs.closeSync(fd);
  }
}

test("named by its arguments: absolute and without links, as far as it exists", async () => {
  const folder = project();
  fs.mkdirSync(path.join(folder, "real"));
  fs.symlinkSync("real", path.join(folder, "link"));
  assert.equal(await canonical(path.join(folder, "none/at/all")), path.join(folder, "none/at/all"));
});

test("the latest link: what it points at, and that it was made anew", async () => {
  const folder = project();
  assert.equal(await latestLink(folder), undefined);
  const link = path.join(folder, "output/latest");
  fs.symlinkSync("261124-080146-brave-owl", link);
  const before = await latestLink(folder);
  assert.equal(before?.target, "261124-080146-brave-owl");
  assert.equal(await findRunDirectory(folder, before, []), undefined, "as it was before the start");
  const run = path.join(folder, "output/261124-090000-calm-fox");
  fs.unlinkSync(link);
  fs.symlinkSync("261124-090000-calm-fox", link);
  assert.equal(await findRunDirectory(folder, before, []), undefined, "its configuration is not written yet");
  fs.mkdirSync(run);
  fs.writeFileSync(path.join(run, "config.yml"), "");
  assert.deepEqual(await findRunDirectory(folder, before, []), { run, own: false });
});

test("a link that could not be read before the start is no evidence of a new run: it may be an earlier one's", async (t) => {
  const folder = project();
  const run = path.join(folder, "output/261124-080146-brave-owl");
  fs.mkdirSync(run);
  fs.writeFileSync(path.join(run, "config.yml"), "");
  fs.symlinkSync(path.basename(run), path.join(folder, "output/latest"));
  const away = t.mock.method(fs, "readlinkSync", () => {
    throw Object.assign(new Error("EIO: i/o error, readlink"), { code: "EIO" });
  });
  const before = await falcon.beforeStart?.(folder);
  away.mock.restore();
  assert.equal(await falcon.findRun?.(folder, before, []), undefined);
  assert.equal(await falcon.findRun?.(folder, await falcon.beforeStart?.(folder), []), undefined);
});

test("the driver's open log, which another run in the same project cannot move", linux, async () => {
  for (const name of recordedRuns) {
    const folder = project();
    const run = path.join(folder, "run");
    layOut(name, run);
    fs.symlinkSync("another", path.join(folder, "output/latest"));
    const log = path.join(run, "graph/driver/output.log");
    await holding(log, async () => {
      assert.equal(openDriverLog([process.pid]), log);
      assert.deepEqual(await findRunDirectory(folder, undefined, [process.pid]), { run, own: true }, name);
    });
    assert.equal(openDriverLog([process.pid]), undefined, "closed again");
  }
});

test("paths.graph moved: the log itself names the run directory", linux, async () => {
  const folder = project();
  const run = path.join(folder, "run");
  layOut("plain", run);
  const graph = path.join(folder, "elsewhere");
  fs.renameSync(path.join(run, "graph"), graph);
  await holding(path.join(graph, "driver/output.log"), async () => {
    assert.deepEqual(await findRunDirectory(folder, undefined, [process.pid]), { run, own: true });
  });
});

test("a log that has not said yet where it trains: known by the configuration beside it, else not at all", linux, async () => {
  const folder = project();
  const run = path.join(folder, "output/one");
  fs.mkdirSync(path.join(run, "graph/driver"), { recursive: true });
  const log = path.join(run, "graph/driver/output.log");
  fs.writeFileSync(log, "2026-11-24T08:00:00 [INFO] falcon v0.5.1\n");
  await holding(log, async () => {
    assert.equal(await findRunDirectory(folder, undefined, [process.pid]), undefined);
    fs.writeFileSync(path.join(run, "config.yml"), "");
    assert.deepEqual(await findRunDirectory(folder, undefined, [process.pid]), { run, own: true });
  });
});

test("processes that are gone, or are not ours to look into, are passed over", async () => {
  assert.equal(openDriverLog([]), undefined);
  assert.equal(openDriverLog([2 ** 30, 1]), undefined);
});
