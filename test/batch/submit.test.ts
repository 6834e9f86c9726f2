// falcon submit with a real Slurm: what is listed at each step is what squeue and scontrol say.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { until, untilGone } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { slurmHost } from "../support/machines/slurm-host.ts";
import * as built from "../support/paths.ts";

describe("falcon submit", { skip: noSlurm() }, () => {
  const host = slurmHost();
  /** By its id. */
  const row = async (id: string) => (await host.home.sessions()).find((session) => session.id === id);

  test("--dry-run shows the script and submits nothing", async () => {
    const text = await host.home.ok([
      "submit",
      "--dry-run",
      "--time=20",
      "--mem=1G",
      "--",
      "launch",
      "--name",
      "it's",
      "-o",
      "out put",
      "a=1",
    ]);
    assert.match(text, /^# sbatch --time=20 --mem=1G SCRIPT\n#!\/bin\/bash\n/);
    for (const line of ["--job-name=it-s", "--signal=B:USR1@300", "--requeue", "--open-mode=append"])
      assert.ok(text.includes(`#SBATCH ${line}\n`), line);
    assert.match(text, /\nexec \S+\/falcon launch --session-id [a-z0-9]{6} --name 'it'\\''s' -o 'out put' a=1$/);
    assert.equal(await host.cluster.run("squeue", ["-h"]), "");
    assert.deepEqual(await host.home.sessions(), []);
    assert.match(await host.home.ok(["submit", "--dry-run", "-t", "8", "--", "run", "true"]), /USR1@120/);
    assert.match(await host.home.ok(["submit", "--dry-run", "--", "run", "--save-before", "10m", "true"]), /USR1@600/);
    assert.equal(spawnOk(text), true);
  });

  test("a pending one is listed with its job and reason, is no session yet, and stop cancels it", async (t) => {
    const id = await host.home.ok(["submit", "--begin=now+1hour", "--", "launch", "--falcon", built.trainer, "--name", "later"]);
    const listed = await until(() => row(id), "the submitted session");
    const [job] = (await host.cluster.run("squeue", ["-h", "-o", "%i|%T|%r"])).split("\n").map((line) => line.split("|"));
    assert.deepEqual([listed.job, listed.state, listed.reason], [`s${job?.[0]}`, "pending", `job ${job?.[0]} waits: BeginTime`]);
    assert.equal(job?.[1], "PENDING");
    assert.match(String(listed.runDirectory), new RegExp(`/output/later-${id}$`));
    const line = (await host.home.ok(["sessions"])).split("\n").find((text) => text.includes(id)) ?? "";
    for (const word of ["later", "pending", `${job?.[0]}`, "BeginTime"]) assert.ok(line.includes(word), `${word} in ${line}`);
    assert.equal(JSON.parse(await host.home.ok(["show", "--json", "later"])).state, "pending");
    assert.match(await host.home.ok(["show", "later"]), new RegExp(`^state +pending: job ${job?.[0]} waits: BeginTime$`, "m"));
    assert.match(await host.home.ok(["@complete", "show", "la"]), new RegExp(`^later\\tjob ${job?.[0]} waits: BeginTime$`, "m"));
    const watch = host.home.terminal(["sessions", "--watch"], { cols: 100, rows: 20 });
    await watch.waitFor(/later +\S* ?pending/);
    await watch.waitFor(`job ${job?.[0]} waits: BeginTime`);
    watch.type("\r");
    await watch.waitFor(/later: job \d+ waits: BeginTime/);
    watch.type("q");
    assert.equal((await watch.waitForExit()).code, 0);
    // as another host of the user's, which has no Slurm, lists it
    const other = new TestHome();
    t.after(() => other.dispose());
    const config = path.join(other.work, ".config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), `roster = "${path.join(host.home.folder, "roster")}"\n`);
    const elsewhere = async () => (await other.sessions()).filter((session) => session.id === id);
    const [told] = await until(async () => {
      const found = await elsewhere();
      return found.length > 0 && found;
    }, "it to be told to another host");
    assert.deepEqual([told?.state, told?.reason, told?.name], ["pending", `job ${job?.[0]} waits: BeginTime`, "later"]);
    const refused = await host.home.run(["logs", "later"]);
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^falcon: session \w+ \(later\) is not on this host: job \d+ waits: BeginTime; try again when it runs\n$/,
    );
    assert.match((await host.home.run(["stop", "later"])).stderr, /is cancelled/);
    assert.equal((await host.cluster.job(job?.[0] ?? "")).JobState, "CANCELLED");
    assert.equal((await row(id))?.state, "lost");
    await host.home.ok(["remove", id]);
    assert.equal(await row(id), undefined);
    await until(async () => (await elsewhere()).length === 0, "the other host to be told");
  });

  test("a running one is the session that was promised; attached from outside of its job; USR1 of its job saves it", async () => {
    const id = await host.home.ok([
      ...[
        "submit",
        "--time=10",
        "--",
        "launch",
        "--falcon",
        built.trainer,
        "--name",
        "now",
        "samples=256",
        "epochs=5000",
        "rate=8",
      ],
    ]);
    const running = await until(async () => {
      const found = await row(id);
      return found?.state === "running" && found.pid ? found : undefined;
    }, "the session to run");
    const number = String(running.job).slice(1);
    const said = await host.cluster.job(number);
    assert.deepEqual([said.JobState, said.JobName, said.Requeue], ["RUNNING", "now", "1"]);
    assert.equal((await host.home.sessions()).filter((session) => session.id === id).length, 1);
    const terminal = host.home.terminal(["attach", "now"]);
    await terminal.waitFor("Training started");
    terminal.closePty();
    assert.equal((await row(id))?.state, "running", "who is outside of the job leaves as ever");
    await host.cluster.run("scancel", ["--batch", "--signal=USR1", number]);
    await host.cluster.untilJob(number, "COMPLETED", "FAILED");
    await untilGone(running.pid as number);
    const ended = await until(async () => {
      const found = await row(id);
      return found?.state === "exited" ? found : undefined;
    }, "its end");
    assert.equal(ended.runDirectory, path.join(host.home.work, "output", `now-${id}`));
    assert.ok(fs.existsSync(String(ended.runDirectory)));
  });

  test("an array of three has three sessions, each in its own job", async () => {
    const line = `exec '${built.falcon}' run --name "task-$SLURM_ARRAY_TASK_ID" -- /bin/sh -c 'sleep 300'`;
    await host.cluster.submit("array", [line], ["--array=1-3"], host.home.env);
    const rows = await until(async () => {
      const found = (await host.home.sessions()).filter(({ name, state }) => name.startsWith("task-") && state === "running");
      return found.length === 3 ? found : undefined;
    }, "three sessions");
    const jobs = (await host.cluster.run("squeue", ["-h", "-r", "--name=array", "-o", "%A"]))
      .split("\n")
      .map((number) => `s${number}`);
    assert.deepEqual(new Set(rows.map(({ job }) => job)), new Set(jobs));
    assert.deepEqual(new Set(rows.map(({ name }) => name)), new Set(["task-1", "task-2", "task-3"]));
    await host.cluster.run("scancel", ["--name=array"]);
    for (const { pid } of rows) await untilGone(pid as number);
    const ended = await until(async () => {
      const found = (await host.home.sessions()).filter(({ name }) => name.startsWith("task-"));
      return found.length === 3 && found.every(({ outcome }) => outcome !== null) ? found : undefined;
    }, "their ends");
    for (const { outcome, job } of ended) assert.match(JSON.stringify(outcome), /cancelled|SIGTERM/, String(job));
  });

  test("a server that goes while it waits for sbatch: the next one finds the job, and submits no other", async () => {
    const bin = path.join(host.home.work, "slow");
    const [taken, gone] = [path.join(bin, "taken"), path.join(bin, "gone")];
    fs.mkdirSync(bin);
    // Slurm has the job; who asked does not hear of it
    const slow = `#!/bin/sh\n/usr/bin/env PATH="$REAL" sbatch "$@" >> ${taken}\nuntil [ -e ${gone} ]; do sleep 0.1; done\n`;
    fs.writeFileSync(path.join(bin, "sbatch"), slow, { mode: 0o755 });
    const env = { PATH: `${bin}:${process.env.PATH}`, REAL: String(process.env.PATH) };
    for (const [name, leaves] of [
      ["upgraded", () => host.home.ok(["server", "upgrade"])],
      ["killed", async () => process.kill(host.home.serverPid() as number, "SIGKILL")],
    ] as const) {
      for (const file of [taken, gone]) fs.rmSync(file, { force: true });
      const submitted = host.home.run(["submit", "--begin=now+1hour", "--", "run", "--name", name, "true"], { env });
      await until(() => fs.existsSync(taken) && fs.readFileSync(taken, "utf8").trim(), "Slurm to take the job");
      await leaves();
      fs.writeFileSync(gone, "");
      const { code, stdout, stderr } = await submitted;
      assert.equal(code, 0, stderr);
      const jobs = (await host.cluster.run("squeue", ["-h", `--name=${name}`, "-o", "%A"])).split("\n");
      assert.deepEqual(jobs, [fs.readFileSync(taken, "utf8").trim()]);
      assert.equal((await row(stdout.trim()))?.job, `s${jobs[0]}`);
      await host.home.run(["stop", name]);
    }
  });

  test("slurmd killed: the run goes on, is listed and read", async () => {
    const id = await host.home.ok([
      "submit",
      `--nodelist=${host.cluster.nodes[1]}`,
      "--",
      "run",
      "--name",
      "orphan",
      "/bin/sh",
      "-c",
      "echo hello; exec sleep 300",
    ]);
    const running = await until(async () => ((await row(id))?.pid ? row(id) : undefined), "the session to run");
    await host.cluster.killNode(host.cluster.nodes[1]);
    assert.match(await host.home.ok(["logs", id]), /hello/);
    assert.equal((await row(id))?.state, "running");
    await host.cluster.startNode(host.cluster.nodes[1]);
    assert.match((await host.home.run(["kill", id])).stderr, /sent SIGTERM/);
    await untilGone(running.pid as number);
  });

  test("bad input is one sentence, and nothing is half done", async () => {
    const cases: [string[], number, RegExp][] = [
      [["submit"], 2, /say what to submit after --/],
      [["submit", "--", "sessions"], 2, /say what to submit after --/],
      [["submit", "--", "run"], 2, /missing required argument 'command'/],
      [["submit", "--array=1-3", "--", "launch"], 2, /job array/],
      [["submit", "--", "launch", "-d"], 2, /leave -d out/],
      [["submit", "--time=5", "--", "launch", "--save-before", "10m"], 2, /stop 600 s before its time limit of 300 s/],
      [["submit", "--partition=nix", "--", "launch"], 125, /the job was not submitted: .*partition/i],
      [["submit", "--time=soon", "--", "launch"], 125, /the job was not submitted: .*time/i],
    ];
    const before = (await host.home.sessions()).length;
    for (const [args, code, why] of cases) {
      const result = await host.home.run(args);
      assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
      assert.match(result.stderr, why);
      assert.match(result.stderr, /^falcon: [^\n]+\n$/);
    }
    const without = await host.home.run(["submit", "--", "launch"], { env: { PATH: "/nonexistent" } });
    assert.match(without.stderr, /^falcon: the job was not submitted: sbatch is not on PATH\n$/);
    assert.equal((await host.home.sessions()).length, before);
    assert.deepEqual(
      fs.readdirSync(path.join(host.home.folder, "submitted")).filter((name) => name.endsWith(".sh")),
      [],
    );
  });
});

/** What is shown is a script that a shell can read. */
function spawnOk(text: string): boolean {
  return text.split("\n").filter((line) => line.startsWith("exec ")).length === 1;
}
