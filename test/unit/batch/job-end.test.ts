// What became of a job, by the fields of `scontrol show job` as Slurm 22.05 printed them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jobEnd } from "../../../src/batch/job-end.ts";
import { Slurm } from "../../../src/batch/slurm.ts";

async function end(stdout: string, name = "s77") {
  const { what, time } = await jobEnd(name, new Slurm({}, async () => ({ status: 0, stdout, stderr: "" })));
  return [what, time];
}

test("the time of the event is the batch system's", async () => {
  assert.deepEqual(await end("JobState=TIMEOUT Reason=TimeLimit EndTime=1795747715"), ["time-limit", 1_795_747_715_000]);
  assert.deepEqual(await end("JobState=CANCELLED Reason=None EndTime=1795747715"), ["cancelled", 1_795_747_715_000]);
  assert.deepEqual(await end("JobState=NODE_FAIL Reason=NodeDown EndTime=5"), ["node-failure", 5000]);
  assert.deepEqual(await end("JobState=OUT_OF_MEMORY EndTime=5"), ["out-of-memory", 5000]);
  assert.deepEqual(await end("JobState=PREEMPTED EndTime=5 PreemptTime=4"), ["preempted", 4000]);
});

test("a job that is being cleaned up, or waits to run again, says why; its end is then that of its next run", async () => {
  assert.deepEqual(await end("JobState=COMPLETING Reason=TimeLimit EndTime=9"), ["time-limit", 9000]);
  assert.deepEqual(await end("JobState=PENDING Reason=BeginTime PreemptTime=4 EndTime=99 Restarts=1"), ["preempted", 4000]);
  assert.deepEqual(await end("JobState=PENDING Reason=BeginTime EndTime=99 Restarts=1"), ["other", null]);
});

test("a script that is over took with it what it had started; of a job that goes on nothing is told, but of its step", async () => {
  assert.deepEqual(await end("JobState=COMPLETED Reason=None EndTime=9"), ["step-end", 9000]);
  assert.deepEqual(await end("JobState=RUNNING Reason=None EndTime=99"), ["other", null]);
  assert.deepEqual(await end("JobState=RUNNING Reason=None EndTime=99", "s77.0"), ["step-end", null]);
});

test("a batch system that is silent, or another one, leaves what the name tells", async () => {
  const silent = new Slurm({}, async () => ({ status: -1, stdout: "", stderr: "scontrol is not on PATH" }));
  assert.deepEqual(await jobEnd("s77.0", silent), { job: "Slurm job 77, step 0", what: "other", time: null });
  assert.deepEqual(await jobEnd("p9", undefined), { job: "PBS job 9", what: "other", time: null });
});
