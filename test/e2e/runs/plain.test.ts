// Without a terminal: output on stdout, SIGINT and SIGTERM forwarded, the program's status; and it can be
// attached from elsewhere.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { alive, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

describe("without a terminal", () => {
  const home = new TestHome();
  after(() => home.dispose());

  const start = (args: string[]): { child: ChildProcess; said: () => string; told: () => string; end: Promise<number> } => {
    const child = spawn(falcon, args, { env: home.env, cwd: home.work, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout?.on("data", (data) => {
      out += data;
    });
    child.stderr?.on("data", (data) => {
      err += data;
    });
    return {
      child,
      said: () => out,
      told: () => err,
      end: new Promise((resolve) => child.on("close", (code, signal) => resolve(code ?? (signal === null ? -1 : 128)))),
    };
  };

  test("the output is copied with plain line ends, whole, and the status is the program's", async () => {
    const { code, stdout } = await home.run(["run", "--", program("burst")]);
    assert.equal(code, 3);
    assert.equal(stdout.length, 20480);
    assert.ok(stdout.endsWith("END\n"));
    const flood = await home.run(["run", "--", program("flood"), "100000"], { limit: 60_000 });
    assert.equal(flood.code, 0);
    const alone = await home.run(["100000"], { file: program("flood") });
    assert.equal(md5(flood.stdout), md5(alone.stdout));
    const killed = await home.run(["run", "--", "/bin/sh", "-c", "kill -9 $$"]);
    assert.equal(killed.code, 137);
  });

  test("on a terminal without a keyboard, what only a viewer's rules let pass is passed; to a pipe all of it is", async () => {
    const asks = "\\033]52;c;aGk=\\007\\033[c\\033[6n\\033P$qm\\033\\\\\\033[2h\\033[?2l";
    const command = ["run", "--", "/bin/sh", "-c", `printf 'a\\033[1mb${asks}\\033[mc\\n'`];
    const terminal = home.terminal(["-c", '"$@" </dev/null', "sh", falcon, ...command], { file: "/bin/sh" });
    await terminal.waitFor("abc");
    assert.equal((await terminal.waitForExit()).code, 0);
    const received = terminal.received.toString("latin1");
    for (const asked of ["\x1b]52", "\x1b[c", "\x1b[6n", "\x1bP", "\x1b[2h", "\x1b[?2l"])
      assert.ok(!received.includes(asked), JSON.stringify(received));
    assert.ok(received.includes("\x1b[1mb"), JSON.stringify(received));
    const { stdout } = await home.run(command);
    assert.ok(stdout.includes("\x1b]52;c;aGk=\x07") && stdout.includes("\x1b[6n"), JSON.stringify(stdout));
  });

  test("a child that keeps the terminal does not keep the session", async () => {
    const { code, stdout } = await home.run(["run", "--", program("keeps-tty")]);
    assert.equal(code, 4);
    const pid = Number(/child (\d+)/.exec(stdout)?.[1]);
    assert.ok(alive(pid));
    process.kill(pid, "SIGKILL");
  });

  for (const [signal, counted] of [
    ["SIGINT", "interrupts 1 terminations 0"],
    ["SIGTERM", "interrupts 0 terminations 1"],
  ] as const) {
    test(`${signal} reaches the program once, and its status comes back`, async () => {
      const { child, said, end } = start(["run", "--", program("stubborn"), "1"]);
      await until(() => /stubborn \d+/.test(said()), "the program to be ready");
      child.kill(signal);
      assert.equal(await end, 7);
      assert.match(said(), new RegExp(`${counted}\\n$`));
    });
  }

  test("SIGHUP or kill -9 of the client leaves the run alone", async () => {
    for (const signal of ["SIGHUP", "SIGKILL"] as const) {
      const { child, said, end } = start(["run", "--name", `left-${signal}`, "--", program("stubborn"), "0"]);
      await until(() => /stubborn \d+/.test(said()), "the program to be ready");
      const pid = Number(/stubborn (\d+)/.exec(said())?.[1]);
      child.kill(signal);
      await end;
      assert.ok(alive(pid));
      assert.equal((await home.sessions()).find((row) => row.name === `left-${signal}`)?.state, "running");
    }
  });

  test("falcon launch trains, can be attached meanwhile, and exits with the run's status", async () => {
    const [file, left] = ["waits", "left"].map((name) => path.join(home.work, name)) as [string, string];
    home.env.TRAINER = trainer;
    const waits = `#!/bin/sh\n"$TRAINER" "$@"; code=$?\nuntil [ -e ${left} ]; do sleep 0.1; done\nexit $code\n`;
    fs.writeFileSync(file, waits, { mode: 0o755 });
    const { said, told, end } = start(["launch", "--falcon", file, "-o", "batch", "samples=256", "epochs=3", "rate=0"]);
    await until(() => /\[INFO\]/.test(said()), "plain lines");
    const terminal = home.terminal(["attach", "batch"], { cols: 100, rows: 30 });
    await terminal.waitFor(/\[INFO\]/);
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit()).code, 0);
    fs.writeFileSync(left, "");
    assert.equal(await end, 0);
    assert.match(said(), /falcon launch completed/);
    assert.match(told(), /^\[batch\] completed after \d+s · falcon show \w+\n$/);
    assert.doesNotMatch(said(), /\r/);
  });

  test("a reader that goes away leaves the run alone", async () => {
    const { child, said } = start(["run", "--name", "deaf", "--", program("footer"), "50", "8"]);
    await until(() => said().length > 0, "some output");
    child.stdout?.destroy();
    await until(async () => child.exitCode !== null || child.signalCode !== null, "the client to end");
    assert.equal((await home.sessions()).find((row) => row.name === "deaf")?.state, "running");
  });
});

function md5(text: string): string {
  return crypto.createHash("md5").update(text).digest("hex");
}
