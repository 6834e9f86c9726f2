// The history while attached, and the replay of a session: what a person sees and which keys do what.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";
import { footerReaches } from "../../support/terminal/footer.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("history while attached", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("Ctrl-\\ [ opens it on falcon's display, it scrolls and searches, q returns to the live screen", async () => {
    const id = await home.start([program("footer"), "200", "8"], ["--name", "long"]);
    const terminal = home.terminal(["attach", id], { cols: 100, rows: 30 });
    await footerReaches(terminal, 150);
    // in one piece: Ctrl-\ waits for its key for a moment only
    terminal.type("\x1c[");
    await terminal.waitFor(/long · line \d+ of \d+/);
    assert.doesNotMatch(terminal.text(), /j\/k: node/);
    // all rows are driver lines, in order
    const shown = () => [...terminal.text().matchAll(/driver message (\d+)$/gm)].map(([, n]) => Number(n));
    // a picture may be taken while one is being drawn: the rows are waited for until they stand in order
    const inOrder = () => shown().length === 29 && shown().every((n, i, all) => n === (all[0] as number) + i);
    await terminal.waitFor(inOrder, "29 driver lines in order");
    const first = shown();
    // it goes on with the run
    await terminal.waitFor(() => (shown()[28] as number) > (first[28] as number) + 100);
    terminal.key("g");
    await terminal.waitFor(() => shown()[0] === 0 && shown()[28] === 28);
    terminal.key("PageDown");
    await terminal.waitFor(() => shown()[0] === 28);
    terminal.key("Up", "Up");
    await terminal.waitFor(() => shown()[0] === 26);
    terminal.key("G");
    await terminal.waitFor(() => (shown()[0] as number) > 100);
    terminal.type("/message 77\r");
    // by then there may be a message 770, or ten of them: n goes to older ones
    await terminal.waitFor(() => {
      if (!shown().includes(77)) terminal.key("n");
      return shown().includes(77) && shown().length === 29;
    });
    terminal.type("/nowhere\r");
    await terminal.waitFor("no older line holds 'nowhere'");
    terminal.resize(80, 20);
    await terminal.waitFor(() => shown().length === 19);
    terminal.key("q");
    await terminal.waitFor("j/k: node");
    assert.equal(terminal.ended, undefined);
    terminal.key("C-\\", "x");
    assert.equal((await terminal.waitForExit()).code, 0);
    await home.ok(["kill", id]);
  });

  test("a viewer that moves and leaves before the lines are there leaves it, and nothing goes on behind", async () => {
    const id = await home.start(["sh", "-c", "seq 1 100; read x"]);
    const terminal = home.terminal(["attach", id], { cols: 60, rows: 12 });
    await terminal.waitFor("100");
    // in one piece: all of it comes before the log was looked at
    terminal.type("\x1c[\x1b[5~kgbq");
    await terminal.waitFor(() => /^100$/m.test(terminal.text()) && !/line \d+ of|loading/.test(terminal.text()));
    assert.match(await home.ok(["sessions"]), new RegExp(id));
    terminal.key("C-\\", "x");
    await terminal.waitForExit();
    await home.ok(["kill", id]);
  });

  test("a flood of short lines: it goes on with the last ones, and where it stands elsewhere it stays", async () => {
    const flood = (lines: number) => `yes | head -n ${lines}; echo over`;
    const id = await home.start(["sh", "-c", `seq 1 100; read x; ${flood(400_000)}; read x; ${flood(150_000)}; read x`]);
    const terminal = home.terminal(["attach", id], { cols: 100, rows: 12 });
    await terminal.waitFor("100");
    // in one piece: Ctrl-\ waits for its key for a moment only
    terminal.type("\x1c[");
    await terminal.waitFor(/line 100 of 100/);
    await home.ok(["send", id, "Enter"]);
    await terminal.waitFor(/^over$[\s\S]*line 40010\d of 40010\d/m);
    terminal.key("PageUp");
    await terminal.waitFor(/line 40009\d of 40010\d/);
    await home.ok(["send", id, "Enter"]);
    await terminal.waitFor(/line 40009\d of 55010\d/);
    terminal.key("G");
    await terminal.waitFor(/^over$[\s\S]*line 55010\d of 55010\d/m);
    terminal.key("q");
    await terminal.waitFor(() => !/line \d+ of/.test(terminal.text()));
    terminal.key("C-\\", "x");
    await terminal.waitForExit();
    await home.ok(["kill", id]);
  });

  test("on the normal screen it shows what the program printed, with its colours", async () => {
    const id = await home.start(
      ["sh", "-c", "for i in $(seq 1 60); do printf 'row \\033[31m%d\\033[0m\\n' $i; done; read x"],
      ["--size", "60x10"],
    );
    const terminal = home.terminal(["attach", id], { cols: 60, rows: 10 });
    await terminal.waitFor("row 60");
    terminal.type("\x1c[");
    await terminal.waitFor(/line 60 of 60/);
    terminal.key("g");
    await terminal.waitFor(() => terminal.lines()[0] === "row 1");
    const cell = terminal.screen.buffer.active.getLine(terminal.screen.buffer.active.baseY)?.getCell(4);
    assert.equal(cell?.getFgColor(), 1);
    terminal.key("q");
    await terminal.waitFor(() => terminal.lines()[8] === "row 60");
    terminal.key("C-\\", "x");
    await terminal.waitForExit();
    await home.ok(["kill", id]);
  });
});

