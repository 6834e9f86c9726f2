// The host's server and the sessions of ended jobs, where it is on its way out meanwhile, or an earlier one
// was killed.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { homeIdentity } from "../../../src/server/home/home-owner.ts";
import { type JobSessionEffects, JobSessions } from "../../../src/server/jobs/job-sessions.ts";
import { SessionStore } from "../../../src/store/session-store.ts";

test("a server that starts has other machines' word of the jobs removed that an earlier one was killed before it had", () => {
  const home = fs.mkdtempSync("/tmp/fs-job-sessions-");
  try {
    fs.mkdirSync(path.join(home, "j", "s78"), { recursive: true });
    const removed: string[] = [];
    const jobs = new JobSessions({
      ...{ home, job: undefined, keeper: undefined, inJob: false, log: () => {}, ending: () => true },
      table: { all: () => ["s77", "s78", undefined].map((job) => ({ row: { facts: { job } } })) },
      takeOver: (homes: readonly string[]) => void removed.push(...homes),
    } as unknown as JobSessionEffects);
    jobs.watch();
    void jobs.leave();
    assert.deepEqual(removed, [homeIdentity(path.join(home, "j", "s77"))]);
  } finally {
    fs.rmSync(home, { recursive: true });
  }
});

test("a server that is told to end while it takes sessions in still has their job's word to other machines removed", async () => {
  const home = fs.mkdtempSync("/tmp/fs-job-sessions-");
  const store = SessionStore.open(path.join(home, "state.db"), () => {});
  try {
    const job = path.join(home, "j", "s77");
    fs.mkdirSync(job, { recursive: true, mode: 0o700 });
    fs.mkdirSync(path.join(job, "s", "a"), { recursive: true });
    const gone = homeIdentity(job);
    let ending = false;
    const removed: string[] = [];
    const row = { id: "a", state: "exited", created: 1, facts: {} };
    const jobs = new JobSessions({
      ...{ home, job: undefined, keeper: undefined, inJob: false, log: () => {}, ending: () => ending, stored: () => {} },
      store: Object.assign(store, { save: () => {} }),
      table: {
        get: () => undefined,
        rowOf: () => row,
        takeIn: async () => {
          ending = true;
          return { row };
        },
      },
      keepUntold: () => {},
      takeOver: (homes: readonly string[]) => void removed.push(...homes),
    } as unknown as JobSessionEffects);
    const taken = jobs.takeIn();
    await jobs.leave();
    await taken;
    assert.deepEqual([fs.existsSync(job), ending, removed], [false, true, [gone]]);
  } finally {
    store.close();
    fs.rmSync(home, { recursive: true });
  }
});
