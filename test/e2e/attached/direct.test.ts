// A viewer's client reads the output from the holder itself: it goes on while the server stands still or is
// gone, it is filtered, and drawn anew where it has to be.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { parentOf } from "../../../src/platform/processes.ts";
import { program } from "../../support/compile.ts";
import { stopped, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

/** Prints a number every few milliseconds. */
const counting = 'i=0; while :; do i=$((i+1)); printf "%s tick\\r\\n" $i; sleep 0.01; done';

/** Until the server has given the client of a session this way. */
const granted = (home: TestHome, way: "direct" | "keys", id: string) =>
  until(() => home.logged(`viewer.${way}-granted session=${id}`).length > 0, `the ${way} way of the client`);

describe("the direct way", () => {
  const home = new TestHome();
  after(() => home.dispose());

  /** The last number that a terminal shows. */
  const shown = (text: string) => Number(/(\d+) tick\s*$/.exec(text.trimEnd())?.[1] ?? 0);

  test("output goes on while the server is stopped", async () => {
    const id = await home.start(["sh", "-c", counting]);
    const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await terminal.waitFor(/\d tick/);
    const server = home.serverPid() as number;
    await granted(home, "direct", id);
    process.kill(server, "SIGSTOP");
    try {
      const before = shown(terminal.text());
      await terminal.waitFor(() => shown(terminal.text()) > before + 20, "the output to go on without a server");
    } finally {
      process.kill(server, "SIGCONT");
    }
    terminal.key("C-\\");
    await terminal.waitForExit();
  });

  test("after kill -9 of the server output goes on, the title says so, and the next server's screen is the present", async () => {
    const id = await home.start(["sh", "-c", counting]);
    const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await terminal.waitFor(/\d tick/);
    const grants = () => home.logged(`viewer.direct-granted session=${id}`).length;
    for (let kill = 0; kill < 2; kill++) {
      await until(() => grants() > kill, "the client to read the output itself");
      const directs = grants();
      const server = home.serverPid() as number;
      const before = shown(terminal.text());
      process.kill(server, "SIGKILL");
      await until(() => home.serverPid() !== undefined && home.serverPid() !== server, "the next server");
      await until(() => grants() > directs, "the next direct way");
      await terminal.waitFor(() => shown(terminal.text()) > before + 5, "the output to go on");
      const lines = terminal
        .text()
        .split("\n")
        .map((line) => Number(/^(\d+) tick/.exec(line)?.[1] ?? Number.NaN));
      const whole = lines.filter((n) => !Number.isNaN(n));
      for (let i = 1; i < whole.length; i++) assert.equal(whole[i], (whole[i - 1] as number) + 1, terminal.text());
    }
    assert.ok(terminal.received.includes("\x1b]2;falcon: the session server is being started\x07"));
    terminal.key("C-\\");
    await terminal.waitForExit();
  });

  test("the user's rules hold, questions are answered once, and the end comes behind the last byte", async () => {
    const script =
      'stty -echo; printf "\\033]52;c;aGk=\\007\\033[6n\\033]2;mine\\007"; read -r x; printf "after%send" "$(seq -s, 3000 | tail -c 100)"';
    const id = await home.start(["sh", "-c", script], ["--name", "ruled"]);
    const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await granted(home, "direct", id);
    terminal.type("\n");
    await terminal.waitForExit();
    const received = terminal.received.toString("latin1");
    assert.ok(!received.includes("\x1b]52;"), "the clipboard is blocked");
    assert.ok(!received.includes("\x1b[6n"), "the question is not the viewer's");
    assert.match(received, /3000end/);
  });

  test("another viewer's size ends it and begins it anew; a viewer of another size gets frames", async () => {
    const id = await home.start(["sh", "-c", "while :; do read x; stty size; done"], ["--name", "sized"]);
    const first = home.terminal(["attach", id], { cols: 80, rows: 24 });
    first.type("\n");
    await first.waitFor("24 80");
    const second = home.terminal(["attach", id], { cols: 90, rows: 30 });
    await second.waitFor("24 80");
    second.type("\n");
    await second.waitFor("30 90");
    await first.waitFor("30 90");
    first.resize(90, 30);
    first.type("\n");
    await first.waitFor(() => first.text().split("30 90").length === 3);
    await second.waitFor(() => second.text().split("30 90").length === 3);
    for (const terminal of [first, second]) {
      terminal.key("C-\\");
      await terminal.waitForExit();
    }
  });
});

describe("a slow terminal", () => {
  const home = new TestHome();
  after(() => home.dispose());
  /** 80 MB, of which the line takes a thousandth. */
  const lines = 400_000;
  const lineLength = 201;
  /** 1 Mbit/s. */
  const rate = 125_000;

  test("of 1 Mbit/s is never further behind a flood than what it takes in a second or two, and shows the end", async () => {
    const id = await home.start([
      "sh",
      "-c",
      `echo ready; read go; "$1" ${lines} 200; echo done; exec cat`,
      "sh",
      program("flood"),
    ]);
    // how soon a starved machine gives the server its turn is no matter of the server's: the terminal's time
    // goes on with it
    const viewer = home.terminal(["attach", id], { cols: 80, rows: 24, rate, turn: () => home.sessions() });
    await viewer.waitFor("ready");
    await granted(home, "direct", id);
    const log = path.join(home.folder, "s", id, "output.log");
    const begun = fs.statSync(log).size;
    /** How much was written, and how much of it the terminal had taken then. */
    const written: { size: number; taken: number }[] = [];
    let furthest = 0;
    viewer.type("\r");
    await viewer.waitFor(
      () => {
        const taken = viewer.received.length;
        written.push({ size: fs.statSync(log).size - begun, taken });
        const line = Number([...viewer.text().matchAll(/line (\d{8}) /g)].at(-1)?.[1] ?? -1);
        const since = written.find(({ size }) => size > (line + 1) * lineLength);
        if (line >= 0 && since !== undefined) furthest = Math.max(furthest, taken - since.taken);
        return /done/.test(viewer.text());
      },
      "the end of the flood",
      60_000,
    );
    // less than one second's, and what stood in the terminal's own buffers
    assert.ok(furthest < 2 * rate, `${furthest} bytes behind`);
    assert.ok(viewer.received.length < (lines * lineLength) / 10, `${viewer.received.length} bytes were sent`);
  });

  test("that stands still and goes on is at the present", async () => {
    const over = path.join(home.work, "over");
    const id = await home.start(
      ["sh", "-c", `echo ready; read go; "$1" ${lines} 200; echo done; : > ${over}; exec cat`, "sh", program("flood")],
      ["--name", "still"],
    );
    const viewer = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await viewer.waitFor("ready");
    viewer.type("\r");
    await viewer.waitFor(/line 0/);
    viewer.stopReading();
    await until(() => fs.existsSync(over), "the end of the flood");
    const before = viewer.received.length;
    viewer.continueReading();
    await viewer.waitFor("done");
    const more = viewer.received.length - before;
    assert.ok(more < 1 << 20, `${more} bytes of the past were shown first`);
  });
});

describe("a client that stands still", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("keeps nobody from the end of its session, and shows that when it goes on", async () => {
    const script = 'echo ready; while [ ! -e go ]; do sleep 0.05; done; "$1" 40000 200; echo last words';
    const id = await home.start(["sh", "-c", script, "sh", program("flood")]);
    const still = home.terminal(["attach", id], { cols: 80, rows: 24 });
    const other = home.terminal(["attach", id], { cols: 80, rows: 24 });
    for (const terminal of [still, other]) await terminal.waitFor("ready");
    await until(() => home.logged(`viewer.direct-granted session=${id}`).length > 1, "the direct way of both");
    still.kill("SIGSTOP");
    await until(() => stopped(still.pid), "the client to be stopped");
    fs.writeFileSync(path.join(home.work, "go"), "");
    await other.waitForExit();
    await home.untilState(id, "exited");
    assert.ok(stopped(still.pid));
    still.kill("SIGCONT");
    await still.waitForExit();
    for (const terminal of [still, other]) assert.match(terminal.text(), /last words/);
  });
});