describe("replay", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("plays to the end, where each key that goes back plays again; q leaves the terminal as it was", async () => {
    const id = await home.start(
      ["sh", "-c", "echo one; sleep 1.5; printf '\\033[H\\033[2J\\033[32mtwo\\033[0m\\n'"],
      ["--size", "70x12"],
    );
    await home.untilState(id, "exited");
    const terminal = home.terminal(["replay", id], { cols: 100, rows: 12 });
    for (const key of [" ", "Home", "Left"]) {
      await terminal.waitFor(/^two[\s\S]* end {2}/);
      terminal.key(key);
      await terminal.waitFor(/^one[\s\S]* 1x {2}/);
      terminal.key("End");
    }
    await terminal.waitFor(/^two[\s\S]* end {2}/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.equal(terminal.alternate, false);
    assert.equal(terminal.cursor().visible, true);
  });

  test("begins at a moment, with the screen of that moment", async () => {
    const id = await home.start([program("footer"), "50", "8"]);
    const terminal = home.terminal(["attach", id], { cols: 100, rows: 30 });
    await footerReaches(terminal, 100);
    terminal.key("C-\\", "x");
    await terminal.waitForExit();
    await home.ok(["send", id, "C-c"]);
    await home.untilState(id, "exited");
    const again = home.terminal(["replay", id, "--at", "1s", "--speed", "0.0625"], { cols: 100, rows: 30 });
    await again.waitFor(/driver message (4\d|5\d)/);
    assert.doesNotMatch(again.text(), /driver message 100/);
    again.key(" ");
    await again.waitFor(/ paused {2}\d+s of/);
    again.key("q");
    assert.equal((await again.waitForExit()).code, 0);
  });

  test("one that is paused stands where it was with the next server, also where the first output came late", async () => {
    const id = await home.start(["sh", "-c", "sleep 1.5; echo first; sleep 0.5; echo second; sleep 2.5; echo third"]);
    await home.untilState(id, "exited");
    // in the midst of a silence: the screen is that of before, and not the one after it
    const terminal = home.terminal(["replay", id, "--at", "3.6s", "--speed", "0.0625"], { cols: 100, rows: 12 });
    await terminal.waitFor(/^first\nsecond\n\n/);
    terminal.key(" ");
    await terminal.waitFor(/ paused {2}[12]s of/);
    const [server, { length }] = [home.serverPid() as number, terminal.received];
    process.kill(server, "SIGKILL");
    await home.nextServer(server);
    await terminal.waitFor(() => / paused {2}[12]s of/.test(terminal.received.subarray(length).toString("latin1")));
    await terminal.waitFor(/^first\nsecond\n\n/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("one that plays goes on where it was with the next server, though no key was pressed", async () => {
    const id = await home.start(["sh", "-c", "echo first; sleep 2; echo second; sleep 6; echo third"]);
    await home.untilState(id, "exited");
    const terminal = home.terminal(["replay", id, "--idle", "0"], { cols: 100, rows: 12 });
    await terminal.waitFor(/^first\nsecond\n\n/);
    // a key that does nothing shows the bar, behind what the client is told
    terminal.type("x");
    await terminal.waitFor(/ 1x {2}[23]s of/);
    const server = home.serverPid() as number;
    process.kill(server, "SIGKILL");
    await home.nextServer(server);
    const { length } = terminal.received;
    const bar = () => / 1x {2}(\S+) of/.exec(terminal.received.subarray(length).toString("latin1"))?.[1];
    await terminal.waitFor(() => bar() !== undefined, "the next server's bar");
    assert.match(String(bar()), /^[2-5]s$/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("keys that come before the first screen is there, and while much is drawn", async () => {
    // nothing of it can be skipped
    const id = await home.start(["seq", "-f", "\x1b[2J\x1b[Hline %.0f of a long recording", "1", "60000"]);
    await home.untilState(id, "exited");
    const early = home.terminal(["replay", id, "--at", "-0.1s"], { cols: 100, rows: 12 });
    await early.waitFor(/q leaves/);
    early.key("Left");
    await early.waitFor("of a long recording");
    early.key("q");
    assert.equal((await early.waitForExit()).code, 0);

    const terminal = home.terminal(["replay", id, "--speed", "1024"], { cols: 100, rows: 12 });
    for (let i = 0; i < 3; i++) {
      await terminal.waitFor(/line \d+ of a long recording/);
      terminal.key("Left");
    }
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("a pipe, a wrong speed and a moment outside of the session get a sentence", async () => {
    const id = await home.start(["true"]);
    await home.untilState(id, "exited");
    const piped = await home.run(["replay", id]);
    assert.equal(piped.code, 2);
    assert.match(piped.stderr, /replay needs a terminal/);
    const speed = await home.run(["replay", id, "--speed", "0"]);
    assert.equal(speed.code, 2);
    assert.match(speed.stderr, /--speed 0: give a number/);
  });
});
