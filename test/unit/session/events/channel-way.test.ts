// A channel of [notify]: many events are one message, quiet hours, a repetition is the same message, and what
// a machine without a network leaves is claimed by one other.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, test } from "node:test";
import type { Channel } from "../../../../src/base/config/channels.ts";
import type { Attempt } from "../../../../src/notify/web-send.ts";
import { channelWay, quietEnd } from "../../../../src/session/events/channel-way.ts";
import { EventOutbox } from "../../../../src/session/events/event-outbox.ts";
import { claimNotices, clearNotices, leaveNotices } from "../../../../src/session/machines/shared-notices.ts";
import { Notices } from "../../../../src/store/notices.ts";
import { migrate } from "../../../../src/store/schema.ts";
import { openDatabase } from "../../../../src/store/sqlite.ts";

const channel: Channel = {
  name: "phone",
  destination: { kind: "command", command: ["x"] },
  events: ["failed"],
  quiet: null,
  atMostEvery: 60_000,
  picture: false,
};
const settled = async () => {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Whatever a test ends with, no timer keeps its process. */
const opened: EventOutbox[] = [];
afterEach(() => {
  for (const outbox of opened.splice(0)) outbox.dispose();
});

function place(answer: () => Attempt, more: Partial<Channel> = {}, leave?: () => Promise<void>) {
  const database = openDatabase(":memory:");
  migrate(database);
  const notices = new Notices(database, "phone");
  const state = { now: Date.parse("2026-11-27T12:00:00Z"), sent: [] as { id: string; title: string }[] };
  const open = () => {
    const way = channelWay({ ...channel, ...more }, notices, {
      send: async ({ id, title }) => {
        state.sent.push({ id, title });
        return answer();
      },
      leave,
      clock: () => state.now,
      environment: { TZ: "UTC" },
    });
    const outbox = new EventOutbox(
      notices,
      way,
      () => state.now,
      () => {},
    );
    opened.push(outbox);
    return outbox;
  };
  return { notices, state, open };
}

test("the first goes at once, what comes within the pause goes together after it", async () => {
  const { notices, state, open } = place(() => ({ taken: true, problem: "" }));
  const outbox = open();
  const facts = { FALCON_SESSION_NAME: "night" };
  outbox.tell("a", "failed", facts);
  await settled();
  for (let i = 0; i < 5; i++) outbox.tell("a", "failed", facts);
  await settled();
  assert.deepEqual(
    state.sent.map(({ title }) => title),
    ["night: failed"],
  );
  assert.equal(outbox.pending, true);
  state.now += 60_000;
  outbox.resume();
  await settled();
  assert.deepEqual(
    state.sent.map(({ title }) => title),
    ["night: failed", "5 events of night"],
  );
  assert.equal(outbox.pending, false);
  assert.deepEqual(
    notices.all().map(({ problem, over }) => [problem, over !== null]),
    Array(6).fill(["", true]),
  );
  outbox.dispose();
});

test("in quiet hours nothing goes out", async () => {
  const { state, open } = place(() => ({ taken: true, problem: "" }), { quiet: { from: 11 * 60, to: 13 * 60 } });
  const outbox = open();
  outbox.tell("a", "failed", {});
  await settled();
  assert.equal(state.sent.length, 0);
  state.now = Date.parse("2026-11-27T13:00:00Z");
  outbox.resume();
  await settled();
  assert.equal(state.sent.length, 1);
  outbox.dispose();
});

test("the end of the quiet hours, over midnight and in the zone of the environment", () => {
  const quiet = { from: 22 * 60, to: 7 * 60 };
  const end = (time: string, TZ: string) => new Date(quietEnd(quiet, Date.parse(time), { TZ })).toISOString();
  assert.equal(end("2026-11-27T21:59:59Z", "UTC"), "2026-11-27T21:59:59.000Z");
  assert.equal(end("2026-11-27T22:00:00Z", "UTC"), "2026-11-28T07:00:00.000Z");
  assert.equal(end("2026-11-28T06:59:30Z", "UTC"), "2026-11-28T07:00:00.000Z");
  assert.equal(end("2026-11-28T07:00:00Z", "UTC"), "2026-11-28T07:00:00.000Z");
  assert.equal(end("2026-11-27T21:30:00Z", "Europe/Berlin"), "2026-11-28T06:00:00.000Z");
});

test("a refused one may go with later ones; one whose fate is not known is repeated as it was", async () => {
  let answer: Attempt = { taken: false, problem: "it answered 500" };
  const { notices, state, open } = place(() => answer);
  const outbox = open();
  outbox.tell("a", "failed", { FALCON_SESSION_NAME: "one" });
  await settled();
  assert.equal(notices.all()[0]?.problem, "it answered 500");
  outbox.tell("b", "failed", { FALCON_SESSION_NAME: "two" });
  await settled();
  state.now += 60_000;
  answer = { taken: false, problem: "sent, but nobody answers", unsure: true };
  outbox.resume();
  await settled();
  assert.equal(state.sent.at(-1)?.title, "2 events of 2 runs");
  const { id } = state.sent.at(-1) as { id: string };
  outbox.tell("c", "failed", { FALCON_SESSION_NAME: "three" });
  await settled();
  outbox.dispose();
  // the next server, after a kill -9
  state.now += 3_600_000;
  answer = { taken: true, problem: "" };
  const next = open();
  for (let i = 0; i < 3; i++) {
    next.resume();
    await settled();
    state.now += 60_000;
  }
  const again = state.sent.filter((one) => one.id === id);
  assert.deepEqual(
    again.map(({ title }) => title),
    ["2 events of 2 runs", "2 events of 2 runs"],
  );
  next.dispose();
});

test("an attempt that a server's death broke off is the same message for the next", async () => {
  const { notices, state, open } = place(() => ({ taken: true, problem: "" }));
  notices.add("a", "failed", {}, state.now);
  const begun = notices.take(state.now, 10);
  notices.add("b", "failed", {}, state.now);
  const outbox = open();
  outbox.resume();
  await settled();
  assert.equal(state.sent[0]?.id, begun.message);
  outbox.dispose();
});

test("what waits for a week is given up, with the reason; more than fit are, too", async () => {
  const { notices, state, open } = place(() => ({ taken: false, problem: "there is no network" }));
  const outbox = open();
  outbox.tell("a", "failed", {});
  await settled();
  state.now += 8 * 86_400_000;
  outbox.resume();
  await settled();
  assert.deepEqual([notices.all()[0]?.problem, outbox.pending], ["there is no network", false]);
  outbox.dispose();
  for (let i = 0; i < 1_005; i++) notices.add("a", "failed", {}, state.now);
  assert.equal(notices.all().filter(({ over }) => over === null).length, 1_000);
  assert.ok(notices.all().some(({ problem }) => problem === "too many waited"));
});

test("of what is over so many are kept", () => {
  const { notices, state } = place(() => ({ taken: true, problem: "" }));
  for (let i = 0; i < 130; i++) {
    notices.add("a", "failed", {}, state.now);
    notices.done(notices.take(state.now, 1).taken, state.now);
  }
  assert.equal(notices.all().length, 100);
});

test("a server that leaves waits for the word about what was sent, and notes it", async () => {
  let answered = () => {};
  const { notices, state, open } = place(() => ({ taken: true, problem: "" }));
  const way = {
    ...channelWay(channel, notices, {
      send: () => new Promise<Attempt>((resolve) => (answered = () => resolve({ taken: true, problem: "" }))),
      leave: undefined,
      clock: () => state.now,
      environment: {},
    }),
  };
  const outbox = new EventOutbox(
    notices,
    way,
    () => state.now,
    () => {},
  );
  outbox.tell("a", "failed", {});
  await settled();
  const left = outbox.leave();
  answered();
  await left;
  outbox.dispose();
  const next = open();
  next.resume();
  await settled();
  assert.deepEqual([state.sent.length, next.pending], [0, false]);
});

test("without a way, a job's notices are left for another machine, and one of two claims each", async () => {
  const folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "fs-notices-")), "notices");
  try {
    const leave = async () => {
      await leaveNotices(folder, node.notices.all());
      node.notices.remove(node.notices.all());
    };
    const node = place(() => ({ taken: false, problem: "there is no network", unreachable: true }), {}, leave);
    const outbox = node.open();
    outbox.tell("a", "failed", { FALCON_SESSION_NAME: "night" });
    outbox.tell("b", "failed", { FALCON_SESSION_NAME: "day" });
    await settled();
    outbox.dispose();
    const names = fs.readdirSync(folder);
    assert.equal(names.length, 2);
    const text = names.map((name) => fs.readFileSync(path.join(folder, name), "utf8")).join();
    assert.ok(!/command|webhook|https?:/.test(text), text);
    assert.deepEqual(await claimNotices(folder, "machine home", ["other"]), []);
    // each claims what the other has not
    const strange = (digit: string) => path.join(folder, `${digit.repeat(8)}-0000-0000-0000-${digit.repeat(12)}.json`);
    fs.writeFileSync(strange("0"), "{");
    // later than any date: the message could never be written
    const late = { ...JSON.parse(fs.readFileSync(path.join(folder, names[0] as string), "utf8")), created: 8.64e15 + 1 };
    fs.writeFileSync(strange("1"), JSON.stringify(late));
    const [one, two] = await Promise.all([claimNotices(folder, "one", ["phone"]), claimNotices(folder, "two", ["phone"])]);
    assert.deepEqual([one.length + two.length, new Set([...one, ...two].map(({ mark }) => mark)).size], [2, 2]);
    assert.deepEqual([...one, ...two].map(({ facts }) => facts.FALCON_SESSION_NAME).sort(), ["day", "night"]);
    // one that was killed before it kept them finds its own again; kept twice they are one
    const again = await claimNotices(folder, "one", ["phone"]);
    assert.deepEqual(again, one);
    const host = place(() => ({ taken: true, problem: "" }));
    for (const notice of [...one, ...again]) host.notices.takeIn(notice, 0);
    assert.equal(host.notices.all().length, one.length);
    await clearNotices(
      folder,
      "one",
      one.map(({ mark }) => mark),
    );
    assert.deepEqual(await claimNotices(folder, "one", ["phone"]), []);
  } finally {
    fs.rmSync(path.dirname(folder), { recursive: true });
  }
});

test("notices that cannot all be left are left by none: a full disk would have some told by two machines", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "fs-notices-"));
  try {
    const notice = (mark: string) => ({ mark, channel: "phone", session: "a", event: "failed", facts: {}, created: 0 });
    fs.mkdirSync(path.join(folder, "second.json"));
    await assert.rejects(leaveNotices(folder, [notice("first"), notice("second")]));
    assert.deepEqual(fs.readdirSync(folder), ["second.json"]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
