// How long nothing was heard, while the wall clock is set.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Silence } from "../../../src/trainers/run/silence.ts";

const hour = 3_600_000;

test("the first sign's silence is what the wall clock says, then time passes", () => {
  const silence = new Silence();
  assert.equal(silence.since(1_000, { wall: 6_000, steady: 0 }), 5_000);
  assert.equal(silence.since(1_000, { wall: 16_000, steady: 10_000 }), 15_000);
  assert.equal(silence.since(20_000, { wall: 21_000, steady: 15_000 }), 1_000);
});

test("a clock that is set, either way, makes no silence and ends none", () => {
  for (const jump of [hour, -hour]) {
    const silence = new Silence();
    silence.since(0, { wall: 1_000, steady: 0 });
    assert.equal(silence.since(0, { wall: 2_000 + jump, steady: 1_000 }), 2_000);
    assert.equal(
      silence.since(1_900 + jump, { wall: 3_000 + jump, steady: 2_000 }),
      1_000,
      "no longer than since it was asked last",
    );
    assert.equal(silence.since(1_900 + jump, { wall: 9_000 + jump, steady: 8_000 }), 7_000);
    // a sign of the old clock that is seen after the jump
    assert.ok(silence.since(8_500, { wall: 10_000 + jump, steady: 9_000 }) <= 1_000);
  }
});
