import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, afterEach, beforeEach, describe, mock, test } from "node:test";
import { WorkerPool } from "../../../../src/logs/worker-pool.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import { floodAhead, Retention } from "../../../../src/session/output/retention.ts";
import { OutputLog } from "../../../../src/store/output-log.ts";
import { migrate } from "../../../../src/store/schema.ts";
import { LineStore } from "../../../../src/store/search.ts";
import { openDatabase } from "../../../../src/store/sqlite.ts";
import { trainerNamed } from "../../../../src/trainers/registry.ts";
import { until as untilTrue } from "../../../support/events.ts";
import { allocated, FakeHolder } from "../../../support/holder/session-folder.ts";
import { addon, notBuilt, root } from "../../../support/paths.ts";

const day = 86_400_000;
/** As `until`; at each look so much (ms) of its pauses is over: it rests four times as long as it works. */
const until = (condition: () => boolean, what: string) =>
  untilTrue(() => {
    mock.timers.tick(500);
    return condition();
  }, what);

/** What retention needs of a session. */
class FakeSession {
  live = true;
  offset = 0;
  storedOffset = 0;
  quiet: number | undefined = undefined;
  readonly row: { kind: string; ended: number | null; created: number } = { kind: "run", ended: null, created: 0 };
  readonly trainer = trainerNamed("none");
  readonly id: string;
  readonly holder: FakeHolder;
  #listeners = new Set<() => void>();

