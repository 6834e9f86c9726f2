// A run gets the limits of who started it, and no one else's: limits, niceness, processors, umask and the
// kernel's choice when memory ends.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, before, beforeEach, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { parentOf } from "../../../src/platform/processes.ts";
import { ticks } from "../../bench/facts.ts";
import { alive, readIfThere, until, untilFile } from "../../support/events.ts";
import { type RunResult, TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

/** A user without privileges, whom nobody else has. */
const user = 61_234;
const canBeUser =
  process.getuid?.() === 0 &&
  spawnSync("setpriv", ["--reuid", String(user), "--clear-groups", "taskset", "-p", "1"]).status === 0;
const unprivileged = { skip: canBeUser ? false : "only root can become a user, and util-linux is needed" };

/** What a program is allowed, in its own words. `$0`, so that the shell's own name is no part of it. */
const probe = 'ulimit -Ha; ulimit -Sa; echo "nice $(nice)"; taskset -p $$ | sed "s/.*:/processors/"; umask';
/** Little of everything, as of a shell that was set up for something small. */
const poor = "ulimit -t 5 -n 200 -f 1000; umask 027; exec nice -n 15 taskset -c 0";

/** Runs `falcon` in a shell after `setup`, which ends in words that the command is put behind. */
function falconAfter(home: TestHome, setup: string, args: string[]): Promise<RunResult> {
  return home.run(["-c", `${setup} "$0" "$@"`, built.falcon, ...args], { file: "/bin/bash" });
}

/** What `probe` says without us, after the same set-up. */
async function without(home: TestHome, setup: string): Promise<string> {
  return home.ok(["-c", `${setup} bash -c "$0"`, probe], { file: "/bin/bash" });
}

describe("a server that somebody poor has started", unprivileged, () => {
  test("gives a later run what its own caller has, and the runs that it has go on", async () => {
    const home = new TestHome({}, { user });
    try {
      const first = await falconAfter(home, poor, ["run", "-d", "--", "sleep", "1000"]);
      assert.equal(first.code, 0, first.stderr);
      const before = (await home.sessions()).find((row) => row.id === first.stdout.trim());
      const server = home.serverPid();
      // the exact words of the second run are compared on both sides; its own pty has a size, the probe does
      // not ask for it
      const inside = await falconAfter(home, "exec", ["run", "--", "bash", "-c", probe]);
      assert.equal(inside.code, 0, inside.stderr);
      assert.equal(inside.stderr, "");
      assert.equal(inside.stdout.replaceAll("\r", "").trim(), await without(home, "exec"));
      // the caller's own has taken over
      await home.nextServer(server);
      const after = (await home.sessions()).find((row) => row.id === before?.id);
      assert.deepEqual([after?.state, after?.pid], ["running", before?.pid]);
      assert.ok(alive(before?.pid as number));
    } finally {
      await home.dispose();
    }
  });

  test("and no log ends where that one's files would: the hole of a limit is not called a full disk", async () => {
    const home = new TestHome({}, { user });
    try {
      const setup = "ulimit -f 1000; exec";
      const poorId = (await falconAfter(home, setup, ["run", "-d", "--", "seq", "300000"])).stdout.trim();
      await home.ok(["wait", poorId]);
      assert.match(await home.ok(["show", poorId]), /missing \(ulimit -f let no file grow beyond/);
      await falconAfter(home, setup, ["run", "-d", "--", "sleep", "1000"]);
      const id = await home.start(["seq", "300000"]);
      await home.ok(["wait", id]);
      assert.doesNotMatch(await home.ok(["show", id]), /missing/);
      assert.match(await home.ok(["logs", id]), /^300000$/m);
    } finally {
      await home.dispose();
    }
  });
});

describe("a log that its server's ulimit -f has cut", unprivileged, () => {
  let home: TestHome;
  beforeEach(() => {
    home = new TestHome({}, { user });
  });
  afterEach(() => home.dispose());
  const setup = "ulimit -f 1000; exec";
  /** It has printed more than its log may have, and runs. */
  const cut = ["sh", "-c", "seq 300000; echo over > over; exec sleep 1000"];

  test("is followed without work while nothing is printed", async () => {
    const id = (await falconAfter(home, setup, ["run", "-d", "--", ...cut])).stdout.trim();
    await untilFile(path.join(home.work, "over"), (text) => text !== "");
    const follow = spawn(built.falcon, ["logs", "-f", id], {
      ...{ env: home.env, cwd: home.work, uid: user, gid: user },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let lines = "";
    follow.stdout.on("data", (data) => {
      lines += data;
    });
    try {
      await until(() => lines.includes("\n100000\n"), "the lines that are there");
      const server = home.serverPid() as number;
      // the screen has the flood to draw first; a turn that gains nothing has work in every second
      await until(async () => {
        const before = ticks([server]);
        await pause(2000);
        return ticks([server]) - before < 100;
      }, "a server that rests: fewer than 100 hundredths of a second of work in two seconds");
    } finally {
      follow.kill();
    }
    await home.ok(["kill", id]);
  });

  test("is copied to a pipe, and what is missing is said", async () => {
    const run = await falconAfter(home, setup, ["run", "--", "sh", "-c", "seq 300000; sleep 1"]);
    assert.match(run.stderr, /\] [\d.]+ \w+ of the output are missing here: ulimit -f/);
    assert.equal(run.code, 0);
  });
});

describe("a server that somebody rich has started", unprivileged, () => {
  test("gives a poor caller's run no more than its caller has", async () => {
    const home = new TestHome({}, { user });
    try {
      await home.ok(["sessions"]);
      const server = home.serverPid();
      const inside = await falconAfter(home, poor, ["run", "--", "bash", "-c", probe]);
      assert.equal(inside.stderr, "");
      assert.equal(inside.stdout.replaceAll("\r", "").trim(), await without(home, poor));
      assert.equal(home.serverPid(), server);
    } finally {
      await home.dispose();
    }
  });

  test("has its soft limits at the hard ones and every processor; gives its holder the caller's niceness and processors, and the program the caller's out-of-memory adjustment", async () => {
    const home = new TestHome({}, { user });
    try {
      const setup = "echo 300 > /proc/self/oom_score_adj; ulimit -S -n 300 -f 1000000; exec nice -n 7 taskset -c 0";
      const run = await falconAfter(home, setup, ["run", "-d", "--", "sleep", "1000"]);
      // the server itself, all of its threads, has what the kernel gives it
      const server = home.serverPid() as number;
      const limits = fs.readFileSync(`/proc/${server}/limits`, "utf8");
      // Node itself raises that of open files: the other one is ours alone
      for (const limit of ["Max open files", "Max file size"]) {
        const [line, soft, hard] = new RegExp(`^${limit} +(\\w+) +(\\w+)`, "m").exec(limits) ?? assert.fail(limits);
        assert.equal(soft, hard, line);
      }
      const processors = (status: string) => /^Cpus_allowed:.*$/m.exec(status)?.[0];
      const ours = processors(fs.readFileSync("/proc/self/status", "utf8"));
      for (const thread of fs.readdirSync(`/proc/${server}/task`)) {
        const status = readIfThere(`/proc/${server}/task/${thread}/status`);
        // one that has ended meanwhile has none
        if (status !== undefined) assert.equal(processors(status), ours);
      }
      const program = (await home.sessions()).find((row) => row.id === run.stdout.trim())?.pid as number;
      const holder = parentOf(program) as number;
      for (const pid of [program, holder]) {
        assert.equal(os.getPriority(pid), Math.min(19, os.getPriority() + 7));
        assert.equal(fs.readFileSync(`/proc/${pid}/oom_score_adj`, "utf8"), "300\n");
        assert.match(fs.readFileSync(`/proc/${pid}/status`, "utf8"), /^Cpus_allowed_list:\s*0$/m);
      }
      // and another's is its own: the kernel ends a program before our parts of it
      const plain = await home.start(["sleep", "1000"]);
      const other = (await home.sessions()).find((row) => row.id === plain)?.pid as number;
      assert.equal(os.getPriority(other), os.getPriority());
      assert.equal(fs.readFileSync(`/proc/${other}/oom_score_adj`, "utf8"), "200\n");
    } finally {
      await home.dispose();
    }
  });
});

describe("where limits cross", unprivileged, () => {
  test("the run's start says in one sentence what it lacks, and so does doctor; the server stays", async () => {
    const home = new TestHome({}, { user });
    try {
      await falconAfter(home, "ulimit -n 500; exec", ["sessions"]);
      const server = home.serverPid();
      const other = "ulimit -v 40000000; exec";
      const run = await falconAfter(home, other, ["run", "--", "bash", "-c", "ulimit -Hn; ulimit -Hv"]);
      assert.match(
        run.stderr,
        /^falcon: this run gets less than your shell has: 500 open files \(ulimit -n\) instead of \d+; .*'falcon server stop'.*\n$/,
      );
      assert.equal(run.stdout.replaceAll("\r", ""), "500\n40000000\n");
      const doctor = await falconAfter(home, other, ["doctor"]);
      assert.match(doctor.stdout, /500 open files \(ulimit -n\) instead of \d+/);
      assert.equal(home.serverPid(), server);
      // what it advises helps
      assert.equal((await falconAfter(home, other, ["server", "stop"])).code, 0);
      const again = await falconAfter(home, other, ["run", "--", "true"]);
      assert.equal(again.stderr, "");
    } finally {
      await home.dispose();
    }
  });
});

const hierarchy = "/sys/fs/cgroup/unified";
const canMakeGroups = process.getuid?.() === 0 && fs.existsSync(`${hierarchy}/cgroup.procs`);

test("a run is in its caller's control group, not in the server's", {
  skip: canMakeGroups ? false : "needs root and a hierarchy of control groups to itself",
}, async () => {
  const group = `falcon-sessions-test-${process.pid}`;
  const home = new TestHome();
  fs.mkdirSync(`${hierarchy}/${group}`);
  try {
    await home.ok(["sessions"]);
    const inside = await falconAfter(home, `echo $$ > ${hierarchy}/${group}/cgroup.procs; exec`, [
      "run",
      "--",
      "cat",
      "/proc/self/cgroup",
    ]);
    assert.match(inside.stdout, new RegExp(`^0::/${group}\\r?$`, "m"));
    assert.doesNotMatch(await home.ok(["run", "--", "cat", "/proc/self/cgroup"]), new RegExp(group));
  } finally {
    await home.dispose();
    fs.rmdirSync(`${hierarchy}/${group}`);
  }
});

test(
  "a Node that is always poorer than its caller: the run starts all the same, and says what it lacks",
  unprivileged,
  async () => {
    const home = new TestHome({}, { user });
    try {
      const node = `${home.work}/node`;
      fs.writeFileSync(node, `#!/bin/sh\nulimit -n 300\nexec ${process.execPath} "$@"\n`, { mode: 0o755 });
      const run = await home.run(["run", "--", "sh", "-c", "ulimit -n"], { env: { FALCON_NODE: node } });
      assert.match(run.stderr, /^falcon: this run gets less than your shell has: 300 open files[^\n]*\n$/);
      assert.equal(run.stdout.trim(), "300");
    } finally {
      await home.dispose();
    }
  },
);

test("a run that is started again gets what its new caller has", unprivileged, async () => {
  const home = new TestHome({}, { user });
  try {
    const first = await falconAfter(home, poor, ["run", "-d", "--", "bash", "-c", probe]);
    await home.ok(["wait", first.stdout.trim()]);
    const again = await home.run(["relaunch", first.stdout.trim()]);
    assert.equal(again.stdout.replaceAll("\r", "").trim(), await without(home, "exec"));
  } finally {
    await home.dispose();
  }
});
