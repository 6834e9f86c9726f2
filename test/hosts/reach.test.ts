// A session of another machine is reached by its name or id alone, through the ssh of the user.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { Hosts, hostHome, noHosts } from "../support/machines/hosts.ts";
import { falcon } from "../support/paths.ts";

describe("three hosts of one home directory", { skip: noHosts() }, () => {
  let hosts: Hosts;
  let id: string;
  before(async () => {
    hosts = await Hosts.up("login", "node1", "node2");
    id = await hosts.ok("node1", ["run", "-d", "--name", "one", "--", "/bin/sh", "-c", "echo hello from $(hostname); exec cat"]);
    await until(async () => (await hosts.ok("login", ["sessions"])).includes(id), "it to be told to the login host");
  });
  after(() => hosts.down());

  test("show, logs, send and rename run there, by name or id, with every word as it was given", async () => {
    assert.match(await hosts.ok("login", ["show", "one"]), new RegExp(`${id}[\\s\\S]*node1`));
    assert.match(await hosts.ok("node2", ["logs", id]), /hello from node1/);
    const words = 'it\'s $(touch /tmp/never) "quoted"; a\\b';
    await hosts.ok("login", ["send", "one", "--text", words]);
    await hosts.ok("login", ["send", id, "Enter"]);
    await until(async () => (await hosts.ok("login", ["logs", "one"])).includes(words), "what was sent to arrive as it was");
    await hosts.ok("login", ["rename", "one", "renamed"]);
    assert.match(await hosts.ok("node1", ["sessions"]), /renamed/);
  });

  test("at a terminal a command there says what it says, and nothing of the connection that it went through", async () => {
    const terminal = hosts.terminal("login", ["rename", id, "again"]);
    assert.equal((await terminal.exit).code, 0);
    assert.doesNotMatch(terminal.text(), /onnection to/);
    assert.match(await hosts.ok("node1", ["sessions"]), /again/);
    await hosts.ok("login", ["rename", id, "renamed"]);
  });

  test("attach shows its screen in this terminal, and d leaves it running", async () => {
    const terminal = hosts.terminal("login", ["attach", id]);
    await until(() => terminal.text().includes("hello from node1"), "its screen");
    terminal.type("\x1cd");
    assert.equal((await terminal.exit).code, 0);
    assert.match(await hosts.ok("node1", ["sessions", "--json"]), /"state": "running"/);
  });

  test("attach with a key that has a passphrase: ssh asks for it in this terminal, once, and nothing else is typed there", async () => {
    const key = path.join(hosts.folder, "root", ".ssh", "id_ed25519");
    const locked = (from: string, to: string) => execFileSync("ssh-keygen", ["-q", "-p", "-P", from, "-N", to, "-f", key]);
    await hosts.run("login", ["server", "stop"]);
    locked("", "open it");
    try {
      const terminal = hosts.terminal("login", ["attach", id]);
      await terminal.waitFor(/Enter passphrase for key/);
      assert.doesNotMatch(terminal.text(), /denied/);
      terminal.type("open it\r");
      await until(() => terminal.text().includes("hello from node1"), "its screen");
      terminal.type("\x1cd");
      assert.equal((await terminal.exit).code, 0);
      assert.doesNotMatch(await hosts.ok("node1", ["logs", id]), /open it/);
    } finally {
      locked("open it", "");
    }
  });

  test("a machine that does not answer costs one try, is named, and exits 255; names that mean nothing do not leave this one", async () => {
    await hosts.cable("node1", "down");
    const said = await hosts.run("login", ["show", id]);
    assert.equal(said.code, 255, said.stdout);
    // ssh says first where a connection of ours was open, and then what it tried itself
    const [last, ...before] = said.stderr.trim().split("\n").reverse();
    assert.match(last ?? "", /node1/);
    assert.match(before.join("\n"), /^(mux_client\S+ [^\n]*)?$/);
    await hosts.cable("node1", "up");
    const none = await hosts.run("login", ["show", "nosuch"]);
    assert.equal(none.code, 1);
  });

  test("a login that is refused is not tried again, and asks nobody without a terminal", async () => {
    const keys = path.join(hosts.folder, "root", ".ssh", "authorized_keys");
    const text = fs.readFileSync(keys);
    fs.writeFileSync(keys, "");
    const log = path.join(hosts.folder, "node1", "sshd.log");
    const before = fs.readFileSync(log, "utf8").length;
    const said = await hosts.run("login", ["show", id]);
    fs.writeFileSync(keys, text);
    assert.equal(said.code, 255);
    assert.match(said.stderr, /Permission denied/);
    const tries = () =>
      fs
        .readFileSync(log, "utf8")
        .slice(before)
        .match(/Connection closed by authenticating user/g)?.length ?? 0;
    await until(() => tries() > 0, "sshd to write it down");
    assert.equal(tries(), 1);
  });

  test("where the far side has no falcon-sessions on PATH, the sentence says what to do", async () => {
    const link = path.join(hosts.folder, "bin", "falcon-sessions");
    const target = fs.readlinkSync(link);
    fs.rmSync(link);
    const said = await hosts.run("login", ["show", id]);
    fs.symlinkSync(target, link);
    assert.equal(said.code, 127);
    assert.match(said.stderr, /^falcon: node1 has no falcon-sessions on the PATH of a shell that is not interactive: put/);
  });

  test("what was sent on is not sent on again: a roster that is wrong makes no circle", async () => {
    const { code, stderr } = await hosts.run("login", ["@here", "show", id]);
    assert.equal(code, 1, stderr);
  });

  test("tag, logs -f, wait, export, relaunch and stop run there, and the watch shows it with its machine", async () => {
    const script = 'echo work begun; while [ ! -e "$HOME/go" ]; do sleep 0.1; done; echo done; exit 3';
    const run = await hosts.ok("node1", ["run", "-d", "--name", "work", "--", "/bin/sh", "-c", script]);
    await until(async () => (await hosts.ok("login", ["sessions"])).includes(run), "it to be told to the login host");
    const watch = hosts.terminal("login", ["sessions", "--watch"], { FALCON_ATTACH_HINT: "off" });
    await watch.waitFor(/HOST[\s\S]*work .*node1/, undefined, 60_000);
    watch.type("q");
    assert.equal((await watch.exit).code, 0);
    await hosts.ok("login", ["tag", "work", "prior=wide"]);
    assert.match(await hosts.ok("node1", ["show", run]), /prior=wide/);
    const followed = hosts.run("login", ["logs", "-f", "work"]);
    const waited = hosts.run("login", ["wait", "work"]);
    await until(async () => (await hosts.ok("node1", ["logs", run])).includes("begun"), "its beginning");
    fs.writeFileSync(path.join(hosts.folder, "root", "go"), "");
    assert.equal((await waited).code, 3);
    assert.match((await followed).stdout, /begun\r?\ndone/);
    // in the folder of the same path
    const file = `${hostHome}/work.txt`;
    await hosts.ok("login", ["export", run, "--format", "text", "-o", file]);
    assert.match(fs.readFileSync(path.join(hosts.folder, "root", "work.txt"), "utf8"), /done/);
    const figures = path.join(hosts.folder, "root", "figures");
    fs.mkdirSync(figures);
    const below = (words: string) => hosts.command("login", ["sh", "-c", `cd ${hostHome}/figures && exec ${falcon} ${words}`]);
    const compared = await below("compare renamed work --format json -o both.json");
    assert.equal(compared.code, 0, compared.stderr);
    assert.match(fs.readFileSync(path.join(figures, "both.json"), "utf8"), /"renamed"[\s\S]*"work"/);
    // the same word is an option's value before it is the session's
    assert.equal(await hosts.ok("login", ["logs", "--grep", "work", "work"]), "work begun");
    fs.rmSync(path.join(hosts.folder, "root", "go"));
    const again = await hosts.ok("login", ["relaunch", "-d", run]);
    await until(async () => (await hosts.ok("login", ["sessions"])).includes(again), "it to be told to the login host");
    await hosts.ok("login", ["stop", again]);
    const row = async () =>
      (JSON.parse(await hosts.ok("node1", ["sessions", "--all", "--json", "--here"])) as { id: string; state: string }[]).find(
        ({ id }) => id === again,
      );
    await until(async () => (await row())?.state === "exited", "its end");
  });

  test("config table reach names the way to one machine, for commands and for attach", async () => {
    const wrapper = path.join(hosts.folder, "root", "detour");
    fs.writeFileSync(wrapper, `#!/bin/sh\necho "$#" >>${wrapper}.log\nexec ssh -T node1 "$@"\n`, { mode: 0o755 });
    const config = path.join(hosts.folder, "root", ".config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), `[reach]\nnode1 = ["${hostHome}/detour"]\n`);
    await hosts.run("login", ["server", "stop"]);
    assert.match(await hosts.ok("login", ["show", id]), /node1/);
    const terminal = hosts.terminal("login", ["attach", id]);
    await until(() => terminal.text().includes("hello from node1"), "its screen");
    terminal.type("\x1cd");
    assert.equal((await terminal.exit).code, 0);
    // the command line for the far shell is one word
    assert.equal(fs.readFileSync(`${wrapper}.log`, "utf8"), "1\n1\n");
  });

  test("config key ssh says how; stop and kill end it from here", async () => {
    const wrapper = path.join(hosts.folder, "root", "way");
    fs.writeFileSync(wrapper, `#!/bin/sh\necho "$@" >>${wrapper}.log\nexec ssh "$@"\n`, { mode: 0o755 });
    const config = path.join(hosts.folder, "root", ".config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), `ssh = ["${hostHome}/way", "-4"]\n`);
    await hosts.run("login", ["server", "stop"]);
    await hosts.ok("login", ["kill", id]);
    await until(async () => !/"state": "running"/.test(await hosts.ok("node1", ["sessions", "--json", "--here"])), "its end");
    assert.match(
      fs.readFileSync(`${wrapper}.log`, "utf8"),
      /^-4 -G node1\n-4 (-o (Control|ServerAlive)\S+ ){4}-T -o ForwardAgent=no -o BatchMode=yes -o ConnectTimeout=10 node1 /,
    );
  });
});
