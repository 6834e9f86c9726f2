// The watch over deadlines, with a clock of the test's own: when a run is asked to stop, that the batch
// system is asked again before, and what hangs.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { Failure } from "../../../../src/base/failure.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import type { DeadlineFact } from "../../../../src/session/run/deadline.ts";
import { DeadlineWatch } from "../../../../src/session/run/deadline-watch.ts";

const minute = 60_000;
const hour = 60 * minute;

/** What the watch touches of a session. */
function fakeSession(deadline: DeadlineFact | undefined, interrupts = 0) {
  const session = {
    id: "abc234",
    live: true,
    audience: { limit: "" },
    trainer: { savesModel: true },
    row: {
      kind: "launch",
      trainer: "falcon",
      state: "running",
      command: ["falcon", "launch"],
      created: 0,
      started: 0,
      interrupts,
      facts: { deadline } as { deadline?: DeadlineFact },
    },
    setFact(name: "deadline", value: DeadlineFact) {
      session.row.facts[name] = value;
    },
  };
  return session;
}

let wall = 0;
let steady = 0;
let stops = 0;
let asked = 0;
let told: string[] = [];
let mark: string | null = "";
let reached = true;
/** What the batch system answers; undefined: the session is in no job. */
let jobEnd: (() => Promise<number | null>) | undefined;

function watchOf(session: ReturnType<typeof fakeSession>) {
  const watch = new DeadlineWatch({
    movement: async () => ({ mark, sentence: "", evidence: (time) => `nothing moved for ${time}` }),
    jobEnd: () => {
      if (jobEnd === undefined) return undefined;
      asked++;
      return jobEnd();
    },
    stop: () => {
      if (!reached) return "unreached";
      if (session.row.interrupts > 0) return "already";
      stops++;
      session.row.interrupts++;
      return "sent";
    },
    tell: (_, sentence) => told.push(sentence),
    clock: () => wall,
    steady: () => steady,
    saveBefore: null,
    log: () => {},
  });
  return { look: () => watch.look(session as unknown as Session, async () => null) };
}

function pass(ms: number): void {
  wall += ms;
  steady += ms;
}

beforeEach(() => {
  wall = steady = stops = asked = 0;
  told = [];
  mark = "";
  reached = true;
  jobEnd = undefined;
});

test("asked to stop a grace before, once, and told with the time that is left", async () => {
  const session = fakeSession({ asked: hour });
  const watch = watchOf(session);
  assert.equal(await watch.look(), 5_000, "sooner than it is due: a clock that is set is noticed");
  assert.equal(session.audience.limit, "time limit in 1h 00m");
  pass(58 * minute - 1);
  assert.equal(await watch.look(), 1);
  assert.equal(stops, 0);
  pass(1);
  await watch.look();
  await watch.look();
  assert.equal(stops, 1);
  assert.deepEqual(told, ["time limit in 2m 00s: asked to stop and to save its model"]);
  assert.equal(session.audience.limit, "time limit in 2m, asked to stop");
  assert.deepEqual(session.row.facts.deadline?.stopped, { at: 58 * minute, deadline: hour });
});

test("falcon's own --timeout takes no grace away: of that and the deadline the earlier stop counts, and is told", async () => {
  const late = fakeSession({ asked: hour });
  late.row.command.push("--timeout", "3540");
  const watch = watchOf(late);
  await watch.look();
  const before = late.audience.limit;
  pass(58 * minute);
  await watch.look();
  assert.equal(stops, 1);
  assert.equal(before, "time limit in 1h 00m");
  assert.deepEqual(told, ["time limit in 2m 00s: asked to stop and to save its model"]);
});

test("a falcon whose own --timeout comes first is left to it, and asked where it goes on after that", async () => {
  const early = fakeSession({ asked: hour });
  early.row.command.push("--timeout", "600");
  const watch = watchOf(early);
  pass(9 * minute);
  await watch.look();
  assert.deepEqual([stops, early.audience.limit], [0, "time limit in 1m 00s"]);
  // it counts from when it trains, which is later than its start
  pass(49 * minute);
  await watch.look();
  assert.equal(stops, 1);
});

test("a server that takes over does not ask a second time", async () => {
  const session = fakeSession({ asked: hour, stopped: { at: 58 * minute, deadline: hour } });
  wall = 59 * minute;
  await watchOf(session).look();
  assert.equal(stops, 0);
});

test("one that was asked to stop before is not asked twice: falcon's second Ctrl+C drops the model", async () => {
  const session = fakeSession({ asked: hour }, 1);
  wall = 59 * minute;
  await watchOf(session).look();
  assert.equal(stops, 0);
  assert.match(told[0] ?? "", /asked to stop before, and is not asked twice/);
});

