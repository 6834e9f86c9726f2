// Which keys a viewer is told to leave by: a letter only where the program has a display that leaves it free.
import assert from "node:assert/strict";
import { test } from "node:test";
import { leavingKeys } from "../../../../src/session/viewers/viewer-title.ts";
import { trainerNamed } from "../../../../src/trainers/registry.ts";

const keys = { detachKey: "d", prefix: 0x1c };

test("a launch with plain lines is left by Ctrl-\\ alone: a letter is typed into it", () => {
  const falcon = trainerNamed("falcon");
  assert.equal(leavingKeys(falcon, ["falcon", "launch", "-o", "runs/a"], keys), "d or Ctrl-\\");
  assert.equal(leavingKeys(falcon, ["falcon", "launch", "-o", "runs/a", "--no-interactive"], keys), "Ctrl-\\");
  assert.equal(leavingKeys(trainerNamed("none"), ["sleep", "9"], keys), "Ctrl-\\");
  assert.equal(leavingKeys(falcon, ["falcon", "launch", "--no-interactive"], { ...keys, prefix: null }), "");
});
