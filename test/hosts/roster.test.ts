// One list of all machines: what each has is told in the folder that they share, and a machine that is not
// heard of is not guessed about.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { Hosts, noHosts } from "../support/machines/hosts.ts";

interface Row {
  id: string;
  name: string;
  state: string;
  host: string;
  started: string | null;
  notHeardFor?: number | null;
}

interface Doctor {
  conditions: { findings: { id: string; what: string }[] }[];
}

/** Gives one machine's programs another clock. */
const faketime = ["x86_64", "aarch64"]
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`)
  .find((file) => fs.existsSync(file)) as string;
const noFaketime = faketime === undefined && "no libfaketime (Debian and Ubuntu: apt-get install faketime)";

describe("three hosts of one home directory", { skip: noHosts() }, () => {
  let hosts: Hosts;
  before(async () => {
    hosts = await Hosts.up("login", "node1", "node2");
  });
  after(() => hosts.down());

  const list = async (host: string, ...args: string[]) =>
    JSON.parse(await hosts.ok(host, ["sessions", "--all", "--json", ...args])) as Row[];
  const folder = () => path.join(hosts.folder, "root", ".local/state/falcon-sessions/roster");
  const files = () => fs.readdirSync(folder()).filter((name) => name.endsWith(".json"));

  test("what runs on one is listed on every other, with a column for the host", async () => {
    await hosts.ok("node1", ["run", "-d", "--name", "one", "--", "sleep", "1000"]);
    await hosts.ok("node2", ["run", "-d", "--name", "two", "--", "sleep", "1000"]);
    const row = await until(async () => {
      const rows = await list("login");
      return rows.length === 2 && rows.every(({ state }) => state === "running") && rows;
    }, "both to be told to the login host");
    assert.deepEqual(row.map(({ name, host, state }) => `${name} ${host} ${state}`).sort(), [
      "one node1 running",
      "two node2 running",
    ]);
    const shown = await hosts.ok("node2", ["sessions"]);
    assert.match(shown, /HOST/);
    assert.match(shown, /one +\w+ .*node1/);
    assert.match(shown, /two +\w+ .*node2/);
    assert.match(await hosts.ok("login", ["@complete", "show", "on"]), /^one\trunning on node1/);
  });

  test("--here and --host choose", async () => {
    assert.deepEqual(
      (await list("node1", "--here")).map(({ name }) => name),
      ["one"],
    );
    assert.deepEqual(
      (await list("node1", "--host", "node2")).map(({ name }) => name),
      ["two"],
    );
    assert.deepEqual(await list("login", "--here"), []);
  });

  test("files are 0600 in a folder of 0700, and a session has at most 500 bytes", () => {
    assert.equal(fs.statSync(folder()).mode & 0o777, 0o700);
    for (const name of files()) {
      assert.equal(fs.statSync(path.join(folder(), name)).mode & 0o777, 0o600);
      for (const line of fs.readFileSync(path.join(folder(), name), "utf8").split("\n").slice(1, -2))
        assert.ok(Buffer.byteLength(line) <= 501, line);
    }
  });

  test("clocks ten minutes apart: nothing is late, no age is wrong, and the doctor says whose clock is off", {
    skip: noFaketime,
  }, async () => {
    const ahead = { LD_PRELOAD: faketime, FAKETIME: "+10m", FAKETIME_DONT_FAKE_MONOTONIC: "1", NO_FAKE_STAT: "1" };
    await hosts.ok("node2", ["server", "stop"]);
    const began = Date.now();
    await hosts.ok("node2", ["run", "-d", "--name", "ahead", "--", "sleep", "1000"], ahead);
    const row = await until(
      async () => (await list("login", "--host", "node2")).find(({ name, state }) => name === "ahead" && state === "running"),
      "it to be told to the login host",
    );
    assert.equal(row.notHeardFor, null);
    const started = Date.parse(row.started ?? "");
    assert.ok(started > began - 5_000 && started < Date.now() + 5_000, `${row.started}, begun ${new Date(began).toISOString()}`);
    const { conditions } = JSON.parse((await hosts.run("login", ["doctor", "--json"])).stdout) as Doctor;
    const said = conditions.flatMap(({ findings }) => findings).filter(({ id }) => id.startsWith("host"));
    assert.equal(said.length, 1, JSON.stringify(said));
    assert.match(said[0]?.what ?? "", /^the clock of node2 is (10m|9m 5\d s|9m).* ahead/);
    await hosts.ok("node2", ["server", "stop"]);
    // the next server has the machine's own clock, by which the session began in ten minutes
    await hosts.ok("node2", ["kill", row.id]);
    await until(
      async () => (await list("login", "--host", "node2")).some(({ id, state }) => id === row.id && state === "exited"),
      "its end to be told",
    );
  });

  test("an end is told by a server that then goes", async () => {
    const two = async (host: string, ...args: string[]) => (await list(host, ...args)).find(({ name }) => name === "two");
    await hosts.ok("node2", ["kill", (await two("node2", "--here"))?.id as string]);
    await until(async () => (await two("node2", "--here"))?.state === "exited", "its end");
    await hosts.ok("node2", ["server", "stop"]);
    // on node2 nobody is left to tell it later
    await until(async () => (await two("login", "--host", "node2"))?.state === "exited", "it to be told");
  });

  test("a host without power: not heard of, instead of a guess", async () => {
    await hosts.kill("node1");
    const file = files()
      .map((name) => path.join(folder(), name))
      .find((each) => fs.readFileSync(each, "utf8").includes('"host":"node1"'));
    assert.ok(file);
    const before = new Date(Date.now() - 190_000);
    fs.utimesSync(file, before, before);
    const shown = await hosts.ok("login", ["sessions"]);
    assert.match(shown, /○ unknown +not heard of for 3m/);
    const [row] = await list("login", "--host", "node1");
    assert.ok((row?.notHeardFor ?? 0) >= 190, JSON.stringify(row));
  });
});

describe("what lies in the roster", () => {
  const home = new TestHome();
  const folder = path.join(home.folder, "roster");
  after(() => home.dispose());

  const session = (n: number) => ({
    id: `far${n}`,
    name: `run ${n}`,
    kind: "run",
    state: "running",
    outcome: null,
    created: Date.now() - 60_000,
    started: Date.now() - 60_000,
    ended: null,
    directory: "/far/away",
    runDirectory: null,
    viewers: 0,
    text: "epoch 3 of 100",
  });
  const roster = (sessions: unknown[], changes: object = {}) =>
    JSON.stringify({ format: 1, host: "far", job: null, version: "0.1.0", written: Date.now(), every: 60, sessions, ...changes });
  const put = (n: number, text: string) => {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, `${n.toString(16).padStart(16, "0")}.json`);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const clear = () => fs.rmSync(folder, { recursive: true, force: true });

  test("half-written, foreign, old, linked, open and huge files are passed over, each with its reason, and the others are listed", async () => {
    put(1, roster([session(1)]));
    put(2, roster([session(2)]).slice(0, 90));
    put(3, roster([session(3)], { format: 2 }));
    put(4, roster([session(4)], { host: "-oProxyCommand=x" }));
    fs.chmodSync(put(5, roster([session(5)])), 0o666);
    put(6, " ".repeat((128 << 10) + 1));
    fs.symlinkSync("/etc/passwd", path.join(folder, `${"7".padStart(16, "0")}.json`));
    put(
      8,
      roster([
        { ...session(8), id: "../../x" },
        { ...session(9), id: "good" },
      ]),
    );
    execFileSync("mkfifo", ["-m", "600", path.join(folder, `${"9".padStart(16, "0")}.json`)]);
    const root = process.geteuid?.() === 0;
    // only root can give a file away
    if (root) fs.chownSync(put(10, roster([session(10)])), 65_534, 65_534);
    fs.writeFileSync(path.join(folder, "notes.txt"), "somebody's own");
    const { stdout, stderr, code } = await home.run(["sessions", "--json"]);
    assert.equal(code, 0);
    assert.deepEqual((JSON.parse(stdout) as Row[]).map(({ id }) => id).sort(), ["far1", "good"]);
    assert.equal(stderr.trim().split("\n").length, 3, stderr);
    assert.match(stderr, /is passed over: it is no JSON/);
    const doctor = await home.run(["doctor", "--json"]);
    const reasons = [/no JSON/, /format is 2/, /no roster/, /others can write it/, /131073 bytes/, /ELOOP/, /no regular file/];
    for (const reason of root ? [...reasons, /belongs to another user/] : reasons) assert.match(doctor.stdout, reason);
    clear();
  });

  test("of more than 500 files and 200 sessions of one the first are read, and of files that is said", async () => {
    put(0, roster(Array.from({ length: 250 }, (_, n) => session(n))));
    for (let n = 1; n <= 500; n++) put(n, roster([]));
    const { stdout, stderr } = await home.run(["sessions", "--json"]);
    assert.equal((JSON.parse(stdout) as Row[]).length, 200);
    assert.match(stderr, /has 501 files, of which 500 are read/);
    clear();
  });

  test("no name or text in it acts on the terminal", async () => {
    put(1, roster([{ ...session(1), name: "\x1b]0;x\x07evil\r\n", text: "\x1b[2J\x9b2J" }]));
    const { stdout } = await home.run(["sessions"]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are looked for
    assert.doesNotMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    clear();
  });

  test("a clock that is ten minutes off changes no age", async () => {
    const off = 600_000;
    const now = Date.now();
    const shifted = { ...session(1), created: now - 60_000 - off, started: now - 60_000 - off };
    put(1, roster([shifted], { written: now - off }));
    const [row] = JSON.parse(await home.ok(["sessions", "--json"])) as { started: string }[];
    assert.ok(Math.abs(Date.parse(row?.started ?? "") - (now - 60_000)) < 5_000, JSON.stringify(row));
    clear();
  });

  test("a folder that others can enter is not read", async () => {
    put(1, roster([session(1)]));
    fs.chmodSync(folder, 0o755);
    const { stdout, stderr } = await home.run(["sessions", "--json"]);
    assert.deepEqual(JSON.parse(stdout), []);
    assert.match(stderr, /is open to other users: chmod 700/);
    clear();
  });
});
