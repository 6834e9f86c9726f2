// Curves as text: what has no place on an axis.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawChart } from "../../../src/presentation/chart.ts";

test("numbers so great that the range between them is none are left out, as Inf is", () => {
  const plain = drawChart([{ x: [2, 3], y: [3, 1] }], 40, 6);
  assert.deepEqual(drawChart([{ x: [1, 2, 3, 4], y: [1.2e308, 3, 1, -1.2e308] }], 40, 6), plain);
  assert.deepEqual(drawChart([{ x: [-1.7e308, 2, 3, 1.7e308], y: [2, 3, 1, 2] }], 40, 6), plain);
  assert.deepEqual(drawChart([{ x: [1], y: [1.7e308] }], 40, 6).rows, ["no losses yet"]);
});

test("any other number has its place", () => {
  for (const y of [
    [1e299, -1e299],
    [0, 5e-324],
    [Number.MAX_SAFE_INTEGER, -1],
  ])
    assert.match(drawChart([{ x: [1, 2], y }], 40, 6).rows.join(""), /[\u2801-\u28ff]/);
});
