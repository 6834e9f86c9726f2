// Which control groups are a batch job's: the layouts of the batch systems, and what only looks like one.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jobOf } from "../../../src/platform/native.ts";

describe("a job is known by its control group", () => {
  const known: [string, string, string][] = [
    ["Slurm 22.05, v1, script", "9:name=systemd:/\n6:freezer:/slurm_a24952/uid_0/job_1/step_batch\n0::/\n", "s1"],
    ["Slurm, v1, one daemon a host, a step", "11:cpuset:/slurm/uid_1000/job_4711/step_0/task_0", "s4711.0"],
    ["Slurm, v1, a component of a heterogeneous step", "11:cpuset:/slurm/uid_1000/job_4711/step_3.1", "s4711.3"],
    ["Slurm, an ssh that was adopted", "4:freezer:/slurm/uid_1000/job_4711/step_extern", "s4711"],
    ["Slurm, v2", "0::/system.slice/slurmstepd.scope/job_4711/step_batch/user/task_special", "s4711"],
    ["Slurm, v2, many daemons a host", "0::/system.slice/n1_slurmstepd.scope/job_4711/step_2/user/task_0", "s4711.2"],
    ["Slurm, salloc's shell", "0::/system.slice/slurmstepd.scope/job_9/step_interactive/user/task_0", "s9"],
    ["PBS without systemd", "8:memory:/pbs_jobs.service/jobid/123.pbs-server", "p123"],
    ["PBS, a task of an array", "8:memory:/pbspro.service/jobid/123[4].server", "p123-4"],
    ["PBS with systemd", "0::/pbs_jobs.slice/pbs_jobs-123.server.slice/x", "p123"],
    ["LSF", "4:memory:/lsf/cluster1/job.9.12345.1700000000", "l9"],
    ["Flux", "0::/user.slice/user-500.slice/user@500.service/app.slice/imp-shell-0-f2xyzAB.service", "f2xyzAB"],
  ];
  for (const [what, text, job] of known) test(what, () => assert.equal(jobOf(text), job));

  const none: [string, string][] = [
    ["nothing", ""],
    ["a login", "0::/user.slice/user-1000.slice/session-3.scope"],
    ["a scope of ours", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/falcon-sessions-abc123.scope"],
    ["Slurm's daemon", "0::/system.slice/slurmd.service"],
    ["a folder that is called as Slurm's", "0::/home.slice/job_4711/step_0"],
    ["a job without a number", "6:freezer:/slurm/uid_0/job_/step_batch"],
    ["a PBS daemon", "0::/system.slice/pbs.service"],
    ["a shell of somebody's own", "0::/user.slice/shell-bash.service"],
    ["no control groups at all", "garbage\n::\n/"],
  ];
  for (const [what, text] of none) test(`none: ${what}`, () => assert.equal(jobOf(text), null));

  test("a name is short and fit for a folder, whatever the number is", () => {
    assert.equal(jobOf(`0::/x/slurmstepd.scope/job_${"9".repeat(60)}/step_batch`), `s${"9".repeat(23)}`);
    assert.match(jobOf(`8:memory:/pbs.service/jobid/1${"\u00e4/..\t".repeat(3)}`) ?? "", /^p1[\w.-]*$/);
    assert.equal((jobOf(`8:memory:/pbs.service/jobid/${"1".repeat(200)}`) ?? "").length, 24);
    assert.equal(jobOf(`0::/${"a/".repeat(500)}slurmstepd.scope/job_1`), null);
  });
});
