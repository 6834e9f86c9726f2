// The line of bars: its scale, its marks, its width.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sparkline } from "../../../src/presentation/sparkline.ts";

test("most bars are the last third's: what happens now is seen behind a steep first drop, which keeps its own", () => {
  const losses = [900, 300, 80, 9, 5, 4, 1.2, 1.1, 1];
  assert.equal(sparkline(losses, 9), "▇▅▅▅▅▅▄▃▁");
  assert.equal(sparkline([1, 2, 3, 4, 5, 6, 7, 8, 9], 9), "▁▁▁▁▁▁▂▅▇", "what rises has its lowest bar for what was below");
});

test("bars leave a gap to the row above; one value is the middle; nothing is nothing", () => {
  assert.doesNotMatch(sparkline([1, 2, 3, 4, 5, 6], 6), /█/);
  assert.equal(sparkline([7], 5), "▄");
  assert.equal(sparkline([], 5), "");
  assert.equal(sparkline([1, 2], 0), "");
  assert.equal(sparkline(Array(100).fill(2), 12).length, 12);
});

test("NaN and Inf are marked where they are", () => {
  assert.equal(sparkline([3, Number.NaN, 2, 1], 4), "▇×▄▁");
  assert.equal(sparkline([3, 2, 1, Number.NaN, Number.POSITIVE_INFINITY], 5).slice(-2), "××");
});

test("a number so great that there is no range to another one is marked as Inf is", () => {
  assert.equal(sparkline([1.2e308, 3, 2, 1, -1.2e308], 5), sparkline([Number.POSITIVE_INFINITY, 3, 2, 1, Number.NaN], 5));
});
