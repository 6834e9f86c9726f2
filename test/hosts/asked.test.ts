// Machines that share no folder with this one: named in `[hosts] list`, asked over ssh, listed and reached as
// any other, and looked at by `falcon doctor`.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { patience, until } from "../support/events.ts";
import { Hosts, hostHome, noHosts } from "../support/machines/hosts.ts";

interface Row {
  id: string;
  name: string;
  host: string;
  state: string;
}

/** A machine that did not answer a list, which may be any on a busy one, is left alone for a minute (ms). */
const askedAgain = patience + 60_000;

describe("a desk that shares nothing with a cluster of two", { skip: noHosts() }, () => {
  let hosts: Hosts;
  const ids: Record<string, string> = {};
  const site = () => path.join(hosts.folder, "site");
  /** Once every machine has answered. */
  const list = () =>
    until(
      async () => {
        const { stdout, stderr } = await hosts.run("desk", ["sessions", "--json"]);
        return stderr === "" && (JSON.parse(stdout) as Row[]);
      },
      "a list of all machines",
      askedAgain,
    );
  const doctor = async () => {
    const { stdout } = await hosts.run("desk", ["doctor", "--json"]);
    const { conditions } = JSON.parse(stdout) as { conditions: { name: string; findings: { id: string; what: string }[] }[] };
    return conditions.find(({ name }) => name === "machines")?.findings ?? [];
  };
  /** Once the doctor, who asks each time, has been answered: what is asked soon after goes the same way. */
  const answered = () => until(async () => (await doctor()).length === 0, "the doctor to find nothing");
  const log = () => fs.readFileSync(path.join(hosts.folder, "gate", "sshd.log"), "utf8");
  const count = (text: string) => log().split(text).length - 1;
  const configure = (text: string) => {
    const config = path.join(hosts.folder, "root", ".config", "falcon-sessions");
    fs.mkdirSync(config, { recursive: true });
    fs.writeFileSync(path.join(config, "config.toml"), text);
  };

  before(async () => {
    hosts = await Hosts.up("desk", "gate", "node");
    fs.cpSync(path.join(hosts.folder, "root"), site(), { recursive: true });
    for (const name of ["gate", "node"]) assert.equal((await hosts.command(name, ["mount", "--bind", site(), hostHome])).code, 0);
    configure('[hosts]\nlist = ["gate"]\n');
    for (const name of ["gate", "node"])
      ids[name] = await hosts.ok(name, [
        "run",
        "-d",
        "--name",
        `on-${name}`,
        "--",
        "/bin/sh",
        "-c",
        "echo from $(hostname); exec cat",
      ]);
    await until(async () => {
      const rows = JSON.parse(await hosts.ok("gate", ["sessions", "--json"])) as Row[];
      return rows.length === 2 && rows.every(({ state }) => state === "running");
    }, "the cluster to share its list");
    await answered();
  });
  after(() => hosts.down());

  test("its sessions, and those of the machines that share a roster with it, are listed and completed", async () => {
    const rows = await list();
    assert.deepEqual(rows.map(({ name, host, state }) => `${name} ${host} ${state}`).sort(), [
      "on-gate gate running",
      "on-node node running",
    ]);
    assert.match(await hosts.ok("desk", ["@complete", "show", "on-"]), /on-gate\trunning on gate/);
  });

  test("one connection of ours serves all, in a folder of 0700, and ends with the server", async () => {
    await answered();
    const logins = count("Accepted publickey");
    await hosts.ok("desk", ["show", "on-gate"]);
    await hosts.ok("desk", ["logs", "on-gate"]);
    assert.equal(count("Accepted publickey"), logins, log());
    const { stdout } = await hosts.command("desk", [
      "sh",
      "-c",
      "stat -c '%a %F' /run/user/0/falcon-ssh-*; ls /run/user/0/falcon-ssh-*",
    ]);
    assert.match(stdout, /700 directory\n[0-9a-f]{40}\n/);
    await hosts.ok("desk", ["server", "stop"]);
    await until(
      async () => (await hosts.command("desk", ["sh", "-c", "ls -d /run/user/0/falcon-ssh-*"])).code !== 0,
      "the folder to go",
    );
  });

  test("a connection of the user's own configuration comes first", async () => {
    const own = path.join(hosts.folder, "root", ".ssh", "config");
    fs.writeFileSync(own, `Host gate\n  ControlMaster auto\n  ControlPath ${hostHome}/.ssh/own-%C\n  ControlPersist 60\n`);
    await answered();
    await hosts.ok("desk", ["show", "on-gate"]);
    assert.match(fs.readdirSync(path.dirname(own)).join(" "), /own-/);
    assert.equal((await hosts.command("desk", ["sh", "-c", "ls /run/user/0/falcon-ssh-*/*"])).code, 2, "none of ours");
    await hosts.command("desk", ["ssh", "-O", "exit", "gate"]);
    fs.rmSync(own);
  });

  test("attach goes there, and through it to the machines behind it", async () => {
    for (const name of ["gate", "node"]) {
      const terminal = hosts.terminal("desk", ["attach", `on-${name}`]);
      await until(
        () => terminal.text().includes(`from ${name}`),
        () => `the screen: ${terminal.text()}`,
      );
      terminal.type("\x1cd");
      assert.equal((await terminal.exit).code, 0);
    }
    await hosts.ok("desk", ["send", ids.node as string, "--text", "typed at the desk"]);
    await until(async () => (await hosts.ok("node", ["logs", "on-node"])).includes("typed at the desk"), "what was sent");
  });

  test("a clock that is off, another version and a home that is none are told by the doctor, each in one sentence", async () => {
    await answered();
    // a file of a machine that is said to share the folder, and does not see it
    const roster = path.join(hosts.folder, "root", ".local/state/falcon-sessions/roster");
    fs.mkdirSync(roster, { recursive: true, mode: 0o700 });
    const facts = { format: 1, host: "gate", job: null, version: "0.1.0", written: Date.now(), every: 60, sessions: [] };
    const file = path.join(roster, `${"a".repeat(16)}.json`);
    fs.writeFileSync(file, JSON.stringify(facts), { mode: 0o600 });
    // what another version on a machine with another clock would say
    const link = path.join(hosts.folder, "bin", "falcon-sessions");
    const target = fs.readlinkSync(link);
    fs.rmSync(link);
    const told = JSON.stringify({
      ...facts,
      version: "9.9.9",
      contract: 1,
      written: Date.now() + 600_000,
      facts: { sees: false },
    });
    fs.writeFileSync(link, `#!/bin/sh\necho '${told}'\n`, { mode: 0o755 });
    const findings = await doctor();
    assert.deepEqual(findings.map(({ id }) => id).sort(), ["host-clock", "host-home", "host-version"]);
    assert.match(findings.find(({ id }) => id === "host-clock")?.what ?? "", /the clock of gate is (10m|9m 5\d s|9m).* ahead/);
    fs.writeFileSync(link, "#!/bin/sh\necho 'falcon: unknown command' >&2; exit 2\n", { mode: 0o755 });
    assert.match((await doctor())[0]?.what ?? "", /falcon-sessions on gate has no answer that this version understands/);
    fs.rmSync(link);
    assert.match((await doctor())[0]?.what ?? "", /^gate has no falcon-sessions on the PATH of a shell that is not interactive/);
    fs.symlinkSync(target, link);
    fs.rmSync(file);
    await answered();
  });

  test("a login that is refused is told once in one sentence, and not tried again by a list, but by the doctor", async () => {
    await hosts.ok("desk", ["server", "stop"]);
    const keys = path.join(site(), ".ssh", "authorized_keys");
    const text = fs.readFileSync(keys);
    fs.writeFileSync(keys, "");
    const before = count("Connection closed by authenticating user");
    const tries = () => count("Connection closed by authenticating user") - before;
    // the first one's server is to stay
    const keep = await hosts.ok("desk", ["run", "-d", "--name", "keep", "--", "sleep", "1000"]);
    for (let i = 0; i < 3; i++) {
      const said = await hosts.run("desk", ["sessions"]);
      assert.equal(said.code, 0);
      assert.match(
        said.stderr,
        /^falcon: gate lets nobody in without asking \(.*Permission denied.*\): 'ssh gate' shows what it wants/,
      );
      assert.equal(said.stderr.trim().split("\n").length, 1, said.stderr);
    }
    await until(() => tries() > 0, "sshd to write it down");
    assert.equal(tries(), 1);
    assert.match((await doctor())[0]?.what ?? "", /lets nobody in/);
    await until(() => tries() > 1, "sshd to write it down");
    fs.writeFileSync(keys, text);
    await answered();
    assert.equal((await list()).length, 3);
    await hosts.ok("desk", ["kill", keep]);
  });

  test("a machine that is cut off: what it said last is listed, and the list waits for it once", async () => {
    await list();
    await hosts.cable("gate", "down");
    const said = await until(async () => {
      const each = await hosts.run("desk", ["sessions", "--json"]);
      return each.stderr !== "" && each;
    }, "it to be asked again");
    assert.match(said.stderr, /^falcon: gate (did not answer in time|cannot be reached: .*)\n$/);
    assert.match(said.stdout, /on-gate/);
    await hosts.cable("gate", "up");
  });
});
