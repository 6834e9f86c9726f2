// The story of issue 1: launch, see falcon's display, d, come back through another terminal, steer, stop,
// read about it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

/** The stand-in trains, draws falcon's display and writes numbered driver lines. */
const settings = ["epochs=500", "rate=4", "samples=256", "log_rate=40"];

function launchArguments(directory: string): string[] {
  return ["launch", "--falcon", trainer, "-o", directory, ...settings];
}

/**
 * Whether the display stands whole: the last row is the help, the first row of the footer a rule, and there
 * is no second footer.
 */
function wholeFooter(terminal: UserTerminal): boolean {
  const lines = terminal.lines();
  const footer = 20;
  const at = (row: number) => lines.at(-row) ?? "";
  return (
    /\[j\/k\] switch node/.test(at(1)) &&
    /^─+$/.test(at(footer)) &&
    /line.*wave/.test(at(footer - 1)) &&
    /^─+$/.test(at(footer - 2)) &&
    lines.filter((line) => /\[j\/k\] switch node/.test(line)).length === 1
  );
}

/** The numbers of the driver lines that show in the scroll region, from top to bottom. */
function driverLines(terminal: UserTerminal): number[] {
  return terminal.lines().flatMap((line) => {
    const number = /\[INFO\] line (\d+)$/.exec(line)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

/**
 * Waits until the driver's lines have scrolled on by a whole region, then checks that they are consecutive
 * above a whole footer.
 */
async function assertScrolls(terminal: UserTerminal): Promise<void> {
  const before = Math.max(0, ...driverLines(terminal));
  const region = terminal.rows - 20;
  const wanted = Math.min(region - 2, 8);
  await terminal.waitFor(
    () => Math.max(0, ...driverLines(terminal)) >= before + region,
    `the log to scroll past line ${before + region}`,
  );
  // a picture may be taken while a footer is on its way, or a line
  let numbers: number[] = [];
  const whole = () => {
    numbers = driverLines(terminal);
    return wholeFooter(terminal) && !/\[INFO\] line \d+$/.test(terminal.lines()[terminal.cursor().y] ?? "");
  };
  await terminal.waitFor(whole, "a whole footer");
  assert.ok(numbers.length >= wanted, `${numbers.length} driver lines show, not ${wanted}\n${terminal.picture()}`);
  for (const [i, number] of numbers.entries())
    if (i > 0) assert.equal(number, (numbers[i - 1] as number) + 1, terminal.picture());
}

function selected(terminal: UserTerminal): string | undefined {
  return /▸ (\w+)/.exec(terminal.text())?.[1];
}

describe("a run that you can leave and come back to", () => {
  const home = new TestHome();
  let shell: UserTerminal;
  let id: string;
  after(() => home.dispose());

  test("in a shell: falcon launch shows falcon's own display", async () => {
    const bin = path.join(home.work, "bin");
    fs.mkdirSync(bin);
    fs.symlinkSync(falcon, path.join(bin, "falcon"));
    shell = home.terminal(["--norc", "--noprofile", "-i"], {
      file: "/bin/bash",
      cols: 120,
      rows: 40,
      env: { PATH: `${bin}:${home.env.PATH}`, PS1: "shell$ " },
    });
    await shell.waitFor("shell$ ");
    shell.type(`echo before; falcon ${launchArguments("run").join(" ")}\r`);
    await shell.waitFor("[j/k] switch node");
    assert.ok(shell.alternate);
    assert.equal(shell.cursor().visible, false);
    await assertScrolls(shell);
    assert.match(shell.title, /run.*d or Ctrl-\\ detaches/);
  });

  test("d gives the shell back, restored, with one line that says how to come back", async () => {
    shell.key("d");
    await shell.waitFor(/\[run\] detached, running · falcon attach \w{6}\n(.*\n)*shell\$ /);
    const text = shell.text();
    id = /falcon attach (\w{6})/.exec(text)?.[1] ?? "";
    assert.match(shell.history().join("\n"), /echo before/, "what stood on the terminal before is in its scrollback");
    assert.equal(shell.alternate, false);
    assert.equal(shell.cursor().visible, true);
    assert.equal(shell.modes.bracketedPasteMode, true, "bash's own");
    assert.equal(shell.modes.mouseTrackingMode, "none");
    shell.type("stty -a | grep -c -w -e icanon -e echo\r");
    await shell.waitFor(/^[12]$/m);
    shell.type("echo status $?\r");
    await shell.waitFor("status 0");
  });

  test("falcon sessions tells that it runs and nobody looks", async () => {
    const [row] = await home.sessions();
    assert.equal(row?.id, id);
    assert.equal(row?.state, "running");
    assert.equal(row?.name, "run");
    assert.deepEqual(row?.viewers, []);
    assert.equal(row?.runDirectory, path.join(home.work, "run"));
    const table = await home.ok(["sessions"]);
    assert.match(table, new RegExp(`^● running .* run +${id} `, "m"));
  });

  test("the run goes on when the terminal that started it is closed", async () => {
    const output = path.join(home.work, "run/graph/driver/output.log");
    const size = fs.statSync(output).size;
    shell.closePty();
    await shell.exit;
    await until(() => fs.statSync(output).size > size, "the run to log more");
    assert.equal((await home.sessions())[0]?.state, "running");
  });

  // at other sizes: load/sizes
  test("falcon attach from another terminal shows the run as it stands, and its log scrolls in its region", async () => {
    const terminal = home.terminal(["attach", id], { cols: 100, rows: 32 });
    await terminal.waitFor("[j/k] switch node");
    await assertScrolls(terminal);
    assert.ok(terminal.alternate);
    assert.equal(terminal.cursor().visible, false);
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), new RegExp(`\\[run\\] detached, running · falcon attach ${id}`));
  });

  test("j and k move the selected node", async () => {
    const terminal = home.terminal(["attach"], { cols: 120, rows: 40 });
    await terminal.waitFor("[j/k] switch node");
    let first: string | undefined;
    await terminal.waitFor(() => {
      first = selected(terminal);
      return first !== undefined;
    }, "a selected node");
    terminal.key("j");
    await terminal.waitFor(() => selected(terminal) !== undefined && selected(terminal) !== first, "j to select another node");
    terminal.key("k");
    await terminal.waitFor(() => selected(terminal) === first, `k to go back to ${first}`);
    terminal.key("d");
    await terminal.waitForExit();
  });

  test("falcon launch --attach attaches to the run that is going, and never starts one", async () => {
    // a link leads there as well
    fs.symlinkSync(".", path.join(home.work, "here"));
    for (const directory of ["run", "here/run"]) {
      const terminal = home.terminal(["launch", "--attach", "-o", directory], { cols: 120, rows: 40 });
      await terminal.waitFor("[j/k] switch node");
      terminal.key("C-\\");
      assert.equal((await terminal.waitForExit()).code, 0);
    }
    const refused = await home.run(["launch", "--attach", "-o", "elsewhere"]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /elsewhere/);
    assert.equal((await home.sessions()).length, 1);
  });

  test("the same run directory is refused, with the session's name and the way to it", async () => {
    const refused = await home.run(launchArguments("run"));
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, new RegExp(`falcon attach ${id}`));
    assert.match(refused.stderr, /\(run\)/);
    assert.equal(refused.stderr.trim().split("\n").length, 1);
    assert.equal((await home.sessions()).length, 1);
  });

  test("Ctrl+C once stops it gracefully; what it says at the end is shown, with its status", async () => {
    const terminal = home.terminal(["attach", id], { cols: 120, rows: 40 });
    await terminal.waitFor("[j/k] switch node");
    terminal.key("C-c");
    const { code } = await terminal.waitForExit();
    assert.equal(code, 0);
    assert.match(terminal.text(), /falcon launch interrupted|falcon launch completed/, terminal.picture());
    assert.match(terminal.text(), new RegExp(`\\[run\\] stopped after .* · falcon show ${id}`));
    assert.equal(terminal.alternate, false);
    assert.equal(terminal.cursor().visible, true);
    assert.ok(fs.existsSync(path.join(home.work, "run/graph/line/model.json")), "the model was saved");
  });

  test("falcon sessions and show tell the story afterwards", async () => {
    const row = await home.untilState(id, "exited");
    assert.equal(row.exitCode, 0);
    assert.equal(row.interrupts, 1);
    const shown = await home.ok(["show", id]);
    assert.match(shown, /^state {5}stopped after /m);
    assert.match(shown, /falcon launch interrupted/);
    assert.match(await home.ok(["sessions"]), /■ stopped +line \d+\/\d+.* · model saved · ran \d/);
  });
});

