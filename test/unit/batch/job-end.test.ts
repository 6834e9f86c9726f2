// What became of a job, by the fields of `scontrol show job` as Slurm 22.05 printed them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jobEnd } from "../../../src/batch/job-end.ts";
import { Slurm } from "../../../src/batch/slurm.ts";

async function end(stdout: string, name = "s77") {
  const slurm = new Slurm({}, async (program) =>
    program === "sacct"
      ? { status: 1, stdout: "", stderr: "Slurm accounting storage is disabled" }
      : { status: 0, stdout, stderr: "" },
  );
  const { what, time } = await jobEnd(name, slurm, 0);
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
  assert.deepEqual(await jobEnd("s77.0", silent, 0), { job: "Slurm job 77, step 0", what: "other", time: null });
  assert.deepEqual(await jobEnd("p9", undefined, 0), { job: "PBS job 9", what: "other", time: null });
});

describe("the accounting", () => {
  /** As sacct 22.05 printed it. */
  const parts = [
    "PREEMPTED|1795799396|sbatch --requeue job.sh",
    "CANCELLED by 0|1795799496|sbatch --requeue job.sh",
    "RUNNING|Unknown|sbatch --requeue job.sh",
  ].join("\n");
  const told = async (since: number, controller: string | undefined, accounted = parts) => {
    const slurm = new Slurm({}, async (program) => {
      if (program === "sacct") return { status: 0, stdout: accounted, stderr: "" };
      return controller === undefined
        ? { status: 1, stdout: "", stderr: "slurm_load_jobs error: Invalid job id specified" }
        : { status: 0, stdout: controller, stderr: "" };
    });
    const { what, time, said } = await jobEnd("s1", slurm, since);
    return [what, time, said];
  };

  test("tells how a job ended that the controller has forgotten, and how the last run did of one that runs again", async () => {
    const last = ["cancelled", 1_795_799_496_000, "CANCELLED"];
    assert.deepEqual(await told(1_795_799_400_000, undefined), last);
    assert.deepEqual(await told(1_795_799_400_000, "JobState=RUNNING Restarts=2"), last);
    assert.deepEqual(await told(1_795_799_400_000, "JobState=PENDING Reason=BeginTime Restarts=2"), last);
    assert.deepEqual(await told(1, undefined, "PREEMPTED|1795799396|sbatch x"), ["preempted", 1_795_799_396_000, "PREEMPTED"]);
    assert.deepEqual(await told(1, undefined, "COMPLETED|1795799396|"), ["step-end", 1_795_799_396_000, "COMPLETED"]);
  });

  test("of a run that began later, or where the controller knows, it is not asked", async () => {
    assert.deepEqual(await told(1_795_799_500_000, "JobState=RUNNING"), ["other", null, "RUNNING"]);
    assert.deepEqual(await told(1, "JobState=TIMEOUT EndTime=5"), ["time-limit", 5000, "TIMEOUT"]);
  });

  test("a submission of several lines is read past", async () => {
    const lines = 'CANCELLED by 7|1795799496|sbatch --wrap "a\nTIMEOUT|5\n"\nRUNNING|Unknown|x';
    assert.deepEqual(await told(1, undefined, lines), ["cancelled", 1_795_799_496_000, "CANCELLED"]);
  });
});
