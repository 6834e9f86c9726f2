// Whether the program of a session without a server runs: its holder tells, whatever the clock says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { programRuns } from "../../../../src/session/machines/left-program.ts";
import { readRecord } from "../../../../src/store/record.ts";
import { untilGone } from "../../../support/events.ts";
import { Held, holdersOf } from "../../../support/holder/held.ts";

test("whatever the clock says, a program whose holder is there runs; without one its number may be another's", async () => {
  const held = await Held.launch(["/bin/sleep", "1000"]);
  try {
    const { folder } = held;
    const later = Date.now() + 3 * 86_400_000;
    assert.equal(programRuns(folder, readRecord(folder), later), true);
    const [holder] = holdersOf(folder) as [number];
    process.kill(holder, "SIGKILL");
    await untilGone(holder);
    assert.equal(programRuns(folder, readRecord(folder)), true);
    assert.equal(programRuns(folder, readRecord(folder), later), false);
  } finally {
    await held.dispose();
  }
});
