// Files that others made, on a file system that is away or of a kind that must not be opened: one command
// says so, and nobody else notices.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { readIfThere, until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { hungMount, noHungMount } from "../support/machines/hung-mount.ts";
import * as built from "../support/paths.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

describe("a file system that does not answer", { skip: noHungMount ?? false }, () => {
  const home = new TestHome();
  const folder = path.join(home.work, "away");
  const mounts: Awaited<ReturnType<typeof hungMount>>[] = [];
  let viewer: UserTerminal;
  const hang = async (where: string) => {
    fs.mkdirSync(where);
    mounts.push(await hungMount(where));
  };
  before(async () => {
    await hang(folder);
    const config = path.join(home.work, ".config/falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), 'on_event = ["true"]\n', { mode: 0o600 });
    viewer = home.terminal(["run", "--name", "seen", "--", "/bin/cat"]);
    await until(async () => (await home.sessions())[0]?.state === "running", "the session");
    viewer.type("ready\r");
    await viewer.waitFor("ready");
  });
  after(async () => {
    for (const mount of mounts) await mount.end();
    await home.dispose();
  });

  /** What is typed is seen, others are answered, while `work` waits. */
  async function nobodyNotices(work: Promise<unknown>, word: string): Promise<void> {
    let over = false;
    void work.finally(() => {
      over = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300)); // until the helper hangs
    viewer.type(`${word}\r`);
    // all at once: the work is given up after seconds
    const asked = [home.ok(["sessions"]), home.ok(["show", "seen"])];
    await viewer.waitFor(word);
    const [listed, shown] = await Promise.all(asked);
    assert.match(listed as string, /seen/);
    assert.match(shown as string, /cat/);
    assert.equal(over, false, "the command was still waiting");
  }

  const sentence = /^falcon: \S*away\S* does not answer: is its file system away\?\n$/;

  test("attach, run and launch on it are told in a sentence; viewers and other commands go on", async () => {
    const asked = [home.run(["attach", path.join(folder, "run")]), home.run(["run", "--", path.join(folder, "program")])];
    await nobodyNotices(Promise.race(asked), "echoed");
    for (const result of await Promise.all(asked)) {
      assert.match(result.stderr, sentence);
      assert.notEqual(result.code, 0);
    }
  });

  test("an export, a launch's falcon, the doctor and install-shim on it: each in a sentence, and nobody else", async () => {
    // one of its own: the test before may have cost the other two helpers, after which it is refused at once
    const folder = path.join(home.work, "away-too");
    await hang(folder);
    const elsewhere = {
      FALCON_BIN: path.join(folder, "falcon"),
      XDG_CONFIG_HOME: folder,
      SSH_AUTH_SOCK: path.join(folder, "agent"),
    };
    const commands: [string[], Record<string, string>][] = [
      [["export", "seen", "--format", "text", "-o", path.join(folder, "text")], {}],
      [["launch", "-d", "--falcon", path.join(folder, "falcon")], {}],
      [["install-shim", path.join(folder, "venv")], {}],
    ];
    const asked = commands.map(([args, env]) => home.run(args, { env }));
    const doctor = home.run(["doctor"], { env: elsewhere });
    const run = home.run(["run", "-d", "--", "/bin/true"], { env: { SSH_AUTH_SOCK: elsewhere.SSH_AUTH_SOCK } });
    await nobodyNotices(asked[0] as Promise<unknown>, "still here");
    for (const result of await Promise.all(asked)) {
      assert.match(result.stderr, sentence);
      assert.notEqual(result.code, 0);
    }
    assert.match((await doctor).stdout + (await doctor).stderr, /does not answer/);
    assert.equal((await run).code, 0, "an agent that does not answer keeps no program from its start");
  });

  test("a program that the server looks for in a PATH with a folder on it: the process that looks hangs, and nobody else", async () => {
    const PATH = `${path.join(folder, "bin")}:${home.env.PATH}`;
    await home.ok(["run", "-d", "--name", "ended", "--", "/bin/sh", "-c", "exit 3"], { env: { PATH } });
    const pid = home.serverPid();
    const started = () =>
      (readIfThere(`/proc/${pid}/task/${pid}/children`) ?? "")
        .split(" ")
        .map((child) => readIfThere(`/proc/${child}/cmdline`) ?? "");
    const looks = () => started().some((words) => words.startsWith("env\0"));
    await until(looks, () => `on_event's program to be looked for: ${JSON.stringify(started())}`);
    viewer.type("nor by this\r");
    await viewer.waitFor("nor by this");
    assert.match(await home.ok(["sessions"]), /ended/);
    assert.ok(looks(), "it still hangs");
  });

  test("after two that it cost it is refused at once", async () => {
    // as many as it takes: the two of the first test may have shared one
    for (let n = 0; n < 2; n++) assert.match((await home.run(["show", path.join(folder, "x")])).stderr, sentence);
    // on_event's program is looked for again meanwhile
    const asked = () => home.logged("aside.timed-out").filter((line) => line.includes(path.join(folder, "run-"))).length;
    const before = asked();
    const started = performance.now();
    await Promise.all(
      Array.from({ length: 8 }, async (_, n) => {
        assert.match((await home.run(["attach", path.join(folder, `run-${n}`)])).stderr, sentence);
      }),
    );
    assert.equal(asked(), before, "no helper was asked");
    assert.ok(performance.now() - started < 60_000);
  });

  test("a run that ended, and whose files went there: its losses are not to be had, which is not that it has none", async () => {
    const words = ["-d", "--name", "gone", "--falcon", built.trainer, "-o", "gone", "samples=256", "epochs=2", "rate=1000"];
    const id = await home.ok(["launch", ...words]);
    await home.ok(["wait", id], { limit: 60_000 });
    const run = path.join(home.work, "gone");
    assert.match(await home.ok(["export", id, "--format", "curve-csv"]), /^node,epoch/);
    fs.renameSync(run, `${run}.kept`);
    fs.symlinkSync(folder, run);
    const away = /^falcon: \S*gone\S* does not answer: is its file system away\?\n$/;
    for (const asked of [
      ["--format", "curve-csv"],
      ["--metric", "train_loss", "--format", "curve-csv"],
      ["--format", "json"],
    ]) {
      const result = await home.run(["export", id, ...asked]);
      assert.deepEqual([result.code, result.stdout], [125, ""], asked.join(" "));
      assert.match(result.stderr, away);
    }
    const charts = await home.run(["show", id, "--metric", "train_loss"]);
    assert.deepEqual([charts.code, charts.stdout], [125, ""]);
    assert.match(charts.stderr, away);
    assert.match(await home.ok(["show", id]), /^losses +\S*gone\S* does not answer: is its file system away\?$/m);
  });
});

describe("shared folders of the user on a file system that does not answer", { skip: noHungMount ?? false }, () => {
  const home = new TestHome();
  const mounts: Awaited<ReturnType<typeof hungMount>>[] = [];
  after(async () => {
    for (const mount of mounts) await mount.end();
    await home.dispose();
  });

  test("archive, roster and notices: the server starts, and what needs them says so; a viewer notices nothing", async () => {
    for (const name of ["archive", "roster", "notices"]) {
      const folder = path.join(home.folder, name);
      fs.mkdirSync(folder, { mode: 0o700 });
      mounts.push(await hungMount(folder));
    }
    const config = path.join(home.work, ".config/falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), '[notify.desk]\ncommand = ["/bin/true"]\n', { mode: 0o600 });
    const viewer = home.terminal(["run", "--name", "seen", "--", "/bin/cat"]);
    viewer.type("ready\r");
    await viewer.waitFor("ready");
    const unknown = home.run(["show", "nobody"]);
    viewer.type("still here\r");
    await viewer.waitFor("still here");
    assert.match((await unknown).stderr, /^falcon: \S*archive does not answer: is its file system away\?\n$/);
    assert.match(await home.ok(["sessions"]), /seen/);
    assert.match(await home.ok(["show", "seen"]), /cat/);
    viewer.key("C-\\", "d");
    await viewer.waitForExit();
  });
});

describe("the home directory itself on a network file system that does not answer", { skip: noHungMount ?? false }, () => {
  const home = new TestHome();
  const folder = path.join(home.work, "user");
  let mount: Awaited<ReturnType<typeof hungMount>> | undefined;
  after(async () => {
    await mount?.end();
    await home.dispose();
  });

  test("the sessions of this machine, which are not on it, are started and listed", async () => {
    fs.mkdirSync(folder);
    mount = await hungMount(folder);
    // /var/tmp, where they are then, is this test's own
    const script = [
      "mount -t tmpfs own /var/tmp",
      `export HOME='${folder}'`,
      `'${built.falcon}' run -d --name own -- /bin/sleep 1000`,
      `'${built.falcon}' sessions`,
      "cat /var/tmp/*/*/server.log",
    ].join("\n");
    const asked = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh", "-e", "-c", script];
    const { FALCON_SESSIONS_HOME: _, XDG_STATE_HOME: __, ...env } = home.env;
    const said = await new Promise<string>((resolve) => {
      execFile("unshare", asked, { env, cwd: "/", timeout: 60_000 }, (error, stdout, stderr) =>
        resolve(`${error?.code ?? (error ? error.signal : 0)} ${stdout}${stderr}`),
      );
    });
    assert.match(said, /^0 \w+\n(.*\n)?.*running\s+own\b/);
    assert.match(said, /aside\.timed-out file=\S*config\.toml/, "what hangs is the file, not the start of who looks at it");
  });
});

describe("what is no regular file in a run directory", () => {
  const home = new TestHome();
  after(() => home.dispose());

  const make: Record<string, (file: string) => void> = {
    "a pipe": (file) => assert.equal(spawnSync("mkfifo", [file]).status, 0),
    "a folder": (file) => fs.mkdirSync(file),
    "a link to a device": (file) => fs.symlinkSync("/dev/zero", file),
    "a link to itself": (file) => fs.symlinkSync(path.basename(file), file),
  };
  for (const [what, put] of Object.entries(make)) {
    test(`${what} as configuration and as log: lists, show and logs answer`, async () => {
      const run = path.join(home.work, what.replaceAll(" ", "-"));
      fs.mkdirSync(path.join(run, "graph/driver"), { recursive: true });
      fs.mkdirSync(path.join(run, "graph/theta"), { recursive: true });
      for (const name of ["config.yml", "graph/driver/output.log", "graph/theta/output.log"]) put(path.join(run, name));
      const falcon = path.join(home.work, "falcon");
      fs.writeFileSync(falcon, "#!/bin/sh\nexec sleep 1000\n", { mode: 0o755 });
      const id = await home.ok(["launch", "-d", "--falcon", falcon, "--name", path.basename(run), "-o", run]);
      // more than libuv's pool has threads
      await Promise.all(Array.from({ length: 5 }, () => home.ok(["sessions"])));
      assert.match(await home.ok(["show", id]), /running/);
      assert.match((await home.run(["logs", id, "--node", "driver"])).stderr, /^falcon: .*cannot be read.*\n$/);
      await home.ok(["kill", id, "--signal", "KILL"]);
      await until(async () => (await home.sessions()).find((row) => row.id === id)?.state === "exited", "the end");
    });
  }
});
