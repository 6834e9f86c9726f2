// A run in a real Slurm: stopped before its job's time limit, run again on another node, preempted; one run
// with many parts throughout.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { type SessionRow, TestHome } from "../support/home.ts";
import { noSlurm, SlurmCluster } from "../support/machines/slurm.ts";
import * as built from "../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

/** Long enough for a part that starts on a busy machine, and for a job that is run again. */
const patient = 120_000;

describe("a run in Slurm's jobs", { skip: noSlurm() }, () => {
  let cluster: SlurmCluster;
  let home: TestHome;
  /** Each node's home, as if it were another machine's: what they share is the archive. */
  const homeOf = (node: string) => path.join(home.folder, node);
  before(async () => {
    // a busy machine takes its time to save a model
    cluster = await SlurmCluster.up("cgroup", { settings: ["KillWait=30"] });
    home = new TestHome({ SLURM_CONF: cluster.env.SLURM_CONF as string });
    const config = path.join(home.work, "config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), `archive = "${home.folder}/archive"\n`);
    home.env.XDG_CONFIG_HOME = path.join(home.work, "config");
    for (const node of cluster.nodes) {
      fs.mkdirSync(homeOf(node), { mode: 0o700 });
      // its server is there when a part has seconds to be seen in
      await sessionsOn(node);
    }
  });
  after(async () => {
    await cluster.down();
    // the jobs' homes are taken in
    for (const node of cluster.nodes)
      await until(
        async () =>
          (await sessionsOn(node)) &&
          (fs.readdirSync(homeOf(node)).includes("j") ? fs.readdirSync(path.join(homeOf(node), "j")).length === 0 : true),
        "the jobs to be taken in",
        patient,
      );
    for (const node of cluster.nodes) await home.run(["server", "stop"], { env: { FALCON_SESSIONS_HOME: homeOf(node) } });
    await home.dispose();
  });

  /**
   * Submits a script that ends in `exec falcon launch --requeue`, without -o: the first part makes its run
   * directory itself.
   */
  const launch = (name: string, options: string[], settings: string[]) => {
    const work = path.join(home.work, name);
    fs.mkdirSync(work);
    return cluster.submit(
      name,
      [
        `cd ${work}`,
        `export FALCON_SESSIONS_HOME=${home.folder}/$SLURMD_NODENAME`,
        `exec ${built.falcon} launch --requeue --falcon ${built.trainer} ${settings.join(" ")} samples=256 rate=20 epochs=100000`,
      ],
      ["--requeue", "--open-mode=append", ...options],
      home.env,
    );
  };
  const sessionsOn = async (node: string): Promise<SessionRow[]> =>
    JSON.parse(await home.ok(["sessions", "--all", "--json"], { env: { FALCON_SESSIONS_HOME: homeOf(node) } }));
  const nodeOf = async (job: number) => (await cluster.job(job)).NodeList as string;
  const drain = (node: string) => cluster.run("scontrol", ["update", `NodeName=${node}`, "State=DRAIN", "Reason=test"]);
  const resume = (node: string) => cluster.run("scontrol", ["update", `NodeName=${node}`, "State=RESUME"]);
  /** The nth run of the job, training. */
  const part = (job: number, n: number, name: string) =>
    until(
      async () => {
        const { JobState, Restarts, NodeList } = await cluster.job(job);
        if (JobState !== "RUNNING" || Number(Restarts) !== n - 1 || NodeList === undefined) return undefined;
        const row = (await sessionsOn(NodeList)).find((s) => s.part === n && s.state === "running" && s.job === `s${job}`);
        return row === undefined || row.deadline === null ? undefined : { node: NodeList, row };
      },
      `part ${n} to run: ${cluster.output(name)}`,
      patient,
    );

  test("a time limit: stopped before it with its model, run again on the other node, three parts, then cancelled", async () => {
    const job = await launch("limit", ["--time=1"], ["--save-before", "48s"]);
    const first = await part(job, 1, "limit");
    // Slurm's own word on the end
    const { EndTime } = await cluster.job(job);
    assert.equal(Date.parse((first.row.deadline as { at: string }).at), Date.parse(EndTime as string));
    assert.equal((first.row.deadline as { from: string }).from, "job");
    await drain(first.node);
    const second = await part(job, 2, "limit");
    assert.notEqual(second.node, first.node);
    await resume(first.node);
    await drain(second.node);
    const third = await part(job, 3, "limit");
    assert.equal(third.node, first.node);
    await resume(second.node);
    const output = cluster.output("limit");
    assert.equal(output.match(/time limit in 4\ds: asked to stop and to save its model/g)?.length, 2, output);
    assert.equal(output.match(/is asked to run again, and goes on with this run/g)?.length, 2, output);
    assert.equal(output.match(/resumes .* from the saved model/g)?.length, 2, output);
    const rows = (await sessionsOn(third.node)).filter((row) => row.run === first.row.run);
    assert.deepEqual(
      rows.map(({ part, name }) => [part, name]),
      [1, 2, 3].map((n) => [n, rows[0]?.name]),
    );
    const outcomes = rows.slice(0, 2).map(({ outcome }) => outcome as { kind: string; saved: boolean });
    for (const { kind, saved } of outcomes) assert.deepEqual([kind, saved], ["time-limit", true]);
    // the id that was told first means the part that runs
    const shown = JSON.parse(
      await home.ok(["show", "--json", first.row.id], { env: { FALCON_SESSIONS_HOME: homeOf(third.node) } }),
    );
    assert.deepEqual([shown.id, shown.part], [third.row.id, 3]);
    assert.equal((shown.progress as { resumed: boolean }).resumed, true);
    await cluster.run("scancel", [String(job)]);
    await cluster.untilJob(job, "CANCELLED");
    const last = await until(
      async () => {
        const row = (await sessionsOn(third.node)).find((s) => s.part === 3 && s.run === first.row.run);
        return row?.state === "exited" || row?.state === "lost" ? row : undefined;
      },
      "the third part to be over",
      patient,
    );
    const { kind, by } = last.outcome as { kind: string; by: string | null };
    assert.match(`${kind} ${by}`, /cancelled/);
    assert.equal((await cluster.job(job)).JobState, "CANCELLED", "it is not run again");
  });

  test("a preemption: saved, said, and gone on with when the job runs again", async () => {
    const node = cluster.nodes[1];
    const job = await launch("low", ["--time=60", `--nodelist=${node}`, "--exclusive"], []);
    const first = await part(job, 1, "low");
    await until(
      async () => {
        const row = (await sessionsOn(node)).find((s) => s.id === first.row.id);
        const progress = row?.progress as { nodes: { epoch: number | null }[] } | null | undefined;
        return (progress?.nodes[0]?.epoch ?? 0) > 0;
      },
      "an epoch",
      patient,
    );
    await cluster.submit("urgent", ["sleep 3"], [`--nodelist=${node}`, "--exclusive", "--partition=urgent"], home.env);
    const second = await part(job, 2, "low");
    assert.equal(await nodeOf(job), node);
    const output = cluster.output("low");
    assert.match(output, /resumes .* from the saved model/);
    const rows = (await sessionsOn(second.node)).filter((row) => row.run === first.row.run);
    assert.deepEqual(
      rows.map((row) => row.part),
      [1, 2],
    );
    const outcome = rows[0]?.outcome as { kind: string; saved: boolean | null; by: string | null; sentence: string };
    assert.equal(outcome.saved, true, outcome.sentence);
    assert.match(outcome.by ?? "", /was preempted/, outcome.sentence);
    await cluster.run("scancel", [String(job)]);
    await cluster.untilJob(job, "CANCELLED");
  });
});
