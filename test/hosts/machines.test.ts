// A home belongs to one machine: no other opens it, judges what runs there or talks to its server, whatever
// the machines are called.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { Hosts, noHosts } from "../support/machines/hosts.ts";

interface Row {
  id: string;
  state: string;
  reason: string;
}

describe("two hosts and one FALCON_SESSIONS_HOME", { skip: noHosts() }, () => {
  let hosts: Hosts;
  let env: { FALCON_SESSIONS_HOME: string };
  const home = () => env.FALCON_SESSIONS_HOME;
  const rows = async (host: string) => JSON.parse(await hosts.ok(host, ["sessions", "--all", "--json"], env)) as Row[];

  before(async () => {
    hosts = await Hosts.up("node1", "node2");
    env = { FALCON_SESSIONS_HOME: path.join(hosts.folder, "root", "h") };
  });
  after(() => hosts.down());

  test("another machine says whose it is and exits 125; what runs there goes on, and is told as running there", async () => {
    const id = await hosts.ok("node1", ["run", "-d", "--", "sleep", "1000"], env);
    for (const args of [["sessions"], ["attach", id], ["run", "-d", "--", "true"], ["server", "stop"]]) {
      const said = await hosts.run("node2", args, env);
      assert.equal(said.code, 125, said.stdout + said.stderr);
      assert.match(
        said.stderr,
        /belongs to node1 \(another machine\), which alone may open it: use falcon there, or set FALCON_/,
      );
      assert.equal(said.stderr.trim().split("\n").length, 1);
    }
    assert.equal((await rows("node1")).find((row) => row.id === id)?.state, "running");
  });

  test("the name of the machine may change", async () => {
    await hosts.command("node1", ["hostname", "renamed"]);
    assert.equal((await rows("node1"))[0]?.state, "running");
    await hosts.command("node2", ["hostname", "node1"]);
    const said = await hosts.run("node2", ["sessions"], env);
    assert.equal(said.code, 125);
    await hosts.command("node1", ["hostname", "node1"]);
    await hosts.command("node2", ["hostname", "node2"]);
  });

  test("a home of an earlier version, which says nothing: refused while a session of another machine has no end in it", async () => {
    const [row] = await rows("node1");
    assert.ok(row);
    await hosts.ok("node1", ["server", "stop"], env);
    fs.rmSync(path.join(home(), "machine"));
    const said = await hosts.run("node2", ["sessions"], env);
    assert.equal(said.code, 125, said.stdout);
    assert.match(said.stderr, new RegExp(`belongs to node1 \\(another machine, where session ${row.id} may be running\\)`));
    assert.equal((await rows("node1"))[0]?.state, "running", "its own machine adopts it");
    assert.match(
      fs.readFileSync(path.join(home(), "machine"), "utf8"),
      /^falcon-sessions machine 1\nid [0-9a-f]{32}\nboot [0-9a-f-]{36}\n/,
    );
  });

  test("after a restart of its machine it is taken up again, and what ran is lost for that reason", async () => {
    await hosts.kill("node1");
    await hosts.boot("node1");
    const [row] = await rows("node1");
    assert.equal(row?.state, "lost");
    assert.match(row?.reason ?? "", /the machine was restarted/);
    await hosts.ok("node1", ["server", "stop"], env);
  });

  test("a home of an earlier version whose sessions are all over is anybody's", async () => {
    fs.rmSync(path.join(home(), "machine"));
    const session = path.join(home(), "s", (await fs.promises.readdir(path.join(home(), "s")))[0] ?? "");
    fs.rmSync(session, { recursive: true });
    assert.equal((await hosts.run("node2", ["sessions"], env)).code, 0);
    await hosts.ok("node2", ["server", "stop"], env);
  });
});

