// Attaching, and every way of leaving: keys, a killed client, a lost line, a hang-up; the program notices
// none of them.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { program } from "../../support/compile.ts";
import { alive, stopped, until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("leaving", () => {
  const home = new TestHome();
  let id: string;
  let pid: number;
  after(() => home.dispose());
  beforeEach(async () => {
    if (id !== undefined) return;
    id = await home.start([program("footer"), "5", "8"], ["--name", "lived"]);
    pid = (await home.untilState(id, "running")).pid as number;
  });

  const attached = async (args: string[] = []) => {
    const terminal = home.terminal(["attach", id, ...args], { cols: 100, rows: 30 });
    await terminal.waitFor("j/k: node");
    return terminal;
  };
  const untouched = async () => {
    assert.ok(alive(pid));
    const row = await until(
      async () => (await home.sessions()).find((r) => r.id === id && (r.viewers as unknown[]).length === 0),
      "nobody to be attached",
    );
    assert.equal(row.state, "running");
    assert.equal(row.pid, pid);
    assert.equal(row.interrupts, 0);
  };

  test("Ctrl-\\ detaches from any session; d is a key like others in falcon run", async () => {
    const terminal = await attached();
    terminal.key("d");
    terminal.key("j");
    await terminal.waitFor(/node1: Epoch/);
    assert.equal(terminal.ended, undefined);
    terminal.key("k");
    await terminal.waitFor(/node0: Epoch/);
    terminal.key("C-\\");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /\[lived\] detached, running/);
    assert.equal(terminal.alternate, false);
    await untouched();
  });

  for (const signal of ["SIGKILL", "SIGHUP", "SIGTERM"] as const) {
    test(`${signal} to an attached client leaves the run untouched`, async () => {
      const terminal = await attached();
      terminal.kill(signal);
      await terminal.exit;
      await untouched();
    });
  }

  test("after SIGTERM the terminal is as it was", async () => {
    const terminal = home.terminal(["-c", `"$0" attach ${id}; echo left $?; exec cat`, falcon], {
      file: "/bin/sh",
      cols: 100,
      rows: 30,
    });
    await terminal.waitFor("j/k: node");
    assert.equal(terminal.lineDiscipline().line, false);
    const client = home.processes().find(({ argv }) => argv[1] === "attach" && argv[2] === id && argv[0] === falcon);
    assert.ok(client);
    process.kill(client.pid, "SIGTERM");
    await terminal.waitFor(/left \d+/);
    assert.deepEqual(terminal.lineDiscipline(), { line: true, echo: true, signals: true });
    assert.equal(terminal.alternate, false);
    assert.equal(terminal.cursor().visible, true);
    terminal.key("C-c");
    await terminal.waitForExit();
    await untouched();
  });

  test("a closed terminal leaves the run untouched", async () => {
    const terminal = await attached();
    terminal.closePty();
    await terminal.exit;
    await untouched();
  });

  test("a client that was stopped with SIGSTOP and goes on draws its screen again", async () => {
    const terminal = await attached();
    terminal.kill("SIGSTOP");
    await until(() => stopped(terminal.pid), "the client to be stopped");
    terminal.kill("SIGCONT");
    const before = terminal.received.length;
    await terminal.waitFor(
      () => terminal.received.length > before + 200 && terminal.text().includes("j/k: node"),
      "the display again",
    );
    terminal.key("C-\\");
    await terminal.waitForExit();
    await untouched();
  });

  test("a read-only viewer sees everything and types nothing", async () => {
    const terminal = await attached(["--read-only"]);
    await terminal.waitFor(/node0: Epoch/);
    terminal.key("j", "C-c");
    const line = Number(/driver message (\d+)/.exec(terminal.text())?.[1] ?? 0);
    await terminal.waitFor(
      () => Number([...terminal.text().matchAll(/driver message (\d+)/g)].at(-1)?.[1]) > line + 3,
      "the display to go on",
    );
    assert.match(terminal.text(), /node0: Epoch/);
    terminal.key("C-\\");
    await terminal.waitForExit();
    await untouched();
  });

  test("two viewers see the same; --take-over sends the other away", async () => {
    const first = await attached();
    const second = await attached();
    second.key("j");
    await first.waitFor(/node1: Epoch/);
    await second.waitFor(/node1: Epoch/);
    second.key("k");
    await first.waitFor(/node0: Epoch/);
    const third = await attached(["--take-over"]);
    for (const terminal of [first, second]) {
      assert.equal((await terminal.waitForExit()).code, 0);
      assert.match(terminal.text(), /taken over by another terminal/);
    }
    third.key("C-\\");
    await third.waitForExit();
    await untouched();
  });

  test("--take-over that cannot attach sends nobody away", async () => {
    const first = await attached();
    const plain = await home.run(["attach", "--take-over", id]);
    assert.equal(plain.code, 2);
    assert.match(plain.stderr, /attach needs a terminal/);
    const itself = home.terminal(["attach", "--take-over", id], { cols: 100, rows: 30, env: { FALCON_SESSION: id } });
    assert.equal((await itself.waitForExit()).code, 2);
    assert.match(itself.text(), /cannot be attached inside itself/);
    first.key("j");
    await first.waitFor(/node1: Epoch/);
    first.key("k");
    await first.waitFor(/node0: Epoch/);
    first.key("C-\\");
    await first.waitForExit();
    await untouched();
  });

  test("the size follows who attached last, and its changes", async () => {
    const sized = await home.start([program("size")], ["--name", "sized"]);
    const terminal = home.terminal(["attach", sized], { cols: 91, rows: 33 });
    await terminal.waitFor("size 91x33");
    terminal.resize(77, 22);
    await terminal.waitFor("size 77x22");
    terminal.key("C-\\");
    await terminal.waitForExit();
    const pinned = await home.start([program("size")], ["--name", "pinned", "--size", "66x20"]);
    const other = home.terminal(["attach", pinned], { cols: 91, rows: 33 });
    await other.waitFor("size 66x20");
    other.resize(50, 15);
    other.key("C-\\");
    await other.waitForExit();
    const rows = await home.sessions();
    assert.deepEqual(
      rows.filter((row) => row.name === "pinned").map(({ cols, rows, pinned }) => ({ cols, rows, pinned })),
      [{ cols: 66, rows: 20, pinned: true }],
    );
    assert.equal(other.text().includes("size 50x15"), false);
  });
});

