// The homes of ended batch jobs become the host's; one whose server is being started is none of them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { close, tryLock } from "../../../../src/platform/native.ts";
import { bootId } from "../../../../src/platform/processes.ts";
import { type TakeInEffects, takeInEndedJobs } from "../../../../src/session/machines/take-in.ts";
import { Deliveries } from "../../../../src/store/deliveries.ts";
import { Notices } from "../../../../src/store/notices.ts";
import { migrate } from "../../../../src/store/schema.ts";
import { type SessionRow, SessionStore } from "../../../../src/store/session-store.ts";
import { openDatabase } from "../../../../src/store/sqlite.ts";

describe("the homes of jobs", () => {
  let host: string;
  let job: string;
  beforeEach(() => {
    host = fs.mkdtempSync("/tmp/fs-take-in-");
    job = path.join(host, "j", "s77");
    fs.mkdirSync(job, { recursive: true, mode: 0o700 });
  });
  afterEach(() => fs.rmSync(host, { recursive: true }));
  const takeIn = (untold: TakeInEffects["untold"] = () => {}) =>
    takeInEndedJobs(host, { log: () => {}, known: () => false, rowOf: () => undefined, untold });

  for (const [name, who] of [
    ["start.lock", "a client that starts its server"],
    ["server.lock", "a server"],
  ] as const)
    test(`one that ${who} has locked is left alone, and taken in afterwards`, () => {
      const lock = tryLock(path.join(job, name));
      assert.ok(lock >= 0);
      takeIn();
      assert.ok(fs.existsSync(path.join(job, name)));
      close(lock);
      takeIn();
      assert.ok(!fs.existsSync(job));
    });

  /** Sessions in the job's home, and takes in what its rows tell. */
  const takeInSessions = (...ids: string[]) => {
    for (const id of ids) fs.mkdirSync(path.join(job, "s", id), { recursive: true });
    const rowOf = (folder: string) => ({ id: path.basename(folder), created: 1, facts: {} }) as unknown as SessionRow;
    const taken = takeInEndedJobs(host, { log: () => {}, known: () => false, rowOf, untold: () => {} });
    return taken.map(({ row }) => row.id).sort();
  };

  test("a session that the host has already holds up no other one, and keeps its home", () => {
    fs.mkdirSync(path.join(host, "s", "b"), { recursive: true });
    assert.deepEqual(takeInSessions("a", "b", "c"), ["a", "c"]);
    assert.deepEqual(fs.readdirSync(path.join(job, "s")), ["b"]);
  });

  test("a program of the job holds its home while it runs; whoever has its number later does not", () => {
    const folder = path.join(job, "s", "abc234");
    const withRecord = (start: number, boot: string) => {
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, "record"), `start ${start} ${process.pid}\n`);
      const texts = { name: "n", directory: "/", host: "h", token: "t", runDirectory: null };
      const more = { umask: 18, created: 1, cols: 80, rows: 24, pinned: false, limits: [], environment: {} };
      const file = { id: "abc234", kind: "run", command: ["x"], boot, ...texts, ...more };
      fs.writeFileSync(path.join(folder, "session.json"), JSON.stringify(file));
      return takeInSessions("abc234");
    };
    assert.deepEqual(withRecord(Date.now(), bootId()), []);
    assert.deepEqual(withRecord(Date.now() - 3_600_000, bootId()), [], "the clock was set");
    const number = withRecord(Date.now() - 3 * 86_400_000, bootId());
    assert.deepEqual(number, ["abc234"], "the number is another process' by now");
    fs.rmSync(path.join(host, "s"), { recursive: true });
    fs.mkdirSync(job, { mode: 0o700 });
    assert.deepEqual(withRecord(Date.now(), "another boot"), ["abc234"]);
  });

  test("a home that cannot be removed costs none of its sessions", (t) => {
    const stays = path.join(job, "stays");
    fs.writeFileSync(stays, "");
    if (spawnSync("chattr", ["+i", stays]).status !== 0) return t.skip("no file can be made immutable here");
    try {
      assert.deepEqual(takeInSessions("a"), ["a"]);
      assert.ok(fs.existsSync(path.join(host, "s", "a")));
    } finally {
      spawnSync("chattr", ["-i", stays]);
    }
    takeIn();
    assert.ok(!fs.existsSync(job));
  });

  test("what a killed one had still to tell is kept before its home goes: each once, and with the message that was under way", () => {
    const store = SessionStore.open(path.join(job, "state.db"), () => {});
    const theirs = new Notices(store.database, "phone");
    theirs.add("a", "failed", { FALCON_SESSION_NAME: "sent" }, 1);
    theirs.done(theirs.take(1, 10).taken, 2);
    theirs.add("b", "failed", { FALCON_SESSION_NAME: "begun" }, 3);
    const begun = theirs.take(3, 10);
    theirs.add("c", "ended", { FALCON_SESSION_NAME: "waits" }, 4);
    new Deliveries(store.database).add("c", "ended", { FALCON_SESSION_NAME: "waits" }, 4);
    store.close();

    const database = openDatabase(":memory:");
    migrate(database);
    const [ours, deliveries] = [new Notices(database, "phone"), new Deliveries(database)];
    const keep: TakeInEffects["untold"] = (untold) => {
      assert.ok(fs.existsSync(path.join(job, "state.db")), "it is there until it is kept elsewhere");
      for (const notice of untold.notices) ours.takeIn(notice, 10);
      for (const delivery of untold.deliveries) deliveries.takeIn(delivery, 10);
    };
    // a server that is killed right behind it finds the home once more
    takeIn((untold) => {
      keep(untold);
      keep(untold);
    });
    assert.ok(!fs.existsSync(job));
    assert.deepEqual(
      ours.all().map(({ session, facts, over }) => [session, facts.FALCON_SESSION_NAME, over]),
      [
        ["b", "begun", null],
        ["c", "waits", null],
      ],
    );
    assert.deepEqual(
      deliveries.waiting().map(({ session, event, created }) => [session, event, created]),
      [["c", "ended", 4]],
    );
    const first = ours.take(10, 10);
    assert.deepEqual([first.message, first.taken.length], [begun.message, 1]);
    database.close();
  });
});
