// Whether a page is served, by what the process that served it last has said of itself.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { startTime } from "../../../src/platform/processes.ts";
import { forgetRunning, runningWeb, tellRunning } from "../../../src/web/running.ts";

test("another process that has the number of one that served a page serves none", (t) => {
  const home = fs.mkdtempSync("/tmp/fs-");
  t.after(() => fs.rmSync(home, { recursive: true }));
  assert.equal(runningWeb(home), undefined);
  const told = { pid: process.pid, socket: null, url: "http://localhost:8765/" };
  tellRunning(home, told);
  assert.deepEqual(runningWeb(home), told, "an earlier version's, which told no start");
  const start = startTime(process.pid) as number;
  tellRunning(home, { ...told, start });
  assert.equal(runningWeb(home)?.url, told.url);
  tellRunning(home, { ...told, start: start + 1 });
  assert.equal(runningWeb(home), undefined);
  tellRunning(home, { ...told, start });
  forgetRunning(home, process.pid);
  assert.equal(runningWeb(home), undefined);
});
