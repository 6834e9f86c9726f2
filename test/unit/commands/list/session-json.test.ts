// One session as machines read it is of one moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { listing } from "../../../../src/commands/list/session-json.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import type { RunProgresses } from "../../../../src/session/run/run-progress.ts";
import { askFixed, now } from "../../../support/fixed-sessions.ts";

test("a session that ends while its run's files are read is told as ended, with its status", async () => {
  const { context } = askFixed({ terminal: {} });
  const session = context.table.all().find(({ live }) => live) as Session & { end?: unknown; live: boolean };
  const progress = {
    of: async () => {
      Object.assign(session.row, { state: "exited", ended: now, waitStatus: 0 });
      Object.assign(session, { end: { code: 0, signal: null }, live: false });
      return null;
    },
  } as unknown as RunProgresses;
  const told = await listing(session, { ...context, progress });
  assert.deepEqual([told.state, told.exitCode, told.outcome?.kind], ["exited", 0, "completed"]);
});

test("no time that was kept of one session keeps the list from being told", async () => {
  const { context } = askFixed({ terminal: {} });
  const progress = { of: async () => null } as unknown as RunProgresses;
  for (const time of [Number.NaN, 1e300, null]) {
    const session = context.table.all().find(({ live }) => live) as Session;
    Object.assign(session.row.facts, { deadline: { asked: time, stopped: { at: time, deadline: time }, hangs: time } });
    Object.assign(session.row, { started: time });
    const told = await listing(session, { ...context, progress });
    assert.deepEqual([told.deadline, told.started], [null, null]);
  }
});

test("the failure of a run is told only where it has failed", async () => {
  const { context } = askFixed({ terminal: {} });
  const session = context.table.all().find(({ row }) => row.facts.postMortem?.error) as Session;
  const progress = { of: async () => null } as unknown as RunProgresses;
  assert.equal((await listing(session, { ...context, progress })).failure?.kind, "FileNotFoundError");
  // as an earlier version kept it of a run that caught an exception
  Object.assign(session.row.facts, { outcome: { ...session.row.facts.outcome, kind: "completed" } });
  assert.equal((await listing(session, { ...context, progress })).failure, null);
});
