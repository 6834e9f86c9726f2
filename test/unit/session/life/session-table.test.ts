// How many sessions there may be, what is told of one whose row was lost, and what a server that goes leaves
// to the next one.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { useAside } from "../../../../src/base/aside/aside.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import { mostSessions, SessionTable, type StartOrder } from "../../../../src/session/life/session-table.ts";
import { readRecord } from "../../../../src/store/record.ts";
import { writeSessionFile } from "../../../../src/store/session-file.ts";
import type { SessionRow } from "../../../../src/store/session-store.ts";
import { until } from "../../../support/events.ts";
import { endSession, holdersOf, orders } from "../../../support/holder/held.ts";
import { FakeHolder } from "../../../support/holder/session-folder.ts";
import { addon, holder, notBuilt } from "../../../support/paths.ts";

class FullTable extends SessionTable {
  override live(): Session[] {
    return new Array(mostSessions);
  }
}

test("one more than the limit is refused with what to do, before anything is made", async () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  try {
    // neither the store nor the effects may be touched
    const untouched = new Proxy({}, { get: (_target, name) => assert.fail(`${String(name)} was used`) });
    const table = new FullTable(folder, "host", untouched as never, untouched as never);
    await assert.rejects(
      table.start({ token: "00" } as StartOrder),
      /4000 sessions are running, which is the limit; .*falcon stop/,
    );
    assert.deepEqual(fs.readdirSync(folder), []);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

/** What is kept in a session's folder of a part from elsewhere. */
function bringIn(folder: string): void {
  const id = path.basename(folder);
  const texts = { name: "n", kind: "launch", trainer: "falcon", directory: "/", host: "node1", boot: "", token: "t" };
  const more = { umask: 18, created: 1000, cols: 80, rows: 24, pinned: false, limits: [], environment: {}, runDirectory: null };
  writeSessionFile(folder, { id, command: ["x"], facts: { broughtIn: true }, ...texts, ...more } as never);
}

test("a part from elsewhere that ended without a word ended when it last wrote, or began where that is not known", () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  try {
    const table = new SessionTable(folder, "host", {} as never, {} as never);
    const rowOf = (id: string, fill: (session: string) => void) => {
      const session = path.join(folder, id);
      fill(session);
      bringIn(session);
      const row = table.rowOf(session);
      return [row?.state, row?.ended];
    };
    const wrote = rowOf("abc234", (session) => {
      const holder = new FakeHolder(session, { time: 2000 });
      holder.write("output", 5000);
      holder.close();
    });
    assert.deepEqual(wrote, ["lost", 5000]);
    assert.deepEqual(
      rowOf("abc235", (session) => void fs.mkdirSync(session)),
      ["lost", 1000],
    );
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

test("of a lost database, a folder whose record cannot be read keeps nobody from the other sessions", async () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  try {
    for (const id of ["abc234", "abc235"]) {
      fs.mkdirSync(path.join(folder, id));
      bringIn(path.join(folder, id));
    }
    fs.mkdirSync(path.join(folder, "abc234", "record"));
    const table = new SessionTable(folder, "host", { all: () => [] } as never, { came: () => {}, log: () => {} } as never);
    await table.adopt();
    assert.deepEqual(
      table
        .all()
        .map(({ id }) => id)
        .sort(),
      ["abc234", "abc235"],
    );
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});

/** A table, and the session that is to be started in it. */
class Starting {
  readonly folder = fs.mkdtempSync("/tmp/fs-");
  readonly row: { state: string } = { state: "none" };
  /** What was told of it. */
  readonly told: string[] = [];
  readonly table: SessionTable;

  constructor() {
    const store = {
      save: (row: SessionRow) => Object.assign(this.row, { state: row.state }),
      remove: () => this.told.push("row removed"),
    };
    const screen = { stream: () => {}, follow: () => {}, unfollow: () => {}, attend: () => {}, close: () => {} };
    const effects = {
      ...{ screens: { open: () => screen }, boot: "", keep: 0, clock: () => 0, steady: () => 0, log: () => {} },
      ...{ save: store.save, snapshot: () => undefined, conclude: async () => {} },
      changed: () => this.told.push("changed"),
      came: () => this.told.push("came"),
      over: () => this.told.push("over"),
      removed: () => this.told.push("removed"),
    };
    this.table = new SessionTable(this.folder, "host", store as never, effects as never);
  }

  start(): Promise<Session> {
    const { file, args, ...order } = orders(["/bin/sleep", "1000"]);
    const more = { kind: "run", name: "n", runDirectory: null, pinned: false, token: "t", facts: {}, id: "abc234" };
    return this.table.start({ ...order, ...more, command: [file, ...args] } as unknown as StartOrder);
  }

  get place(): string {
    return this.table.folderOf("abc234");
  }

  async dispose(): Promise<void> {
    useAside(undefined);
    await this.table.leave();
    await endSession(this.place);
    fs.rmSync(this.folder, { recursive: true });
  }
}

const unbuilt = { skip: notBuilt([addon, holder]).length > 0 };

for (const { name, slow, answers } of [
  { name: "a directory that answers", slow: "checkDirectory", answers: true },
  { name: "a directory whose helper goes with the server", slow: "checkDirectory", answers: false },
  { name: "an agent's socket that answers", slow: "aimAgentLink", answers: true },
])
  test(`what waits for ${name} when the server goes is not started behind its back: it is the next one's`, unbuilt, async () => {
    const scene = new Starting();
    try {
      let asked = false;
      let go = () => {};
      useAside((work) => {
        if (work !== slow) return Promise.resolve();
        asked = true;
        return new Promise((resolve, reject) => {
          go = () => (answers ? resolve(undefined) : reject(new Error("the helper was ended")));
        });
      });
      const start = scene.start().then(
        () => "started",
        () => "not started",
      );
      await until(() => asked, "the question");
      await scene.table.leave();
      go();
      assert.equal(await start, "not started");
      assert.deepEqual([scene.row.state, scene.told, holdersOf(scene.place)], ["starting", [], []]);
      assert.ok(fs.existsSync(path.join(scene.place, "session.json")));
    } finally {
      await scene.dispose();
    }
  });

test("what was launched when the server goes runs, and the next one has it", unbuilt, async () => {
  const scene = new Starting();
  try {
    const start = scene.start().then(
      () => "started",
      () => "not started",
    );
    await until(() => holdersOf(scene.place).length > 0, "the holder");
    await scene.table.leave();
    scene.told.length = 0;
    await start;
    assert.deepEqual(scene.told, [], "nothing is told by a server that has gone");
    await until(() => readRecord(scene.place).start !== undefined, "the program");
  } finally {
    await scene.dispose();
  }
});

test("nothing is started once the server has let go of its sessions", unbuilt, async () => {
  const scene = new Starting();
  try {
    await scene.table.leave();
    await assert.rejects(scene.start());
    assert.deepEqual([scene.told, fs.readdirSync(scene.folder)], [[], []]);
  } finally {
    await scene.dispose();
  }
});
