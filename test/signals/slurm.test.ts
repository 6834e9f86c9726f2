// The real falcon in a real Slurm's jobs: wherever the launch stands in the script and however the job is
// ended, the model is whole, the outcome says so, and the next launch goes on at the epoch that was saved.
// FALCON_PLACES: some of the places by their names, separated by commas. FALCON_SOURCE as in moments.test.ts.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { pythonFalcon } from "../falcon/python.ts";
import { epochOf, gaussianProject, modelsOf, nodeOf, quick, type Run, readModels } from "../falcon/training.ts";
import { readIfThere, until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { noSlurm, type Proctrack, SlurmCluster } from "../support/machines/slurm.ts";
import { falcon, notBuilt } from "../support/paths.ts";

/** Ray's start and torch's import on a busy machine. */
const startLimit = 240_000;
/** An epoch, the saving, the end of Ray. */
const stopLimit = 180_000;
/**
 * So long Slurm lets a job live that it has ended: usually 30 s, on a busy machine a little is not enough
 * for Ray.
 */
const settings = ["KillWait=90"];

const found = await pythonFalcon();
const source = process.env.FALCON_SOURCE;
const only = process.env.FALCON_PLACES?.split(",");

before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));

/** Where the launch stands in the script and how its job is ended once it trains. */
interface Place {
  proctrack: Proctrack;
  /** Before `falcon launch` in the script. */
  line: "exec" | "srun" | "";
  /** What sbatch is told. */
  options?: string[];
  /** The same, in the script: a run asks Slurm for it there. */
  directives?: string[];
  /** Of the launch. */
  words?: string[];
  /** Ends the job; without it its time limit does. */
  end?(cluster: SlurmCluster, job: number): Promise<unknown>;
  kind: "stopped" | "time-limit";
  by: RegExp;
}

const scancel = (cluster: SlurmCluster, job: number) => cluster.run("scancel", [String(job)]);

/**
 * The time limit is set to the next but one minute: `--signal` then comes at once, since Slurm looks half a
 * minute ahead.
 */
async function shorten(cluster: SlurmCluster, job: number): Promise<void> {
  const { StartTime = "" } = await cluster.job(job);
  const minutes = Math.floor((Date.now() - Date.parse(StartTime)) / 60_000) + 2;
  await cluster.run("scontrol", ["update", `JobId=${job}`, `TimeLimit=${minutes}`]);
}

const cancelled = /^Slurm job \d+(, step \d+)? was cancelled$/;
const places: Readonly<Record<string, Place>> = {
  "exec scancel": { proctrack: "cgroup", line: "exec", end: scancel, kind: "stopped", by: cancelled },
  "srun scancel": { proctrack: "cgroup", line: "srun", end: scancel, kind: "stopped", by: cancelled },
  "exec USR1": {
    ...{ proctrack: "cgroup", line: "exec", directives: ["#SBATCH --time=60 --signal=B:USR1@60"] },
    end: shorten,
    kind: "time-limit",
    by: /^the time limit$/,
  },
  "line time limit": {
    ...{ proctrack: "cgroup", line: "", options: ["--time=3"], words: ["--save-before", "100s"] },
    kind: "time-limit",
    by: /^the time limit$/,
  },
  "line linuxproc": { proctrack: "linuxproc", line: "", end: scancel, kind: "stopped", by: cancelled },
  "srun linuxproc": { proctrack: "linuxproc", line: "srun", end: scancel, kind: "stopped", by: cancelled },
  "all linuxproc": {
    ...{ proctrack: "linuxproc", line: "exec", kind: "stopped", by: /^a signal to the waiting falcon$/ },
    end: (cluster, job) => cluster.run("scancel", ["--full", "--signal=TERM", String(job)]),
  },
};

const chosen = (name: string) => only === undefined || only.includes(name);

