// A job is a place of its own: what runs in it lives and dies in its control group, is seen from outside, and
// stays readable afterwards.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { readIfThere, until, untilGone } from "../support/events.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { slurmHost } from "../support/machines/slurm-host.ts";
import { falcon, trainer } from "../support/paths.ts";

const groups = (pid: number) => readIfThere(`/proc/${pid}/cgroup`) ?? "";

describe("with control groups", { skip: noSlurm() }, () => {
  const host = slurmHost();

  test("two jobs of one user on one node: the first's normal end does not touch the second", async () => {
    const node = `--nodelist=${host.cluster.nodes[0]}`;
    const gate = path.join(host.home.work, "gate");
    const first = await host.submit("first", [host.runLine("first", `until [ -e ${gate} ]; do sleep 0.1; done`)], [node]);
    const one = await host.running("first");
    const second = await host.submit("second", [host.runLine("second", "sleep 300")], [node]);
    const two = await host.running("second");
    assert.match(groups(one.pid as number), new RegExp(`/job_${first}/`));
    assert.match(groups(two.pid as number), new RegExp(`/job_${second}/`));
    assert.deepEqual([one.job, two.job], [`s${first}`, `s${second}`]);
    fs.writeFileSync(gate, "");
    assert.equal((await host.cluster.untilJob(first, "COMPLETED", "FAILED")).ExitCode, "0:0");
    await untilGone(one.pid as number);
    // what the job's end kills it kills before it is COMPLETED
    assert.equal((await host.running("second")).pid, two.pid);
    assert.equal((await host.cluster.job(second)).JobState, "RUNNING");
    // the first is the host's now
    const ended = await until(async () => {
      const found = await host.row("first");
      return found?.state === "exited" ? found : undefined;
    }, "the first to be over");
    assert.deepEqual([ended.exitCode, ended.job], [0, `s${first}`]);
    assert.match(await host.home.ok(["show", "first"]), /completed/);
    await host.cluster.run("scancel", [String(second)]);
    await host.cluster.untilJob(second, "CANCELLED");
    await untilGone(two.pid as number);
    let last: unknown;
    const lost = await until(
      async () => {
        const found = await host.row("second");
        last = found;
        return found !== undefined && found.outcome !== null ? found : undefined;
      },
      () => `the second to be over: ${JSON.stringify(last, null, 1)}${host.home.serverLog()}`,
    );
    // the time of the event, by Slurm's clock of whole seconds
    const at = Date.parse((await host.cluster.job(second)).EndTime as string);
    assert.ok(Math.abs(Date.parse(lost.ended as string) - at) < 10_000, `${lost.ended} ${at}`);
  });

  test("from outside of the job a session is listed, shown, read, attached, typed into, stopped", async () => {
    const id = await host.submit("outside", [host.runLine("outside", "echo hello; read line; echo got $line; exec sleep 300")]);
    const session = await host.running("outside");
    assert.match(await host.home.ok(["logs", "outside"]), /hello/);
    assert.match(await host.home.ok(["show", session.id]), new RegExp(session.id));
    assert.match(await host.home.ok(["sessions"]), new RegExp(`running .*outside +${session.id} .*\\b${id}\\b`));
    const terminal = host.home.terminal(["attach", "outside"]);
    await terminal.waitFor("hello");
    terminal.type("typed\r");
    await terminal.waitFor("got typed");
    terminal.closePty();
    await host.home.ok(["kill", "outside"]);
    await host.cluster.untilJob(id, "FAILED", "COMPLETED");
    await untilGone(session.pid as number);
  });

  test("who is attached from outside when the job ends is told the run's end", async () => {
    await host.submit("attached", [host.runLine("attached", "echo hello; exec sleep 300")]);
    await host.running("attached");
    const terminal = host.home.terminal(["attach", "attached"]);
    await terminal.waitFor("hello");
    await host.cluster.run("scancel", ["--name=attached"]);
    await terminal.waitForExit();
    assert.match(terminal.text(), /\[attached\] (killed|stopped|lost|job cancelled)/);
  });

  test("the watch and the completion have it too; Enter attaches, and leaving that comes back to the watch", async () => {
    const { home, cluster } = host;
    await host.submit("seen", [host.runLine("seen", "echo hello; exec sleep 300")]);
    const { id } = await host.running("seen");
    assert.match(await home.ok(["@complete", "attach", "se"]), /^seen\trunning, /m);
    const terminal = home.terminal(["sessions", "--watch", "seen"], { cols: 100, rows: 20 });
    await terminal.waitFor(/seen +● running/);
    terminal.type("\r");
    await terminal.waitFor(/^hello/m);
    terminal.type("\x1c");
    // the words of the detach are gone at once: the watch has the terminal again
    await terminal.waitFor(/seen +● running/);
    // what begins later is listed, and what ends is told
    await cluster.run("scancel", ["--name=seen"]);
    await terminal.waitFor(/1 ended: 1 killed/);
    terminal.type("q");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.equal((await home.sessions()).find((session) => session.id === id)?.state, "lost");
  });

  test("srun --pty: d asks, since the step ends with its terminal; scancel saves", async () => {
    const { home, cluster } = host;
    const words = [
      "--pty",
      falcon,
      "launch",
      "--falcon",
      trainer,
      "--name",
      "pty",
      "-o",
      "pty",
      "samples=256",
      "rate=20",
      "epochs=100000",
    ];
    const terminal = home.terminal(words, { file: "srun", env: cluster.env });
    await terminal.waitFor("Training started");
    const { job } = await host.running("pty");
    terminal.type("d");
    await terminal.waitFor(/Slurm job \d+, step 0, ends with this terminal, and the run with it. Leave\?/);
    terminal.type("n");
    await cluster.run("scancel", [String(job).slice(1).replace(/\..*/, "")]);
    await terminal.waitForExit();
    const ended = await until(async () => {
      const found = await host.row("pty");
      return found !== undefined && found.outcome !== null ? found : undefined;
    }, "its end");
    const { saved, by } = ended.outcome as { saved: boolean; by: string | null };
    const told = `${JSON.stringify(ended.outcome)}\n${terminal.text()}`;
    assert.deepEqual([saved, by?.replace(/\d+/, "N")], [true, "Slurm job N, step 0 was cancelled"], told);
  });
});

