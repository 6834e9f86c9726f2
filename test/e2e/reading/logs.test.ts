// falcon logs: every way of reading what a session said, on running, ended and lost sessions, and what is
// said about wrong uses.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { until } from "../../support/events.ts";
import { killNow, TestHome } from "../../support/home.ts";
import { falcon, notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

const numbered = (from: number, to: number, text = "line") =>
  Array.from({ length: to - from + 1 }, (_, i) => `${text} ${from + i}`);

describe("falcon logs", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const logs = async (...args: string[]) => {
    const out = await home.run(["logs", ...args]);
    assert.equal(out.code, 0, out.stderr);
    return out.stdout.split("\n").slice(0, -1);
  };

  test("of an ended session: all lines, the last ones, those that match, the bytes; plain without a terminal", async () => {
    const id = await home.start(["sh", "-c", "for i in $(seq 1 500); do printf 'line \\033[1;32m%d\\033[0m\\n' $i; done"]);
    await home.untilState(id, "exited");
    assert.deepEqual(await logs(id), numbered(1, 500));
    assert.deepEqual(await logs(id, "-n", "3"), numbered(498, 500));
    assert.deepEqual(await logs(id, "-n", "0"), []);
    assert.deepEqual(await logs(id, "--grep", "^line 49[89]$"), numbered(498, 499));
    assert.deepEqual(await logs(id, "--grep", "LINE 2$", "-i"), ["line 2"]);
    assert.deepEqual(await logs(id, "--grep", "4", "-n", "2"), numbered(498, 499));
    assert.deepEqual(await logs(id, "--grep", "absent"), []);
    assert.deepEqual(await logs(id, "-n", "1", "--color", "always"), ["line \x1b[0;1;32m500\x1b[0m"]);
    assert.deepEqual(await logs(id, "--grep", "e 5$", "--color", "always"), [
      "lin\x1b[7me \x1b[0;1;32m\x1b[7m5\x1b[0;1;32m\x1b[0m",
    ]);
    const raw = await home.run(["logs", id, "--raw"]);
    assert.equal(
      raw.stdout,
      numbered(1, 500)
        .map((l) => `${l.replace(/(\d+)/, "\x1b[1;32m$1\x1b[0m")}\r\n`)
        .join(""),
    );
  });

  test("on a terminal: colours, and matches marked", async () => {
    const id = await home.start(["sh", "-c", "printf 'a \\033[31mred nan\\033[0m b\\nplain\\n'"]);
    await home.untilState(id, "exited");
    const terminal = home.terminal(["logs", id, "--grep", "nan"], { cols: 60, rows: 5 });
    assert.equal((await terminal.waitForExit()).code, 0);
    await terminal.waitFor("a red nan b");
    const row = terminal.screen.buffer.active.getLine(0);
    const cell = (x: number) => row?.getCell(x);
    assert.equal(cell(2)?.getFgColor(), 1);
    assert.equal(cell(2)?.isInverse(), 0);
    assert.notEqual(cell(6)?.isInverse(), 0);
    assert.equal(cell(6)?.getFgColor(), 1);
    assert.equal(cell(10)?.isInverse(), 0);
    assert.equal(cell(10)?.isFgDefault(), true);
    assert.doesNotMatch(terminal.text(), /plain/);
  });

  test("-f goes on until the end, each line once, and outlives its server", async () => {
    const gate = path.join(home.work, "gate");
    const id = await home.start([
      "sh",
      "-c",
      `seq -f 'line %g' 1 100; until [ -e ${gate} ]; do sleep 0.02; done; seq -f 'line %g' 101 300`,
    ]);
    const child = spawn(falcon, ["logs", "-f", id], { env: home.env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await until(
      () => out.includes("line 100\n"),
      () => `line 100 in ${out.slice(-200)}`,
    );
    process.kill(home.serverPid() as number, "SIGKILL");
    await home.sessions();
    fs.writeFileSync(gate, "");
    assert.equal(await ended, 0);
    assert.deepEqual(out.split("\n").slice(0, -1), numbered(1, 300));
  });

  test("another server takes over while a slow reader has the beginning: each line once, or a word on the rest", async () => {
    const [ended, live] = (await Promise.all(
      ["exit", "exec sleep 1000"].map((then) => home.start(["sh", "-c", `seq -f 'line %.0f' 1 100000; ${then}`])),
    )) as [string, string];
    await home.untilState(ended, "exited");
    const whole = await home.ok(["logs", ended]);
    await until(async () => (await home.ok(["logs", live])) === whole, "all lines of the one that runs");
    for (const [args, goesOn] of [
      [["logs", ended], true],
      [["logs", "-f", live], true],
      [["logs", "--raw", ended], true],
      [["export", ended, "--format", "text"], false],
      [["logs", "--all", "--grep", "line"], false],
    ] as const) {
      const child = spawn(falcon, args, { cwd: home.work, env: home.env, stdio: ["ignore", "pipe", "pipe"] });
      let [out, err] = ["", ""];
      child.stderr.on("data", (data) => {
        err += data;
      });
      const status = new Promise((resolve) => child.on("close", resolve));
      await once(child.stdout, "readable");
      await home.ok(["server", "upgrade"]);
      child.stdout.on("data", (data) => {
        out += data;
      });
      const lines = () => out.replaceAll("\r", "").trimEnd();
      if (args[1] === "-f") {
        await until(() => lines().length >= whole.length, "all lines");
        child.kill("SIGTERM");
      }
      const code = await status;
      const told = `${args.join(" ")}: ${lines().length} characters of ${whole.length}; ${err}${home.serverLog()}`;
      if (goesOn) assert.ok(lines() === whole, told);
      else
        assert.deepEqual(
          [code, err],
          [125, "falcon: another session server took over before all of it was written: give the command again\n"],
          told,
        );
    }
    await home.ok(["kill", live]);
    await home.ok(["remove", ended]);
  });

  test("a progress bar is its last state; what stands on the screen of a running session is shown", async () => {
    const id = await home.start(["sh", "-c", "printf 'start\\n10%%\\r50%%\\r100%%\\nnow: '; read x"]);
    await until(async () => (await home.run(["logs", id])).stdout === "start\n100%\nnow:\n", "the three lines");
    await home.ok(["kill", id]);
  });

  test("of a lost session: what it said", async () => {
    const id = await home.start(["sh", "-c", "seq -f 'line %g' 1 50; exec sleep 1000"]);
    await until(async () => (await home.run(["logs", id])).stdout.endsWith("line 50\n"), "line 50");
    // the one before may still be ending
    const holder = home.processes().find(({ argv }) => argv[0]?.endsWith("holder") && argv[1]?.endsWith(`/s/${id}`));
    const server = home.serverPid() as number;
    assert.ok(holder);
    const { pid } = (await home.sessions()).find((row) => row.id === id) as { pid: number };
    process.kill(server, "SIGKILL");
    process.kill(holder.pid, "SIGKILL");
    // its terminal is gone with the holder, which may have ended it already
    killNow(pid);
    await home.untilState(id, "lost");
    assert.deepEqual(await logs(id), numbered(1, 50));
    assert.deepEqual(await logs(id, "--grep", "0$"), ["line 10", "line 20", "line 30", "line 40", "line 50"]);
    // a killed holder leaves its socket: it goes with the session
    await home.ok(["remove", id]);
  });

  test("--since takes durations and times", async () => {
    const gate = path.join(home.work, "gate2");
    const id = await home.start(["sh", "-c", `echo early; until [ -e ${gate} ]; do sleep 0.02; done; sleep 0.3; echo late`]);
    await until(async () => (await home.run(["logs", id])).stdout.includes("early"), "early");
    await new Promise((resolve) => setTimeout(resolve, 300)); // the times of the two lines must differ; this is what is tested
    const between = new Date().toISOString();
    fs.writeFileSync(gate, "");
    await home.untilState(id, "exited");
    assert.deepEqual(await logs(id, "--since", between), ["late"]);
    assert.deepEqual(await logs(id, "--since", "1h"), ["early", "late"]);
    const wrong = await home.run(["logs", id, "--since", "yesterday"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /^falcon: --since yesterday: give a duration/);
  });

  test("--all --grep searches every session and says whose line it is", async () => {
    const one = await home.start(["sh", "-c", "echo loss=nan here"], ["--name", "first"]);
    const two = await home.start(["sh", "-c", "echo fine; echo also nan"], ["--name", "second"]);
    for (const id of [one, two]) await home.untilState(id, "exited");
    const found = await logs("--all", "--grep", "nan\\b");
    assert.ok(found.includes(`${one} first: loss=nan here`));
    assert.ok(found.includes(`${two} second: also nan`));
    assert.ok(!found.some((line) => line.includes("fine")));
    await home.ok(["remove", one]);
    assert.ok(!(await logs("--all", "--grep", "loss=nan")).some((line) => line.includes("first")));
  });

  test("wrong uses get one sentence", async () => {
    const id = await home.start(["true"]);
    await home.untilState(id, "exited");
    for (const [args, code, said] of [
      [[id, "--grep", "(("], 2, /^falcon: --grep \(\(: not a regular expression \(Unterminated group\)\n$/],
      [["--all"], 2, /^falcon: --all searches: give it a --grep\n$/],
      [[id, "--raw", "-n", "3"], 2, /^falcon: --raw gives bytes/],
      [[id, "-n", "many"], 2, /^falcon: -n many: give a number of lines/],
      [[id, "--node", "z"], 1, /^falcon: session .* has no run directory, so no node's log is known\n$/],
      [["nosuch"], 1, /^falcon: no session 'nosuch'/],
    ] as const) {
      const out = await home.run(["logs", ...args]);
      assert.equal(out.code, code, out.stderr);
      assert.match(out.stderr, said);
      assert.equal(out.stdout, "");
    }
  });

  test("--raw gives a file every byte, and a terminal no query and nothing that the user's rules block", async () => {
    const said = "\\033[cbefore\\033]52;c;c2VjcmV0\\007after\\033[6n\\n";
    const id = await home.start(["sh", "-c", `printf '${said}'`]);
    await home.untilState(id, "exited");
    const bytes = (await home.run(["logs", id, "--raw"])).stdout;
    assert.ok(bytes.includes("\x1b]52;c;c2VjcmV0\x07") && bytes.includes("\x1b[6n"));
    const terminal = home.terminal(["logs", id, "--raw"], { cols: 60, rows: 5 });
    assert.equal((await terminal.waitForExit()).code, 0);
    await terminal.waitFor("beforeafter");
    const got = terminal.received.toString("latin1");
    for (const blocked of ["\x1b]52", "\x1b[6n", "\x1b[c"]) assert.ok(!got.includes(blocked), JSON.stringify(got));
  });

  test("a pattern that never comes to an end is ended; the server answers others meanwhile", async () => {
    const id = await home.start(["sh", "-c", "printf '%05000d\\n' 0"]);
    await home.untilState(id, "exited");
    const slow = home.run(["logs", id, "--grep", "(0+)+x$"]);
    const other = await home.run(["logs", id, "-n", "1"]);
    assert.equal(other.code, 0);
    const out = await slow;
    assert.equal(out.code, 2);
    assert.match(out.stderr, /this pattern takes too long on some line/);
    assert.equal((await home.run(["logs", id, "--grep", "00"])).code, 0);
  });

  test("falcon's display: the driver lines alone", async () => {
    const id = await home.start([program("footer"), "300", "8"], ["--size", "100x30"]);
    await until(async () => (await home.run(["logs", id])).stdout.includes("driver message 300\n"), "300 lines");
    await home.ok(["kill", id, "--signal", "INT"]);
    await home.untilState(id, "exited");
    const lines = await logs(id);
    const summary = lines.pop() as string;
    const count = Number(/^display saved after (\d+) lines/.exec(summary)?.[1]);
    assert.ok(count > 300, summary);
    assert.deepEqual(
      lines.map((line) => Number(/driver message (\d+)$/.exec(line)?.[1])),
      Array.from({ length: count }, (_, i) => i),
    );
  });
});