for (const proctrack of ["cgroup", "linuxproc"] as Proctrack[]) {
  const skip = typeof found === "string" ? found : noSlurm(proctrack);
  describe(`the real falcon in jobs of a Slurm with proctrack/${proctrack}`, { skip }, () => {
    if (typeof found === "string") return;
    const { file, python, version } = found;
    let cluster: SlurmCluster;
    let home: TestHome;
    let project: string;
    /** Epochs that were saved by the launch before. */
    let saved = 0;
    before(async () => {
      cluster = await SlurmCluster.up(proctrack, { settings });
      home = new TestHome({ SLURM_CONF: cluster.env.SLURM_CONF as string, ...falconEnvironment() });
      project = path.join(home.work, "project");
      gaussianProject(project);
    });
    after(async () => {
      try {
        await cluster.cancelAll(stopLimit);
        await until(
          async () => (await home.sessions()) && left().length === 0,
          () => `the jobs to be taken in: ${left()}`,
          stopLimit,
        );
        await home.dispose();
      } finally {
        await cluster.down();
      }
    });
    const left = () => (fs.existsSync(path.join(home.folder, "j")) ? fs.readdirSync(path.join(home.folder, "j")) : []);
    const row = async (name: string) => (await home.sessions()).findLast((session) => session.name === name) as Run | undefined;
    const submit = (
      name: string,
      { line, options = [], directives = [], words = [] }: Pick<Place, "line" | "options" | "directives" | "words">,
    ) => {
      const launch = [falcon, "launch", "--falcon", file, "--name", name, ...words, "-o", "run", ...quick];
      return cluster.submit(name, [...directives, `cd ${project}`, `${line} ${launch.join(" ")}`], options, home.env);
    };
    /** Waits until it has trained an epoch of its own, and answers the session. */
    const trains = (name: string, job: number) =>
      until(
        async () => {
          const now = await row(name);
          if (now?.outcome) throw new Error(`it has ended: ${now.outcome.sentence}\n${cluster.output(name)}`);
          if (now !== undefined && (epochOf(now) ?? 0) > saved) return now;
          const { JobState = "" } = await cluster.job(job);
          if (!/PENDING|RUNNING|CONFIGURING/.test(JobState)) throw new Error(`${JobState}: ${cluster.output(name)}`);
          return undefined;
        },
        () => `its first epoch: ${cluster.output(name)}`,
        startLimit,
      );
    const ended = (id: string, name: string) =>
      until(
        async () => {
          const now = (await home.sessions()).find((session) => session.id === id) as Run | undefined;
          return now?.outcome ? { ...now, outcome: now.outcome } : undefined;
        },
        () => `its end: ${cluster.output(name)}`,
        stopLimit,
      );

    for (const [title, place] of Object.entries(places).filter(([name, at]) => at.proctrack === proctrack && chosen(name)))
      test(title, { timeout: 2 * (startLimit + stopLimit) }, async (context) => {
        context.diagnostic(`falcon-sbi ${source === undefined ? version : `of ${path.basename(source)}`}`);
        const began = Date.now();
        const name = title.replace(/\W+/g, "-");
        const job = await submit(name, place);
        const running = await trains(name, job);
        // what is listed is what Slurm says
        const said = await cluster.job(job);
        assert.equal(said.JobState, "RUNNING");
        assert.equal(running.state, "running");
        assert.equal(String(running.job).split(".")[0], `s${job}`);
        if (saved > 0)
          assert.equal(nodeOf(running)?.epochsBefore, saved, `it goes on at the saved epoch\n${cluster.output(name)}`);
        await place.end?.(cluster, job);
        const { outcome, interrupts, progress } = await ended(running.id, name);
        const what = `${JSON.stringify(outcome)}\n${cluster.output(name)}`;
        const { names, bad, epochs } = readModels(python, modelsOf(project));
        assert.deepEqual(bad, [], what);
        assert.ok(names.length >= 8 && names.includes("model.pth"), `${names} ${what}`);
        assert.ok(epochs !== null && epochs > saved, `${epochs} epochs are saved, ${saved} were before: ${what}`);
        assert.deepEqual([outcome.kind, outcome.saved, interrupts], [place.kind, true, 1], what);
        assert.match(String(outcome.by), place.by, what);
        assert.equal(progress?.saved, true, what);
        assert.match(await home.ok(["show", running.id]), /^state {5}stopped (at its time limit )?after .*, model saved$/m);
        saved = epochs;
        context.diagnostic(`${epochs} epochs saved, ${names.length} files, ${((Date.now() - began) / 1000).toFixed(0)} s`);
      });

    if (proctrack === "cgroup" && chosen("every process"))
      test("a signal to every process of the job, falcon's own too: the loss is told, and by whom", {
        timeout: startLimit + stopLimit,
      }, async () => {
        const job = await submit("every", { line: "exec" });
        const running = await trains("every", job);
        for (const pid of processesOf(job, cluster)) process.kill(pid, "SIGTERM");
        const { outcome, interrupts } = await ended(running.id, "every");
        const what = `${JSON.stringify(outcome)}\n${cluster.output("every")}`;
        assert.deepEqual([outcome.kind, outcome.saved, outcome.by], ["killed", false, "a signal to all of its job"], what);
        assert.equal(interrupts, 0, what);
        assert.match(cluster.output("every"), /SIGTERM: it went to every process of the job, nothing is added/);
        // what was there before is still there, and whole
        assert.deepEqual(readModels(python, modelsOf(project)).bad, []);
      });
  });
}

