// What attach tells and asks a person: how to leave, that nothing is typed, which session, and whether
// another project's is meant.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { InputMode } from "../../../src/commands/dispatch/call.ts";
import { FrameReader } from "../../../src/protocol/frame.ts";
import { until } from "../../support/events.ts";
import { decodeServerFrame, requestOf, type ServerMessage } from "../../support/holder/client-codec.ts";
import { TestHome } from "../../support/home.ts";
import * as built from "../../support/paths.ts";

before(() => assert.deepEqual(built.notBuilt([built.falcon, built.trainer]), [], "npm run build comes first"));

describe("falcon attach", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("says how to leave, of a plain run too; who may only look and types is told once", async () => {
    const terminal = home.terminal(["run", "--name", "plain", "--", "/bin/cat"]);
    await terminal.waitFor(
      () => /\[plain\] attached · Ctrl-\\ leaves, it goes on/.test(terminal.received.toString()),
      "the hint",
    );
    const viewer = home.terminal(["attach", "plain", "--read-only"]);
    await viewer.waitFor(() => /attached, read-only/.test(viewer.received.toString()), "the viewer");
    terminal.type("hello\r");
    await viewer.waitFor(/hello/);
    viewer.type("x");
    await viewer.waitFor(/You only look \(--read-only\): what you type goes nowhere/);
    viewer.type("y");
    await viewer.waitFor(() => !/You only look/.test(viewer.text()) && /hello/.test(viewer.text()), "the screen again");
    viewer.type("z");
    viewer.type("\x1c");
    assert.equal((await viewer.waitForExit()).code, 0);
    assert.equal(viewer.received.toString().match(/You only look/g)?.length, 1);
    terminal.type("\x1c");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("the terminal is raw before the line that names the leaving key: pressed at once it leaves", async () => {
    const id = await home.start(["/bin/cat"]);
    const socket = net.connect(path.join(home.folder, "server.sock"));
    const said: ServerMessage[] = [];
    const reader = new FrameReader(1 << 20, (type, payload) => said.push(decodeServerFrame(type, payload) ?? { frame: "taken" }));
    socket.on("data", (bytes) => reader.feed(bytes));
    const terminal = { stdin: true, stdout: true, stderr: true, cols: 80, rows: 24, filter: 0 };
    socket.write(requestOf(["attach", "--read-only", id], { terminal, version: "" }));
    const written = () => said.findIndex(({ frame }) => frame === "stdout" || frame === "stderr");
    await until(() => written() >= 0, "the line");
    assert.match(String((said[written()] as { bytes: Buffer }).bytes), /^\[cat\] attached, read-only · .*\r\n$/);
    assert.ok(said.slice(0, written()).some((message) => message.frame === "inputMode" && message.mode === InputMode.raw));
    socket.destroy();
    await home.ok(["kill", id]);
    await home.untilState(id, "exited");
  });

  test("how to leave stands on the screen until a key is typed, while the program goes on; then every row is the program's", async () => {
    const start = home.terminal([
      "run",
      "--name",
      "full",
      "--",
      "/bin/sh",
      "-c",
      "seq 1 200; while read line; do echo got $line; done",
    ]);
    await start.waitFor(/^200$/m);
    start.type("\x1c");
    assert.equal((await start.waitForExit()).code, 0);
    const shown = { env: { FALCON_ATTACH_HINT: "" } };
    const looks = home.terminal(["attach", "full"], shown);
    await looks.waitFor(/^ Ctrl-\\ leaves, it goes on · falcon attach --help lists the keys/m);
    await looks.waitFor(/^200$/m);
    assert.match(looks.title, /^full · Ctrl-\\ detaches$/);
    // what the program says meanwhile is seen above it
    assert.equal((await home.run(["send", "full", "--", "x", "Enter"])).code, 0);
    await looks.waitFor(/^got x$/m);
    looks.type("y\r");
    await looks.waitFor(/^got y$/m);
    await looks.waitFor(() => !/leaves, it goes on/.test(looks.text()), "the program's screen alone");
    assert.deepEqual(
      looks
        .text()
        .split("\n")
        .filter((line) => line !== "")
        .slice(-5),
      ["200", "x", "got x", "y", "got y"],
    );
    looks.type("\x1c");
    assert.equal((await looks.waitForExit()).code, 0);
    // who leaves while it stands there leaves nothing of it behind
    const leaves = home.terminal(["attach", "full"], shown);
    await leaves.waitFor(/leaves, it goes on/);
    await leaves.waitFor(/^got y$/m);
    leaves.type("\x1c");
    assert.equal((await leaves.waitForExit()).code, 0);
    assert.doesNotMatch(leaves.text(), /leaves, it goes on/);
    await home.ok(["kill", "full"]);
    await home.untilState((await home.sessions()).find(({ name }) => name === "full")?.id as string, "exited");
  });

  test("a fresh run says how to leave, too: its first bell and clipboard arrive once, and all its lines are in the scrollback", async () => {
    const program = "printf '\\a\\033]9;first\\a'; echo begun; while read line; do seq 1 $line; printf '\\a'; done";
    const start = home.terminal(["run", "--name", "fresh", "--", "/bin/sh", "-c", program], { env: { FALCON_ATTACH_HINT: "" } });
    await start.waitFor(/^begun$/m);
    await start.waitFor(
      () => /^ Ctrl-\\ leaves, it goes on · falcon attach --help lists the keys/m.test(start.text()),
      "the hint",
    );
    await start.waitFor(() => start.received.includes("\x1b]9;first\x1b\\"), "the notification");
    const noStrings = new RegExp(`${"\x1b"}\\][^${"\x07"}${"\x1b"}]*(${"\x07"}|${"\x1b"}\\\\)`, "g");
    const bells = () => start.received.toString("latin1").replaceAll(noStrings, "").split("\x07").length - 1;
    assert.equal(bells(), 1);
    // the program goes on before a key is typed: more than a screen, and more than the line stands beside
    await home.ok(["send", "fresh", "--text", "3000"]);
    await home.ok(["send", "fresh", "--", "Enter"]);
    await start.waitFor(/^3000$/m);
    await start.waitFor(() => !/leaves, it goes on/.test(start.text()), "the program's screen alone");
    await start.waitFor(() => bells() === 2, "the second bell");
    const numbers = () => [...start.history(), ...start.lines()].filter((line) => /^\d+$/.test(line));
    await start.waitFor(() => numbers().length > 3000, "the scrollback");
    assert.deepEqual(numbers(), ["3000", ...Array.from({ length: 3000 }, (_, i) => String(i + 1))]);
    start.type("\x1c");
    assert.equal((await start.waitForExit()).code, 0);
    await home.ok(["kill", "fresh"]);
    await home.untilState((await home.sessions()).find(({ name }) => name === "fresh")?.id as string, "exited");
  });

  test("on a terminal a name that fits none offers what runs; without one it says so", async () => {
    const script = await home.run(["attach", "nothing"]);
    assert.equal(script.code, 1);
    assert.match(script.stderr, /^falcon: no session 'nothing'/);
    const none = home.terminal(["attach", "nothing"]);
    await none.waitFor(/no session 'nothing'[\s\S]*1 {2}[a-z0-9]{6} {2}plain[\s\S]*Attach to which\?/);
    none.type("\r");
    assert.equal((await none.waitForExit()).code, 1);
    assert.match(none.text(), /nothing was chosen/);
    const one = home.terminal(["attach", "nothing"]);
    await one.waitFor(/Attach to which\?/);
    one.type("1\r");
    await one.waitFor(/hello/);
    one.type("\x1c");
    assert.equal((await one.waitForExit()).code, 0);
  });

  test("launch --attach asks before it attaches to a run of another directory", async () => {
    const [here, there] = ["here", "there"].map((name) => path.join(home.work, name)) as [string, string];
    for (const folder of [here, there]) fs.mkdirSync(folder);
    const id = await home.ok(["launch", "-d", "--falcon", built.trainer, "-o", "run", "samples=256", "epochs=5000", "rate=8"], {
      cwd: there,
    });
    const script = await home.run(["launch", "--attach"], { cwd: here });
    assert.equal(script.code, 1);
    assert.match(
      script.stderr,
      new RegExp(`no run is going in this directory; run \\(${id}\\) is, in ${there}: 'falcon attach ${id}'`),
    );
    const refused = home.terminal(["launch", "--attach"], { cwd: here });
    await refused.waitFor(/Attach to that one\? \[y\/N\]/);
    refused.type("\r");
    assert.equal((await refused.waitForExit()).code, 1);
    for (const [cwd, answer] of [
      [here, "y\r"],
      [there, ""],
    ] as const) {
      const terminal = home.terminal(["launch", "--attach"], { cwd, cols: 100, rows: 40 });
      if (answer !== "") await terminal.waitFor(/\[y\/N\]/);
      terminal.type(answer);
      await terminal.waitFor(() => /\[run\] attached · d or Ctrl-\\ leaves/.test(terminal.received.toString()), "the run");
      await terminal.waitFor(/Epoch/);
      terminal.type("\x1c");
      assert.equal((await terminal.waitForExit()).code, 0);
    }
  });
});
