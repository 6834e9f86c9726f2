// When a batch job ends: what PBS and LSF print, as their manuals show it, and every answer that is none.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Ran } from "../../../src/batch/programs.ts";
import { jobOfHome, type LimitedJob, timeLimit } from "../../../src/batch/time-limit.ts";

const now = Date.parse("2026-11-27T02:00:00");

/** What is known of the job where its program says this; with the calls that were made. */
async function limit(job: LimitedJob, said: Partial<Ran>): Promise<{ end: number | null; call: string }> {
  let call = "";
  const end = await timeLimit(
    job,
    { PATH: "/opt/batch/bin" },
    () => now,
    async (program, args, environment) => {
      assert.equal(environment.PATH, "/opt/batch/bin");
      call = [program, ...args].join(" ");
      return { status: 0, stdout: "", stderr: "", ...said };
    },
  );
  return { end, call };
}

const openPbs = `Job Id: 1042.pbs
    Job_Name = train
    Job_Owner = ann@login
    resources_used.walltime = 00:12:41
    job_state = R
    Resource_List.ncpus = 4
    Resource_List.walltime = 24:00:00
    stime = Fri Nov 27 01:30:05 2026
    Variable_List = PBS_O_HOME=/home/ann,PBS_O_LANG=C.UTF-8,
	PBS_O_PATH=/usr/bin:/bin
`;

describe("PBS", () => {
  const job = { system: "pbs", id: "1042.pbs" } as const;

  test("the end is the start and the wall time", async () => {
    const { end, call } = await limit(job, { stdout: openPbs });
    assert.equal(call, "qstat -f 1042.pbs");
    assert.equal(end, Date.parse("2026-11-28T01:30:05"));
    // Torque's word for the start, days and bare seconds
    const torque = openPbs.replace("stime", "start_time");
    assert.equal((await limit(job, { stdout: torque })).end, Date.parse("2026-11-28T01:30:05"));
    const days = openPbs.replace("24:00:00", "2:00:00:00");
    assert.equal((await limit(job, { stdout: days })).end, Date.parse("2026-11-29T01:30:05"));
    const seconds = openPbs.replace("24:00:00", "3600");
    assert.equal((await limit(job, { stdout: seconds })).end, Date.parse("2026-11-27T02:30:05"));
    const ninth = openPbs.replace("Nov 27", "Nov  9");
    assert.equal((await limit(job, { stdout: ninth })).end, Date.parse("2026-11-10T01:30:05"));
  });

  test("no wall time is no limit; a job that waits has no end yet", async () => {
    assert.equal((await limit(job, { stdout: openPbs.replace(/.*Resource_List.walltime.*\n/, "") })).end, null);
    assert.equal((await limit(job, { stdout: openPbs.replace(/.*stime.*\n/, "") })).end, null);
  });

  test("what is no time, a job that vanished, a program that is not there: one sentence each", async () => {
    await assert.rejects(limit(job, { stdout: openPbs.replace("24:00:00", "a day") }), {
      name: "Failure",
      message: "qstat tells a time limit that is none: 'a day'",
    });
    await assert.rejects(limit(job, { stdout: openPbs.replace("Fri Nov 27 01:30:05 2026", "yesterday") }), {
      message: "qstat tells an end time that is none: 'yesterday'",
    });
    await assert.rejects(limit(job, { status: 153, stderr: "qstat: Unknown Job Id 1042.pbs\n" }), {
      message: "qstat does not tell when job 1042.pbs ends: qstat: Unknown Job Id 1042.pbs",
    });
    await assert.rejects(limit(job, { status: -1, stderr: "qstat is not on PATH" }), {
      message: "qstat does not tell when job 1042.pbs ends: qstat is not on PATH",
    });
  });
});

describe("LSF", () => {
  const job = { system: "lsf", id: "771" } as const;

  test("what is left of the run limit counts, an estimate does not", async () => {
    const { end, call } = await limit(job, { stdout: "11:47 L\n" });
    assert.equal(call, "bjobs -noheader -o time_left 771");
    assert.equal(end, now + (11 * 60 + 47) * 60_000);
    for (const word of ["-", "0:12 E", "1:00 X"]) assert.equal((await limit(job, { stdout: `${word}\n` })).end, null);
  });

  test("what is no time, and a job that vanished", async () => {
    await assert.rejects(limit(job, { stdout: "soon\n" }), { message: "bjobs tells a time that is none: 'soon'" });
    await assert.rejects(limit(job, { stdout: "" }), {
      message: "bjobs does not know job 771 any more: its time limit is not known",
    });
    await assert.rejects(limit(job, { status: 255, stderr: "Job <771> is not found\n" }), /Job <771> is not found/);
  });
});

test("a job's number never becomes an option, nor a list of jobs", async () => {
  for (const id of ["-f", "1,2", "", "a b", "x".repeat(65)])
    await assert.rejects(limit({ system: "pbs", id }, { stdout: openPbs }), /is no job's number/);
});

test("the job is told by its home's name", () => {
  assert.deepEqual(jobOfHome("/home/ann/.local/state/falcon-sessions/node1/j/s4711"), { system: "slurm", id: "4711" });
  assert.deepEqual(jobOfHome("/x/j/s4711.0"), { system: "slurm", id: "4711" });
  assert.deepEqual(jobOfHome("/x/j/p1042.pbs"), { system: "pbs", id: "1042.pbs" });
  assert.deepEqual(jobOfHome("/x/j/l771"), { system: "lsf", id: "771" });
  for (const home of ["/x/node1", "/x/j/f12", "/x/s4711", "/x/j/s4711/s"]) assert.equal(jobOfHome(home), undefined);
});
