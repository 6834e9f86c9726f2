// --requeue: a run's job is run again unless the run completed, was ended on purpose, or failed twice in a
// row.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Outcome, StopRecord } from "../../../../src/session/life/outcome.ts";
import { whyNotAgain } from "../../../../src/session/run/requeue.ts";

const ended = (
  kind: Outcome["kind"],
  over: { by?: StopRecord["by"]; killed?: boolean; part?: number; who?: string; failedBefore?: true } = {},
) =>
  whyNotAgain({
    outcome: { kind, saved: true, by: over.who ?? null, time: 0, sentence: "" },
    stop: over.by === undefined ? undefined : { time: 0, by: over.by, why: "" },
    killed: over.killed ?? false,
    part: over.part ?? 1,
    failedBefore: over.failedBefore ?? false,
  });

test("its time limit, its job's end, a signal from outside, a lost holder, a failure: again", () => {
  assert.equal(ended("time-limit", { by: "deadline" }), "");
  assert.equal(ended("stopped", { by: "caller" }), "");
  assert.equal(ended("killed", { who: "the node of Slurm job 77 failed" }), "");
  assert.equal(ended("lost"), "");
  assert.equal(ended("failed"), "");
});

test("completed, failed twice in a row, by hand, cancelled, too often: not again, with the reason", () => {
  assert.equal(ended("completed"), "it completed");
  assert.equal(ended("failed", { part: 2, failedBefore: true }), "it failed twice in a row");
  for (const by of ["typed", "stop", "kill"] as const) assert.equal(ended("stopped", { by }), "it was ended by hand");
  assert.equal(ended("killed", { killed: true }), "it was ended by hand");
  assert.equal(ended("killed", { who: "Slurm job 77 was cancelled" }), "its job was cancelled");
  assert.equal(ended("time-limit", { by: "deadline", part: 100 }), "it has had 100 parts");
});