describe("two hosts of one home directory", { skip: noHosts() }, () => {
  let hosts: Hosts;
  before(async () => {
    hosts = await Hosts.up("node1", "node2");
  });
  after(() => hosts.down());
  const names = async (host: string) =>
    (JSON.parse(await hosts.ok(host, ["sessions", "--json", "--here"])) as { name: string }[]).map(({ name }) => name);

  test("two of one name have homes of their own; a new name finds the home that was made under the old one", async () => {
    await hosts.ok("node1", ["run", "-d", "--name", "first", "--", "sleep", "1000"]);
    await hosts.command("node2", ["hostname", "node1"]);
    await hosts.ok("node2", ["run", "-d", "--name", "second", "--", "sleep", "1000"]);
    assert.deepEqual(await names("node1"), ["first"]);
    assert.deepEqual(await names("node2"), ["second"]);
    await hosts.command("node1", ["hostname", "elsewhere"]);
    assert.deepEqual(await names("node1"), ["first"]);
    await until(async () => (await names("node2")).length === 1, "the second host to have its own");
    await hosts.command("node1", ["hostname", "node1"]);
  });

  test("each lists both; a command on the other's goes nowhere and says why, and the doctor names it", async () => {
    const rows = await until(async () => {
      const found = JSON.parse(await hosts.ok("node2", ["sessions", "--json"])) as { id: string; name: string; host: string }[];
      return found.length === 2 && found.every(({ host }) => host === "node1") && found;
    }, "both to be told");
    const first = rows.find(({ name }) => name === "first");
    const said = await hosts.run("node2", ["kill", "first"]);
    assert.equal(said.code, 2, said.stdout);
    assert.match(
      said.stderr,
      new RegExp(`^falcon: session ${first?.id} is in another home of this machine, or on another machine of its name`),
    );
    assert.equal(said.stderr.trim().split("\n").length, 1, said.stderr);
    assert.deepEqual(await names("node1"), ["first"]);
    const doctor = await hosts.run("node2", ["doctor"]);
    assert.match(doctor.stdout, /several machines that share this list call themselves node1/);
  });
});

describe("two containers of one machine, with one machine-id and one boot id", { skip: noHosts() }, () => {
  let hosts: Hosts;
  before(async () => {
    hosts = await Hosts.up("node1", "node2");
  });
  after(() => hosts.down());

  test("the second does not touch what the first runs, and takes the home once nothing runs there", async () => {
    const env = { FALCON_SESSIONS_HOME: path.join(hosts.folder, "root", "h") };
    const same = (file: string) =>
      hosts.command("node2", [
        "mount",
        "--bind",
        path.join(hosts.folder, "node1", file),
        file === "boot-id" ? "/proc/sys/kernel/random/boot_id" : "/etc/machine-id",
      ]);
    assert.equal((await same("boot-id")).code + (await same("machine-id")).code, 0);
    await hosts.ok("node1", ["run", "-d", "--", "sleep", "1000"], env);
    const said = await hosts.run("node2", ["sessions"], env);
    assert.equal(said.code, 125, said.stdout);
    assert.match(said.stderr, /belongs to node1 \(another container of this machine, /);
    // the server alone is gone: the holder's socket tells
    await hosts.ok("node1", ["server", "stop"], env);
    assert.equal((await hosts.run("node2", ["sessions"], env)).code, 125);
    await hosts.kill("node1");
    assert.match(await hosts.ok("node2", ["sessions", "--all"], env), /lost/);
  });
});

describe("two hosts without a machine-id, and whose kernel tells no boot id", { skip: noHosts() }, () => {
  let hosts: Hosts;
  before(async () => {
    hosts = await Hosts.up("node1", "node2");
  });
  after(() => hosts.down());

  test("a token in each one's memory tells them apart; a restart is told as one all the same", async () => {
    const env = { FALCON_SESSIONS_HOME: path.join(hosts.folder, "root", "h") };
    const dbus = "/var/lib/dbus/machine-id";
    const forget = async (...names: string[]) => {
      for (const name of names) {
        for (const file of ["machine-id", "boot-id"]) fs.writeFileSync(path.join(hosts.folder, name, file), "");
        if (fs.existsSync(dbus))
          await hosts.command(name, ["mount", "--bind", path.join(hosts.folder, name, "machine-id"), dbus]);
      }
    };
    await forget("node1", "node2");
    await hosts.ok("node1", ["run", "-d", "--", "sleep", "1000"], env);
    assert.match(fs.readFileSync(path.join(env.FALCON_SESSIONS_HOME, "machine"), "utf8"), /^id \nboot [0-9a-f]{32}$/m);
    const said = await hosts.run("node2", ["sessions"], env);
    assert.equal(said.code, 125, said.stdout);
    assert.match(said.stderr, /belongs to node1, which has this machine's id but another name: use falcon there/);
    await hosts.ok("node1", ["server", "stop"], env);
    assert.match(await hosts.ok("node1", ["sessions", "--json"], env), /"state": "running"/, "its own takes it up again");
    await hosts.kill("node1");
    await hosts.boot("node1");
    await forget("node1");
    assert.match(await hosts.ok("node1", ["sessions", "--all"], env), /lost/);
  });
});