describe("keys", () => {
  const home = new TestHome();
  after(() => home.dispose());

  /** falcon launch of a program that shows the keys that reach it. */
  const keysOf = async (name: string, mode: string[] = []) => {
    const terminal = home.terminal(["launch", "--falcon", program("rawkeys"), "--name", name, ...mode], {
      cols: 90,
      rows: 24,
      env: { FALCON_TEST: "1" },
    });
    await terminal.waitFor("keys please");
    return terminal;
  };

  test("d typed alone detaches; in a paste, an escape sequence or a terminal's reply it is a key", async () => {
    const terminal = await keysOf("typed");
    terminal.type("\x1b[200~d\x1b[201~");
    terminal.type("\x1b]11;rgb:dddd/dddd/dddd\x1b\\");
    terminal.type("\x1bd");
    terminal.type("abdc");
    terminal.key("x");
    await terminal.waitFor("<78>");
    assert.equal(terminal.ended, undefined, "still attached");
    assert.match(terminal.text(), /<61><62><64><63>/, "typed ahead with others, d is a key");
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /detached, running/);
    assert.doesNotMatch(terminal.text(), /<64>$/m);
  });

  test("the kitty encoding of d detaches too", async () => {
    const terminal = await keysOf("kitty");
    terminal.type("\x1b[100u");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /detached, running/);
  });

  test("Ctrl-\\ twice in a row sends it", async () => {
    const terminal = home.terminal(["launch", "--falcon", program("rawkeys"), "--name", "twice", "--no-signals"], {
      cols: 90,
      rows: 24,
    });
    await terminal.waitFor("keys please");
    terminal.type("\x1c\x1c");
    await terminal.waitFor("<1c>");
    assert.equal(terminal.ended, undefined, "still attached");
    terminal.key("d");
    await terminal.waitForExit();
  });

  test("d is a key while the program reads lines", async () => {
    const lines = path.join(home.work, "reads-lines");
    fs.writeFileSync(lines, '#!/bin/sh\necho lines please\nread line\necho "got $line"\nexec cat\n', { mode: 0o755 });
    const terminal = home.terminal(["launch", "--falcon", lines, "--name", "lines"], { cols: 90, rows: 24 });
    await terminal.waitFor("lines please");
    terminal.key("d");
    terminal.key("Enter");
    await terminal.waitFor("got d");
    assert.equal(terminal.text().includes("detached"), false);
    terminal.key("C-\\");
    await terminal.waitForExit();
  });
});
