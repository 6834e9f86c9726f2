// What a waiting `falcon launch` makes of a real Slurm's signals, for each way to start it and each way that
// Slurm finds a job's processes.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { type SessionRow, TestHome } from "../support/home.ts";
import { noSlurm, type Proctrack, SlurmCluster } from "../support/machines/slurm.ts";
import { falcon, notBuilt } from "../support/paths.ts";

/** Dies of SIGTERM and SIGUSR1 without saving, as falcon 0.5.1 does; stops at the first interrupt. */
const fake = `#!/bin/bash
say() { echo "fake: $1"; echo "$1" >>fake.log; }
trap 'say saved; exit 0' INT
trap 'say "SIGTERM, nothing saved"; exit 15' TERM
trap 'say "SIGUSR1, nothing saved"; exit 15' USR1
say ready
while :; do sleep 0.1; done
`;

interface Ended extends SessionRow {
  outcome: { kind: string; by: string | null; time: string | null } | null;
}

/** How the launch stands in the script, and how the job is signalled. */
const ways = {
  "exec, scancel": { before: "exec", signal: [], named: "SIGTERM" },
  "srun, scancel": { before: "srun", signal: [], named: "SIGTERM" },
  "exec, --signal=B:USR1": { before: "exec", signal: ["--batch", "--signal=USR1"], named: "SIGUSR1" },
  "srun, --signal=USR1": { before: "srun", signal: ["--signal=USR1"], named: "SIGUSR1" },
} as const;

