// One statement about an end, whatever the exit status, the signals, the batch system, the files and falcon's
// own words are.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  deriveOutcome,
  type OutcomeFacts,
  type SignalEvent,
  sentenceAfter,
  withSignal,
} from "../../../../src/session/life/outcome.ts";
import type { ModelFiles } from "../../../../src/trainers/run/ending.ts";

const whole: ModelFiles = { state: "whole", files: 10, damaged: [] };
const none: ModelFiles = { state: "none", files: 0, damaged: [] };
const cut: ModelFiles = { state: "cut", files: 3, damaged: ["theta/model.pth"] };
const ended = 1_000_000;
const exit = (status: number) => ({ code: status, signal: null, status });
const killed = (signal: string, status: number) => ({ code: null, signal, status });
const sent = (signal: string, by: "kill" | "caller" | "typed" | "stop" | "batch", before = 1_000) => ({
  time: ended - before,
  signal,
  by,
});

const outcome = (more: Partial<OutcomeFacts>) => {
  const facts: OutcomeFacts = {
    savesModel: true,
    end: exit(0),
    lost: undefined,
    ended,
    outOfMemory: false,
    signals: [],
    ...more,
  };
  const { kind, saved, by, sentence } = deriveOutcome(facts);
  return [kind, saved, by, sentence];
};

describe("a falcon launch", () => {
  test("trained to its end", () => {
    assert.deepEqual(outcome({ models: whole, savedByLog: true, trained: true, ending: "completed" }), [
      "completed",
      true,
      null,
      "completed",
    ]);
  });

  test("SIGTERM, which falcon calls completed and Python ends with SIGABRT: killed, by whom, not saved", () => {
    assert.deepEqual(
      outcome({
        end: killed("SIGABRT", 134),
        models: none,
        trained: false,
        ending: "killed",
        signals: [sent("SIGTERM", "kill")],
      }),
      ["killed", false, "falcon kill", "ended by SIGTERM (falcon kill), model not saved"],
    );
  });

  test("one interrupt, by falcon stop, with its model", () => {
    const stop = { time: ended - 9_000, by: "stop" as const, why: "falcon stop" };
    assert.deepEqual(outcome({ models: whole, savedByLog: true, trained: false, stop, signals: [sent("SIGINT", "stop")] }), [
      "stopped",
      true,
      "falcon stop",
      "stopped, model saved",
    ]);
  });

  test("asked to stop when it was through: completed", () => {
    const stop = { time: ended - 9_000, by: "stop" as const, why: "falcon stop" };
    assert.equal(outcome({ models: whole, savedByLog: true, trained: true, stop, ending: "stopped" })[0], "completed");
  });

  test("the second Ctrl+C", () => {
    assert.deepEqual(
      outcome({
        end: exit(1),
        models: none,
        trained: false,
        ending: "forced",
        signals: [sent("SIGINT", "typed", 30_000), sent("SIGINT", "typed")],
      }),
      ["stopped", false, "Ctrl+C", "stopped by force, model not saved"],
    );
  });

  test("falcon's own time limit, a deadline's stop, the batch system's limit", () => {
    const limit = ["time-limit", true];
    assert.deepEqual(outcome({ models: whole, savedByLog: true, trained: false, timedOut: true }).slice(0, 2), limit);
    const stop = { time: ended - 9_000, by: "deadline" as const, why: "the time limit is in 2m" };
    assert.deepEqual(outcome({ models: whole, savedByLog: true, trained: false, stop }), [
      ...limit,
      "the time limit",
      "stopped at its time limit, model saved",
    ]);
    const batch = { job: "Slurm job 7", what: "time-limit" as const, time: ended + 500 };
    assert.deepEqual(outcome({ end: undefined, lost: "gone", models: none, batch }), [
      "time-limit",
      false,
      "Slurm job 7 reached its time limit",
      "killed at its time limit (Slurm job 7), model not saved",
    ]);
  });

  test("a job that was cancelled, and the time is the event's", () => {
    const batch = { job: "Slurm job 7", what: "cancelled" as const, time: ended - 80_000 };
    const facts = {
      savesModel: true,
      end: undefined,
      lost: "gone",
      ended,
      outOfMemory: false,
      signals: [],
      models: none,
      batch,
    } as const;
    const told = deriveOutcome(facts);
    assert.deepEqual([told.kind, told.time], ["killed", ended - 80_000]);
    assert.equal(told.sentence, "killed: Slurm job 7 was cancelled, model not saved");
  });

  test("a save that was cut off is none, with and without a damaged file", () => {
    const end = killed("SIGKILL", 137);
    assert.deepEqual(outcome({ end, models: cut, savedByLog: false }).slice(0, 2), ["killed", false]);
    assert.match(String(outcome({ end, models: cut })[3]), /model not saved \(theta\/model\.pth: cut off\)/);
    assert.equal(outcome({ end, models: whole, savedByLog: false })[1], false, "whole files of a save that was not through");
    assert.equal(outcome({ end, models: whole, savedByLog: true })[1], true, "killed while it drew samples");
  });

  test("a failure, a program that cannot run, want of memory, a lost one", () => {
    assert.deepEqual(outcome({ end: exit(1), models: none, ending: "failed" }).slice(0, 2), ["failed", false]);
    assert.equal(outcome({ end: exit(127), execError: "cannot run x" })[3], "cannot run x");
    assert.deepEqual(outcome({ end: killed("SIGKILL", 137), outOfMemory: true })[2], "the kernel, for want of memory");
    assert.equal(outcome({ end: undefined, lost: "the machine was restarted" })[3], "lost: the machine was restarted");
  });

  test("SIGKILL from nobody with hardly any memory left was probably for want of it", () => {
    const end = killed("SIGKILL", 137);
    const full = { end, memoryShare: 0.98, limitBy: "group" } as const;
    assert.deepEqual(outcome({ ...full, savesModel: false }).slice(2), [
      "probably the kernel, for want of memory",
      "ended by SIGKILL, probably out of memory: memory was at 98 % of the limit",
    ]);
    assert.match(
      String(outcome({ ...full, limitBy: "machine", end: exit(137) })[3]),
      /status 137, probably .*98 % of the machine's/,
    );
    assert.doesNotMatch(String(outcome({ ...full, memoryShare: 0.6 })[3]), /memory/);
    assert.doesNotMatch(String(outcome({ ...full, memoryShare: null })[3]), /memory/);
    assert.doesNotMatch(String(outcome({ ...full, signals: [sent("SIGKILL", "kill")] })[3]), /memory/);
    assert.doesNotMatch(String(outcome({ ...full, end: killed("SIGTERM", 143) })[3]), /memory/);
  });

  test("a signal long ago is not what ended it", () => {
    assert.equal(outcome({ end: exit(1), ending: "failed", signals: [sent("SIGUSR1", "kill", 600_000)] })[0], "failed");
  });
});

