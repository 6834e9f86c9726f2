// Whether a job is asked to run again, by what Slurm says of it: the server may be anybody's of the job.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { JobEnds } from "../../../src/server/jobs/job-ends.ts";
import type { Session } from "../../../src/session/life/session.ts";

describe("a part of a job whose server has none of the script's variables", () => {
  let bin: string;
  const before = process.env.SLURM_RESTART_COUNT;
  beforeEach(() => {
    bin = fs.mkdtempSync("/tmp/fs-job-ends-");
    delete process.env.SLURM_RESTART_COUNT;
  });
  afterEach(() => {
    fs.rmSync(bin, { recursive: true });
    if (before !== undefined) process.env.SLURM_RESTART_COUNT = before;
  });

  /** What is asked of Slurm, and said, at the end of a part that is the job's nth run. */
  async function ended(run: number, fields: string): Promise<[boolean, string[]]> {
    const calls = path.join(bin, "calls");
    fs.rmSync(calls, { force: true });
    const script = `#!/bin/sh\necho "$*" >> ${calls}\n[ "$1" = show ] && echo 'JobId=77 Requeue=1 ${fields}'\nexit 0\n`;
    fs.writeFileSync(path.join(bin, "scontrol"), script, { mode: 0o755 });
    const count = run === 0 ? {} : { SLURM_RESTART_COUNT: String(run) };
    const environment = { PATH: `${bin}:${process.env.PATH}`, ...count };
    const outcome = { kind: "stopped", sentence: "stopped at its time limit" };
    const facts: Record<string, unknown> = { requeue: true, outcome };
    const said: string[] = [];
    const row = { facts, environment, runDirectory: null };
    const session = {
      ...{ id: "abc234", row, live: false, audience: { tell: (words: string) => void said.push(words) } },
      setFact: (name: string, value: unknown) => Object.assign(facts, { [name]: value }),
    } as unknown as Session;
    const jobs = new JobEnds("/j/s77", { system: "slurm", id: "77" }, { all: () => [session], log: () => {} });
    await jobs.runAgain(session);
    return [fs.existsSync(calls) && fs.readFileSync(calls, "utf8").includes("requeue 77"), said];
  }
  const again = "job 77 is asked to run again, and goes on with this run";

  test("asks for the next run, and says so", async () => {
    assert.deepEqual(await ended(0, "JobState=RUNNING Restarts=0"), [true, [again]]);
    assert.deepEqual(await ended(1, "JobState=RUNNING Restarts=1"), [true, [again]]);
  });

  test("that an earlier run left behind ends no later one", async () => {
    assert.deepEqual(await ended(0, "JobState=RUNNING Restarts=1"), [false, []]);
  });

  test("that is preempted is said to go on, though Slurm has counted its next run", async () => {
    assert.deepEqual(await ended(1, "JobState=COMPLETING Restarts=2"), [true, [again]]);
  });
});
