// What a signal from outside means to a run that nobody looks at: one graceful stop, told in one line; a
// second one is passed on.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { alive, until } from "../../support/events.ts";
import { type SessionRow, TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

const home = new TestHome();
after(() => home.dispose());

/** A client without a terminal, and what it says. */
function start(args: string[], where = home) {
  const child = spawn(falcon, args, { env: where.env, cwd: where.work, stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.on("data", (data) => {
    out += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  return {
    child,
    out: () => out,
    err: () => err,
    end: new Promise<number | null>((resolve) => child.on("close", resolve)),
  };
}

interface Ended extends SessionRow {
  outcome: { kind: string; saved: boolean | null; by: string | null; sentence: string } | null;
}

const ended = async (name: string) => (await home.sessions()).find((row) => row.name === name) as Ended;

/** A falcon that counts interrupts and terminations, and ends at the n-th. */
function counting(n: number): string {
  const file = path.join(home.work, `counting-${n}`);
  fs.writeFileSync(file, `#!/bin/sh\nexec ${program("stubborn")} ${n}\n`, { mode: 0o755 });
  return file;
}

describe("the first signal from outside is one graceful stop", () => {
  for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1", "SIGUSR2"] as const) {
    test(`${signal}: the trainer saves its model, the outcome says so`, async () => {
      const name = `first-${signal}`;
      const options = ["samples=256", "epochs=100000", "rate=5"];
      const client = start(["launch", "--falcon", trainer, "--name", name, "-o", name, ...options]);
      await until(() => /Epoch|\[INFO\] .*started/i.test(client.out()), "the training to begin");
      await until(async () => (JSON.stringify((await ended(name))?.progress) ?? "").includes('"training"'), "it to train");
      client.child.kill(signal);
      assert.equal(await client.end, 0, client.err());
      assert.match(
        client.err(),
        new RegExp(`^\\[${name}\\] ${signal}: stopping gracefully \\(one Ctrl\\+C\\), the model is saved; a second`),
      );
      assert.match(client.err(), /\] stopped after .*, model saved · falcon show /);
      const { outcome, interrupts } = await ended(name);
      assert.deepEqual(
        [outcome?.kind, outcome?.saved, outcome?.by, interrupts],
        ["stopped", true, "a signal to the waiting falcon", 1],
      );
      const shown = await home.ok(["show", name]);
      assert.match(shown, /^state {5}stopped after .*, model saved$/m);
    });
  }

  test("the program gets one interrupt for it; the same order again at once is none, a second signal is passed on as it is", async () => {
    const client = start(["launch", "--falcon", counting(2), "--name", "twice"]);
    await until(() => /stubborn \d+/.test(client.out()), "the program to be ready");
    client.child.kill("SIGUSR1");
    await until(() => /SIGUSR1: stopping gracefully/.test(client.err()), "the order");
    client.child.kill("SIGUSR1");
    await until(() => /interrupts 1 terminations 0/.test(client.out()), "the interrupt");
    client.child.kill("SIGTERM");
    assert.equal(await client.end, 7);
    assert.match(client.out(), /interrupts 1 terminations 1\n$/);
    assert.equal(client.err().match(/SIGUSR1: stopping gracefully/g)?.length, 1, client.err());
    assert.match(client.err(), /SIGTERM, the second one: passed on/);
    const { outcome } = await ended("twice");
    assert.deepEqual([outcome?.kind, outcome?.by], ["stopped", "a signal to the waiting falcon"]);
    assert.match(outcome?.sentence ?? "", /^stopped by force/);
  });

  test("one that was asked to stop already gets no second order by the first signal", async () => {
    const client = start(["launch", "--falcon", counting(0), "--name", "asked"]);
    await until(() => /stubborn \d+/.test(client.out()), "the program to be ready");
    const stop = home.run(["stop", "asked", "--timeout", "1"]);
    await until(() => /interrupts 1 terminations 0/.test(client.out()), "the interrupt");
    client.child.kill("SIGTERM");
    await until(() => /SIGTERM: it stops already \(falcon stop\); a second signal is passed on/.test(client.err()), "the word");
    const { code, stderr } = await stop;
    assert.equal(code, 125);
    assert.match(stderr, /hangs: .*'falcon stop --force \w+' ends it at once, without saving/);
    const again = await home.run(["stop", "asked", "--timeout", "1"]);
    assert.match(again.stderr, /was asked to stop before/);
    assert.match(client.out(), /interrupts 1 terminations 0\n$/, "nothing was added");
    await home.ok(["kill", "asked", "--signal", "KILL"]);
    assert.equal(await client.end, 137);
    assert.match((await ended("asked")).outcome?.sentence ?? "", /^ended by SIGKILL \(falcon kill\)/);
  });

  test("a SIGHUP ends the client and leaves the run alone", async () => {
    const client = start(["launch", "--falcon", counting(0), "--name", "hung-up"]);
    await until(() => /stubborn \d+/.test(client.out()), "the program to be ready");
    const pid = Number(/stubborn (\d+)/.exec(client.out())?.[1]);
    client.child.kill("SIGHUP");
    assert.equal(await client.end, 129);
    assert.ok(alive(pid));
    assert.equal((await ended("hung-up")).interrupts, 0);
  });
});

describe("a signal to every process of a batch job", () => {
  const job = new TestHome();
  job.env.FALCON_SESSIONS_HOME = path.join(job.folder, "j", "s4711");
  before(() => fs.mkdirSync(job.env.FALCON_SESSIONS_HOME as string, { recursive: true, mode: 0o700 }));
  after(() => job.dispose());

  test("SIGTERM is one that the program got: none of ours is added while it may end by it, and the loss is told", async () => {
    const client = start(["launch", "--falcon", counting(0), "--name", "hit"], job);
    await until(() => /stubborn \d+/.test(client.out()), "the program to be ready");
    const pid = Number(/stubborn (\d+)/.exec(client.out())?.[1]);
    for (const hit of [client.child.pid, job.serverPid(), pid]) process.kill(hit as number, "SIGTERM");
    await until(() => /SIGTERM: it went to every process of the job, nothing is added/.test(client.err()), "the word");
    assert.match(client.err(), /\[hit\] SIGTERM went to every process of its job, falcon's own too/);
    await until(() => /interrupts 0 terminations 1\n$/.test(client.out()), "the program's own word");
    const stop = await job.run(["stop", "hit", "--timeout", "1"]);
    assert.match(stop.stderr, /SIGTERM went to every process of its job; nothing is added/);
    process.kill(pid, "SIGKILL");
    assert.equal(await client.end, 137);
    const [row] = (await job.sessions()) as Ended[];
    assert.deepEqual([row?.interrupts, row?.outcome?.kind, row?.state], [0, "killed", "exited"]);
  });

  test("SIGINT is the one graceful stop itself: none of ours is added, which would be the second", async () => {
    await job.run(["server", "stop"]);
    const client = start(["launch", "--falcon", counting(0), "--name", "hit-INT"], job);
    await until(() => /stubborn \d+/.test(client.out()), "the program to be ready");
    const pid = Number(/stubborn (\d+)/.exec(client.out())?.[1]);
    for (const hit of [pid, job.serverPid(), client.child.pid]) process.kill(hit as number, "SIGINT");
    await until(() => /\[hit-INT\] SIGINT: /.test(client.err()), "the word");
    assert.match(client.err(), /\[hit-INT\] SIGINT: it went to every process of the job, nothing is added/);
    assert.match(
      client.err(),
      /\[hit-INT\] SIGINT went to every process of its job, which is falcon's graceful stop: it saves its model/,
    );
    await until(() => /interrupts 1 terminations 0\n$/.test(client.out()), "the program's own word");
    process.kill(pid, "SIGKILL");
    assert.equal(await client.end, 137);
  });

  for (const [signal, status] of [
    ["SIGUSR1", 138],
    ["SIGUSR2", 140],
  ] as const)
    test(`${signal}, of which falcon dies: the server stays, the loss is told, and by whom`, async () => {
      await job.run(["server", "stop"]);
      const name = `hit-${signal}`;
      const client = start(["launch", "--falcon", counting(0), "--name", name], job);
      await until(() => /stubborn \d+/.test(client.out()), "the program to be ready");
      const pid = Number(/stubborn (\d+)/.exec(client.out())?.[1]);
      for (const hit of [pid, job.serverPid(), client.child.pid]) process.kill(hit as number, signal);
      assert.equal(await client.end, status, client.err());
      assert.match(client.err(), new RegExp(`ended by ${signal} after .* \\(a signal to all of its job\\)`));
      const row = ((await job.sessions()) as Ended[]).find((session) => session.name === name);
      assert.deepEqual([row?.outcome?.kind, row?.outcome?.by], ["killed", "a signal to all of its job"]);
    });
});

describe("signals that are meant as they are", () => {
  test("falcon kill --signal X sends X, and names who ended it", async () => {
    const id = await home.ok(["launch", "-d", "--falcon", counting(2), "--name", "killed"]);
    await until(async () => (await home.ok(["show", id, "--screen"])).includes("stubborn "), "the program to be ready");
    await home.ok(["kill", id, "--signal", "TERM"]);
    await home.ok(["kill", id, "--signal", "INT"]);
    const row = (await home.untilState(id, "exited")) as Ended;
    assert.match(await home.ok(["logs", id]), /interrupts 1 terminations 1/);
    assert.deepEqual([row.exitCode, row.outcome?.kind, row.outcome?.by], [7, "stopped", "falcon kill"]);
  });

  test("of falcon run each signal goes on unchanged, SIGUSR1 and SIGUSR2 too", async () => {
    const script =
      'trap "echo one" USR1; trap "echo two" USR2; trap "echo end; exit 9" TERM; echo ready; while :; do sleep 0.05; done';
    const client = start(["run", "--", "/bin/bash", "-c", script]);
    await until(() => client.out().includes("ready"), "the program to be ready");
    for (const [signal, word] of [
      ["SIGUSR1", "one"],
      ["SIGUSR1", "one"],
      ["SIGUSR2", "two"],
      ["SIGTERM", "end"],
    ] as const) {
      const before = client.out().split(word).length;
      client.child.kill(signal);
      await until(() => client.out().split(word).length > before, `${signal} to arrive`);
    }
    assert.equal(await client.end, 9);
    assert.equal(client.err(), "");
  });

  test("--stop-signal is what falcon stop sends", async () => {
    const script = 'trap "echo two; exit 0" USR2; echo ready; while :; do sleep 0.05; done';
    const id = await home.ok(["run", "-d", "--stop-signal", "USR2", "--", "/bin/bash", "-c", script]);
    await until(async () => (await home.ok(["logs", id])).includes("ready"), "the program to be ready");
    const { stderr } = await home.run(["stop", id]);
    assert.match(stderr, /asked to stop \(SIGUSR2\)/);
    assert.match(await home.ok(["logs", id]), /two/);
    const row = (await home.sessions()).find((session) => session.id === id) as Ended;
    assert.deepEqual([row.outcome?.kind, row.outcome?.by], ["stopped", "falcon stop"]);
    const bad = await home.run(["run", "--stop-signal", "NONE", "--", "true"]);
    assert.deepEqual([bad.code, bad.stderr], [2, "falcon: --stop-signal NONE: no such signal ('kill -l' lists them)\n"]);
  });
});
