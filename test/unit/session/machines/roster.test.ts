// The keeper of the roster: when it writes, what it cuts, what it sweeps, and that nothing waits for it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, beforeEach, test } from "node:test";
import { useAside } from "../../../../src/base/aside/aside.ts";
import { entryText, longestEntry, mostTold, RosterKeeper } from "../../../../src/session/machines/roster.ts";
import { parseRoster, type RosterSession } from "../../../../src/session/machines/roster-files.ts";
import { until } from "../../../support/events.ts";

const folder = fs.mkdtempSync("/tmp/fs-roster-");
const place = path.join(folder, "roster");
after(() => fs.rmSync(folder, { recursive: true }));
beforeEach(() => fs.rmSync(place, { recursive: true, force: true }));

const session = (id: string, changes: Partial<RosterSession> = {}): RosterSession => ({
  ...{ id, name: "night", kind: "launch", state: "running", outcome: null, created: 1, started: 2, ended: null },
  ...{ directory: "/project", runDirectory: "/project/runs/night", viewers: 1, text: "12/300", ...changes },
});

function keeper(home: string, sessions: () => RosterSession[], steady = () => 0): RosterKeeper {
  return new RosterKeeper(place, {
    ...{ log: () => {}, host: home, job: null, version: "1.2.3", contract: 1, home, steady, clock: Date.now },
    sessions: async () => sessions(),
    live: () => 0,
  });
}

const files = () => fs.readdirSync(place).filter((name) => name.endsWith(".json"));

test("a home with nothing to tell makes no folder; one that had something says that it is over", async () => {
  let told: RosterSession[] = [];
  const one = keeper("a", () => told);
  await one.write();
  assert.equal(fs.existsSync(place), false);
  told = [session("x1")];
  await one.write();
  told = [];
  await one.write();
  assert.deepEqual(parseRoster(fs.readFileSync(path.join(place, files()[0] ?? ""), "utf8")).sessions, []);
  one.dispose();
});

test("changes that come together are written together, at most each ten seconds", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  let asked = 0;
  const one = keeper(
    "a",
    () => {
      asked++;
      return [session("x1")];
    },
    () => now,
  );
  const pass = async (ms: number) => {
    now += ms;
    t.mock.timers.tick(ms);
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  for (let i = 0; i < 5; i++) one.changed();
  await pass(600);
  assert.equal(asked, 1);
  for (let i = 0; i < 5; i++) one.changed();
  await pass(9_300);
  assert.equal(asked, 1);
  await pass(800);
  assert.equal(asked, 2);
  one.dispose();
});

test("whatever a session is called, it has at most 500 bytes, and can be read again", () => {
  for (const text of ["x".repeat(3000), "\u{1f600}".repeat(3000), "\x01".repeat(3000), '"'.repeat(3000)]) {
    const entry = entryText(session("x1", { name: text, text, directory: text, runDirectory: text }));
    assert.ok(Buffer.byteLength(entry) <= longestEntry, entry);
    assert.equal((JSON.parse(entry) as RosterSession).id, "x1");
  }
});

test("of more than 200 sessions the first are told", async () => {
  const one = keeper("a", () => Array.from({ length: 300 }, (_, n) => session(`x${n}`)));
  await one.write();
  const told = parseRoster(fs.readFileSync(path.join(place, files()[0] ?? ""), "utf8")).sessions;
  assert.equal(told.length, mostTold);
  one.dispose();
});

test("what was not written for two weeks, and what was half written, is removed by whoever writes; other files stay", async () => {
  const one = keeper("a", () => [session("x1")]);
  const two = keeper("b", () => [session("y1")]);
  await one.write();
  const [first] = files();
  const old = new Date(Date.now() - 15 * 86_400_000);
  fs.utimesSync(path.join(place, first ?? ""), old, old);
  for (const name of [`.${first}.77`, "notes.txt"]) {
    fs.writeFileSync(path.join(place, name), "");
    fs.utimesSync(path.join(place, name), old, old);
  }
  await two.write();
  assert.equal(files().length, 1);
  assert.notEqual(files()[0], first);
  assert.deepEqual(fs.readdirSync(place).sort(), [files()[0], "notes.txt"].sort());
  one.dispose();
  two.dispose();
});

test("a folder that cannot be written, or is open to others, is a problem with a reason, and no failure", async () => {
  fs.mkdirSync(place, { mode: 0o755 });
  fs.chmodSync(place, 0o755);
  const one = keeper("a", () => [session("x1")]);
  await one.write();
  assert.match(one.problem ?? "", /is open to other users: chmod 700/);
  fs.chmodSync(place, 0o700);
  await one.write();
  assert.equal(one.problem, undefined);
  one.dispose();
});

