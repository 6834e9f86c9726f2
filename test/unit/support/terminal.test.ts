import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { program } from "../../support/compile.ts";
import { bytesOfKey, UserTerminal } from "../../support/terminal/terminal.ts";

const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", LANG: "C.UTF-8" };

test("nothing of 20 KB that a program prints just before it ends is lost, and its status arrives", async () => {
  const burst = program("burst");
  for (let round = 0; round < 10; round++) {
    const terminal = new UserTerminal(burst, [], { env });
    const { code } = await terminal.waitForExit();
    assert.equal(code, 3);
    const text = terminal.received.toString().replaceAll("\r\n", "\n");
    assert.equal(text.length, 20480);
    assert.ok(text.endsWith("END\n"));
  }
});

test("keys are typed as their names say, and the screen shows what the program did with them", async () => {
  const terminal = new UserTerminal(program("rawkeys"), [], { env });
  await terminal.waitFor("keys please");
  assert.deepEqual(terminal.lineDiscipline(), { line: false, echo: false, signals: true });
  terminal.key("j", "Up");
  await terminal.waitFor("<6a><1b><5b><41>");
  terminal.key("C-\\");
  const { signal } = await terminal.waitForExit();
  assert.equal(signal, 3, "Ctrl-\\ is the tty's SIGQUIT");
  assert.equal(bytesOfKey("C-c"), "\x03");
  assert.throws(() => bytesOfKey("NoSuchKey"));
});

test("a wait that fails says what was waited for and shows the screen", async () => {
  const terminal = new UserTerminal("/bin/sh", ["-c", "echo what there is; exit 5"], { env });
  await assert.rejects(terminal.waitFor("what there is not"), /what there is not[\s\S]*status 5[\s\S]*│what there is +│/);
});

test("a new size reaches the program, and a closed terminal hangs up on it", async () => {
  const terminal = new UserTerminal(program("size"), [], { env, cols: 100, rows: 30 });
  await terminal.waitFor("size 100x30");
  terminal.resize(90, 20);
  await terminal.waitFor("size 90x20");
  terminal.closePty();
  assert.equal((await terminal.exit).signal, 1);
  assert.ok(!fs.existsSync(`/proc/${terminal.pid}`));
});

test("the footer fixture scrolls its log in the region and keeps the footer whole", async () => {
  const terminal = new UserTerminal(program("footer"), ["50", "8"], { env, cols: 100, rows: 20 });
  await terminal.waitFor("driver message 30");
  // the footer is drawn behind the message
  const drawn = () => /j\/k: node/.test(terminal.lines()[19] ?? "") && /^─+$/.test(terminal.lines()[12] ?? "");
  await terminal.waitFor(drawn, "the footer whole");
  assert.ok(terminal.alternate);
  assert.equal(terminal.cursor().visible, false);
  assert.match(terminal.lines()[19] ?? "", /j\/k: node/);
  assert.match(terminal.lines()[12] ?? "", /^─+$/);
  terminal.key("j");
  await terminal.waitFor(/node1: Epoch/);
  terminal.key("C-c");
  assert.equal((await terminal.waitForExit()).code, 0);
  assert.match(terminal.text(), /display saved after \d+ lines, selected node1/);
  assert.equal(terminal.alternate, false);
});
