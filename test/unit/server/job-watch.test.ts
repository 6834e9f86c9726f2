// The watch for the end of a batch job that no control group ends: it acts on what it knows.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { startTime } from "../../../src/platform/processes.ts";
import { keeperFrom, watchJob } from "../../../src/server/jobs/job-watch.ts";
import type { Session } from "../../../src/session/life/session.ts";
import type { Keeper } from "../../../src/session/life/session-facts.ts";
import { takeDescriptors } from "../../support/descriptors.ts";

/** How often (ms) the watch looks. */
const look = 1_000;

/** Watches a job of one run; `stopped` counts the orders to end, `pass` has the watch look once. */
function watched(t: TestContext, own: Keeper) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const program = { reached: true, interruptible: true };
  const session = {
    id: "run",
    live: true,
    program,
    row: { facts: {} },
    trainer: { stopOrder: "interrupt" },
  } as unknown as Session;
  const seen = { stopped: 0, pass: () => t.mock.timers.tick(look) };
  const stop = () => {
    seen.stopped++;
  };
  t.after(watchJob(own, { live: () => [session], stop, kill() {}, done() {}, steady: () => 0, log() {} }));
  return seen;
}

/** Does it while this process has no descriptor left. */
function without<T>(work: () => T): T {
  const giveBack = takeDescriptors();
  try {
    return work();
  } finally {
    giveBack();
  }
}

test("a run whose job's end cannot be looked at for want of a descriptor is not stopped", (t) => {
  const seen = watched(t, keeperFrom(process.pid));
  without(seen.pass);
  assert.equal(seen.stopped, 0);
});

test("nor one whose job could not be looked at in the moment in which the watch began", (t) => {
  const own = without(() => keeperFrom(process.pid));
  assert.deepEqual(own, { pid: process.pid, start: null });
  const seen = watched(t, own);
  seen.pass();
  assert.equal(seen.stopped, 0);
});

test("one whose job is over is stopped, also where another process has its number by now", async (t) => {
  const seen = watched(t, { pid: process.pid, start: (startTime(process.pid) ?? 0) - 1 });
  seen.pass();
  assert.equal(seen.stopped, 1);
  t.mock.timers.reset();
  const child = spawn("/bin/true");
  await once(child, "close");
  const gone = watched(t, { pid: child.pid as number, start: 1 });
  gone.pass();
  assert.equal(gone.stopped, 1);
});
