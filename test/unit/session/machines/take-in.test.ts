// The homes of ended batch jobs become the host's; one whose server is being started is none of them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, type TestContext, test } from "node:test";
import { close, tryLock } from "../../../../src/platform/native.ts";
import { bootId } from "../../../../src/platform/processes.ts";
import { type TakeInEffects, takeInEndedJobs } from "../../../../src/session/machines/take-in.ts";
import { Deliveries } from "../../../../src/store/deliveries.ts";
import { Notices } from "../../../../src/store/notices.ts";
import { migrate } from "../../../../src/store/schema.ts";
import { SessionEvents } from "../../../../src/store/session-events.ts";
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
  const effects = (other: Partial<TakeInEffects> = {}): TakeInEffects => ({
    log: () => {},
    known: () => undefined,
    rowOf: () => undefined,
    untold: () => {},
    keep: () => {},
    goes: () => {},
    ending: () => false,
    leftAlone: new Map(),
    ...other,
  });
  const takeIn = (untold: TakeInEffects["untold"] = () => {}) => takeInEndedJobs(host, effects({ untold }));

  for (const [name, who] of [
    ["start.lock", "a client that starts its server"],
    ["server.lock", "a server"],
  ] as const)
    test(`one that ${who} has locked is left alone, and taken in afterwards`, async () => {
      const lock = tryLock(path.join(job, name));
      assert.ok(lock >= 0);
      await takeIn();
      assert.ok(fs.existsSync(path.join(job, name)));
      close(lock);
      await takeIn();
      assert.ok(!fs.existsSync(job));
    });

  /** Sessions in the job's home, and takes in what its rows tell. */
  const rowOf = (folder: string) => ({ id: path.basename(folder), created: 1, facts: {} }) as unknown as SessionRow;
  const takeInSessions = async (...ids: string[]) => {
    for (const id of ids) fs.mkdirSync(path.join(job, "s", id), { recursive: true });
    const taken = await takeInEndedJobs(host, effects({ rowOf }));
    return taken.map(({ row }) => row.id).sort();
  };

  test("a session that the host has already holds up no other one, and keeps its home", async () => {
    fs.mkdirSync(path.join(host, "s", "b"), { recursive: true });
    assert.deepEqual(await takeInSessions("a", "b", "c"), ["a", "c"]);
    assert.deepEqual(fs.readdirSync(path.join(job, "s")), ["b"]);
  });

  test("a program of the job holds its home while it runs; whoever has its number later does not", async () => {
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
    assert.deepEqual(await withRecord(Date.now(), bootId()), []);
    assert.deepEqual(await withRecord(Date.now() - 3_600_000, bootId()), [], "the clock was set");
    const number = await withRecord(Date.now() - 3 * 86_400_000, bootId());
    assert.deepEqual(number, ["abc234"], "the number is another process' by now");
    fs.rmSync(path.join(host, "s"), { recursive: true });
    fs.mkdirSync(job, { mode: 0o700 });
    assert.deepEqual(await withRecord(Date.now(), "another boot"), ["abc234"]);
  });

  test("a home that cannot be removed costs none of its sessions", async (t) => {
    const stays = path.join(job, "stays");
    fs.writeFileSync(stays, "");
    if (spawnSync("chattr", ["+i", stays]).status !== 0) return t.skip("no file can be made immutable here");
    try {
      assert.deepEqual(await takeInSessions("a"), ["a"]);
      assert.ok(fs.existsSync(path.join(host, "s", "a")));
    } finally {
      spawnSync("chattr", ["-i", stays]);
    }
    await takeIn();
    assert.ok(!fs.existsSync(job));
  });

  describe("on another file system than the host's", () => {
    const sessions = () => path.join(host, "s");
    const copied = () => path.join(sessions(), "a", "output.log");
    /** A session of the job with a log whose head is free; answers its length. */
    const withLog = (data: number): number => {
      const folder = path.join(job, "s", "a");
      fs.mkdirSync(folder, { recursive: true });
      fs.writeFileSync(path.join(folder, "record"), "start 1 1\n");
      const log = fs.openSync(path.join(folder, "output.log"), "w", 0o600);
      const head = 256 << 20;
      fs.writeSync(log, Buffer.alloc(data, "x"), 0, data, head);
      fs.futimesSync(log, 1_000_000, 2_000_000);
      fs.closeSync(log);
      return head + data;
    };
    /** The host's sessions on a disk of 8 MiB of their own. */
    const withDisk = async (t: TestContext, work: () => Promise<void>) => {
      fs.mkdirSync(sessions());
      const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", sessions()]).status === 0;
      if (!mounted) return t.skip("nothing can be mounted here");
      try {
        await work();
      } finally {
        spawnSync("umount", [sessions()]);
      }
    };

    test("a log is copied without what was freed of it", (t) =>
      withDisk(t, async () => {
        const size = withLog(8192);
        const before = fs.statSync(path.join(job, "s", "a", "output.log"));
        assert.deepEqual(await takeInSessions("a"), ["a"]);
        assert.ok(!fs.existsSync(job));
        const after = fs.statSync(copied());
        assert.deepEqual([after.size, after.mode, after.mtimeMs], [size, before.mode, before.mtimeMs]);
        assert.ok(after.blocks * 512 < 1 << 20, `${after.blocks} blocks`);
        const read = Buffer.alloc(8192);
        const log = fs.openSync(copied(), "r");
        fs.readSync(log, read, 0, read.length, size - read.length);
        fs.closeSync(log);
        assert.ok(read.equals(Buffer.alloc(8192, "x")));
        assert.equal(fs.readFileSync(path.join(sessions(), "a", "record"), "utf8"), "start 1 1\n");
      }));

    test("what does not fit leaves nothing of itself, and is not tried again soon", (t) =>
      withDisk(t, async () => {
        withLog(16 << 20);
        let failed = 0;
        const log = (event: string) => void (event === "job.import-failed" && failed++);
        const leftAlone = new Map<string, number>();
        for (let i = 0; i < 2; i++) {
          assert.deepEqual(await takeInEndedJobs(host, effects({ rowOf, log, leftAlone })), []);
          assert.deepEqual(fs.readdirSync(sessions()), []);
        }
        assert.equal(failed, 1);
        fs.truncateSync(path.join(job, "s", "a", "output.log"), 1 << 20);
        leftAlone.set(job, 0);
        assert.equal((await takeInEndedJobs(host, effects({ rowOf, leftAlone }))).length, 1, "later it is");
      }));

    test("a server that ends while it copies leaves the session to the next one, where it is", (t) =>
      withDisk(t, async () => {
        withLog(8192);
        let asked = 0;
        const ending = () => ++asked > 1;
        assert.deepEqual(await takeInEndedJobs(host, effects({ rowOf, ending })), []);
        assert.equal(asked, 2, "it was copied when it was asked again");
        assert.deepEqual([fs.readdirSync(sessions()), fs.readdirSync(path.join(job, "s"))], [[], ["a"]]);
      }));

    test("of a session that cannot be kept the copy goes, and the original stays what it is", (t) =>
      withDisk(t, async () => {
        withLog(8192);
        const place = () => fs.statSync(path.join(job, "s", "a", "output.log")).ino;
        const before = place();
        let full = true;
        const keep = () => {
          assert.ok(fs.existsSync(copied()));
          if (full) throw new Error("the disk is full");
        };
        const leftAlone = new Map<string, number>();
        const look = async () => (await takeInEndedJobs(host, effects({ rowOf, keep, leftAlone }))).length;
        assert.equal(await look(), 0);
        assert.deepEqual([fs.readdirSync(sessions()), place()], [[], before], "nothing is copied back: that disk may be full");
        leftAlone.clear();
        full = false;
        assert.equal(await look(), 1);
        assert.ok(!fs.existsSync(job));
      }));
  });

  test("each row is kept once its folder is moved, before the database that has it goes", async () => {
    const store = SessionStore.open(path.join(job, "state.db"), () => {});
    const texts = { name: "n", directory: "/", host: "h", token: "t", boot: "b", trainer: "none", reason: "it runs" };
    const numbers = { umask: 18, created: 1, started: 2, cols: 80, rows: 24, interrupts: 3, holderPid: null, programPid: null };
    const rest = {
      runDirectory: null,
      ended: null,
      waitStatus: null,
      attached: null,
      pinned: false,
      limits: [],
      environment: {},
    };
    for (const id of ["a", "b"]) {
      const row = { id, kind: "run", command: ["x"], state: "running", facts: {}, ...texts, ...numbers, ...rest };
      store.save(row as unknown as SessionRow);
      store.saveSnapshot(id, { offset: 7, cols: 80, rows: 24, replay: Buffer.from("screen") });
      const about = { node: null, metric: null, epoch: null, sentence: "it is said to hang" };
      new SessionEvents(store.database).add({ session: id, time: 4, kind: "hangs", ...about });
      fs.mkdirSync(path.join(job, "s", id), { recursive: true });
    }
    store.close();
    const kept: unknown[] = [];
    let full = true;
    const keep: TakeInEffects["keep"] = ({ row, snapshot, events }) => {
      const places = [path.join(host, "s", row.id), path.join(job, "state.db")];
      const known = [row.id, row.interrupts, row.facts.job, snapshot?.offset, events.length];
      kept.push([...known, ...places.map((place) => fs.existsSync(place))]);
      if (row.id === "b" && full) throw new Error("the disk is full");
    };
    let told = 0;
    const untold = () => void told++;
    const look = async () => (await takeInEndedJobs(host, effects({ keep, untold }))).map(({ row }) => row.id);
    assert.deepEqual(await look(), ["a"]);
    assert.equal(told, 0, "what is to be told is, once and at the end, however often it is looked at before");
    assert.deepEqual(kept.splice(0), [
      ["a", 3, "s77", 7, 1, true, true],
      ["b", 3, "s77", 7, 1, true, true],
    ]);
    assert.ok(fs.existsSync(path.join(job, "state.db")), "what could not be kept stays where it is");
    assert.deepEqual([fs.readdirSync(path.join(host, "s")), fs.readdirSync(path.join(job, "s"))], [["a"], ["b"]]);
    full = false;
    assert.deepEqual(await look(), ["b"], "its database is there until it is kept");
    assert.deepEqual(kept, [["b", 3, "s77", 7, 1, true, true]]);
    assert.ok(!fs.existsSync(job));
    assert.equal(told, 1);
  });

  test("the original of a copy that is kept goes with its home, where a server was killed before it went", async () => {
    for (const home of [host, job]) fs.mkdirSync(path.join(home, "s", "a"), { recursive: true });
    const ours = { ...rowOf(path.join(host, "s", "a")), facts: { job: "s77" } };
    const keep = () => assert.fail("it is kept");
    const look = (created: number) => takeInEndedJobs(host, effects({ rowOf, keep, known: () => ({ ...ours, created }) }));
    assert.deepEqual(await look(2), []);
    assert.ok(fs.existsSync(path.join(job, "s", "a")), "an earlier part of a job that ran again may have its id");
    assert.deepEqual(await look(ours.created), []);
    assert.deepEqual([fs.existsSync(job), fs.readdirSync(path.join(host, "s"))], [false, ["a"]]);
  });

  test("a server that ends leaves what it has not moved to the next one", async () => {
    for (const id of ["a", "b"]) fs.mkdirSync(path.join(job, "s", id), { recursive: true });
    let ending = false;
    const keep = () => {
      ending = true;
    };
    const taken = await takeInEndedJobs(host, effects({ rowOf, keep, ending: () => ending }));
    assert.deepEqual([taken.length, fs.readdirSync(path.join(job, "s")).length], [1, 1]);
  });

  test("what a killed one had still to tell is kept before its home goes: each once, and with the message that was under way", async () => {
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
    await takeIn((untold) => {
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
