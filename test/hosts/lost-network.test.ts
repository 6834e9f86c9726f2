// A lost network is no lost viewer: attached to a session of another machine, the terminal says what is
// wrong, waits, and goes on where it was.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { Hosts, hostHome, noHosts } from "../support/machines/hosts.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";

/**
 * A connection that is gone for good is noticed after 2, 3 and 15 seconds, and a network that is back after
 * some more (ms).
 */
const longest = 60_000;

describe("attached to a session of another machine", { skip: noHosts(), concurrency: true }, () => {
  let hosts: Hosts;
  const nodes = ["idle", "flood", "lines", "leave", "reboot", "hang", "refuse"];
  before(async () => {
    hosts = await Hosts.up("login", ...nodes);
  });
  after(() => hosts.down());

  /** What is seen, without the ends of lines that the width makes. */
  const seen = (terminal: UserTerminal) => terminal.lines().join("");

  /** Whether the title says so; xterm.js keeps no stack of titles, so by the bytes. */
  const isSilent = (terminal: UserTerminal, node: string) =>
    terminal.received.lastIndexOf(`\x1b]2;falcon: nothing is heard from ${node}\x07`) >
    terminal.received.lastIndexOf("\x1b[23;2t");
  const silent = (terminal: UserTerminal, node: string) => until(() => isSilent(terminal, node), "the title to say so", longest);
  const heard = (terminal: UserTerminal, node: string) =>
    until(() => !isSilent(terminal, node), "the title to be taken back", longest);

  /** So long that what was typed before would come late, and is asked about. */
  const tooLate = () => new Promise((resolve) => setTimeout(resolve, 3500));

  /** A session on a node, seen on the login host. */
  async function attached(node: string, script: string): Promise<{ id: string; terminal: UserTerminal }> {
    const id = await hosts.ok(node, ["run", "-d", "--name", `s-${node}`, "--", "/bin/sh", "-c", script]);
    await until(async () => (await hosts.ok("login", ["sessions"])).includes(id), "it to be told to the login host");
    return { id, terminal: hosts.terminal("login", ["attach", `s-${node}`], { FALCON_ATTACH_HINT: "off" }) };
  }

  test("idle: a short cut is told and passes; what was typed meanwhile is asked about, and n drops it", async () => {
    const { terminal } = await attached("idle", "echo ready; exec cat");
    await terminal.waitFor("ready");
    terminal.type("before\r");
    await until(() => terminal.text().match(/before/g)?.length === 2, "the echo and the answer");
    await hosts.cable("idle", "down");
    await silent(terminal, "idle");
    terminal.type("rm -rf everything\r");
    await tooLate();
    await hosts.cable("idle", "up");
    await terminal.waitFor(
      () => /Send what was typed meanwhile \(rm -rf everything\^M\)\?/.test(seen(terminal)),
      "the question",
      longest,
    );
    assert.doesNotMatch((await hosts.ok("idle", ["logs", "s-idle"])).toString(), /everything/);
    terminal.type("n");
    terminal.type("after\r");
    await until(() => terminal.text().match(/after/g)?.length === 2, "what is typed now");
    assert.doesNotMatch(terminal.text(), /everything|typed meanwhile/);
    assert.doesNotMatch(await hosts.ok("idle", ["logs", "s-idle"]), /everything/);
    terminal.key("C-\\");
    assert.equal((await terminal.exit).code, 0);
    assert.match(terminal.text(), /\[s-idle\] detached, running/);
  });

  test("under a flood: a long cut is a new connection, the present is drawn, and y sends what was typed, once", async () => {
    const { terminal, id } = await attached(
      "flood",
      `i=0; (while read -r line; do echo "$line" >>${hostHome}/typed; done </dev/tty) & while :; do i=$((i+1)); echo "number $i"; done`,
    );
    await terminal.waitFor(/number \d{3}/);
    await hosts.cable("flood", "down");
    await silent(terminal, "flood");
    const numbers = () => [...terminal.text().matchAll(/number (\d+)/g)].map((m) => Number(m[1]));
    const last = Math.max(...numbers());
    terminal.type("once\r");
    await until(() => isTrying("flood"), "the old connection to be given up", longest);
    await tooLate();
    await hosts.cable("flood", "up");
    await terminal.waitFor(() => /Send what was typed meanwhile \(once\^M\)\?/.test(seen(terminal)), "the question", longest);
    terminal.type("y");
    await terminal.waitFor(() => Math.max(0, ...numbers()) > last + 1000, "the flood as it is now", longest);
    const typed = path.join(hosts.folder, "root", "typed");
    await until(() => fs.existsSync(typed) && fs.readFileSync(typed, "utf8").includes("once"), "what was typed");
    terminal.key("C-\\");
    assert.equal((await terminal.exit).code, 0);
    assert.equal(fs.readFileSync(typed, "utf8"), "once\n");
    await hosts.ok("flood", ["kill", id]);
  });

  test("lines that went by during a long cut are in the terminal's own scrollback, none of them missing", async () => {
    const { terminal } = await attached("lines", 'i=0; while :; do i=$((i+1)); echo "line $i."; sleep 0.05; done');
    await terminal.waitFor(/line \d+\./);
    await hosts.cable("lines", "down");
    await silent(terminal, "lines");
    await until(() => isTrying("lines"), "the old connection to be given up", longest);
    const kept = () => [...terminal.history(), ...terminal.lines()].join("\n");
    const numbers = () => [...kept().matchAll(/line (\d+)\./g)].map((m) => Number(m[1]));
    const last = Math.max(...numbers());
    await hosts.cable("lines", "up");
    await until(() => Math.max(...numbers()) > last + 100, "the lines as they are now", longest);
    terminal.key("C-\\");
    assert.equal((await terminal.exit).code, 0);
    const all = new Set(numbers());
    for (let n = last - 20; n <= last + 100; n++)
      assert.ok(all.has(n), `line ${n}, ${last} was the last before the cut\n${kept()}`);
  });

  /** Whether the login host tries to come back to a node. */
  async function isTrying(node: string): Promise<boolean> {
    const { stdout } = await hosts.command("login", ["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"]);
    return stdout.includes(`ControlPath=none ${node} `);
  }

  test("Ctrl-\\ leaves at once while nothing is heard, and puts the terminal back", async () => {
    const { terminal } = await attached("leave", "echo ready; exec cat");
    await terminal.waitFor("ready");
    await hosts.cable("leave", "down");
    await silent(terminal, "leave");
    terminal.key("C-\\");
    const { code } = await terminal.exit;
    assert.equal(code, 0);
    assert.match(seen(terminal), /nothing is heard from leave, so this terminal has left; what runs there goes on/);
    assert.ok(!isSilent(terminal, "leave"), "the title is taken back");
    await hosts.cable("leave", "up");
    assert.match(await hosts.ok("leave", ["sessions", "--here", "--json"]), /"state": "running"/);
  });

  test("a node that was rebooted: the session is over, and the terminal says why", async () => {
    const { terminal, id } = await attached("reboot", "echo ready; exec cat");
    await terminal.waitFor("ready");
    await hosts.kill("reboot");
    await silent(terminal, "reboot");
    await hosts.boot("reboot");
    await terminal.waitForExit("the end", longest);
    assert.match(terminal.text(), /lost/);
    assert.match(await hosts.ok("login", ["show", id]), /lost/);
  });

  test("a machine that hangs is waited for, and then the session goes on", async () => {
    const { terminal } = await attached("hang", "echo ready; exec cat");
    await terminal.waitFor("ready");
    await hosts.signalAll("hang", "SIGSTOP");
    await silent(terminal, "hang");
    assert.match(await hosts.ok("login", ["sessions"]), /s-hang/);
    await hosts.signalAll("hang", "SIGCONT");
    await heard(terminal, "hang");
    terminal.type("still here\r");
    await terminal.waitFor(/still here\s+still here/, undefined, longest);
    terminal.key("C-\\");
    assert.equal((await terminal.exit).code, 0);
  });

  test("a login that fails is not tried again by itself", async () => {
    const { terminal } = await attached("refuse", "echo ready; exec cat");
    await terminal.waitFor("ready");
    const log = path.join(hosts.folder, "refuse", "sshd.log");
    const refused = () => fs.readFileSync(log, "utf8").match(/Connection closed by authenticating user/g)?.length ?? 0;
    const config = path.join(hosts.folder, "refuse", "sshd_config");
    fs.writeFileSync(config, fs.readFileSync(config, "utf8").replace(/^AuthorizedKeysFile .*$/m, "AuthorizedKeysFile /none"));
    await hosts.signalAll("refuse", "SIGHUP", "sshd_config");
    await until(
      () =>
        fs.readFileSync(log, "utf8").includes("restarting") ||
        /Server listening[\s\S]*Server listening/.test(fs.readFileSync(log, "utf8")),
      "sshd to read its file",
    );
    await hosts.signalAll("refuse", "SIGKILL", ": root@");
    const { code } = await terminal.waitForExit("the end", longest);
    assert.equal(code, 125);
    assert.match(seen(terminal), /refuse cannot be reached again without you: .*Permission denied/);
    await until(() => refused() > 0, "sshd to write it down");
    assert.equal(refused(), 1);
  });
});
