// One run, many parts: a job that is run again goes on with its run, on another node too. Slurm's programs
// are stood in for here; the real ones are in test/batch.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { killServer } from "../../faults/product.ts";
import { until } from "../../support/events.ts";
import { type SessionRow, TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

const endless = ["samples=256", "rate=5", "epochs=100000"];

/** What is told of a run, as far as it is looked at here. */
interface Progress {
  nodes: { epoch: number | null; epochsBefore: number | null }[];
}

const firstRun = "JobId=77 JobState=RUNNING Reason=None Requeue=1 Restarts=0 BatchFlag=1 EndTime=Unknown";

/** Programs that say what Slurm says of job 77, and note how they were called. */
function fakeSlurm(folder: string): { path: string; calls: () => string[]; say: (fields: string) => void } {
  const bin = path.join(folder, "bin");
  fs.mkdirSync(bin);
  const calls = path.join(folder, "calls");
  const fields = path.join(folder, "fields");
  const say = (text: string) => fs.writeFileSync(fields, text);
  say(firstRun);
  fs.writeFileSync(path.join(bin, "squeue"), `#!/bin/sh\ncat ${folder}/end 2>/dev/null || echo N/A\n`, { mode: 0o755 });
  fs.writeFileSync(path.join(bin, "scontrol"), `#!/bin/sh\necho "$*" >> ${calls}\n[ "$1" = show ] && cat ${fields}\nexit 0\n`, {
    mode: 0o755,
  });
  return {
    path: `${bin}:${process.env.PATH}`,
    calls: () => (fs.existsSync(calls) ? fs.readFileSync(calls, "utf8").trim().split("\n") : []),
    say,
  };
}

/** A node of the cluster: its own home, the job's home in it, and an archive that all nodes share. */
class Node extends TestHome {
  constructor(shared: string, bin: string) {
    super({ PATH: bin, XDG_CONFIG_HOME: path.join(shared, "config") });
    const home = path.join(this.folder, "j", "s77");
    fs.mkdirSync(home, { recursive: true, mode: 0o700 });
    this.env.FALCON_SESSIONS_HOME = home;
  }
}

describe("a job that is run again", () => {
  const shared = fs.mkdtempSync("/tmp/fs-shared-");
  const work = path.join(shared, "work");
  const slurm = fakeSlurm(shared);
  const nodes: Node[] = [];
  after(async () => {
    for (const node of nodes) await node.dispose();
    fs.rmSync(shared, { recursive: true, force: true });
  });
  before(() => {
    fs.mkdirSync(work);
    fs.mkdirSync(path.join(shared, "config", "falcon-sessions"), { recursive: true });
    fs.writeFileSync(path.join(shared, "config/falcon-sessions/config.toml"), `archive = "${shared}/archive"\n`);
  });
  beforeEach(() => slurm.say(firstRun));
  /** What the batch script runs, as the nth time. */
  const launched = (node: Node, restarts: number) =>
    node.run(["launch", "--falcon", trainer, "--requeue", "--save-before", "5m", ...endless], {
      cwd: work,
      env: { SLURM_JOB_ID: "77", ...(restarts > 0 ? { SLURM_RESTART_COUNT: String(restarts) } : {}) },
    });
  /** Whether it has trained an epoch of its own. */
  const trains = async (node: Node) => {
    const row = (await node.sessions()).at(-1) as (SessionRow & { progress?: Progress | null }) | undefined;
    const [first] = row?.state === "running" ? (row.progress?.nodes ?? []) : [];
    return (first?.epoch ?? 0) > (first?.epochsBefore ?? 0);
  };
  /** When squeue says that the job ends (s since 1970). */
  const end = path.join(shared, "end");
  const soon = (seconds: number) => `${Math.floor(Date.now() / 1000) + seconds}\n`;

  test("goes on with its run on the next node: three parts, one name, one history, one curve", async () => {
    let name = "";
    for (const [i, directory] of ["a", "b", "c"].entries()) {
      const node = new Node(shared, slurm.path);
      nodes.push(node);
      slurm.say(`JobId=77 JobState=RUNNING Reason=None Requeue=1 Restarts=${i} BatchFlag=1 BatchHost=${directory}`);
      const script = launched(node, i);
      // one that is asked before it trains has nothing to save
      await until(() => trains(node), `part ${i + 1} to train`);
      // its limit is cut, of which the next server hears at once
      fs.writeFileSync(end, soon(200));
      assert.ok(await killServer(node));
      const { code, stdout, stderr } = await script;
      fs.rmSync(end);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stderr, /job 77 is asked to run again, and goes on with this run/);
      assert.equal(slurm.calls().filter((call) => call === "requeue 77").length, i + 1);
      if (i > 0) assert.match(stderr, /resumes .* from the saved model/);
      const rows = await node.sessions();
      assert.deepEqual(
        rows.map(({ part, job, state }) => [part, job, state]),
        Array.from({ length: i + 1 }, (_, n) => [n + 1, "s77", "exited"]),
      );
      assert.equal(new Set(rows.map((row) => row.run)).size, 1);
      name ||= String(rows[0]?.name);
      assert.ok(
        rows.every((row) => row.name === name),
        JSON.stringify(rows.map((row) => row.name)),
      );
    }
    const node = nodes[2] as Node;
    const shown = await node.ok(["show", name]);
    for (const n of [1, 2, 3])
      assert.match(shown, new RegExp(`^part ${n} .* job 77 · .* · .*stopped.*time limit.*, model saved`, "m"));
    const logs = await node.ok(["logs", name]);
    assert.equal(logs.match(/falcon launch interrupted/g)?.length, 3);
    assert.deepEqual(
      [...logs.matchAll(/^── part (\d) · .* · job 77 · /gm)].map((match) => match[1]),
      ["2", "3"],
    );
    // one curve: the epochs of all parts, each once
    const csv = await node.ok(["export", "--format", "curve-csv", name]);
    const rows = csv
      .split("\n")
      .slice(1)
      .map((line) => line.split(",").slice(0, 2).join(" "));
    assert.ok(rows[0]?.endsWith(" 1") && rows.length > 3, csv.slice(0, 200));
    assert.equal(new Set(rows).size, rows.length, "no epoch is told twice");
    assert.ok(fs.existsSync(path.join(shared, "archive", String((await node.sessions())[0]?.run), "2", "graph")));
    // the next server has the parts as they were brought in: it ends none of them anew
    const told = await node.sessions();
    const home = node.env.FALCON_SESSIONS_HOME as string;
    const log = () => fs.readFileSync(path.join(home, "server.log"), "utf8");
    let before = 0;
    const stopServer = async () => {
      await node.ok(["server", "stop"]);
      await until(() => log().slice(before).includes("server.ended"), "the server to be gone");
      before = log().length;
    };
    await stopServer();
    const outcomes = (sessions: typeof told) =>
      sessions.map(({ id, state, reason, outcome, ended }) => [id, state, reason, outcome, ended]);
    assert.deepEqual(outcomes(await node.sessions()), outcomes(told));
    assert.doesNotMatch(log().slice(before), /session\.(concluded|requeued|changed)/);
    // nor one that has lost its database
    await stopServer();
    fs.rmSync(path.join(home, "state.db"));
    const states = (sessions: typeof told) =>
      sessions.map(({ id, state, reason, ended, part }) => [id, state, reason, ended, part]);
    const [first, second] = states(await node.sessions());
    assert.deepEqual([first, second], states(told).slice(0, 2));
    assert.doesNotMatch(
      log().slice(before),
      new RegExp(`session\\.(concluded|requeued|changed) id=(${first?.[0]}|${second?.[0]})`),
    );
    assert.equal(slurm.calls().filter((call) => call === "requeue 77").length, 3);
  });

  test("what completed, failed twice in a row or was stopped by hand is not run again, and says so", async () => {
    const node = new Node(shared, slurm.path);
    nodes.push(node);
    const before = slurm.calls().filter((call) => call.startsWith("requeue")).length;
    const launch = ["launch", "--falcon", trainer, "--requeue", "samples=256", "rate=0"];
    const done = await node.run([...launch, "-o", "done", "epochs=3"]);
    assert.match(done.stderr, /job 77 is not run again: it completed/);
    const failing = [...launch, "-o", "failed", "epochs=9", "fail_at=2"];
    const failed = await node.run(failing);
    assert.match(failed.stderr, /job 77 is asked to run again/);
    const twice = await node.run(failing);
    assert.match(twice.stderr, /job 77 is not run again: it failed twice in a row/);
    const id = await node.ok([...launch, "-d", "-o", "stopped", "rate=5", "epochs=100000"]);
    await node.ok(["stop", id]);
    assert.match(await node.ok(["show", id]), /^note .*job 77 is not run again: it was ended by hand/m);
    assert.equal(slurm.calls().filter((call) => call.startsWith("requeue")).length, before + 1);
  });

  test("an accounting that is slow keeps no job from being run again, and the caller from being told", async () => {
    const node = new Node(shared, slurm.path);
    nodes.push(node);
    const bin = path.join(node.work, "bin");
    fs.mkdirSync(bin);
    // longer than an end waits for what its files say, and shorter than one of Slurm's programs may take
    fs.writeFileSync(path.join(bin, "sacct"), "#!/bin/sh\nsleep 12\n", { mode: 0o755 });
    const asked = () => slurm.calls().filter((call) => call === "requeue 77").length;
    const before = asked();
    const launch = ["launch", "--falcon", trainer, "--requeue", "-o", "slow", "samples=256", "rate=0", "epochs=9", "fail_at=2"];
    const failed = await node.run(launch, { env: { PATH: `${bin}:${slurm.path}` } });
    assert.match(failed.stderr, /job 77 is asked to run again/);
    assert.equal(asked(), before + 1);
  });

  test("settings that a relaunch added hold when the job is run again, and are shown", async () => {
    const node = new Node(shared, slurm.path);
    const next = new Node(shared, slurm.path);
    nodes.push(node, next);
    const again = path.join(shared, "again");
    fs.mkdirSync(again);
    // what the batch script runs; the argument that makes it fail is taken back by the relaunch
    const launch = (where: Node, restarts: number) =>
      where.run(["launch", "--falcon", trainer, "--requeue", "samples=256", "rate=0", "epochs=4", "fail_at=2"], {
        cwd: again,
        env: { SLURM_JOB_ID: "77", SLURM_RESTART_COUNT: String(restarts) },
      });
    const words = ["samples=256", "rate=0", "epochs=4"];
    assert.match((await launch(node, 0)).stderr, /job 77 is asked to run again/);
    const id = String((await node.sessions())[0]?.id);
    const relaunched = await node.run(["relaunch", id, "fail_at=0", "epochs=6"], { cwd: again });
    assert.equal(relaunched.code, 0, relaunched.stderr);
    const third = await launch(next, 1);
    assert.equal(third.code, 0, third.stderr);
    assert.match(third.stderr, /job 77 is not run again: it completed/);
    const rows = await next.sessions();
    const told = rows.map(({ part, changes }) => [part, changes]);
    const kept = ["fail_at=0", "epochs=6"];
    assert.deepEqual(told, [
      [1, []],
      [2, kept],
      [3, kept],
    ]);
    const command = rows[2]?.command as string[];
    assert.deepEqual(command.slice(-2), kept, command.join(" "));
    assert.ok(words.slice(0, 2).every((word) => command.includes(word)));
    assert.match(
      await next.ok(["show", String(rows[2]?.id)]),
      /^changed +fail_at=0 epochs=6 by relaunch, kept for each further one$/m,
    );
  });

  test("--requeue where it cannot be: one sentence, status 2, nothing started", async () => {
    const home = new TestHome();
    nodes.push(home as Node);
    const nowhere = await home.run(["run", "--requeue", "true"]);
    assert.deepEqual([nowhere.code, nowhere.stderr], [2, "falcon: --requeue: this is no batch job; nothing was started\n"]);
    const node = new Node(shared, slurm.path);
    nodes.push(node);
    slurm.say("JobId=77 JobState=RUNNING Requeue=0 BatchFlag=1");
    const never = await node.run(["run", "--requeue", "true"]);
    assert.deepEqual(
      [never.code, never.stderr],
      [2, "falcon: --requeue: job 77 was submitted with --no-requeue; nothing was started\n"],
    );
    slurm.say("JobId=77 JobState=RUNNING Requeue=1 BatchFlag=0");
    assert.match((await node.run(["run", "--requeue", "true"])).stderr, /has no batch script that could be run again/);
    const bin = path.join(node.work, "bin");
    fs.mkdirSync(bin);
    const scontrol = "#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2\nexit 1\n";
    fs.writeFileSync(path.join(bin, "scontrol"), scontrol, { mode: 0o755 });
    const vanished = await node.run(["run", "--requeue", "true"], { env: { PATH: `${bin}:${process.env.PATH}` } });
    assert.deepEqual(
      [vanished.code, vanished.stderr],
      [2, "falcon: --requeue: Slurm does not know job 77 any more; nothing was started\n"],
    );
    const without = await node.run(["run", "--requeue", "/bin/true"], { env: { PATH: node.work } });
    assert.deepEqual(
      [without.code, without.stderr],
      [2, "falcon: --requeue: Slurm does not answer: scontrol is not on PATH; nothing was started\n"],
    );
    assert.deepEqual(await node.sessions(), []);
  });

  test("a grace longer than the job's limit is refused; an end that cannot be read is said, and the run goes on", async () => {
    const node = new Node(shared, slurm.path);
    nodes.push(node);
    try {
      fs.writeFileSync(end, soon(600));
      const refused = await node.run(["run", "--save-before", "20m", "true"]);
      assert.equal(refused.code, 2);
      assert.match(
        refused.stderr,
        /^falcon: --save-before 20m 00s: the run has only .*, it would be stopped at once; nothing was started\n$/,
      );
      assert.deepEqual(await node.sessions(), []);
      fs.writeFileSync(end, "soon\n");
      const id = await node.start(["sleep", "60"], ["--save-before", "20m"]);
      await until(
        async () => /^note .*squeue tells an end of job 77 that is no time: 'soon'/m.test(await node.ok(["show", id])),
        "the reason",
      );
      await node.ok(["kill", id]);
    } finally {
      fs.rmSync(end);
    }
  });

  test("an archive that cannot be written is said, and costs nothing else", async () => {
    const node = new Node(shared, slurm.path);
    nodes.push(node);
    fs.writeFileSync(path.join(shared, "file"), "");
    const config = path.join(shared, "config2", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), `archive = "${shared}/file/archive"\n`);
    node.env.XDG_CONFIG_HOME = path.join(shared, "config2");
    assert.equal((await node.run(["launch", "--falcon", trainer, "-o", "unkept", "samples=256", "rate=0", "epochs=3"])).code, 0);
    assert.match(await node.ok(["show", "unkept"]), /^note .*this part could not be kept in .*file\/archive/m);
  });
});
