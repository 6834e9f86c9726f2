// Deadlines: what ends a run first, how long before it is asked to stop, what is said of it, and what makes
// no sense.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  deadlineOf,
  deadlineText,
  finishesInTime,
  graceOf,
  parseDeadline,
  parseSaveBefore,
  refuseLongGrace,
  stopsBefore,
} from "../../../../src/session/run/deadline.ts";
import type { RunProgress } from "../../../../src/trainers/run/run.ts";

const minute = 60_000;
const hour = 60 * minute;
const start = Date.parse("2026-11-27T02:00:00Z");

function row(deadline: object, over: object = {}) {
  return {
    trainer: "falcon",
    command: ["falcon", "launch", "-o", "run"],
    created: start,
    started: start,
    facts: { deadline },
    ...over,
  };
}

/** As much of a run's progress as deadlines look at. */
function progress(timeLeft: number | null, ...longest: (number | null)[]): RunProgress {
  return { timeLeft, nodes: longest.map((longestEpoch) => ({ longestEpoch })) } as unknown as RunProgress;
}

test("the earliest of --deadline, the job's limit and falcon's --timeout counts", () => {
  assert.equal(deadlineOf(row({})), undefined);
  assert.equal(deadlineOf(row({ job: null })), undefined);
  assert.deepEqual(deadlineOf(row({ asked: start + hour, job: start + 2 * hour })), { at: start + hour, from: "asked" });
  assert.deepEqual(deadlineOf(row({ asked: start + 3 * hour, job: start + 2 * hour })), { at: start + 2 * hour, from: "job" });
  const timed = { command: ["falcon", "launch", "--timeout", "600"] };
  assert.deepEqual(deadlineOf(row({ job: start + hour }, timed)), { at: start + 10 * minute, from: "falcon" });
  assert.equal(deadlineOf(row({}, { ...timed, trainer: "none" })), undefined, "another program's --timeout is its own affair");
});

test("a time that is none ends nothing: an earlier version kept some, and a --timeout may be any number", () => {
  for (const asked of [Number.NaN, null, 1e16]) assert.equal(deadlineOf(row({ asked })), undefined);
  assert.deepEqual(deadlineOf(row({ asked: Number.NaN, job: start })), { at: start, from: "job" });
  const timed = { command: ["falcon", "launch", "--timeout", "9223372036854775807"] };
  assert.equal(deadlineOf(row({}, timed)), undefined);
  assert.equal(deadlineText(row({ asked: Number.NaN }), null, null, start), "");
});

describe("the grace", () => {
  const deadline = { at: start + 10 * hour, from: "job" } as const;

  test("is twice the longest epoch, at least two minutes", () => {
    assert.equal(graceOf(row({}), deadline, null, null), 2 * minute);
    assert.equal(graceOf(row({}), deadline, progress(null, 10, null), null), 2 * minute);
    assert.equal(graceOf(row({}), deadline, progress(null, 100, 400), null), 800_000);
  });

  test("is what was asked for, first for the run, then in the configuration", () => {
    assert.equal(graceOf(row({ saveBefore: 5000 }), deadline, progress(null, 400), 7 * minute), 5000);
    assert.equal(graceOf(row({}), deadline, progress(null, 400), 7 * minute), 7 * minute);
  });

  test("leaves the run half of its time, where nobody chose it for this run", () => {
    const near = { at: start + 3 * minute, from: "job" } as const;
    assert.equal(graceOf(row({}), near, null, null), 1.5 * minute);
    assert.equal(graceOf(row({}), near, null, hour), 1.5 * minute);
    assert.equal(graceOf(row({}), deadline, progress(null, 9 * 3600), null), 5 * hour);
  });

  test("there is none before falcon's own --timeout, at which it stops by itself", () => {
    assert.equal(graceOf(row({}), { at: start + hour, from: "falcon" }, null, null), 0);
  });
});