/** A user without rights, who is on every system. */
const nobody = 65_534;

describe("a user who is not root", { skip: noSlurm() }, () => {
  const host = slurmHost({ user: nobody });

  test("has job homes of his own; the run lives in the job's control group, is read from outside, and stays readable", async () => {
    const { home, cluster } = host;
    const job = await host.submit("mine", [host.runLine("mine", "id -u; exec sleep 300")]);
    const session = await host.running("mine");
    assert.equal(session.job, `s${job}`);
    assert.match(groups(session.pid as number), new RegExp(`/uid_${nobody}/job_${job}/`));
    assert.match(await home.ok(["logs", "mine"]), new RegExp(`^${nobody}$`, "m"));
    const id = await home.ok([
      "submit",
      "--",
      "launch",
      "--falcon",
      trainer,
      "--name",
      "sent",
      "samples=256",
      "rate=20",
      "epochs=100000",
    ]);
    const sent = await host.running("sent");
    assert.equal(sent.id, id);
    assert.equal((await cluster.job(String(sent.job).slice(1))).UserId, `nobody(${nobody})`);
    // before that there is no model to save
    await until(async () => (await home.ok(["logs", "sent"])).includes("Training started"), "it to train");
    await home.ok(["stop", "sent"]);
    await cluster.run("scancel", [String(job)]);
    await cluster.untilJob(job, "CANCELLED");
    const ends = await until(async () => {
      const rows = [await host.row("mine"), await host.row("sent")];
      return rows.every((row) => row !== undefined && row.outcome !== null) ? rows : undefined;
    }, "their ends");
    const [mine, saved] = ends.map((row) => row?.outcome as { by: string | null; saved: boolean | null });
    assert.equal(mine?.by, `Slurm job ${job} was cancelled`);
    assert.equal(saved?.saved, true);
  });
});
