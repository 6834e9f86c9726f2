// How many may look at one session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostViewers, refuseCrowd } from "../../../src/commands/attach/attach-terminal.ts";

test("the last viewer that fits is taken, one more is refused with another way", () => {
  refuseCrowd({ id: "abc234", viewers: { size: mostViewers - 1 } });
  assert.throws(() => refuseCrowd({ id: "abc234", viewers: { size: mostViewers } }), /256 viewers.*falcon logs -f abc234/);
});
