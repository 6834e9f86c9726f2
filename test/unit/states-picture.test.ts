// docs/design/session-states.svg is what the transitions say: an arrow for each, and no other.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { statesPicture } from "../../scripts/draw-states.ts";
import { mayFollow } from "../../src/session/life/state.ts";
import { root } from "../support/paths.ts";

test("the picture of a session's life is made from its transitions", () => {
  const kept = fs.readFileSync(path.join(root, "docs/design/session-states.svg"), "utf8");
  assert.equal(kept, statesPicture(), "npm run draw:states draws it anew");
  const states = ["starting", "running", "exiting", "exited", "lost"] as const;
  const transitions = states.flatMap((from) => states.filter((to) => mayFollow(from, to)));
  assert.equal(kept.match(/marker-end=/g)?.length, transitions.length);
});