test("the file of a home that was taken in goes as soon as the folder can be written: nobody asks for it again", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const job = keeper("job", () => [session("x1")]);
  await job.write();
  const [gone] = files();
  const host = keeper("a", () => [session("x1", { state: "exited" })]);
  fs.chmodSync(place, 0o755);
  host.takeOver(["job"]);
  await host.write();
  assert.deepEqual([files(), host.problem === undefined], [[gone], false]);
  fs.chmodSync(place, 0o700);
  t.mock.timers.tick(60_000);
  await until(() => !files().includes(gone ?? ""), "the file to go");
  const [first, ...more] = files();
  assert.deepEqual([first === gone, more, host.problem], [false, [], undefined]);
  host.dispose();
  job.dispose();
});

test("a home that has nothing to tell removes what those told that it has taken in", async () => {
  const job = keeper("job", () => [session("x1")]);
  await job.write();
  const [gone] = files();
  const host = keeper("a", () => []);
  host.takeOver(["job"]);
  await host.write();
  assert.ok(!files().includes(gone ?? ""));
  host.dispose();
  job.dispose();
});

test("all who ask while one is being written share the next one, which has what they ask for", async () => {
  const asked: (() => void)[] = [];
  let told = "running";
  const one = new RosterKeeper(place, {
    ...{ log: () => {}, host: "a", job: null, version: "1.2.3", contract: 1, home: "a", steady: () => 0, clock: Date.now },
    sessions: async () => {
      const sessions = [session("x1", { state: told })];
      await new Promise<void>((resolve) => asked.push(resolve));
      return sessions;
    },
    live: () => 0,
  });
  const first = one.write();
  await until(() => asked.length === 1, "the first one to be under way");
  told = "exited";
  const others = [one.write(), one.write(), one.write()];
  asked[0]?.();
  await first;
  await until(() => asked.length === 2, "the next one to be under way");
  asked[1]?.();
  await Promise.all(others);
  assert.equal(asked.length, 2);
  assert.equal(parseRoster(fs.readFileSync(path.join(place, files()[0] ?? ""), "utf8")).sessions[0]?.state, "exited");
  one.dispose();
});

test("a server that ends before it has told a change tells it with its last word", async () => {
  const before = keeper("a", () => [session("x1")]);
  await before.farewell();
  assert.equal(fs.existsSync(place), false, "nothing was to be told");
  before.changed();
  await before.farewell();
  const next = keeper("a", () => [session("x1", { state: "exited" })]);
  next.changed();
  await next.farewell();
  assert.equal(parseRoster(fs.readFileSync(path.join(place, files()[0] ?? ""), "utf8")).sessions[0]?.state, "exited");
});

test("a file system that does not answer does not hold up the end of a server", async () => {
  const one = keeper("a", () => [session("x1")]);
  await one.write();
  let asked = 0;
  useAside(() => {
    asked++;
    return new Promise(() => {});
  });
  try {
    await one.farewell();
    await until(() => asked === 1, "it to have been asked");
  } finally {
    useAside(undefined);
  }
});

test("what waits for Slurm is told; where another machine has it running, or saw it end, that is", async () => {
  const told = { created: Date.now(), started: null, state: "pending", text: "job 7 waits: Priority" };
  const login = keeper("login", () => [session("x1", told), session("x2", told), session("x3", told)]);
  const node = keeper("node", () => [session("x2"), session("x3", { state: "exited", outcome: "completed", ended: 5 })]);
  for (const one of [login, node]) await one.write();
  const { sessions } = await keeper("third", () => []).others(() => false);
  assert.deepEqual(sessions.map(({ id, state, live }) => `${id} ${state} ${live}`).sort(), [
    "x1 pending true",
    "x2 running true",
    "x3 exited false",
  ]);
  const [waiting] = sessions.filter(({ id }) => id === "x1");
  const { host, reason } = JSON.parse(JSON.stringify(waiting?.listing)) as Record<string, unknown>;
  assert.deepEqual([host, reason], ["", "job 7 waits: Priority"]);
});

test("another machine's times are told by this one's clock, and it is late only past its own interval", async () => {
  const one = keeper("a", () => [session("x1", { created: Date.now(), started: Date.now() })]);
  const two = keeper("b", () => []);
  await one.write();
  const { sessions, problems } = await two.others(() => false);
  assert.deepEqual(problems, []);
  assert.equal(sessions[0]?.unheard, null);
  assert.equal((await two.others((id) => id === "x1")).sessions.length, 0);
  assert.equal((await one.others(() => false)).sessions.length, 0, "its own file is none of another's");
  one.dispose();
  two.dispose();
});
