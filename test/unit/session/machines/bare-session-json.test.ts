// What is listed of a session that no server tells of.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type BareFacts, bareSessionJson } from "../../../../src/session/machines/bare-session-json.ts";

const facts: BareFacts = {
  ...{ id: "abc234", name: "run", kind: "run", state: "exited", reason: "its server is gone", job: "s4711", host: "node1" },
  ...{ command: ["x"], directory: "/", runDirectory: null, created: 1000 },
};

test("how it ended is what its record says: a status, a signal, or nothing", () => {
  const ended = (waitStatus?: number) => {
    const { exitCode, signal } = bareSessionJson({ ...facts, waitStatus });
    return [exitCode, signal];
  };
  assert.deepEqual(ended(7 << 8), [7, null]);
  assert.deepEqual(ended(9), [null, "SIGKILL"]);
  assert.deepEqual(ended(-1), [null, null]);
  assert.deepEqual(ended(), [null, null]);
});