  constructor(folder: string, id: string) {
    this.id = id;
    this.holder = new FakeHolder(path.join(folder, id));
  }
  get folder(): string {
    return this.holder.folder;
  }
  get output() {
    return { logged: this.holder.end };
  }
  openLog(): OutputLog {
    return OutputLog.open(this.holder.folder);
  }
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  say(text: string): void {
    this.holder.write(text);
    this.offset = this.storedOffset = this.holder.end;
    for (const listener of this.#listeners) listener();
  }
  end(now: number): void {
    this.holder.exit(0, now);
    this.holder.close();
    this.live = false;
    this.row.ended = now;
    for (const listener of this.#listeners) listener();
  }
}

describe("retention", { skip: notBuilt([addon]).length > 0 && "native part not built" }, () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const database = openDatabase(":memory:");
  migrate(database);
  const store = new LineStore(database);
  const workers = new WorkerPool(path.join(root, "test/support/line-worker.mjs"));
  const sessions: FakeSession[] = [];
  const removed: string[] = [];
  const events: [string, Record<string, unknown> | undefined][] = [];
  let idle = 0;
  let now = Date.UTC(2026, 0, 1);
  const make = (options: { bytes: number; age: number }) =>
    new Retention({ store, workers }, options, {
      log: (event, facts) => events.push([event, facts]),
      steady: () => now,
      knownTime: () => now,
      all: () => sessions as unknown as Session[],
      remove: (session) => {
        if (session.id === "stays") throw new Error("EACCES: permission denied");
        removed.push(session.id);
      },
      done: () => {
        idle++;
      },
    });
  const add = (id: string): FakeSession => {
    const session = new FakeSession(folder, id);
    sessions.push(session);
    database
      .prepare(
        `INSERT INTO session (id, name, kind, command, directory, environment, umask, limits, host, boot, token, state, created, cols, rows, pinned)
         VALUES (?, 'n', 'run', '[]', '/', '{}', 18, '[]', 'h', 'b', 't', 'running', 0, 80, 24, 0)`,
      )
      .run(id);
    return session;
  };
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());
  after(async () => {
    await workers.dispose();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const line = (i: number) => `line ${i} of what the run said, ${"x".repeat(400)}\r\n`;
  const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => line(from + i)).join("");

  test("a running session is compressed and stored while it goes on; at its end nothing is left to do; then it can be removed", async () => {
    const retention = make({ bytes: 0, age: 0 });
    const session = add("a");
    retention.watch(session as unknown as Session);
    let said = 0;
    for (let i = 0; i < 6; i++) {
      session.say(lines(said, said + 4_800));
      said += 4_800;
    }
    const total = session.offset;
    await until(() => (store.progress("a")?.offset ?? 0) > total - (256 << 10), "its lines to be stored");
    await until(() => fs.readdirSync(session.holder.folder).some((name) => name.endsWith(".br")), "a segment");
    // what a server that starts now may ask the holder for stays as the holder wrote it
    const log = session.openLog();
    assert.ok(log.rawBase <= session.storedOffset);
    session.say(lines(said, said + 10));
    said += 10;
    session.end(now);
    await until(() => events.some(([event, facts]) => event === "retention.settled" && facts?.session === "a"), "the end");
    await until(() => !retention.busy, "it to be idle");
    assert.ok(idle > 0);
    assert.deepEqual([store.progress("a")?.complete, store.progress("a")?.lines], [true, said]);
    assert.ok(allocated(path.join(session.holder.folder, "output.log")) < 64 << 10, "the raw log is not freed");
    assert.equal((await log.read(log.end - line(said - 1).length, 1000)).toString(), line(said - 1));
    log.close();
    database.prepare("DELETE FROM session WHERE id = 'a'").run();
    retention.removed("a");
    await until(() => store.blocksFrom("a", 0, 1).length === 0, "its lines to go");
    await retention.dispose();
  });

  test("a session that writes faster than lines can be stored waits until it rests; another one does not", async () => {
    const retention = make({ bytes: 0, age: 0 });
    const [flooding, other] = [add("flooding"), add("other")];
    for (const session of [flooding, other]) retention.watch(session as unknown as Session);
    flooding.quiet = other.quiet = 0;
    flooding.say(lines(0, 1_000));
    // nobody looks: the server does not read what comes, the holder writes it down
    while (flooding.holder.end <= floodAhead) flooding.holder.write(lines(0, 1_000));
    other.say(lines(0, 1_000));
    await until(() => (store.progress("other")?.offset ?? 0) > 0, "the other one's lines to be stored");
    assert.equal(store.progress("flooding"), undefined);
    flooding.quiet = 5_000;
    now += 5_000;
    await until(() => (store.progress("flooding")?.offset ?? 0) > 0, "the lines of the flood that rests to be stored");
    await retention.dispose();
    for (const session of [flooding, other]) session.end(now);
    sessions.splice(0);
  });

  test("a log is kept within its size: the oldest segments go, and their lines", async () => {
    const retention = make({ bytes: 100_000, age: 0 });
    const session = add("b");
    // what compresses badly fills the disk soon
    let seed = 1;
    const noise = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed.toString(36);
    };
    let text = "";
    while (text.length < 5 << 20) text += `${noise()}${noise()}${noise()}${noise()}${noise()}${noise()}\r\n`;
    session.say(text);
    session.end(now);
    retention.watch(session as unknown as Session);
    await until(() => events.some(([event, facts]) => event === "retention.settled" && facts?.session === "b"), "the end");
    const log = session.openLog();
    assert.ok(log.base > 0 && log.diskBytes <= 4 << 20, `${log.base} ${log.diskBytes}`);
    assert.ok(log.holes()[0]?.reason === "retention");
    log.close();
    const [first] = store.blocksFrom("b", 0, 1);
    assert.ok(first === undefined || first.last >= log.base);
    await retention.dispose();
  });

  test("a log that cannot be read is left alone for a while, others have their turn", async () => {
    const retention = make({ bytes: 0, age: 0 });
    const broken = add("c");
    const whole = add("d");
    broken.say("lost\r\n");
    whole.say("kept\r\n");
    broken.end(now);
    whole.end(now);
    broken.openLog = () => {
      throw new Error("EIO: i/o error");
    };
    retention.watch(broken as unknown as Session);
    retention.watch(whole as unknown as Session);
    await until(() => events.some(([event, facts]) => event === "retention.settled" && facts?.session === "d"), "the whole one");
    assert.equal(events.filter(([event, facts]) => event === "retention.failed" && facts?.session === "c").length, 1);
    assert.equal(store.progress("d")?.lines, 1);
    await retention.dispose();
  });

  test("what comes while one is left alone does not wait for that one", async () => {
    const retention = make({ bytes: 0, age: 0 });
    const [broken, late] = [add("e"), add("f")];
    broken.openLog = () => {
      throw new Error("ENOSPC: no space left on device");
    };
    broken.end(now);
    retention.watch(late as unknown as Session);
    retention.watch(broken as unknown as Session);
    await until(() => events.some(([event, facts]) => event === "retention.failed" && facts?.session === "e"), "the failure");
    await until(() => !retention.busy, "nothing to be left but the one that is left alone");
    late.say(lines(0, 1_000));
    await until(() => (store.progress("f")?.offset ?? 0) > 0, "the other one's lines to be stored");
    late.end(now);
    await retention.dispose();
  });

  test("a database that takes nothing is left alone for a while by what is to be forgotten as well", async () => {
    const retention = make({ bytes: 0, age: 0 });
    const sweep = mock.method(store, "sweep", () => {
      throw new Error("SQLITE_FULL: database or disk is full");
    });
    retention.removed("h");
    await until(() => events.at(-1)?.[0] === "retention.failed", "the failure");
    await until(() => !retention.busy, "it to be left alone");
    assert.equal(sweep.mock.callCount(), 1);
    sweep.mock.restore();
    now += 60_000;
    assert.ok(retention.busy, "it is tried again");
    await until(() => !retention.busy, "nothing to be left");
    await retention.dispose();
  });

  test("an ended session whose folder was removed is let go of", async () => {
    const retention = make({ bytes: 0, age: 0 });
    const gone = add("g");
    gone.say("lost\r\n");
    gone.end(now);
    fs.rmSync(gone.holder.folder, { recursive: true });
    retention.watch(gone as unknown as Session);
    const failures = () => events.filter(([event, facts]) => event === "retention.failed" && facts?.session === "g").length;
    await until(() => failures() === 1, "the failure");
    now += 3_600_000;
    assert.equal(retention.busy, false, "nothing is to be tried again");
    await retention.dispose();
  });

  test("ended sessions go when they are old enough; one whose folder cannot be removed holds up nothing", async () => {
    sessions.length = 0;
    for (const [id, ended] of [
      ["stays", now - 92 * day],
      ["old", now - 91 * day],
      ["young", now - 89 * day],
    ] as const) {
      const session = add(id);
      session.end(ended);
    }
    const running = add("running");
    running.row.created = 1;
    const retention = make({ bytes: 0, age: 90 * day });
    retention.begin();
    assert.deepEqual(removed, ["old"]);
    assert.ok(events.some(([event, facts]) => event === "retention.remove-failed" && facts?.session === "stays"));
    const never = make({ bytes: 0, age: 0 });
    now += 1000 * day;
    never.begin();
    assert.deepEqual(removed, ["old"]);
    await Promise.all([retention.dispose(), never.dispose()]);
    running.holder.close();
  });
});