test("a second Ctrl+C is asked about before it goes, and falcon stop --force is it", async () => {
  const home = new TestHome();
  try {
    // hang_at: from then on the graceful stop is noted and nothing follows, as when falcon's handler meets a
    // lock
    const terminal = home.terminal(["launch", "--falcon", trainer, "-o", "hung", "samples=256", "rate=8", "hang_at=1"], {
      cols: 120,
      rows: 40,
    });
    await terminal.waitFor("[wave] Training started");
    terminal.key("C-c");
    await terminal.waitFor("Stopping gracefully");
    terminal.key("C-c");
    await terminal.waitFor(/second Ctrl\+C.*\[y\/N\]/);
    terminal.key("n");
    await terminal.waitFor(() => !/\[y\/N\]/.test(terminal.text()), "the question to go");
    const [row] = await home.sessions();
    assert.equal(row?.interrupts, 1, "no was no");
    const hangs = await home.run(["stop", "hung", "--timeout", "1"]);
    assert.equal(hangs.code, 125);
    assert.match(hangs.stderr, /hangs/);
    terminal.key("C-c");
    await terminal.waitFor(/\[y\/N\]/);
    terminal.key("y");
    // Python's status after a KeyboardInterrupt that falcon lets through
    assert.equal((await terminal.waitForExit()).code, 1);
    assert.match(await home.ok(["show", "hung"]), /^state {5}stopped .*not saved/m);
  } finally {
    await home.dispose();
  }
});
