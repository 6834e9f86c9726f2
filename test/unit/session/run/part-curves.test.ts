// One curve of many parts: what falcon wrote over is there again, and nothing is told twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { joinCurves, keptCurves } from "../../../../src/session/run/part-curves.ts";
import type { NodeCurves } from "../../../../src/trainers/run/curve.ts";

function curves(epochs: number[], value: number, seams: number[] = []): NodeCurves {
  const curve = () => ({ x: epochs, y: epochs.map(() => value) });
  return { node: "z", training: curve(), validation: curve(), learningRate: curve(), seams };
}

test("earlier parts come before what the run's files tell, each epoch once, with a seam between", () => {
  const [joined] = joinCurves([keptCurves([curves([1, 2, 3], 10)]), keptCurves([curves([3, 4, 5], 20)])], [curves([6, 7], 30)]);
  assert.deepEqual(joined?.training.x, [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(joined?.training.y, [10, 10, 20, 20, 20, 30, 30]);
  assert.deepEqual(joined?.seams, [3, 6]);
});

test("curves of more points than a call has room for arguments", () => {
  const many = Array.from({ length: 200_000 }, (_, i) => i + 1);
  const [joined] = joinCurves([keptCurves([curves(many, 1)])], [curves([200_001], 2)]);
  assert.equal(joined?.training.x.length, 200_001);
  assert.deepEqual(joined?.seams, [200_001]);
});

test("files that tell it all are not added to", () => {
  const now = [curves([1, 2, 3, 4], 5, [3])];
  assert.deepEqual(joinCurves([keptCurves([curves([1, 2], 9)])], now), now);
});

test("a part without epochs, a node that is not there, and values that are no numbers", () => {
  const [joined] = joinCurves([[], keptCurves([{ ...curves([1], 1), node: "other" }])], [curves([2], 2)]);
  assert.deepEqual(joined?.training.x, [2]);
  assert.deepEqual(keptCurves([curves([1, 2], Number.NaN)])[0]?.training, { x: [], y: [] });
  const [only] = joinCurves([keptCurves([curves([1, 2], 3)])], [curves([], 0)]);
  assert.deepEqual(only?.validation.x, [1, 2]);
});
