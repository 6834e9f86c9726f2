// The tests' own Slurm does what the tests of batch jobs stand on: jobs in control groups of their own,
// requeue, nothing left behind.
import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { Slurm } from "../../src/batch/slurm.ts";
import { until } from "../support/events.ts";
import { noSlurm, type Proctrack, SlurmCluster } from "../support/machines/slurm.ts";

for (const proctrack of ["cgroup", "linuxproc"] as Proctrack[]) {
  describe(`a Slurm of two nodes with proctrack/${proctrack}`, { skip: noSlurm(proctrack) }, () => {
    test("runs a job, requeues it, and leaves nothing behind", async () => {
      const cluster = await SlurmCluster.up(proctrack);
      try {
        const id = await cluster.submit("first", ["cat /proc/self/cgroup", 'echo "part $SLURM_RESTART_COUNT."', "sleep 600"]);
        await until(() => cluster.output("first").includes("part ."), "the job to run");
        if (proctrack === "cgroup") assert.match(cluster.output("first"), new RegExp(`/job_${id}/step_batch`));
        await cluster.run("scontrol", ["requeue", String(id)]);
        await until(() => cluster.output("first").includes("part 1."), "the job to run again");
        assert.equal((await cluster.untilJob(id, "RUNNING")).Restarts, "1");
      } finally {
        await cluster.down();
      }
      assert.ok(!fs.existsSync(cluster.folder));
    });
  });
}

describe("Slurm as src/batch/slurm.ts hears it", { skip: noSlurm() }, () => {
  test("pending, running, extended, requeued, cancelled, gone: as squeue says it", async () => {
    const cluster = await SlurmCluster.up();
    try {
      // what a person sets for squeue changes nothing
      const slurm = new Slurm({ ...cluster.env, SQUEUE_FORMAT: "%j", SQUEUE_STATES: "PD", TZ: "Asia/Tokyo" });
      const waits = await cluster.submit("waits", ["sleep 600"], ["--begin=now+1hour"]);
      const runs = await cluster.submit("runs", ["sleep 600"], ["--time=10"]);
      await cluster.untilJob(runs, "RUNNING");
      const [first, second] = await slurm.jobs([String(waits), String(runs), "4000000"]);
      assert.deepEqual([first?.number, first?.state, first?.reason, first?.end], [String(waits), "PENDING", "BeginTime", null]);
      assert.deepEqual([second?.state, second?.reason], ["RUNNING", ""]);
      assert.ok(cluster.nodes.includes(second?.nodes ?? ""));
      const end = second?.end as number;
      assert.equal(end - (second?.start as number), 600_000);
      await cluster.run("scontrol", ["update", `JobId=${runs}`, "TimeLimit=20"]);
      assert.equal(await slurm.endTime(String(runs)), end + 600_000);
      await slurm.requeue(String(runs));
      await until(async () => (await slurm.show(String(runs)))?.Restarts === "1", "the job to be requeued");
      await slurm.cancel(String(runs));
      await until(async () => (await slurm.job(String(runs)))?.state === "CANCELLED", "the job to be cancelled");
      await slurm.cancel(String(runs));
      assert.equal(await slurm.job("4000000"), undefined);
      assert.equal(await slurm.show("4000000"), undefined);
      await assert.rejects(slurm.requeue("4000000"), /Slurm does not run job 4000000 again: Invalid job id/);
      await assert.rejects(slurm.submit(["--partition=nix"], "/dev/null"), /the job was not submitted: /);
    } finally {
      await cluster.down();
    }
  });
});