test("a command that is no falcon run is asked to stop only where somebody said when", () => {
  assert.equal(stopsBefore(row({ job: start })), true);
  assert.equal(stopsBefore(row({ job: start }, { trainer: "none" })), false);
  assert.equal(stopsBefore(row({ job: start, saveBefore: 1000 }, { trainer: "none" })), true);
  assert.equal(stopsBefore(row({ asked: start }, { trainer: "none" })), true);
});

test("what lists and titles say", () => {
  const said = (left: number, run: RunProgress | null = null, fact: object = {}) =>
    deadlineText(row({ asked: start + left, ...fact }), run, null, start);
  assert.equal(deadlineText(row({}), null, null, start), "");
  assert.equal(said(2 * hour + 10 * minute + 12_000), "time limit in 2h 10m");
  assert.equal(said(9 * minute + 59_000), "time limit in 9m");
  assert.equal(said(90_000), "time limit in 1m 30s");
  assert.equal(said(-5_000), "time limit 5s ago");
  assert.equal(said(2 * hour, progress(3 * 3600)), "time limit in 2h 00m, will not finish");
  assert.equal(said(2 * hour, progress(3600)), "time limit in 2h 00m");
  assert.equal(said(hour, null, { stopped: { at: start, deadline: start } }), "time limit in 1h 00m, asked to stop");
  assert.equal(
    said(hour, null, { stopped: { at: start, deadline: start }, hangs: start }),
    "time limit in 1h 00m, asked to stop, hangs",
  );
});

test("whether a run finishes: before it is asked to stop, by its own estimate", () => {
  const deadline = { at: start + hour, from: "job" } as const;
  assert.equal(finishesInTime(deadline, minute, null, start), null);
  assert.equal(finishesInTime(deadline, minute, progress(null), start), null);
  assert.equal(finishesInTime(deadline, minute, progress(59 * 60), start), true);
  assert.equal(finishesInTime(deadline, minute, progress(59 * 60 + 1), start), false);
});

describe("--deadline and --save-before", () => {
  test("durations, times of the clock, dates", () => {
    assert.equal(parseDeadline("2h", start), start + 2 * hour);
    assert.equal(parseDeadline("1h30m", start), start + 1.5 * hour);
    assert.equal(parseDeadline("2026-11-28T06:00Z", start), Date.parse("2026-11-28T06:00Z"));
    assert.equal(parseDeadline("2026-11-29", start), Date.parse("2026-11-29T00:00"));
    // the next time that a clock shows so, today or tomorrow
    const at = new Date(start);
    at.setHours(14, 30, 0, 0);
    assert.equal(parseDeadline("14:30", at.getTime() - 1), at.getTime());
    assert.equal(new Date(parseDeadline("14:30", at.getTime())).getDate(), new Date(at.getTime() + 25 * hour).getDate());
    assert.equal(parseSaveBefore("5m"), 5 * minute);
  });

  test("what makes no sense is refused in one sentence with status 2", () => {
    const refused = (run: () => unknown, message: RegExp) => assert.throws(run, { name: "Failure", status: 2, message });
    refused(() => parseDeadline("soon", start), /^--deadline soon: give a duration \(2h, 90m\), a time/);
    refused(() => parseDeadline("25:00", start), /give a duration/);
    refused(() => parseDeadline("2026-13-01", start), /give a duration/);
    refused(() => parseDeadline("2020-01-01", start), /^--deadline 2020-01-01: that is in the past; nothing was started$/);
    refused(() => parseDeadline("0s", start), /in the past/);
    refused(() => parseDeadline("100y", start), /more than ten years away/);
    refused(() => parseSaveBefore("5"), /^--save-before 5: give a time of at least a second, such as 5m$/);
    refused(
      () => refuseLongGrace(hour, start + 10 * minute, start),
      /^--save-before 1h 00m: the run has only 10m 00s, it would be stopped at once; nothing was started$/,
    );
    refuseLongGrace(9 * minute, start + 10 * minute, start);
  });
});