describe("any other command", () => {
  const run = (more: Partial<OutcomeFacts>) => outcome({ savesModel: false, ...more });
  test("has no model, and its own status", () => {
    assert.deepEqual(run({}), ["completed", null, null, "completed"]);
    assert.deepEqual(run({ end: exit(3) }), ["failed", null, null, "ended with status 3"]);
    assert.deepEqual(run({ end: killed("SIGKILL", 137), signals: [sent("SIGKILL", "kill")] }), [
      "killed",
      null,
      "falcon kill",
      "ended by SIGKILL (falcon kill)",
    ]);
    assert.deepEqual(run({ end: exit(7), stop: { time: 1, by: "stop", why: "falcon stop" } })[3], "stopped with status 7");
  });
});

test("the time that it took stands behind the first words", () => {
  const said = (sentence: string) => sentenceAfter({ kind: "lost", saved: null, by: null, time: null, sentence }, "5m 10s");
  assert.equal(said("stopped, model saved"), "stopped after 5m 10s, model saved");
  assert.equal(said("lost: no boot"), "lost after 5m 10s: no boot");
  assert.equal(
    said("ended by SIGTERM (falcon kill), model not saved"),
    "ended by SIGTERM after 5m 10s (falcon kill), model not saved",
  );
  assert.equal(said("completed"), "completed after 5m 10s");
});

test("of signals that never cease the last 32 are kept", () => {
  let kept: SignalEvent[] = [];
  for (let time = 0; time < 100; time++) kept = withSignal(kept, { time, signal: "SIGUSR1", by: "kill" });
  assert.deepEqual([kept.length, kept[0]?.time, kept.at(-1)?.time], [32, 68, 99]);
});
