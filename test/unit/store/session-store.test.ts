// The database of sessions: what is saved comes back, and a broken file never stands in the way.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { schemaVersion } from "../../../src/store/schema.ts";
import { type SessionRow, SessionStore } from "../../../src/store/session-store.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { Locker } from "../../support/locker.ts";

let folder: string;
let file: string;
const events: string[] = [];
const log = (event: string) => void events.push(event);

beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/fs-store-");
  file = path.join(folder, "state.db");
  events.length = 0;
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const row: SessionRow = {
  id: "abc234",
  name: "lively-otter",
  kind: "launch",
  trainer: "falcon",
  command: ["/usr/bin/falcon", "launch", "a=b c"],
  directory: "/home/x",
  environment: { PATH: "/bin", ODD: "a=b\nc" },
  umask: 0o22,
  limits: [{ resource: 7, soft: 1024n, hard: 18446744073709551615n }],
  runDirectory: null,
  host: "h",
  boot: "b",
  token: "00",
  holderPid: 1,
  programPid: null,
  state: "running",
  reason: "because",
  created: 1,
  started: 2,
  ended: null,
  waitStatus: null,
  cols: 80,
  rows: 24,
  pinned: true,
  interrupts: 1,
  attached: null,
  facts: { gaps: [{ offset: 1, length: 2 }] },
};

test("a path that is no UTF-8 comes back byte by byte", () => {
  const store = SessionStore.open(file, log);
  const odd = {
    ...row,
    directory: "/home/Jos\udce9/%41",
    runDirectory: "/r/\udcff",
    command: ["/bin/\udce9"],
    environment: { "A\udc80": "\udce9" },
  };
  store.save(odd);
  store.close();
  const again = SessionStore.open(file, log);
  assert.deepEqual(again.all(), [odd]);
  again.close();
});

test("what is saved comes back, also after the file was opened again", () => {
  const store = SessionStore.open(file, log);
  store.save(row);
  store.save({ ...row, state: "exited", waitStatus: -1 });
  store.saveSnapshot(row.id, { offset: 5, cols: 80, rows: 24, replay: Buffer.from("xyz") });
  assert.ok(store.open);
  store.close();
  assert.ok(!store.open);
  assert.equal(store.snapshot(row.id), undefined, "a screen may ask while the server goes");
  const again = SessionStore.open(file, log);
  assert.deepEqual(again.all(), [{ ...row, state: "exited", waitStatus: -1 }]);
  assert.deepEqual(again.snapshot(row.id), { offset: 5, cols: 80, rows: 24, replay: Buffer.from("xyz") });
  again.remove(row.id);
  assert.equal(again.snapshot(row.id), undefined, "a removed session takes its snapshot along");
  again.close();
});

test("nobody else may read it", () => {
  const store = SessionStore.open(file, log);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  store.close();
});

for (const [what, content] of [
  ["text", Buffer.from("not a database, but long enough to be looked at".repeat(50))],
  ["a cut file", null],
] as const) {
  test(`${what} is set aside, and a new file begun`, () => {
    if (content !== null) fs.writeFileSync(file, content);
    else {
      const store = SessionStore.open(file, log);
      for (let i = 0; i < 200; i++) store.save({ ...row, id: `id${i}` });
      store.close();
      fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2 / 4096) * 4096 + 100);
    }
    const store = SessionStore.open(file, log);
    assert.deepEqual(store.all(), []);
    store.save(row);
    store.close();
    assert.ok(events.includes("database.set-aside"));
    assert.ok(
      fs.readdirSync(folder).some((name) => name.startsWith("state.db.broken-")),
      "the old file is kept",
    );
  });
}

