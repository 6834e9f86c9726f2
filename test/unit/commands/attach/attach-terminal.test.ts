// How many may look at one session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostViewers, refuseCrowd } from "../../../../src/commands/attach/attach-terminal.ts";

test("the last viewer that fits is taken, one more is refused with another way", () => {
  refuseCrowd("abc234", mostViewers - 1);
  assert.throws(() => refuseCrowd("abc234", mostViewers), /256 viewers.*falcon logs -f abc234/);
});
