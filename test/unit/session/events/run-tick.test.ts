// The one tick: a run is read once for all who are due, and each is due when it said.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ShownRun } from "../../../../src/presentation/shown-run.ts";
import { type Looker, RunTick } from "../../../../src/session/events/run-tick.ts";
import type { Session } from "../../../../src/session/life/session.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A tick over these sessions, with a clock of the test's own. */
function fake(t: TestContext, names: string[], pauses: Record<string, number | undefined> = {}) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  const sessions = names.map((id) => ({ id, live: true }));
  const seen: string[] = [];
  const reads: string[] = [];
  const work = { lists: 0 };
  const hanging = new Map<string, () => void>();
  const looker = (name: string): Looker => ({
    async look(session, run) {
      seen.push(`${name} ${session.id}`);
      await run();
      return pauses[name];
    },
  });
  const lookers = Object.keys(pauses).map(looker);
  const log: string[] = [];
  const tick = new RunTick(
    {
      live: () => {
        work.lists++;
        return sessions.filter(({ live }) => live) as unknown as Session[];
      },
      progress: async ({ id }) => {
        reads.push(id);
        if (hanging.has(id)) await new Promise<void>((resolve) => hanging.set(id, resolve));
        return {} as ShownRun;
      },
      steady: () => now,
      log: (event) => log.push(event),
    },
    ({ id }) => seen.push(`told ${id}`),
    ...lookers,
  );
  t.after(() => tick.dispose());
  return {
    ...{ tick, sessions, lookers, seen, reads, hanging, log, work },
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        now += Math.min(1_000, left);
        t.mock.timers.tick(Math.min(1_000, left));
        await settled();
      }
    },
    take: () => seen.splice(0),
  };
}

test("a look that ends goes through its own session, and not through all of them", async (t) => {
  const names = Array.from({ length: 100 }, (_, i) => `s${i}`);
  const { tick, sessions, take, work, lookers } = fake(t, names, { deadlines: 5_000, parts: 10_000 });
  tick.begin();
  await settled();
  assert.deepEqual([take().length, work.lists], [200, 1]);
  const [deadlines] = lookers as [Looker];
  tick.soon(deadlines, sessions.slice(7, 8) as unknown as Session[]);
  await settled();
  assert.deepEqual([take(), work.lists], [["deadlines s7"], 1]);
  tick.soon(deadlines);
  await settled();
  assert.deepEqual([take().length, work.lists], [100, 2]);
});

test("each looks by times of its own, and a run is read once for those who look together", async (t) => {
  const { tick, pass, take, reads } = fake(t, ["a"], { deadlines: 5_000, parts: 10_000, done: undefined });
  tick.begin();
  await settled();
  assert.deepEqual(take(), ["deadlines a", "parts a", "done a"]);
  assert.equal(reads.length, 1);
  await pass(10_000);
  assert.deepEqual(take(), ["deadlines a", "deadlines a", "parts a"]);
  assert.equal(reads.length, 3);
  await pass(20_000);
  assert.deepEqual(
    take().filter((one) => one.startsWith("told")),
    ["told a"],
    "what is told to all is each half minute",
  );
});

test("nothing is looked at before it begins, nor after it was let go", async (t) => {
  const { tick, pass, seen, lookers } = fake(t, ["a"], { one: 5_000 });
  tick.soon(lookers[0] as Looker);
  await pass(60_000);
  assert.deepEqual(seen, []);
  tick.begin();
  tick.dispose();
  await pass(60_000);
  assert.deepEqual(seen, ["one a"]);
});

test("while somebody watches, all are told at once and each two seconds", async (t) => {
  const { tick, pass, take } = fake(t, ["a"]);
  const watched: string[] = [];
  tick.begin();
  const stop = tick.watch(({ id }) => watched.push(id));
  await settled();
  await pass(4_000);
  assert.deepEqual(
    [take(), watched],
    [
      ["told a", "told a", "told a"],
      ["a", "a", "a"],
    ],
  );
  stop();
  await pass(29_000);
  assert.deepEqual([take(), watched.length], [["told a"], 3], "one was due already");
});

test("a change is looked at now, also where it comes during a look", async (t) => {
  const { tick, take, lookers, hanging, pass } = fake(t, ["a"], { one: undefined });
  const [one] = lookers as [Looker];
  hanging.set("a", () => {});
  tick.begin();
  await settled();
  tick.soon(one);
  await settled();
  assert.deepEqual(take(), ["one a"], "one look at a time");
  const release = hanging.get("a");
  hanging.delete("a");
  release?.();
  await settled();
  assert.deepEqual(take(), ["one a"]);
  await pass(60_000);
  assert.deepEqual(
    take().filter((who) => who.startsWith("one")),
    [],
  );
});

test("who takes long over a session holds up nobody else who looks at it", async (t) => {
  const { tick, take, lookers, pass } = fake(t, ["a"], { one: 5_000 });
  const [one] = lookers as [Looker];
  let asked = 0;
  let answer: (pause: number) => void = () => {};
  one.look = () => {
    asked++;
    return new Promise((resolve) => {
      answer = resolve;
    });
  };
  tick.watch(() => {});
  tick.begin();
  await settled();
  await pass(4_000);
  tick.soon(one);
  assert.deepEqual([take(), asked], [["told a", "told a", "told a"], 1], "and looks once at a time");
  answer(5_000);
  await settled();
  assert.equal(asked, 2, "it was told to look again meanwhile");
});

test("a run that cannot be read holds up no other; one that is new is looked at; one that has ended is not", async (t) => {
  const { tick, take, sessions, hanging, pass, lookers } = fake(t, ["a", "b"], { one: 5_000 });
  hanging.set("a", () => {});
  tick.begin();
  await settled();
  take();
  await pass(5_000);
  assert.deepEqual(take(), ["one b"]);
  sessions.push({ id: "c", live: true });
  tick.soon(lookers[0] as Looker);
  await settled();
  assert.deepEqual(take(), ["one b", "one c"]);
  for (const session of sessions) session.live = session.id === "c";
  await pass(5_000);
  assert.deepEqual(take(), ["one c"]);
});

test("who fails is told of in the log, and asked again", async (t) => {
  const { tick, log, pass } = fake(t, ["a"]);
  let looks = 0;
  tick.watch(() => {
    looks++;
    throw new Error("no");
  });
  tick.begin();
  await settled();
  await pass(30_000);
  assert.deepEqual([log, looks], [["session.look-failed", "session.look-failed"], 2]);
});
