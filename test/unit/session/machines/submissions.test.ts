// Submitted sessions: files that are whole or not there, and one question to Slurm for all of them, not too
// often.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Failure } from "../../../../src/base/failure.ts";
import { graceFor, limitOf } from "../../../../src/batch/script.ts";
import type { SlurmJob } from "../../../../src/batch/slurm.ts";
import { leastPause, lives, type Submission, Submissions, waits } from "../../../../src/session/machines/submissions.ts";

let home = "";
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), "fs-submitted-"));
});
afterEach(() => fs.rmSync(home, { recursive: true, force: true }));

const submission = (id: string, job: string): Submission => ({
  ...{ id, job, name: id, kind: "launch", command: ["launch"], directory: "/tmp", runDirectory: null, created: Number(job) },
  environment: { PATH: "/bin" },
});
const job = (number: string, state: string): SlurmJob => ({
  ...{ number, id: number, state, reason: "Priority", submitted: 1, start: null, end: null, nodes: "" },
});

test("Slurm is asked for all together, and again only after the least pause; where it is silent its last word stays", async () => {
  let now = 1_000_000;
  const asked: string[][] = [];
  let silent = false;
  const jobs = async (ids: readonly string[]) => {
    asked.push([...ids]);
    if (silent) throw new Failure("Slurm does not answer");
    return ids.filter((id) => id !== "3").map((id) => job(id, "PENDING"));
  };
  const submissions = new Submissions(
    home,
    () => now,
    () => {},
    () => ({ jobs }),
  );
  submissions.add(submission("bbbbbb", "2"));
  submissions.add(submission("aaaaaa", "1"));
  submissions.add(submission("cccccc", "3"));
  await Promise.all([submissions.refresh(), submissions.refresh()]);
  assert.deepEqual(asked, [["1", "2", "3"]]);
  assert.equal(submissions.word("aaaaaa")?.job?.reason, "Priority");
  assert.ok(waits(submissions.word("aaaaaa")) && lives(submissions.word("aaaaaa")));
  assert.ok(!lives(submissions.word("cccccc")), "a job that vanished is over");
  now += leastPause - 1;
  await submissions.refresh();
  assert.equal(asked.length, 1);
  now += 1;
  silent = true;
  await submissions.refresh();
  assert.equal(asked.length, 2);
  assert.equal(submissions.word("aaaaaa")?.job?.state, "PENDING");
  submissions.remove("aaaaaa");
  assert.deepEqual(
    submissions.all().map(({ id }) => id),
    ["bbbbbb", "cccccc"],
  );
});

test("who asks without a token asks with the one that a caller brought last, which stands in no file", async () => {
  let now = 1_000_000;
  const asked: Record<string, string>[] = [];
  const submissions = new Submissions(
    home,
    () => now,
    () => {},
    (environment) => {
      asked.push(environment);
      return { jobs: async () => [] };
    },
  );
  submissions.add(submission("aaaaaa", "1"));
  for (const caller of [{}, { SLURM_JWT: "token", PATH: "/other" }, {}]) {
    await submissions.refresh(caller);
    now += leastPause;
  }
  const token = { PATH: "/bin", SLURM_JWT: "token" };
  assert.deepEqual(asked, [{ PATH: "/bin" }, token, token]);
  assert.deepEqual(submissions.all(), [submission("aaaaaa", "1")]);
});

test("who brings a token is asked for at once, and one that did not help is nobody else's", async () => {
  const asked: (string | undefined)[] = [];
  const submissions = new Submissions(
    home,
    () => 1_000_000,
    () => {},
    ({ SLURM_JWT }) => ({
      jobs: async () => {
        asked.push(SLURM_JWT);
        if (SLURM_JWT === "expired") throw new Error("Invalid authentication credential");
        return [job("1", "RUNNING")];
      },
    }),
  );
  submissions.add(submission("aaaaaa", "1"));
  // a page lists each second
  await submissions.refresh();
  await submissions.refresh({ SLURM_JWT: "token" });
  await submissions.refresh({ SLURM_JWT: "token" });
  assert.equal(
    await submissions.ask(submission("aaaaaa", "1"), { SLURM_JWT: "expired" }),
    "Error: Invalid authentication credential",
  );
  assert.equal(await submissions.ask(submission("aaaaaa", "1"), {}), undefined);
  assert.deepEqual(asked, [undefined, "token", "expired", undefined]);
});

test("a file that is none of ours is passed over", () => {
  const submissions = new Submissions(
    home,
    () => 0,
    () => {},
  );
  submissions.add(submission("aaaaaa", "1"));
  fs.writeFileSync(path.join(home, "submitted/bbbbbb.json"), '{"id":"bbbbbb"}');
  fs.writeFileSync(path.join(home, "submitted/cccccc.json"), "half a fi");
  fs.copyFileSync(path.join(home, "submitted/aaaaaa.json"), path.join(home, "submitted/dddddd.json"));
  assert.deepEqual(
    submissions.all().map(({ id }) => id),
    ["aaaaaa"],
  );
});

test("sbatch's time limits are read as sbatch reads them, and a grace fits into them", () => {
  const limits: [string[], number | undefined][] = [
    [["-t", "30"], 1800],
    [["-t90"], 5400],
    [["--time=1:30"], 90],
    [["--time", "2:00:00"], 7200],
    [["--time=1-12"], 129_600],
    [["--time=1-0:30"], 88_200],
    [["--time=0-0:0:10"], 10],
    [["--time=soon"], undefined],
    [["--mem=1G"], undefined],
  ];
  for (const [options, seconds] of limits) assert.equal(limitOf(options), seconds, options.join(" "));
  assert.deepEqual(
    [graceFor(undefined, undefined), graceFor(undefined, 600), graceFor(undefined, 7200), graceFor(60, 120)],
    [300, 150, 300, 60],
  );
  assert.throws(() => graceFor(120, 120), /would stop at once/);
});

test("who lists waits a moment only for a Slurm that says nothing; the next one has the answer", async () => {
  const answers: ((jobs: SlurmJob[]) => void)[] = [];
  const submissions = new Submissions(
    home,
    () => 1_000_000,
    () => {},
    () => ({ jobs: () => new Promise((resolve) => answers.push(resolve)) }),
    1,
  );
  submissions.add(submission("aaaaaa", "1"));
  await submissions.refresh();
  assert.equal(submissions.word("aaaaaa"), undefined);
  const again = submissions.refresh();
  answers[0]?.([job("1", "RUNNING")]);
  await again;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(submissions.word("aaaaaa")?.job?.state, "RUNNING");
  assert.equal(answers.length, 1);
});