test("no deadline: nothing is asked, and nothing is due ever", async () => {
  assert.equal(await watchOf(fakeSession(undefined)).look(), undefined);
});

describe("in a batch job", () => {
  test("the batch system is asked at once, each ten minutes, and again before its answer is acted on", async () => {
    jobEnd = async () => 2 * hour;
    const session = fakeSession(undefined);
    const watch = watchOf(session);
    await watch.look();
    assert.equal(session.audience.limit, "time limit in 2h 00m");
    await watch.look();
    assert.equal(asked, 1);
    pass(10 * minute);
    await watch.look();
    assert.equal(asked, 2);
    pass(107 * minute);
    await watch.look();
    assert.equal(asked, 3);
    pass(minute);
    await watch.look();
    assert.deepEqual([asked, stops], [4, 1]);
  });

  test("an answer that is old is asked for anew when the stop is due, and a limit that was extended meanwhile counts", async () => {
    jobEnd = async () => 9 * minute;
    const session = fakeSession(undefined);
    const watch = watchOf(session);
    await watch.look();
    assert.equal(asked, 1);
    jobEnd = async () => 2 * hour;
    pass(7 * minute);
    await watch.look();
    assert.deepEqual([asked, stops], [2, 0]);
    await watch.look();
    assert.equal(session.audience.limit, "time limit in 1h 53m");
  });

  test("a batch system that does not answer any more: the last word holds, and why is told", async () => {
    jobEnd = async () => 10 * minute;
    const session = fakeSession(undefined);
    const watch = watchOf(session);
    await watch.look();
    jobEnd = async () => {
      throw new Failure("Slurm does not answer: squeue did not answer within 20 s");
    };
    pass(8 * minute);
    await watch.look();
    assert.equal(stops, 1);
    assert.equal(session.row.facts.deadline?.problem, "Slurm does not answer: squeue did not answer within 20 s");
    // and when it answers again, that is forgotten
    jobEnd = async () => 10 * minute;
    pass(10 * minute);
    await watch.look();
    assert.equal(session.row.facts.deadline?.problem, undefined);
  });

  test("a job without a limit has no deadline, and may be given one", async () => {
    jobEnd = async () => null;
    const session = fakeSession(undefined);
    const watch = watchOf(session);
    assert.ok((await watch.look()) !== undefined, "it is looked at again");
    assert.equal(session.audience.limit, "");
    jobEnd = async () => hour;
    pass(10 * minute);
    await watch.look();
    assert.equal(session.audience.limit, "time limit in 50m");
  });
});

describe("a stop that hangs", () => {
  test("is told once nothing has moved for two minutes, and no second Ctrl+C is sent", async () => {
    const session = fakeSession({ asked: hour });
    const watch = watchOf(session);
    pass(58 * minute);
    await watch.look();
    await watch.look();
    pass(2 * minute - 1);
    await watch.look();
    assert.equal(told.length, 1);
    pass(1);
    await watch.look();
    await watch.look();
    assert.equal(stops, 1);
    assert.equal(told.length, 2);
    assert.equal(told[1], "hangs: nothing moved for 2m 00s; 'falcon stop --force abc234' ends it at once, without saving");
    assert.match(session.audience.limit, /asked to stop, hangs$/);
    // it moves after all
    mark = "saved";
    await watch.look();
    assert.equal(session.row.facts.deadline?.hangs, undefined);
  });

  test("is none while it does what tells no movement, as falcon does when it draws its samples", async () => {
    const session = fakeSession({ asked: hour });
    const watch = watchOf(session);
    pass(58 * minute);
    await watch.look();
    mark = null;
    for (let i = 0; i < 10; i++) {
      pass(minute);
      await watch.look();
    }
    assert.equal(told.length, 1);
  });

  test("is told by the steady clock: a wall clock that was set is no silence", async () => {
    const session = fakeSession({ asked: hour });
    const watch = watchOf(session);
    pass(58 * minute);
    await watch.look();
    await watch.look();
    wall += 5 * hour;
    await watch.look();
    assert.equal(told.length, 1);
  });
});

test("a wall clock that was set forward brings the deadline nearer: its own time is what the batch system goes by", async () => {
  const session = fakeSession({ asked: hour });
  const watch = watchOf(session);
  await watch.look();
  wall += 59 * minute;
  await watch.look();
  assert.equal(stops, 1);
});

test("a stop that did not reach the program is tried again, and is told once it did", async () => {
  const session = fakeSession({ asked: hour });
  const watch = watchOf(session);
  pass(58 * minute);
  reached = false;
  await watch.look();
  assert.deepEqual([stops, told, session.row.facts.deadline?.stopped], [0, [], undefined]);
  reached = true;
  await watch.look();
  assert.deepEqual([stops, told.length], [1, 1]);
});
