// The built program where the environment is half broken: no or odd locales, terminals, homes and standard
// streams; terminals of one column.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt(), [], "npm run build comes first"));

const root = process.getuid?.() === 0;

describe("an environment that is half broken", () => {
  const home = new TestHome();
  after(() => home.dispose());

  /** Starts, attaches, types, leaves, ends: everything that a person does with a session. */
  async function lives(env: Record<string, string | undefined>, print = "echo 'ready: ü'"): Promise<void> {
    const script = `${print}; while read line; do echo "got $line"; done`;
    const id = await home.start(["/bin/sh", "-c", script], ["--size", "80x24"], { env });
    const terminal = home.terminal(["attach", id], { env });
    await terminal.waitFor("ready: ü");
    terminal.type("héllo\r");
    await terminal.waitFor("got héllo");
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit()).code, 0);
    const listed = await home.run(["sessions"], { env });
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, new RegExp(` ${id} `));
    assert.equal((await home.run(["kill", id], { env })).code, 0);
    await home.untilState(id, "exited");
  }

  test("LANG=C, and no locale at all: what a program prints arrives as it is", async () => {
    await lives({ LANG: "C", LC_ALL: "C" });
    await lives({ LANG: undefined });
  });

  test("TERM=dumb, unknown or not set: the program has a terminal that it knows, tables have no colours", async () => {
    for (const TERM of ["dumb", "no-such-terminal", undefined]) await lives({ TERM }, 'echo "ready: ü $TERM"');
    const id = await home.start(["/bin/cat"]);
    const table = home.terminal(["sessions"], { env: { TERM: "dumb" }, cols: 100 });
    await table.waitForExit();
    assert.ok(table.text().includes(id) && !table.received.includes("\x1b["), JSON.stringify(table.received.toString()));
    await home.ok(["kill", id, "--signal", "KILL"]);
  });

  test("no HOME, an empty one, one that is not there, one that takes nothing", async () => {
    const locked = path.join(home.work, "locked");
    fs.mkdirSync(locked, { mode: 0o555 });
    // root writes where it likes, but not into /proc
    for (const HOME of [undefined, "", "/no/such/home", root ? "/proc/self" : locked])
      await lives({ HOME, XDG_CONFIG_HOME: undefined });
  });

  test("nothing of the environment but what a shell sets itself", async () => {
    const result = await home.run(
      ["-i", `FALCON_SESSIONS_HOME=${home.folder}`, built.falcon, "run", "--", "/bin/echo", "alone"],
      {
        file: "/usr/bin/env",
      },
    );
    assert.equal(result.code, 0, result.stderr);
    assert.equal(result.stdout, "alone\r\n".replace("\r", result.stdout.includes("\r") ? "\r" : ""));
  });
});

describe("closed standard streams", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const shell = (script: string) => home.run(["-c", script, built.falcon], { file: "/bin/sh" });

  for (const closed of ["<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"]) {
    test(closed, async () => {
      const before = (await home.sessions()).length;
      const started = await shell(`"$0" run -d -- /bin/sh -c 'echo out; exit 3' ${closed}`);
      assert.equal(started.code, 0, started.stderr);
      const said = path.join(home.work, "said");
      const followed = await shell(`"$0" run -- /bin/sh -c 'echo hello > ${said}; echo shown; exit 3' ${closed}`);
      assert.equal(followed.code, 3, followed.stderr);
      assert.equal(fs.readFileSync(said, "utf8"), "hello\n");
      const listed = await shell(`"$0" sessions --all ${closed}`);
      assert.equal(listed.code, 0, listed.stderr);
      // what is not closed says what it always says, and nothing else takes its number
      const open = !/(^| )>&-/.test(closed);
      assert.match(started.stdout, open ? /^[a-z0-9]{6}\n$/ : /^$/);
      assert.equal(followed.stdout.trim(), open ? "shown" : "");
      assert.equal(/failed/.test(listed.stdout), open);
      assert.equal((await home.sessions()).length, before + 2);
    });
  }
});

describe("a terminal of one column", () => {
  const home = new TestHome();
  after(() => home.dispose());
  /** The emulator of the tests has two columns at least; the terminal itself need not. */
  const narrow = (terminal: { pid: number }, cols: number, rows: number) =>
    spawnSync("stty", ["-F", fs.readlinkSync(`/proc/${terminal.pid}/fd/0`), "cols", String(cols), "rows", String(rows)]);

  test("attached, resized and left; a viewer of one column beside it; the program goes on", async () => {
    const id = await home.start([
      "/bin/sh",
      "-c",
      'trap "stty size" WINCH; echo ready; while :; do read line; echo "got $line"; done',
    ]);
    const terminal = home.terminal(["attach", id], { cols: 2, rows: 2 });
    await until(async () => (await home.sessions()).find((row) => row.id === id)?.cols === 2, "the session to follow");
    narrow(terminal, 1, 1);
    await until(async () => (await home.sessions()).find((row) => row.id === id)?.cols === 1, "one column");
    const other = home.terminal(["attach", "--read-only", id], { cols: 90, rows: 20 });
    terminal.type("x\r");
    await until(() => other.received.length > 0, "a picture of it");
    other.key("C-\\");
    assert.equal((await other.waitForExit()).code, 0);
    narrow(terminal, 80, 24);
    await until(async () => (await home.sessions()).find((row) => row.id === id)?.cols === 80, "80 columns again");
    narrow(terminal, 1, 200);
    await until(async () => (await home.sessions()).find((row) => row.id === id)?.cols === 1, "one column again");
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.equal((await home.sessions()).find((row) => row.id === id)?.state, "running");
  });

  test("the same looks on as one column of a larger session, and reads tables", async () => {
    const id = await home.start(["/bin/sh", "-c", "echo some words; exec cat"], ["--size", "80x24"]);
    const looking = home.terminal(["attach", "--read-only", id], { cols: 2, rows: 2 });
    await until(() => looking.received.length > 0, "frames");
    narrow(looking, 1, 1);
    looking.key("C-\\");
    assert.equal((await looking.waitForExit()).code, 0);
    for (const args of [["sessions"], ["show", id], ["doctor"], ["logs", id]]) {
      const table = home.terminal(["-c", 'stty cols 1 rows 1; exec "$0" "$@"', built.falcon, ...args], { file: "/bin/sh" });
      assert.ok([0, 1].includes((await table.waitForExit()).code), args.join(" "));
    }
  });
});
