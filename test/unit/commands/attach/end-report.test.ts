// The report of an ended session: its sections, and none of what the last screen says anyway.
import assert from "node:assert/strict";
import { test } from "node:test";
import { endReport } from "../../../../src/commands/attach/end-report.ts";
import type { Session } from "../../../../src/session/life/session.ts";

const summary = ["Training completed in 5m 10s", "  z: 256 sims, 40 epochs"];

/** A session with a traceback and a summary, whose last screen is this one. */
function session(screen: string[], live = false): Session {
  const postMortem = { traceback: ["Traceback (most recent call last):", "ValueError: no such column"], summary };
  return { id: "s4711x", live, row: { facts: { postMortem } }, lastScreen: async () => screen } as unknown as Session;
}

test("traceback, summary and screen are sections of their own", async () => {
  const { before, summary: told, after } = await endReport(session(["$ done"]), 0, { full: true, screen: true });
  assert.match(before, /^\ntraceback:\n {2}Traceback/);
  assert.equal(told, "\nfalcon's summary:\n  Training completed in 5m 10s\n    z: 256 sims, 40 epochs\n");
  assert.equal(after, "\nits last screen:\n  $ done\n");
});

test("a summary that stands on the last screen is not said again, unless no screen is shown", async () => {
  const ended = session(["", ...summary, "$"]);
  assert.equal((await endReport(ended, 80, { full: false, screen: true })).summary, "");
  const { summary: told, after } = await endReport(ended, 80, { full: false, screen: false });
  assert.match(told, /Training completed/);
  assert.equal(after, "");
});

test("of what runs there is its screen alone", async () => {
  const { before, summary: told, after } = await endReport(session(["Epoch 3"], true), 0, { full: false, screen: true });
  assert.deepEqual([before, told, after], ["", "", "\nits screen now:\n  Epoch 3\n"]);
});
