// A job whose batch system has no control groups: its own home and server, seen from outside, ended with the
// job, taken in by the host.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { close, tryLock } from "../../../src/platform/native.ts";
import { SessionStore } from "../../../src/store/session-store.ts";
import { killServer } from "../../faults/product.ts";
import { alive, readIfThere, until, untilFile, untilGone } from "../../support/events.ts";
import { killNow, TestHome } from "../../support/home.ts";
import { runInJob, stepManager } from "../../support/machines/fake-job.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

describe("a batch job without control groups", { skip: process.platform !== "linux" && "jobs are known by /proc" }, () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome();
  });
  afterEach(() => home.dispose());
  const jobHome = (job: string) => path.join(home.folder, "j", job);
  const row = async (name: string) => (await home.sessions()).find((session) => session.name === name);
  const running = async (name: string) => {
    const found = await row(name);
    return found?.state === "running" ? found : undefined;
  };

  /** A job that runs until it is killed. */
  function startJob(script: string, number = "77"): { pid: number; end(): void } {
    const env = { ...home.env, SLURM_JOB_ID: number };
    const child = spawn(stepManager(home), ["-c", `${script}\nexec sleep 1000`], { env, stdio: "ignore", cwd: home.work });
    const pid = child.pid as number;
    return { pid, end: () => process.kill(pid, "SIGKILL") };
  }

  test("has a home of its own, and the variable alone makes no job", async () => {
    const outside = await home.start(["/bin/cat"], ["--name", "stale"], { env: { SLURM_JOB_ID: "77" } });
    assert.equal((await row("stale"))?.job, null, "a stale variable");
    assert.ok(!fs.existsSync(jobHome("s77")));
    const { stdout, code } = await runInJob(
      home,
      77,
      `${built.falcon} run -d --name inside -- true; ${built.falcon} sessions --all`,
    );
    assert.equal(code, 0);
    assert.match(stdout, /inside/);
    assert.match(stdout, new RegExp(`stale +${outside}`), "from inside of the job the host's are seen too");
    const ended = await until(async () => {
      // a list takes in what is over; until then it has it as its own server told it last
      const found = await row("inside");
      if (fs.existsSync(jobHome("s77"))) return undefined;
      return found?.state === "exited" ? found : undefined;
    }, "the job's session to be the host's");
    assert.equal(ended.job, "s77");
    assert.match(await home.ok(["show", "inside"]), /completed/);
  });

  test("its run is stopped as a person would when the job ends, and its end is kept", async () => {
    const trace = path.join(home.work, "trace");
    const program = `trap 'echo int >> ${trace}; exit 7' INT; echo up >> ${trace}; while :; do sleep 0.1; done`;
    const job = startJob(`${built.falcon} run -d --name escaped -- /bin/sh -c '${program.replaceAll("'", `'"'"'`)}'`);
    await untilFile(trace, (text) => text.includes("up"));
    const session = await until(() => running("escaped"), "the run to be listed");
    assert.equal(session.job, "s77");
    job.end();
    await untilFile(trace, (text) => text.includes("int"));
    await untilGone(session.pid as number);
    assert.equal(fs.readFileSync(trace, "utf8"), "up\nint\n", "one Ctrl+C");
    const ended = await until(async () => {
      const found = await row("escaped");
      // until then it is listed as its own server told it last, without its status
      if (fs.existsSync(jobHome("s77"))) return undefined;
      return found?.state === "exited" ? found : undefined;
    }, "the job's session to be the host's");
    assert.deepEqual([ended.exitCode, ended.job], [7, "s77"]);
  });

  test("a server that was killed is started by a client of the job, and by nobody else", async () => {
    const job = startJob(`${built.falcon} run --name held -- /bin/sh -c 'echo hello; exec sleep 1000' > out`);
    try {
      // a client that has not said what it is to ask the next server gives up
      await untilFile(path.join(home.work, "out"), (text) => text.includes("hello"));
      const session = await until(() => row("held"), "the run to be listed");
      const server = () => home.servers().find(({ argv }) => argv.includes("s77"))?.pid;
      const first = server() as number;
      // what the host's servers compiled is there for a job's as well, whose own home is new
      assert.ok(readIfThere(`/proc/${first}/environ`)?.split("\0").includes(`NODE_COMPILE_CACHE=${home.folder}/code-cache`));
      process.kill(first, "SIGKILL");
      await untilGone(first);
      // the row alone may be read from the job's folder
      const next = async () => (await row("held"))?.state === "running" && server() !== undefined;
      await until(next, "the next server of the job");
      assert.equal((await row("held"))?.pid, session.pid);
      assert.match(await home.ok(["logs", "held"]), /hello/);
      assert.ok(alive(session.pid as number));
    } finally {
      job.end();
      await until(
        () => !fs.existsSync(jobHome("s77")) || home.processes().every(({ argv }) => !argv.includes("s77")),
        "the job's end",
      );
    }
  });

  test("what was known of it when all of it was killed is the host's before Slurm is asked", async () => {
    const bin = path.join(home.work, "bin");
    fs.mkdirSync(bin);
    const [asked, answer] = [path.join(home.work, "asked"), path.join(home.work, "answer")];
    const waits = `#!/bin/sh\necho >> ${asked}\nuntil [ -e ${answer} ]; do sleep 0.05; done\nexit 1\n`;
    fs.writeFileSync(path.join(bin, "scontrol"), waits, { mode: 0o755 });
    home.env.PATH = `${bin}:${home.env.PATH}`;
    const program = `/bin/sh -c 'trap "" USR1; echo up; exec sleep 1000'`;
    const job = startJob(`${built.falcon} run -d --name known -- ${program}`);
    const session = await until(() => running("known"), "the run to be listed");
    await until(async () => (await home.ok(["logs", "known"])).includes("up"), "the signal to be ignored");
    await home.ok(["kill", "--signal", "USR1", "known"]);
    await home.ok(["server", "stop"]);
    await until(() => home.servers().every(({ argv }) => argv.includes("s77")), "the host's server to go");
    for (const pid of [job.pid, ...home.processes().map((one) => one.pid), session.pid as number]) killNow(pid);
    await untilGone(session.pid as number);
    // its server may be killed before it has asked for anything, or while it waits for its answer
    const listing = home.run(["sessions"]);
    await untilFile(asked, (text) => text !== "");
    assert.ok(await killServer(home));
    fs.writeFileSync(answer, "");
    await listing;
    const known = await row("known");
    assert.deepEqual([known?.id, known?.job, known?.state], [session.id, "s77", "lost"]);
    await home.ok(["server", "stop"]);
    await until(() => home.servers().length === 0, "the host's server to go");
    const store = SessionStore.open(path.join(home.folder, "state.db"), () => {});
    const signals = store.all().flatMap(({ facts }) => (facts as { signals?: { signal: string }[] }).signals ?? []);
    store.close();
    assert.deepEqual(
      signals.map(({ signal }) => signal),
      ["SIGUSR1"],
    );
    assert.ok(!fs.existsSync(jobHome("s77")));
  });

  test("what happened to its session is told when the job is over, too", async () => {
    const launch = `${built.falcon} launch --falcon ${built.trainer} -d --name fit -o fit samples=64 epochs=5000 rate=20`;
    const job = startJob(launch);
    await until(async () => (await row("fit"))?.state === "running", "the run to be listed");
    // who waits for an epoch has the run looked at now
    await home.ok(["wait", "fit", "--until", "epoch >= 1"]);
    // whatever its end makes of it is told behind these
    const told = async () => (await home.ok(["events", "fit"])).split("\n").filter((line) => / phase /.test(line));
    const before = await until(async () => {
      const found = await told();
      return found.length > 0 ? found : undefined;
    }, "a phase to be told");
    job.end();
    await until(async () => (await row("fit")) && !fs.existsSync(jobHome("s77")), "the job's session to be the host's");
    assert.deepEqual((await told()).slice(0, before.length), before);
  });

  test("other machines are told that its session ended before anybody else, and not at all once it was removed", async () => {
    const seen = path.join(home.work, "seen");
    // the script, and all that it started, may be killed once its last command has ended
    await runInJob(home, 77, `${built.falcon} run --name word -- true; cat ${home.folder}/roster/*.json > ${seen}`);
    assert.match(fs.readFileSync(seen, "utf8"), /"name":"word",.*"state":"exited","outcome":"completed"/);
    await until(async () => (await row("word")) && !fs.existsSync(jobHome("s77")), "the job's session to be the host's");
    const told = () => fs.readdirSync(path.join(home.folder, "roster")).filter((name) => name.endsWith(".json"));
    await until(() => told().length === 1, "the job's own word to go");
    await home.ok(["remove", "word"]);
    assert.deepEqual(await home.sessions(), []);
  });

  test("a home that is removed while its first server is waited for, as that of an ended job, is made again", async () => {
    fs.mkdirSync(jobHome("s77"), { recursive: true, mode: 0o700 });
    const file = path.join(jobHome("s77"), "start.lock");
    const lock = tryLock(file);
    const done = runInJob(home, 77, `${built.falcon} run --name again -- true`);
    const waits = ({ pid }: { pid: number }) => opened(pid).includes(file);
    await until(() => home.processes().some(waits), "the client to wait for the lock");
    fs.rmSync(jobHome("s77"), { recursive: true });
    close(lock);
    const { code, stderr } = await done;
    assert.equal(code, 0, stderr);
    await until(async () => (await row("again"))?.state === "exited" && !fs.existsSync(jobHome("s77")), "it to be the host's");
  });

  test("what is about all sessions or none without a name is done by the host's server, however many jobs run one", async () => {
    await home.ok(["run", "--name", "own", "--", "true"]);
    await until(async () => / own .* ended /.test(await home.ok(["events"])), "its end to be told");
    const jobs: { end(): void }[] = [];
    try {
      for (const number of ["77", "78"]) {
        jobs.push(startJob(`${built.falcon} run -d --name in${number} -- sleep 1000`, number));
        await until(async () => (await row(`in${number}`))?.state === "running", "the job's session to run");
        for (const [args, code, said] of [
          [["events"], 0, /^\S+ \S+ {2}own {2}/],
          [["share", "--list"], 0, /no run is shared by a link/],
          [["compare", "--tag", "x"], 2, /name two runs at least/],
          [["compare", "--run-dir", "none/*"], 1, /no run directory fits/],
        ] as const) {
          const ran = await home.run([...args]);
          assert.match(ran.stdout + ran.stderr, said);
          assert.equal(ran.code, code, args.join(" "));
        }
      }
      assert.match(await home.ok(["logs", "in77"]), /^$/, "a name is the job's own");
    } finally {
      for (const job of jobs) job.end();
      await until(async () => {
        await home.sessions();
        return !["s77", "s78"].some((job) => fs.existsSync(jobHome(job)));
      }, "the jobs' ends");
    }
  });

  test("launch -d as the last line of the script, or as its only task, waits and says why; before other lines it leaves", async () => {
    const line = (options: string) => `${built.falcon} run ${options} -- /bin/sh -c 'sleep 1; echo done; exit 5'`;
    const script = path.join(home.work, "script.sh");
    const run = (text: string) => {
      fs.writeFileSync(script, `#!/bin/bash\n${text}\n`);
      return runInJob(home, 77, `bash ${script}`);
    };
    const last = await run(`echo before\n${line("-d --name last")}\n# the end`);
    assert.equal(last.code, 5);
    assert.match(last.stdout, /^before\n[a-z0-9]{6}\ndone\n$/);
    assert.match(
      last.stderr,
      /^\[last\] Slurm job 77 would end now and the run with it \(this is the last line of its script\): waiting[^\n]*\n/,
    );
    const task = await runInJob(home, 77, line("-d --name task"));
    assert.equal(task.code, 5);
    assert.match(task.stderr, /this is all that it runs/);
    const before = await run(`${line("-d --name before")}\n${built.falcon} wait before`);
    assert.equal(before.code, 5, `${before.stdout}${before.stderr}${home.serverLog()}`);
    assert.doesNotMatch(before.stderr, /would end now/);
  });

  test("a server of the host that starts is there before Slurm has said how a job ended whose sessions it takes in", async () => {
    const [bin, asked, says, up] = [`${home.work}/bin`, `${home.work}/asked`, `${home.work}/says`, `${home.work}/up`];
    fs.mkdirSync(bin);
    const silent = `#!/bin/sh\ntouch ${asked}\nwhile [ ! -e ${says} ]; do sleep 0.1; done\nexit 1\n`;
    for (const name of ["scontrol", "sacct"]) fs.writeFileSync(path.join(bin, name), silent, { mode: 0o700 });
    const job = startJob(`PATH=${bin}:$PATH ${built.falcon} run -d --name killed -- /bin/sh -c "echo > ${up}; exec sleep 1000"`);
    await untilFile(up);
    const all = home.processes();
    for (const { pid } of all) killNow(pid);
    for (const { pid } of all) await untilGone(pid);
    assert.ok(!alive(job.pid));
    try {
      await home.ok(["server", "status"]);
      await until(() => fs.existsSync(asked), "Slurm to be asked");
    } finally {
      fs.writeFileSync(says, "");
    }
    const ended = await until(async () => ((found) => found?.state === "lost" && found)(await row("killed")), "its end");
    assert.equal(ended.job, "s77");
    const log = readIfThere(path.join(home.folder, "server.log")) ?? "";
    assert.ok(log.indexOf(" server.listened") < log.indexOf(" session.changed"), log);
  });

  test("a client of the job's next run, which met the server of the run before, goes to the next server", async () => {
    const first = startJob(`${built.falcon} run --name first -- true`);
    await until(async () => (await row("first"))?.state === "exited", "the first run to be over");
    const watch = home.terminal(["-c", `${built.falcon} sessions --all --watch; exit $?`], {
      file: stepManager(home),
      env: { SLURM_JOB_ID: "77" },
    });
    await watch.waitFor("first");
    first.end();
    const log = path.join(jobHome("s77"), "server.log");
    const started = () => (readIfThere(log) ?? "").match(/server\.started/g)?.length;
    await until(() => watch.ended !== undefined || started() === 2, "the next server");
    watch.type("q");
    assert.equal((await watch.waitForExit()).code, 0);
    assert.doesNotMatch(watch.received.toString(), /was stopped/);
  });

  test("d in a run that ends with its terminal asks once", async () => {
    const step = `${built.falcon} launch --falcon ${built.trainer} --name step samples=256 epochs=5000 rate=8; exit $?`;
    const terminal = home.terminal(["-c", step], { file: stepManager(home), env: { SLURM_JOB_ID: "77" } });
    await terminal.waitFor("Epoch ");
    terminal.type("d");
    await terminal.waitFor("Slurm job 77 ends with this terminal, and the run with it. Leave?");
    terminal.type("n");
    await terminal.waitFor(() => !terminal.text().includes("Leave?"), "the question to go");
    assert.equal(terminal.ended, undefined);
    terminal.type("d");
    await terminal.waitFor("Leave?");
    terminal.type("y");
    assert.equal((await terminal.waitForExit()).code, 0);
    const session = await until(() => row("step"), "the run to be listed");
    await untilGone(session.pid as number);
  });

  test("a job that is not there is said in one sentence", async () => {
    for (const [name, why] of [
      ["s404", /there is no job s404 with sessions on this host/],
      ["../x", /is no name of a job/],
    ] as const) {
      const { code, stderr } = await home.run(["@job", name, "attach"]);
      assert.equal(code, 125);
      assert.match(stderr, why);
      assert.match(stderr, /^falcon: [^\n]+\n$/);
    }
    assert.ok(!fs.existsSync(path.join(home.folder, "j")), "nothing was made");
  });
});

/** The files that a process has open. */
function opened(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return fs.readdirSync(folder).map((name) => fs.readlinkSync(path.join(folder, name)));
  } catch {
    return [];
  }
}
