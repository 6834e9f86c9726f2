// How a session ends where its screen does not tell of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../../../../src/session/life/session.ts";
import { type EndingSession, SessionEnd, type SessionEndEffects } from "../../../../src/session/life/session-end.ts";
import type { SessionRecord } from "../../../../src/store/record.ts";
import { takeDescriptors } from "../../../support/descriptors.ts";

/** A session that runs, whose holder has written `record` down; `told`: what became of it. */
function scene(record: Partial<SessionRecord>, holderPid: number | null = null) {
  const told: string[] = [];
  const row = { state: "running", holderPid, facts: {}, waitStatus: null as number | null };
  const session = {
    id: "id",
    row,
    trainer: { leftBehind: () => [] },
    get live() {
      return row.state !== "exited";
    },
    output: { offset: 5, settle: async (end: number) => void told.push(`settled ${end}`) },
    lastOutput: 1,
    save: () => {},
  };
  const holder = { record: () => ({ gaps: [], ...record }), link: { ended: () => told.push("link ended") } };
  const ends = new SessionEnd(session as unknown as EndingSession, {
    holder: holder as unknown as SessionEndEffects["holder"],
    log: () => {},
    clock: () => 0,
    boot: "",
    conclude: async () => {},
    to: (state) => {
      row.state = state;
    },
    over: (state) => void told.push(state),
  });
  return { ends, told, row };
}

test("the holder's record tells of an end that nobody told of; the terminal is let go of, and the last write counts", async () => {
  const { ends, told, row } = scene({ exit: { status: 9, end: 20, time: 7 } });
  ends.look();
  ends.look();
  while (!told.includes("exited")) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, ["link ended", "settled 20", "exited"]);
  assert.equal(row.waitStatus, 9);
});

test("without an end in the record it goes on", () => {
  const { ends, told } = scene({});
  ends.look();
  assert.deepEqual([told, ends.isBegun], [[], false]);
});

test("an end is told though no descriptor is left to look for what the run left behind", async () => {
  const { ends, told } = scene({}, process.pid);
  const giveBack = takeDescriptors();
  try {
    await ends.exited({ status: 0, time: 7, end: 20 });
  } finally {
    giveBack();
  }
  assert.equal(told.at(-1), "exited");
});

test("whoever waits for many sessions is no leak to Node", async () => {
  const warned: Error[] = [];
  const note = (warning: Error) => void warned.push(warning);
  process.on("warning", note);
  const left = new AbortController();
  const session = { onOver: () => () => {} } as unknown as Session;
  for (let n = 0; n < 20; n++) void Session.prototype.whenOver.call(session, left.signal);
  await new Promise(setImmediate);
  process.off("warning", note);
  assert.deepEqual(warned, []);
});
