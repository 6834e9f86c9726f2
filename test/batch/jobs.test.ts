// A job is a place of its own: what runs in it lives and dies in its control group, is seen from outside, and stays readable afterwards.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readIfThere, until, untilGone } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import * as built from "../support/paths.ts";
import { noSlurm, SlurmCluster } from "../support/slurm.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

describe("with control groups", { skip: noSlurm() }, () => {
  let cluster: SlurmCluster;
  let home: TestHome;
  before(async () => {
    cluster = await SlurmCluster.up();
    home = new TestHome({ SLURM_CONF: cluster.env.SLURM_CONF as string });
  });
  after(async () => {
    try {
      await cluster.cancelAll();
      await until(
        async () =>
          (await home.sessions()) &&
          (fs.existsSync(path.join(home.folder, "j")) ? fs.readdirSync(path.join(home.folder, "j")) : []).length === 0,
        () => `the jobs to be taken in: ${fs.readdirSync(path.join(home.folder, "j"))}${home.serverLog()}`,
      );
      await home.dispose();
    } finally {
      await cluster.down();
    }
  });

  const submit = (name: string, lines: string[], options: string[] = []) => cluster.submit(name, lines, options, home.env);
  const word = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  /** A line of a batch script: this program in a session. */
  const run = (name: string, program: string, options: string[] = []) =>
    [built.falcon, "run", "--name", name, ...options, "--", "/bin/sh", "-c", program].map(word).join(" ");
  const row = async (name: string) => (await home.sessions()).filter((s) => s.name === name).at(-1);
  const running = (name: string) =>
    until(
      async () => {
        const found = await row(name);
        return found?.state === "running" && found.pid ? found : undefined;
      },
      `${name} to run${cluster.output(name)}`,
    );
  const groups = (pid: number) => readIfThere(`/proc/${pid}/cgroup`) ?? "";

  test("two jobs of one user on one node: the first's normal end does not touch the second", async () => {
    const node = `--nodelist=${cluster.nodes[0]}`;
    const gate = path.join(home.work, "gate");
    const first = await submit("first", [run("first", `until [ -e ${gate} ]; do sleep 0.1; done`)], [node]);
    const one = await running("first");
    const second = await submit("second", [run("second", "sleep 300")], [node]);
    const two = await running("second");
    assert.match(groups(one.pid as number), new RegExp(`/job_${first}/`));
    assert.match(groups(two.pid as number), new RegExp(`/job_${second}/`));
    assert.deepEqual([one.job, two.job], [`s${first}`, `s${second}`]);
    fs.writeFileSync(gate, "");
    assert.equal((await cluster.untilJob(first, "COMPLETED", "FAILED")).ExitCode, "0:0");
    await untilGone(one.pid as number);
    // what the job's end kills it kills before it is COMPLETED
    assert.equal((await running("second")).pid, two.pid);
    assert.equal((await cluster.job(second)).JobState, "RUNNING");
    // the first is the host's now
    const ended = await until(async () => {
      const found = await row("first");
      return found?.state === "exited" ? found : undefined;
    }, "the first to be over");
    assert.deepEqual([ended.exitCode, ended.job], [0, `s${first}`]);
    assert.match(await home.ok(["show", "first"]), /completed/);
    await cluster.run("scancel", [String(second)]);
    await cluster.untilJob(second, "CANCELLED");
    await untilGone(two.pid as number);
    const lost = await until(async () => {
      const found = await row("second");
      return found !== undefined && found.outcome !== null ? found : undefined;
    }, "the second to be over");
    // the time of the event, by Slurm's clock of whole seconds
    const at = Date.parse((await cluster.job(second)).EndTime as string);
    assert.ok(Math.abs(Date.parse(lost.ended as string) - at) < 10_000, `${lost.ended} ${at}`);
  });

  test("from outside of the job a session is listed, shown, read, attached, typed into, stopped", async () => {
    const id = await submit("outside", [run("outside", "echo hello; read line; echo got $line; exec sleep 300")]);
    const session = await running("outside");
    assert.match(await home.ok(["logs", "outside"]), /hello/);
    assert.match(await home.ok(["show", session.id]), new RegExp(session.id));
    assert.match(await home.ok(["sessions"]), new RegExp(`running .*outside +${session.id} .*\\b${id}\\b`));
    const terminal = home.terminal(["attach", "outside"]);
    await terminal.waitFor("hello");
    terminal.type("typed\r");
    await terminal.waitFor("got typed");
    terminal.closePty();
    await home.ok(["kill", "outside"]);
    await cluster.untilJob(id, "FAILED", "COMPLETED");
    await untilGone(session.pid as number);
  });
});