const noParts = typeof found === "string" ? found : chosen("parts") ? noSlurm() : "another place is asked for";
describe("the real falcon through three parts of one job on two machines", { skip: noParts }, () => {
  if (typeof found === "string") return;
  const { file, python } = found;
  let cluster: SlurmCluster;
  let home: TestHome;
  let project: string;
  before(async () => {
    cluster = await SlurmCluster.up("cgroup", { apart: true, settings });
    home = new TestHome({
      SLURM_CONF: cluster.env.SLURM_CONF as string,
      PATH: cluster.env.PATH as string,
      ...falconEnvironment(),
    });
    // each machine has its home in the folder that they share
    delete home.env.FALCON_SESSIONS_HOME;
    home.env.XDG_STATE_HOME = home.folder;
    project = path.join(home.work, "project");
    gaussianProject(project);
  });
  after(async () => {
    try {
      await cluster.cancelAll(stopLimit);
      for (const node of cluster.nodes)
        fs.rmSync(path.join(home.folder, "falcon-sessions", node), { recursive: true, force: true });
      await home.dispose();
    } finally {
      await cluster.down();
    }
  });

  test("time limit with its grace, preemption, scancel: one session, each part goes on at the saved epoch", {
    timeout: 3 * (startLimit + stopLimit) + 6 * 60_000,
  }, async (context) => {
    const [a, b] = cluster.nodes;
    const set = (node: string, state: string) =>
      cluster.run("scontrol", ["update", `NodeName=${node}`, `State=${state}`, ...(state === "DRAIN" ? ["Reason=test"] : [])]);
    await set(a, "DRAIN");
    const words = ["launch", "--requeue", "--falcon", file, "--name", "parts", "--save-before", "150s", "-o", "run", ...quick];
    const id = await home.ok(["submit", "--time=6", "--exclusive", "--", ...words], { cwd: project });
    const job = String((await home.sessions()).find((row) => row.id === id)?.job).slice(1);
    /** What the machine lists that the job runs on now. */
    const onNode = async () => {
      const args = ["--overlap", `--jobid=${job}`, falcon, "sessions", "--all", "--json"];
      const { code, stdout } = await home.run(args, { file: "srun", limit: startLimit });
      return code === 0 ? (JSON.parse(stdout) as (Run & { part: number; run: string })[]) : [];
    };
    let saved = 0;
    /** Waits until the nth part has trained an epoch, and says all that is known of the run there. */
    const part = (n: number) =>
      until(
        async () => {
          const { JobState, Restarts, NodeList } = await cluster.job(job);
          if (JobState !== "RUNNING" || Number(Restarts) !== n - 1) return undefined;
          const rows = (await onNode()).filter((row) => row.run === id);
          const now = rows.find((row) => row.part === n && row.state === "running");
          if (now === undefined || (epochOf(now) ?? 0) <= saved) return undefined;
          if (n > 1) assert.equal(nodeOf(now)?.epochsBefore, saved, "it goes on at the saved epoch");
          const [one, ...more] = ((await home.sessions()) as Run[]).filter(
            ({ name, state }) => name === "parts" && state === "running",
          );
          if (one === undefined || (one as unknown as { host: string }).host !== NodeList) return undefined;
          assert.deepEqual(more, [], "one line where it was submitted");
          context.diagnostic(`part ${n} on ${NodeList === a ? "a" : "b"}: epoch ${epochOf(now)}`);
          return { rows, node: NodeList };
        },
        () => `part ${n} to train: ${readIfThere(path.join(project, `slurm-${job}.out`))}`,
        startLimit + 6 * 60_000,
      );
    /** The model files after a part: whole, and with more epochs than before. */
    const whole = async (n: number) => {
      const { bad, names, epochs } = readModels(python, modelsOf(project));
      assert.deepEqual(bad, []);
      assert.ok(
        names.includes("model.pth") && epochs !== null && epochs > saved,
        `${epochs} epochs after part ${n}, ${saved} before`,
      );
      saved = epochs;
      context.diagnostic(`${epochs} epochs saved by part ${n}`);
    };
    const restarted = (n: number) =>
      until(
        async () => ((now) => Number(now.Restarts) === n && now.JobState !== "COMPLETING")(await cluster.job(job)),
        `the job to be run again`,
        startLimit + 6 * 60_000,
      );

    const first = await part(1);
    assert.equal(first.node, b);
    await set(b, "DRAIN");
    await restarted(1);
    await whole(1);
    await set(a, "RESUME");
    const second = await part(2);
    assert.equal(second.node, a);
    await set(b, "RESUME");
    await cluster.submit("urgent", ["sleep 600"], [`--nodelist=${a}`, "--exclusive", "--partition=urgent"], home.env);
    await restarted(2);
    await whole(2);
    const third = await part(3);
    assert.equal(third.node, b);
    const ends = third.rows
      .filter(({ part: n }) => n < 3)
      .map(({ part: n, outcome }) => [n, outcome?.saved, outcome?.kind, outcome?.by]);
    // whichever comes first: our own look at the time limit, or Slurm's signal, which is up to a minute early
    assert.deepEqual(ends[0], [1, true, "time-limit", "the time limit"]);
    assert.deepEqual(ends[1]?.slice(0, 2), [2, true]);
    assert.match(String(ends[1]?.[3]), /was preempted$/);
    await cluster.run("scancel", [job]);
    await until(
      async () => ((await home.sessions()) as Run[]).every(({ name, state }) => name !== "parts" || /exited|lost/.test(state)),
      "its end to be listed",
      stopLimit,
    );
    await whole(3);
  });
});

/** What the launch needs of the environment of a job. */
function falconEnvironment(): Record<string, string> {
  return { PYTHONDONTWRITEBYTECODE: "1", ...(source === undefined ? {} : { PYTHONPATH: path.join(source, "src") }) };
}

/** All processes of the job, by their control group, but Slurm's own. */
function processesOf(job: number, cluster: SlurmCluster): number[] {
  const nodes = cluster.nodes.map((node) => `slurm_${node}`);
  return fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const groups = readIfThere(`/proc/${pid}/cgroup`) ?? "";
      const inJob = groups.includes(`/job_${job}/`) && nodes.some((node) => groups.includes(node));
      return inJob && readIfThere(`/proc/${pid}/comm`)?.trim() !== "slurmstepd";
    });
}