describe("leaving", () => {
  const home = new TestHome();
  after(() => home.dispose());

  for (const which of ["program", "holder", "server"] as const)
    test(`a ${which} that stands still, with keys on their way and output that waits, keeps nobody`, async () => {
      const name = `still-${which}`;
      const id = await home.start(["sh", "-c", `stty -icanon -echo; ${counting}`], ["--name", name]);
      const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
      await terminal.waitFor(/\d tick/);
      await granted(home, "direct", id);
      const row = (await home.sessions()).find((session) => session.name === name);
      const program = row?.pid as number;
      const pid = { program, holder: parentOf(program) as number, server: home.serverPid() as number }[which];
      process.kill(pid, "SIGSTOP");
      try {
        terminal.type("typed");
        // one that stands still is left by a third press: TAKEN or its end is the answer
        for (let i = 0; i < (which === "server" ? 3 : 1); i++) terminal.key("C-\\");
        if (which !== "server") terminal.key("d");
        assert.equal((await terminal.waitForExit()).code, 0);
      } finally {
        process.kill(pid, "SIGCONT");
      }
    });
});

describe("keys that the server allowed in advance", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("reach the program while the server is stopped, and in the order in which they were typed", async () => {
    const id = await home.start(["sh", "-c", "stty -icanon -echo min 1; echo ready; exec cat"]);
    const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await terminal.waitFor("ready");
    await granted(home, "keys", id);
    await terminal.waitFor(() => terminal.lineDiscipline().line === false);
    // what goes through the server (an arrow, which cat shows) lies between what does not
    let expected = "";
    for (let i = 0; i < 150; i++) {
      terminal.type(String.fromCharCode(97 + (i % 26)));
      expected += String.fromCharCode(97 + (i % 26));
      if (i % 10 === 9) {
        terminal.type("é");
        expected += "é";
      }
    }
    await terminal.waitFor(() => terminal.text().replaceAll("\n", "").includes(expected), "all keys in their order");
    const server = home.serverPid() as number;
    // nothing tells that the way is open again: that the server is idle does, by any measure
    for (const key of "zabc") {
      expected += key;
      terminal.type(key);
      await terminal.waitFor(() => terminal.text().replaceAll("\n", "").includes(expected));
      await home.sessions();
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    process.kill(server, "SIGSTOP");
    try {
      terminal.type("without a server");
      await terminal.waitFor("without a server");
    } finally {
      process.kill(server, "SIGCONT");
    }
    terminal.key("C-\\");
    await terminal.waitForExit();
  });

  test("an interrupt reaches a program while the server is stopped, and is counted once that goes on", async () => {
    const id = await home.start(["sh", "-c", "trap 'echo interrupted' INT; echo begun; while :; do sleep 0.05; done"]);
    const terminal = home.terminal(["attach", id], { cols: 80, rows: 24 });
    await granted(home, "keys", id);
    await terminal.waitFor("begun");
    terminal.key("C-c");
    await terminal.waitFor("interrupted");
    const interrupts = async () => (await home.sessions()).find((row) => row.id === id)?.interrupts;
    await until(async () => (await interrupts()) === 1, "it to be counted");
    const server = home.serverPid() as number;
    process.kill(server, "SIGSTOP");
    try {
      terminal.key("C-c");
      await terminal.waitFor(/interrupted\s+(\^C)?interrupted/);
    } finally {
      process.kill(server, "SIGCONT");
    }
    await until(async () => (await interrupts()) === 2, "the second to be counted");
    terminal.key("C-\\");
    await terminal.waitForExit();
    await home.ok(["kill", id, "--signal", "KILL"]);
  });
});
