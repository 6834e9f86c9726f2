// What only the accounting of a real Slurm remembers: how a job ended that its controller has forgotten, and
// what its submission asked for.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until } from "../support/events.ts";
import type { SessionRow } from "../support/home.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { slurmHost } from "../support/machines/slurm-host.ts";
import { falcon } from "../support/paths.ts";

/** Stops at the first interrupt, as falcon does. */
const fake = `#!/bin/bash
trap 'echo fake: saved; exit 0' INT
echo fake: ready
while :; do sleep 0.1; done
`;

interface Ended extends SessionRow {
  outcome: { kind: string; by: string | null; time: string | null } | null;
}

describe("a Slurm with accounting", { skip: noSlurm() || noSlurm("accounting") }, () => {
  // the least that slurmctld takes: it forgets a job two seconds after its end, at its next look
  const host = slurmHost({ accounting: true, settings: ["MinJobAge=2"] });
  const ended = (name: string, limit?: number) =>
    until(
      async () => {
        const row = (await host.row(name)) as Ended | undefined;
        return row?.outcome ? row : undefined;
      },
      () => `the end of ${name}: ${host.cluster.output(name)}`,
      limit,
    );

  test("a job that was cancelled, and forgotten before anybody looked", async () => {
    const { cluster, home } = host;
    const job = await host.submit("forgotten", [host.runLine("forgotten", "exec sleep 600")]);
    await host.running("forgotten");
    await home.ok(["server", "stop"]);
    await cluster.run("scancel", [String(job)]);
    await until(
      () =>
        cluster.job(job).then(
          () => false,
          () => true,
        ),
      "the controller to forget the job",
      120_000,
    );
    const { outcome } = await ended("forgotten");
    assert.equal(outcome?.by, `Slurm job ${job} was cancelled`);
    const end = await cluster.run("sacct", ["-X", "-n", "-P", "-j", String(job), "-o", "End"], { SLURM_TIME_FORMAT: "%s" });
    assert.equal(Date.parse(String(outcome?.time)), Number(end) * 1000);
  });

  test("the signal that sbatch's own options asked for before the time limit is the time limit", async () => {
    const { cluster, home } = host;
    fs.writeFileSync(path.join(home.work, "fake-falcon"), fake, { mode: 0o755 });
    const lines = [`cd ${home.work}`, `exec ${falcon} launch --falcon ${home.work}/fake-falcon --name late`];
    const job = await host.submit("late", lines, ["--time=60", "--signal=B:USR1@60"]);
    await until(() => cluster.output("late").includes("fake: ready"), "the run to be ready");
    // Slurm looks at its jobs each half a minute, and sends the signal at its next look
    const { StartTime = "" } = await cluster.job(job);
    const minutes = Math.floor((Date.now() - Date.parse(StartTime)) / 60_000) + 2;
    await cluster.run("scontrol", ["update", `JobId=${job}`, `TimeLimit=${minutes}`]);
    const { outcome } = await ended("late", 120_000);
    assert.deepEqual([outcome?.kind, outcome?.by], ["time-limit", "the time limit"], cluster.output("late"));
  });

  test("a session that is submitted to a cluster by its name is listed and stopped there", async () => {
    const { cluster, home } = host;
    const name = /^ClusterName=(.*)$/m.exec(fs.readFileSync(cluster.env.SLURM_CONF as string, "utf8"))?.[1] ?? "";
    const id = await home.ok(["submit", "-M", name, "--begin=now+1hour", "--", "run", "--name", "named", "true"]);
    const row = (await home.sessions()).find((session) => session.id === id);
    const job = String(row?.job).slice(1);
    assert.deepEqual([row?.state, row?.reason], ["pending", `job ${job} waits: BeginTime`]);
    const kept = JSON.parse(fs.readFileSync(path.join(home.folder, "submitted", `${id}.json`), "utf8"));
    assert.equal(kept.environment.SLURM_CLUSTERS, name);
    assert.match((await home.run(["stop", "named"])).stderr, /is cancelled/);
    assert.equal((await cluster.job(job)).JobState, "CANCELLED");
  });
});
