// The tests' own Slurm does what the tests of batch jobs stand on: jobs in control groups of their own, requeue, nothing left behind.
import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, test } from "node:test";
import { until } from "../support/events.ts";
import { noSlurm, type Proctrack, SlurmCluster } from "../support/slurm.ts";

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
