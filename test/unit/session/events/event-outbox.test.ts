// Events for the user's command: told once when it takes them, again when it does not, and after a server's
// death.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandWay, EventOutbox } from "../../../../src/session/events/event-outbox.ts";
import { Deliveries, type Queue } from "../../../../src/store/deliveries.ts";
import { migrate } from "../../../../src/store/schema.ts";
import { openDatabase } from "../../../../src/store/sqlite.ts";

function deliveries(): Deliveries {
  const database = openDatabase(":memory:");
  migrate(database);
  return new Deliveries(database);
}
const log = () => {};
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("an event is told once, with its facts, and is gone", async () => {
  const kept = deliveries();
  const told: Record<string, string>[] = [];
  const eventOutbox = new EventOutbox(
    kept,
    commandWay(async (facts) => {
      told.push(facts);
      return 0;
    }),
    () => 1000,
    log,
  );
  eventOutbox.tell("abc", "ended", { FALCON_SESSION_NAME: "x" });
  eventOutbox.tell("abc", "failed", {});
  await settled();
  await settled();
  await settled();
  assert.deepEqual(
    told.map((t) => t.FALCON_EVENT),
    ["ended", "failed"],
  );
  assert.equal(told[0]?.FALCON_SESSION_NAME, "x");
  assert.equal(eventOutbox.pending, false);
  eventOutbox.dispose();
});

test("what was not taken stays for later, and for the next server", async () => {
  const kept = deliveries();
  let now = 0;
  const failing = new EventOutbox(
    kept,
    commandWay(async () => 1),
    () => now,
    log,
  );
  failing.tell("abc", "ended", {});
  await settled();
  await settled();
  assert.equal(failing.pending, true);
  failing.dispose();
  assert.equal(kept.waiting()[0]?.attempts, 1);
  now = (kept.waiting()[0]?.nextAttempt ?? 0) + 1;
  let told = 0;
  const next = new EventOutbox(
    kept,
    commandWay(async () => {
      told += 1;
      return 0;
    }),
    () => now,
    log,
  );
  next.resume();
  await settled();
  await settled();
  assert.equal(told, 1);
  assert.equal(next.pending, false);
  next.dispose();
});

test("a command that never works is given up after a bounded number of attempts", async () => {
  const kept = deliveries();
  let now = 0;
  let attempts = 0;
  const eventOutbox = new EventOutbox(
    kept,
    commandWay(async () => {
      attempts += 1;
      return 1;
    }),
    () => now,
    log,
  );
  eventOutbox.tell("abc", "ended", {});
  for (let i = 0; i < 100 && eventOutbox.pending; i++) {
    await settled();
    now = (kept.waiting()[0]?.nextAttempt ?? now) + 1;
    eventOutbox.resume();
  }
  assert.equal(eventOutbox.pending, false);
  assert.equal(attempts, 20);
  eventOutbox.dispose();
});

/**
 * A queue of a database that takes nothing while `broken` names the call: what was called so, at most some
 * hundred times, after which it goes well, so that an outbox without pauses ends too.
 */
class Broken extends Deliveries implements Queue {
  broken: "add" | "take" | "done" | undefined;
  refused = 0;
  code = "SQLITE_FULL";
  #try(call: "add" | "take" | "done"): void {
    if (this.broken !== call || this.refused >= 300) return;
    this.refused += 1;
    throw Object.assign(new Error("database or disk is full"), { code: this.code });
  }
  override add(...asked: Parameters<Deliveries["add"]>): void {
    this.#try("add");
    super.add(...asked);
  }
  override take(...asked: Parameters<Deliveries["take"]>): ReturnType<Deliveries["take"]> {
    this.#try("take");
    return super.take(...asked);
  }
  override done(...asked: Parameters<Deliveries["done"]>): void {
    this.#try("done");
    super.done(...asked);
  }
}

/** An outbox of such a database, and what its command was told. */
function starved(broken: Broken["broken"], answer: () => Promise<number> = async () => 0, code = "SQLITE_FULL") {
  const database = openDatabase(":memory:");
  migrate(database);
  const queue = new Broken(database);
  Object.assign(queue, { broken, code });
  const told: (string | undefined)[] = [];
  const way = commandWay((facts) => {
    told.push(facts.FALCON_EVENT);
    return answer();
  });
  return { queue, told, outbox: new EventOutbox(queue, way, () => 1000, log) };
}
const severalTurns = async () => {
  for (let i = 0; i < 5; i++) await settled();
};

test("a database that takes nothing is asked once a pause, which grows", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { queue, told, outbox } = starved("take");
  outbox.tell("abc", "ended", {});
  const seen: number[] = [];
  for (const pause of [0, 9_999, 1, 19_999, 1, 39_999, 1]) {
    t.mock.timers.tick(pause);
    await severalTurns();
    seen.push(queue.refused);
  }
  assert.deepEqual(seen, [1, 1, 2, 2, 3, 3, 4]);
  queue.broken = undefined;
  t.mock.timers.tick(80_000);
  await severalTurns();
  assert.deepEqual([told, outbox.pending], [["ended"], false]);
  outbox.dispose();
});

test("what was taken, and could not be noted, is not told again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { queue, told, outbox } = starved("done");
  outbox.tell("abc", "ended", {});
  outbox.tell("abc", "failed", {});
  await severalTurns();
  t.mock.timers.tick(10_000);
  await severalTurns();
  assert.deepEqual([told, queue.refused], [["ended"], 2]);
  assert.equal(outbox.pending, true);
  queue.broken = undefined;
  t.mock.timers.tick(20_000);
  await severalTurns();
  assert.deepEqual([told, outbox.pending], [["ended", "failed"], false]);
  outbox.dispose();
});

test("an outbox of a database that takes nothing lets its server go, and notes what it can by then", async () => {
  const { queue, told, outbox } = starved("done");
  outbox.tell("abc", "ended", {});
  await outbox.leave();
  assert.deepEqual([told, queue.waiting().length], [["ended"], 1]);
  queue.broken = undefined;
  await outbox.leave();
  assert.equal(queue.waiting().length, 0);
  outbox.dispose();
});

test("an event that cannot be kept yet is kept and told as soon as it can be", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { queue, told, outbox } = starved("add");
  outbox.tell("abc", "ended", {});
  await severalTurns();
  assert.deepEqual([told, outbox.pending], [[], true]);
  queue.broken = undefined;
  t.mock.timers.tick(10_000);
  await severalTurns();
  assert.deepEqual([told, outbox.pending], [["ended"], false]);
  outbox.dispose();
});

test("what the database will never take is let go of, and what comes behind it is told", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { queue, told, outbox } = starved("add", async () => 0, "SQLITE_CONSTRAINT_DATATYPE");
  outbox.tell("abc", "ended", {});
  queue.broken = undefined;
  outbox.tell("abc", "failed", {});
  await severalTurns();
  assert.deepEqual(told, [], "it is left alone for a pause all the same");
  t.mock.timers.tick(10_000);
  await severalTurns();
  assert.deepEqual([told, outbox.pending], [["failed"], false]);
  outbox.dispose();
});

test("a command that cannot even be begun counts as one that failed", async () => {
  const { queue, told, outbox } = starved(undefined, () =>
    told.length > 300 ? Promise.resolve(0) : Promise.reject(new Error("spawn E2BIG")),
  );
  outbox.tell("abc", "ended", {});
  await severalTurns();
  assert.deepEqual([told.length, queue.waiting()[0]?.attempts], [1, 1]);
  outbox.dispose();
});