test("a whole file that cannot be opened at the moment is refused and stays where it is", () => {
  const store = SessionStore.open(file, log);
  store.save(row);
  store.close();
  // SQLite cannot make its log there
  fs.mkdirSync(`${file}-wal`);
  assert.throws(() => SessionStore.open(file, log), /^Failure: the database .*state\.db cannot be opened: /);
  assert.ok(!events.includes("database.set-aside"));
  fs.rmdirSync(`${file}-wal`);
  const again = SessionStore.open(file, log);
  assert.deepEqual(again.all(), [row]);
  again.close();
});

test("a file of a newer program is set aside, not misread", () => {
  const store = SessionStore.open(file, log);
  store.save(row);
  store.database.pragma(`user_version = ${schemaVersion + 1}`);
  store.close();
  const again = SessionStore.open(file, log);
  assert.deepEqual(again.all(), []);
  assert.ok(events.includes("database.set-aside"));
  again.close();
});

for (const begin of ["BEGIN EXCLUSIVE", "BEGIN"] as const) {
  test(`a file that another process keeps locked (${begin}) is set aside whole; the owner of the lock leaves the new one alone`, async () => {
    const first = SessionStore.open(file, log);
    first.save(row);
    first.close();
    const locker = await Locker.on(file, begin);
    assert.equal(locker.answer, "locked");
    const store = SessionStore.open(file, log);
    assert.ok(events.includes("database.set-aside"));
    store.save({ ...row, id: "new234" });
    // the last one to close a database removes its log, by name: it must not be ours
    const journal = fs.statSync(`${file}-wal`).ino;
    await locker.release();
    assert.equal(fs.statSync(`${file}-wal`).ino, journal);
    store.save({ ...row, id: "new235" });
    assert.deepEqual(
      store.all().map(({ id }) => id),
      ["new234", "new235"],
    );
    store.close();
    const again = SessionStore.open(file, log);
    assert.equal(again.all().length, 2);
    again.close();
    const aside = fs.readdirSync(folder).filter((name) => /^state\.db\.locked-\d+$/.test(name));
    assert.equal(aside.length, 1);
    const old = SessionStore.open(path.join(folder, aside[0] as string), log);
    assert.deepEqual(old.all(), [row], "what was set aside is whole");
    old.close();
  });
}

test("while it is open nobody else gets a lock on it", async () => {
  const store = SessionStore.open(file, log);
  store.save(row);
  for (const begin of ["BEGIN EXCLUSIVE", "BEGIN"] as const) {
    const locker = await Locker.on(file, begin);
    assert.equal(locker.answer, "SQLITE_BUSY");
    await locker.release();
    store.save({ ...row, name: begin });
  }
  assert.equal(store.all()[0]?.name, "BEGIN");
  store.close();
});

test("a server of an earlier version opens the file, lists and saves; what it did not keep is told by the kind", () => {
  const store = SessionStore.open(file, log);
  store.save({ ...row, trainer: "mine" });
  store.close();
  // what 0.1.0 does with the file: its number, every column of a session by place, and the kinds that it
  // knows
  const earlier = openDatabase(file);
  assert.equal(earlier.pragma("user_version", { simple: true }), 2);
  assert.equal((earlier.prepare("SELECT * FROM session").all() as { kind: string }[])[0]?.kind, "launch");
  const places = (earlier.prepare("SELECT * FROM session").raw().get() as unknown[]).map(() => "?");
  assert.equal(places.length, 26);
  const copy = earlier.prepare("SELECT * FROM session").raw().get() as unknown[];
  earlier.prepare(`INSERT INTO session VALUES (${places.join(", ")})`).run("old234", "theirs", "run", ...copy.slice(3));
  earlier.close();
  const again = SessionStore.open(file, log);
  assert.deepEqual(
    again
      .all()
      .map(({ id, trainer }) => [id, trainer])
      .sort(),
    [
      ["abc234", "mine"],
      ["old234", "none"],
    ],
  );
  again.remove("abc234");
  assert.deepEqual(again.database.prepare("SELECT session FROM session_trainer").all(), [], "goes with its session");
  again.close();
});