for (const proctrack of ["cgroup", "linuxproc"] as Proctrack[]) {
  describe(`signals of a Slurm with proctrack/${proctrack}`, { skip: noSlurm(proctrack) }, () => {
    let home: TestHome;
    let cluster: SlurmCluster;
    before(async () => {
      assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first");
      cluster = await SlurmCluster.up(proctrack);
    });
    after(() => cluster.down());
    // the end of a job is the end of the server that was started in it: each has a home of its own
    beforeEach(() => {
      home = new TestHome();
      fs.writeFileSync(path.join(home.work, "fake-falcon"), fake, { mode: 0o755 });
    });
    afterEach(async () => {
      // a job that is listed still has its server, which Slurm may kill before it has ended
      await until(async () => (await cluster.run("squeue", ["-h"])) === "", "the job's end");
      await until(() => home.processes().length === 0 || home.serverPid() !== undefined, "the end of its processes");
      // Slurm kills, and leaves sockets
      if (home.serverPid() === undefined) removeSockets(home.folder);
      await home.dispose();
    });
    const launch = (name: string) => `${falcon} launch --falcon ${home.work}/fake-falcon --name ${name}`;

    const job = async (name: string, before: string) => {
      const env = { FALCON_SESSIONS_HOME: home.folder, HOME: home.work, LANG: "C.UTF-8" };
      const lines = [`cd ${home.work}`, `${before} ${launch(name)}`, "echo the script goes on"];
      const id = await cluster.submit(name, lines, [], env);
      await until(() => cluster.output(name).includes("fake: ready"), "the run to be ready");
      return id;
    };

    for (const [way, { before, signal, named }] of Object.entries(ways)) {
      test(`${way}: one graceful stop`, async () => {
        const name = way.replace(/\W+/g, "-");
        const id = await job(name, before);
        await cluster.run("scancel", [...signal, String(id)]);
        await until(() => fs.readFileSync(path.join(home.work, "fake.log"), "utf8") !== "ready\n", "the program to hear of it");
        assert.equal(fs.readFileSync(path.join(home.work, "fake.log"), "utf8"), "ready\nsaved\n");
        // scancel ends the script's shell as well, and srun with it, through which the words would have come
        if (before === "srun" && signal.length === 0) return;
        await until(() => /\] stopped after /.test(cluster.output(name)), "the end to be told");
        const said = cluster.output(name);
        assert.match(said, new RegExp(`${named}: stopping gracefully \\(one Ctrl\\+C\\), the model is saved`));
        assert.equal(said.match(/fake: .*/g)?.join(), "fake: ready,fake: saved", said);
        assert.doesNotMatch(said, /no signal of Slurm reaches/);
      });
    }

    const once = proctrack === "cgroup" ? false : "how a job's processes are found makes no difference to it";
    test("the signal that the script asked for before its time limit is the time limit; the same one earlier is not", {
      skip: once,
    }, async () => {
      const env = { FALCON_SESSIONS_HOME: home.folder, HOME: home.work, LANG: "C.UTF-8" };
      const start = async (name: string) => {
        const lines = ["#SBATCH --time=60 --signal=B:USR1@60", `cd ${home.work}`, `exec ${launch(name)}`];
        const id = await cluster.submit(name, lines, [], env);
        await until(() => cluster.output(name).includes("fake: ready"), "the run to be ready");
        return id;
      };
      const ended = (name: string) =>
        until(
          async () => ((await home.sessions()) as Ended[]).find((row) => row.name === name && row.outcome !== null),
          "its end to be told",
        );
      const early = await start("early");
      await cluster.run("scancel", ["--batch", "--signal=USR1", String(early)]);
      const { outcome: stopped } = await ended("early");
      assert.deepEqual([stopped?.kind, stopped?.by], ["stopped", "a signal to the waiting falcon"], cluster.output("early"));
      const late = await start("late");
      // Slurm looks at its jobs each half a minute, and sends the signal at its next look
      const { StartTime = "" } = await cluster.job(late);
      const minutes = Math.floor((Date.now() - Date.parse(StartTime)) / 60_000) + 2;
      await cluster.run("scontrol", ["update", `JobId=${late}`, `TimeLimit=${minutes}`]);
      const { outcome: limited } = await until(
        async () => ((await home.sessions()) as Ended[]).find((row) => row.name === "late" && row.outcome !== null),
        "Slurm's signal and its end",
        120_000,
      );
      assert.deepEqual([limited?.kind, limited?.by], ["time-limit", "the time limit"], cluster.output("late"));
      assert.match(cluster.output("late"), /SIGUSR1: stopping gracefully/);
      assert.match(cluster.output("late"), /\] stopped at its time limit after /);
    });

    test(`a line of a script: ${proctrack === "cgroup" ? "it is said that no signal reaches it, with the remedy" : "scancel reaches it"}`, async () => {
      const id = await job("line", "");
      if (proctrack === "cgroup") {
        await until(() => cluster.output("line").includes("no signal of Slurm reaches this line"), "the sentence");
        assert.match(
          cluster.output("line"),
          /\[line\] no signal .* End the script with 'exec falcon launch …'; '#SBATCH --signal=B:USR1@300'/,
        );
        await cluster.run("scancel", [String(id)]);
        await cluster.untilJob(id, "CANCELLED");
        const killed = await until(
          async () => ((await home.sessions()) as Ended[]).find((row) => row.name === "line" && row.outcome !== null),
          "the host's server to take the killed run in",
        );
        assert.deepEqual([killed.outcome?.kind, killed.outcome?.by], ["killed", `Slurm job ${id} was cancelled`]);
        const { EndTime = "" } = await cluster.job(id);
        const told = Date.parse(String(killed.outcome?.time));
        assert.ok(Math.abs(told - Date.parse(EndTime)) < 2_000, `${killed.outcome?.time}, by Slurm ${EndTime}`);
        assert.doesNotMatch(cluster.output("line"), /stopping gracefully/);
      } else {
        await cluster.run("scancel", [String(id)]);
        await until(() => cluster.output("line").includes("fake: saved"), "the stop");
        assert.doesNotMatch(cluster.output("line"), /no signal of Slurm reaches|nothing saved/);
        const stopped = await until(
          async () => ((await home.sessions()) as Ended[]).find((row) => row.name === "line" && row.outcome !== null),
          "its end to be told",
        );
        assert.deepEqual([stopped.outcome?.kind, stopped.outcome?.by], ["stopped", `Slurm job ${id} was cancelled`]);
      }
    });

    test("a script with a trap that passes the signal on is told nothing", async () => {
      const name = "trapped";
      const env = { FALCON_SESSIONS_HOME: home.folder, HOME: home.work, LANG: "C.UTF-8" };
      const lines = [`cd ${home.work}`, `trap 'kill -TERM $run' TERM`, `${launch(name)} & run=$!`, "wait $run; wait $run"];
      const id = await cluster.submit(name, lines, [], env);
      await until(() => cluster.output(name).includes("fake: ready"), "the run to be ready");
      await cluster.run("scancel", ["--batch", "--signal=TERM", String(id)]);
      await until(() => /\] stopped after /.test(cluster.output(name)), "the end to be told");
      assert.doesNotMatch(cluster.output(name), /no signal of Slurm reaches|nothing saved/);
    });
  });
}

function removeSockets(folder: string): void {
  for (const entry of fs.readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isSocket()) fs.rmSync(path.join(entry.parentPath, entry.name));
}
