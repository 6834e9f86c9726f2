// Events for the user's command: told once when it takes them, again when it does not, and after a server's
// death.
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandWay, EventOutbox } from "../../../../src/session/events/event-outbox.ts";
import { Deliveries } from "../../../../src/store/deliveries.ts";
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

test("without a command nothing is kept", () => {
  const kept = deliveries();
  new EventOutbox(kept, undefined, () => 0, log).tell("abc", "ended", {});
  assert.deepEqual(kept.waiting(), []);
});
