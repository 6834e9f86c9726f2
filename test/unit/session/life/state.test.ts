// The states of a session, and what a wait status means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { signalNumber } from "../../../../src/platform/signals.ts";
import { endOf, isLive, mayFollow } from "../../../../src/session/life/state.ts";

test("a session that is over stays over", () => {
  for (const over of ["exited", "lost"] as const) {
    assert.equal(isLive(over), false);
    for (const next of ["starting", "running", "exiting", "exited", "lost"] as const) assert.equal(mayFollow(over, next), false);
  }
  assert.equal(mayFollow("starting", "running"), true);
  assert.equal(mayFollow("exiting", "running"), false);
});

test("a wait status is a code, a signal, or unknown", () => {
  assert.deepEqual(endOf(3 << 8), { code: 3, signal: null, status: 3 });
  assert.deepEqual(endOf(9), { code: null, signal: "SIGKILL", status: 137 });
  assert.deepEqual(endOf(11 | 0x80), { code: null, signal: "SIGSEGV", status: 139 }, "with a core dump");
  assert.deepEqual(endOf(-1), { code: null, signal: null, status: 125 });
});

test("signals go by name and number", () => {
  for (const name of ["SIGTERM", "TERM", "term", "15"]) assert.equal(signalNumber(name), 15);
  assert.equal(signalNumber("NOPE"), undefined);
  assert.equal(signalNumber("0"), undefined);
  assert.equal(signalNumber("65"), undefined);
});
