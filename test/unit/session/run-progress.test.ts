// How often sessions' runs are looked at: of what is over, and trained nothing, once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NoAnswer } from "../../../src/base/aside/aside.ts";
import type { Session } from "../../../src/session/life/session.ts";
import { RunProgresses } from "../../../src/session/run/run-progress.ts";
import type { RunProgress } from "../../../src/trainers/run/run.ts";
import type { RunWatch } from "../../../src/trainers/trainer.ts";

let steady = 0;
const clock = () => ({ wall: 0, steady });

/** A session whose run's reads are counted; `found` is what they find, an error what they throw. */
function ended(found: () => RunProgress | null) {
  let reads = 0;
  const watch: RunWatch = {
    read: async () => {
      reads++;
      return found();
    },
    losses: () => [],
    curves: async () => [],
    logFile: () => undefined,
  };
  const session = { live: true, trainer: { watch: () => watch }, row: { facts: {} as { outcome?: unknown } } };
  return { session, one: session as unknown as Session, reads: () => reads };
}

const noParts = { curves: async () => [], graphs: async () => [] };

test("a command that trained nothing is looked at once more behind its end, and not at each list after that", async () => {
  const progresses = new RunProgresses(clock, noParts, () => []);
  const all = Array.from({ length: 20 }, () => ended(() => null));
  const list = () => Promise.all(all.map(({ one }) => progresses.of(one)));
  const reads = () => all.reduce((sum, one) => sum + one.reads(), 0);
  await list();
  await list();
  assert.equal(reads(), 40);
  for (const { session } of all) session.live = false;
  // what it wrote last may be found while its end is looked into
  await list();
  assert.equal(reads(), 60);
  for (const { session } of all) session.row.facts.outcome = {};
  for (let lists = 0; lists < 5; lists++) assert.deepEqual(await list(), new Array(20).fill(null));
  assert.equal(reads(), 80);
  // what a look could not see may show later: another session of the directory ran, a mount was away
  steady += 600_000;
  await list();
  await list();
  assert.equal(reads(), 100);
});

test("an ended session whose files cannot be read now is looked at again", async () => {
  const progresses = new RunProgresses(clock, noParts, () => []);
  let away = true;
  const { session, one, reads } = ended(() => {
    if (away) throw new Error("its file system is away");
    return { nodes: [], phase: "broken off" } as unknown as RunProgress;
  });
  Object.assign(session, { live: false, row: { facts: { outcome: {} } } });
  assert.equal(await progresses.of(one), null);
  away = false;
  assert.equal((await progresses.of(one))?.summary, "broken off");
  assert.equal(reads(), 2);
});

test("how far a run came is asked for once more at its end, where its files did not answer in time", async () => {
  const progresses = new RunProgresses(clock, noParts, () => []);
  for (const [silent, error, known] of [
    [1, new NoAnswer("the run does not answer"), true],
    [2, new NoAnswer("the run does not answer"), false],
    [1, new Error("it was removed"), false],
  ] as const) {
    const { one, reads } = ended(() => {
      if (reads() <= silent) throw error;
      return { nodes: [], phase: "completed" } as unknown as RunProgress;
    });
    assert.equal((await progresses.last(one)) !== null, known, `${error.message}, ${silent} times`);
  }
});
