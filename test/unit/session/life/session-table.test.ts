// How many sessions there may be, and what is told of one whose row was lost.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import type { Session } from "../../../../src/session/life/session.ts";
import { mostSessions, SessionTable, type StartOrder } from "../../../../src/session/life/session-table.ts";
import { writeSessionFile } from "../../../../src/store/session-file.ts";
import { FakeHolder } from "../../../support/holder/session-folder.ts";

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
