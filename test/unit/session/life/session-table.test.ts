// How many sessions there may be.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import type { Session } from "../../../../src/session/life/session.ts";
import { mostSessions, SessionTable, type StartOrder } from "../../../../src/session/life/session-table.ts";

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
