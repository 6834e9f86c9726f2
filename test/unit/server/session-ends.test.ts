// What is kept of an end, where an earlier server has seen a part of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type SessionEndEffects, SessionEnds } from "../../../src/server/session-ends.ts";
import type { Session } from "../../../src/session/life/session.ts";

test("what was measured at an end is not replaced by the poorer thing that is left of it on disk", async () => {
  const kept = { time: 1, memoryShare: null };
  const concluded = async (usage: object | undefined) => {
    const row = { trainer: "none", state: "exited", waitStatus: 0, started: 1, ended: 2, facts: { usage } };
    const session = {
      ...{ id: "a", folder: "/nowhere", row, live: false, trainer: { savesModel: false } },
      setFact: (name: string, value: unknown) => Object.assign(row.facts, { [name]: value }),
    } as unknown as Session;
    const ends = new SessionEnds({
      ...{ progress: { last: async () => null }, usage: { finish: async () => kept }, log: () => {} },
      tellMachines: async () => {},
      ...{ parts: { ended: async () => {} }, jobs: { explain: async () => {}, runAgain: async () => {} } },
    } as unknown as SessionEndEffects);
    await ends.conclude(session, undefined);
    assert.ok("outcome" in row.facts);
    return row.facts.usage;
  };
  const measured = { time: 1, memoryShare: 0.99 };
  assert.deepEqual(await concluded(measured), measured);
  assert.deepEqual(await concluded(undefined), kept);
});
