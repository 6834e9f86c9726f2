// Every other command, on sessions that nobody is attached to, and the hand-over of what is not ours.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { program } from "../../support/compile.ts";
import { alive, until } from "../../support/events.ts";
import { type SessionRow, TestHome } from "../../support/home.ts";
import { falcon, notBuilt, root } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("commands", () => {
  const home = new TestHome();
  after(() => home.dispose());

  const row = async (id: string) => (await home.sessions()).find((r) => r.id === id) as SessionRow;

  test("run -d prints the id on standard output and nothing else", async () => {
    const { stdout, stderr, code } = await home.run(["run", "-d", "--", "/bin/cat"]);
    assert.equal(code, 0);
    assert.match(stdout, /^[a-z0-9]{6}\n$/);
    assert.equal(stderr, "");
    const facts = await home.untilState(stdout.trim(), "running");
    assert.deepEqual(
      [facts.name, facts.kind, facts.command, facts.directory, facts.cols, facts.rows],
      ["cat", "run", ["/bin/cat"], home.work, 120, 40],
    );
    assert.ok(alive(facts.pid as number));
  });

  test("the program has the caller's environment, directory and umask, and its own FALCON_SESSION", async () => {
    const folder = path.join(home.work, "elsewhere");
    fs.mkdirSync(folder);
    const out = path.join(folder, "facts");
    const id = await home.ok(
      ["run", "-d", "--", "/bin/sh", "-c", `{ env; pwd; umask; tty; } > ${out}.new; mv ${out}.new ${out}`],
      {
        cwd: folder,
        env: { CALLER: "it is I", TMUX: "/tmp/outer,1,0", TERM: "outer-term" },
      },
    );
    await home.untilState(id, "exited");
    const lines = fs.readFileSync(out, "utf8").split("\n");
    assert.ok(lines.includes("CALLER=it is I"));
    assert.ok(lines.includes(`FALCON_SESSION=${id}`));
    assert.ok(lines.includes("COLORTERM=truecolor"));
    assert.ok(!lines.some((line) => line.startsWith("TMUX=") || line === "TERM=outer-term"));
    assert.ok(lines.includes(folder));
    assert.ok(lines.some((line) => line.startsWith("/dev/pts/")));
  });

  test("more arguments than a frame takes reach the program; what is not ours says why it is not handed them", async () => {
    const many = Array.from({ length: 15 }, (_, i) => `${i}`.padEnd(100_000, "x"));
    const id = await home.ok([
      "run",
      "-d",
      "--",
      "sh",
      "-c",
      'shift 5; echo "$# words, the first of $(printf %s "$1" | wc -c)"',
      "sh",
      ...many,
    ]);
    await home.untilState(id, "exited");
    assert.match(await home.ok(["logs", id]), /10 words, the first of 100000/);
    const refused = await home.run(["sample", ...many], { env: { FALCON_BIN: python(home, "exit 9") } });
    assert.equal(refused.code, 125);
    assert.match(refused.stderr, /^falcon: 150\d{4} bytes of arguments: at most 1048576 can be handed on to .*\n$/);
    await home.ok(["remove", id]);
  });

  test("sessions is a table on a terminal that fits it, and a stable JSON shape", async () => {
    const terminal = home.terminal(["sessions"], { cols: 70, rows: 20 });
    await terminal.waitForExit();
    assert.match(terminal.lines()[0] ?? "", /^STATE +PROGRESS +NAME +ID +AGE/);
    assert.ok(terminal.lines().every((line) => line.length <= 70));
    assert.match(terminal.text(), /● running +cat +/);
    for (const session of await home.sessions()) {
      for (const field of [
        "id",
        "name",
        "state",
        "command",
        "directory",
        "runDirectory",
        "host",
        "pid",
        "created",
        "exitCode",
        "signal",
        "cols",
        "rows",
        "viewers",
      ]) {
        assert.ok(field in session, `${field} is missing`);
      }
    }
    const plain = await home.run(["ls"]);
    assert.ok(!plain.stdout.includes("\x1b") && !plain.stdout.includes("\t"), plain.stdout);
    assert.equal(plain.stderr, "");
  });

  test("send types keys and text; show shows the screen", async () => {
    const id = await home.start([program("rawkeys")], ["--name", "keys"]);
    await until(async () => (await home.ok(["show", id, "--screen"])).includes("keys please"), "the program to be ready");
    await home.ok(["send", id, "j", "Enter", "Up", "M-x"]);
    await home.ok(["send", id, "--text", "C-c"]);
    // the terminal makes Enter's CR a line feed, as it would for a person's
    await until(
      async () => (await home.ok(["show", id, "--screen"])).includes("<6a><0a><1b><5b><41><1b><78><43><2d><63>"),
      "the keys to show",
    );
    const shown = await home.ok(["show", "keys"]);
    assert.match(shown, new RegExp(`^● running {2}keys {2}${id}\n`));
    assert.match(shown, /running/);
    const json = JSON.parse(await home.ok(["show", id, "--json"]));
    assert.equal(json.id, id);
    await home.ok(["send", id, "q"]);
    await home.untilState(id, "exited");
    assert.match(await home.ok(["show", id, "--screen"]), /completed[\s\S]*no more keys/);
  });

  test("send gives the bytes of a text that is no UTF-8", async () => {
    const id = await home.start(["sh", "-c", "stty raw -echo; echo ready; head -c 4 | od -An -tx1; sleep 1000"]);
    await until(async () => (await home.ok(["logs", id])).includes("ready"), "it to read");
    const sent = await home.run(
      ["-c", `"$0" send ${id} --text "$(printf 'x\\351')" && "$0" send ${id} "$(printf '\\351')" y`, falcon],
      {
        file: "/bin/sh",
      },
    );
    assert.equal(sent.code, 0, sent.stderr);
    await until(async () => (await home.ok(["logs", id])).includes("78 e9 e9 79"), "the bytes");
    await home.ok(["kill", id]);
  });

  test("wait exits with the session's status, 128+n for a signal, 124 when it takes too long", async () => {
    assert.equal((await home.run(["wait", await home.start(["/bin/sh", "-c", "exit 7"])])).code, 7);
    const id = await home.start(["/bin/sleep", "1000"]);
    assert.equal((await home.run(["wait", id, "--timeout", "0.2"])).code, 124);
    const waiting = home.run(["wait", id]);
    await home.ok(["kill", id, "--signal", "USR1"]);
    assert.equal((await waiting).code, 128 + 10);
    assert.equal((await row(id)).signal, "SIGUSR1");
    assert.equal((await home.run(["wait", id])).code, 138, "an ended session is answered at once");
  });

  test("kill sends SIGTERM, or what it is told", async () => {
    const id = await home.start([program("stubborn"), "2"]);
    await until(async () => (await home.ok(["show", id, "--screen"])).includes("stubborn "), "the program to be ready");
    await home.ok(["kill", id]);
    await until(async () => (await home.ok(["show", id, "--screen"])).includes("terminations 1"), "SIGTERM to arrive");
    await home.ok(["kill", id, "--signal", "INT"]);
    assert.equal((await home.run(["wait", id])).code, 7);
  });

  test("stop is one Ctrl+C and waits for the end", async () => {
    const id = await home.start([program("footer"), "5", "8"]);
    await until(async () => (await home.ok(["show", id, "--screen"])).includes("j/k: node"), "the display");
    await home.ok(["stop", id]);
    const ended = await row(id);
    assert.deepEqual([ended.state, ended.exitCode, ended.interrupts], ["exited", 0, 1]);
    assert.match(await home.ok(["show", id, "--screen"]), /display saved/);
    assert.equal((await home.run(["stop", id])).code, 1, "it is over already");
  });

  test("stop tells when it hangs; --force ends what hangs, and what it started", async () => {
    const id = await home.start([program("stubborn"), "0"]);
    await until(async () => (await home.ok(["show", id, "--screen"])).includes("stubborn "), "the program to be ready");
    const hung = await home.run(["stop", id, "--timeout", "0.5"]);
    assert.equal(hung.code, 125);
    assert.match(hung.stderr, /hangs.*--force/);
    await home.ok(["stop", id, "--force", "--timeout", "1"]);
    const ended = await row(id);
    assert.deepEqual([ended.state, ended.signal], ["exited", "SIGKILL"]);
  });

  test("stop goes on waiting where its server is killed or replaced, and asks the program once", async () => {
    const [asked, gate] = ["asked", "gate"].map((name) => path.join(home.work, name)) as [string, string];
    const trap = `echo again >> ${asked}; until [ -e ${gate} ]; do sleep 0.05; done; exit 0`;
    const id = await home.start(["/bin/sh", "-c", `trap '${trap}' INT; echo ready; while :; do sleep 0.05; done`]);
    await until(async () => (await home.ok(["logs", id])) === "ready", "its trap");
    const stop = spawn(falcon, ["stop", id], { env: home.env, stdio: ["ignore", "ignore", "pipe"] });
    const stopped = once(stop, "close") as Promise<[number | null]>;
    let stderr = "";
    stop.stderr.on("data", (data) => {
      stderr += data;
    });
    await until(
      () => fs.existsSync(asked) && stderr.includes("waiting"),
      () => `the program to be asked: ${stderr}`,
    );
    // a server that answers the next one has told the first one how it goes on
    await home.sessions();
    process.kill(home.serverPid() as number, "SIGKILL");
    await home.untilState(id, "running");
    await home.ok(["server", "upgrade"]);
    await home.untilState(id, "running");
    fs.writeFileSync(gate, "");
    const [code] = await stopped;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^\[sh\] asked to stop \(one Ctrl\+C\); waiting for its end\n\[sh\] stopped after /);
    assert.equal(fs.readFileSync(asked, "utf8"), "again\n");
  });

  test("wait --timeout is one wait over all servers that come meanwhile", async () => {
    const id = await home.start(["sleep", "1000"]);
    const wait = spawn(falcon, ["wait", id, "--timeout", "3"], { env: home.env, stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(wait, "close") as Promise<[number | null]>;
    let stderr = "";
    wait.stderr.on("data", (data) => {
      stderr += data;
    });
    // each of them is there for less than the timeout
    for (let i = 0; i < 5 && wait.exitCode === null; i++) {
      await Promise.race([ended, pause(1500)]);
      await home.ok(["server", "upgrade"]);
    }
    assert.equal(wait.exitCode, 124, stderr);
    assert.match(stderr, new RegExp(`^falcon: still running after 3 s: ${id}\n$`));
    await ended;
    await home.ok(["kill", id]);
  });

  test("remove forgets ended sessions and refuses running ones", async () => {
    const id = await home.start(["/bin/true"], ["--name", "forgotten"]);
    await home.untilState(id, "exited");
    const running = (await home.sessions()).find((session) => session.state === "running") as SessionRow;
    const refused = await home.run(["remove", id, running.id]);
    assert.equal(refused.code, 1);
    assert.ok(await row(id), "nothing was removed");
    await home.ok(["remove", id]);
    assert.equal(await row(id), undefined);
    assert.ok(!fs.existsSync(path.join(home.folder, "s", id)), "its folder is gone");
    assert.equal((await home.run(["show", id])).code, 1);
  });

  test("remove and prune go on with the others where a session's folder cannot be removed, and say so", async () => {
    // nothing is refused to root
    const home = new TestHome({}, process.getuid?.() === 0 ? { user: 65534 } : {});
    try {
      const ids = await Promise.all(["stays", "goes"].map((name) => home.start(["/bin/true"], ["--name", name])));
      for (const id of ids) await home.untilState(id, "exited");
      const folder = path.join(home.folder, "s", ids[0] as string);
      fs.chmodSync(folder, 0o500);
      const refused = /^falcon: session \w{6} \(stays\) cannot be removed: EACCES\b.*\n/;
      const removed = await home.run(["remove", "--all"]);
      assert.equal(removed.code, 125);
      assert.match(removed.stderr, refused);
      assert.match(removed.stderr, /\n\[goes\] \w{6} removed\n$/);
      const pruned = await home.run(["prune", "--older-than", "0m"]);
      assert.equal(pruned.code, 125);
      assert.match(pruned.stderr, refused);
      assert.match(pruned.stderr, /\n0 sessions removed\n$/);
      fs.chmodSync(folder, 0o700);
      await home.ok(["remove", "--all"]);
      assert.deepEqual(await home.sessions(), []);
    } finally {
      await home.dispose();
    }
  });

  test("rename renames, and a session is found by id, prefix, name and run directory", async () => {
    const id = await home.start(["/bin/cat"], ["--name", "before"]);
    await home.ok(["rename", id, "after"]);
    for (const wanted of [id, "after"]) assert.equal(JSON.parse(await home.ok(["show", wanted, "--json"])).id, id);
    // a prefix of an id counts as one of a name does
    const rest = (await home.sessions()).flatMap((session) => [session.id, session.name]).filter((other) => other !== id);
    let length = 1;
    while (rest.some((other) => other.startsWith(id.slice(0, length)))) length++;
    assert.equal(JSON.parse(await home.ok(["show", id.slice(0, length), "--json"])).id, id);
  });

  test("server status says pid and sessions; the server can be stopped and comes back with the sessions", async () => {
    const before = JSON.parse(await home.ok(["server", "status", "--json"]));
    assert.equal(before.pid, home.serverPid());
    assert.match(await home.ok(["server", "status"]), new RegExp(`server ${before.pid}`));
    const running = (await home.sessions()).filter((session) => session.state === "running");
    assert.ok(running.length > 0);
    await home.ok(["server", "stop"]);
    await until(() => !alive(before.pid), "the server to end");
    assert.ok(!fs.existsSync(path.join(home.folder, "server.sock")));
    const again = (await home.sessions()).filter((session) => session.state === "running");
    assert.deepEqual(
      again.map(({ id, pid }) => ({ id, pid })),
      running.map(({ id, pid }) => ({ id, pid })),
    );
    await home.nextServer(before.pid);
  });

  test("--version and --help name ours and the Python falcon that was found", async () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8"));
    const falcon = python(home, "echo hello");
    assert.match(
      await home.ok(["--version"], { env: { FALCON_BIN: falcon } }),
      new RegExp(`falcon-sessions ${version.replaceAll(".", "\\.")}[\\s\\S]*${falcon}`),
    );
    const help = await home.ok(["--help"]);
    for (const command of ["launch", "attach", "sessions", "run", "show", "stop", "kill", "wait", "send", "remove", "server"]) {
      assert.match(help, new RegExp(`^ +${command} `, "m"));
      assert.match(await home.ok([command, "--help"]), new RegExp(`falcon ${command}`));
    }
    assert.equal((await home.run([])).code, 2);
  });

  test("every other subcommand goes to the Python falcon: arguments, standard streams and status unchanged", async () => {
    const falcon = python(home, 'printf "<%s>" "$@"; echo; cat; echo to stderr >&2; exit 9');
    const { code, stdout, stderr } = await home.run(["sample", "prior", "-o", "two words", "--", "-x"], {
      env: { FALCON_BIN: falcon },
      input: "from stdin\n",
    });
    assert.equal(code, 9);
    assert.equal(stdout, "<sample><prior><-o><two words><--><-x>\nfrom stdin\n");
    assert.equal(stderr, "to stderr\n");
    const venv = path.join(home.work, "venv");
    fs.mkdirSync(path.join(venv, "bin"), { recursive: true });
    fs.copyFileSync(falcon, path.join(venv, "bin/falcon"));
    assert.equal((await home.run(["graph"], { env: { VIRTUAL_ENV: venv } })).code, 9);
    assert.equal((await home.run(["graph"], { env: { PATH: `${venv}/bin:/usr/bin:/bin` } })).code, 9);
  });

  test("a hand-over on a terminal leaves the terminal to the Python falcon", async () => {
    const falcon = python(home, "stty -a | tr ' ' '\\n' | grep -x -e icanon -e echo; read line; echo got $line");
    const terminal = home.terminal(["graph"], { env: { FALCON_BIN: falcon } });
    await terminal.waitFor("icanon");
    terminal.type("typed\r");
    await terminal.waitForExit();
    assert.match(terminal.text(), /echo[\s\S]*got typed/);
  });
});

/** A script that stands for the Python falcon. */
function python(home: TestHome, script: string): string {
  const file = path.join(home.work, "python-falcon");
  fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}
