// What was used in each epoch: means over its own time, whatever the length of the stretches.
import assert from "node:assert/strict";
import { test } from "node:test";
import { figureSvg } from "../../../src/export/figure.ts";
import { usageByEpoch } from "../../../src/resources/by-epoch.ts";
import { sampleAt } from "../../support/usage-samples.ts";

test("short stretches in a long epoch are averaged, a long stretch is every short epoch's", () => {
  const short = [1, 2, 3, 4].map((i) => sampleAt(i * 5000, { memory: i * 10 }));
  assert.deepEqual(usageByEpoch(short, [10_000, 20_000], "memory"), [15, 35]);
  const long = [sampleAt(60_000, { span: 60, memory: 7 })];
  assert.deepEqual(usageByEpoch(long, [10_000, 20_000, 60_000], "memory"), [7, 7, 7]);
  assert.deepEqual(
    usageByEpoch([sampleAt(5000, { span: 4, gpu: 0.2 }), sampleAt(15_000, { span: 10, gpu: 0.8 })], [10_000], "gpu"),
    [(0.2 * 4 + 0.8 * 5) / 9],
  );
});

test("nothing is known before the first and after the last, and of what was not told", () => {
  const samples = [sampleAt(105_000), sampleAt(110_000, { gpu: null })];
  assert.deepEqual(usageByEpoch(samples, [50_000, 104_000, 110_000, 200_000], "memory"), [Number.NaN, 1e9, 1e9, Number.NaN]);
  assert.deepEqual(usageByEpoch(samples, [110_000], "gpu"), [Number.NaN]);
  assert.deepEqual(usageByEpoch([], [1, 2], "memory"), [Number.NaN, Number.NaN]);
});

test("a figure has them as panels below the losses", () => {
  const x = [1, 2, 3];
  const curves = [
    {
      node: "theta",
      training: { label: "", x, y: [3, 2, 1] },
      validation: { label: "", x, y: [3, 2, 1] },
      learningRate: { label: "", x: [], y: [] },
      seams: [],
    },
  ];
  const options = { log: false, from: 0, learningRate: false };
  const height = (svg: string) => Number(/height="(\d+)"/.exec(svg)?.[1]);
  const plain = figureSvg(curves, "run", options);
  const svg = figureSvg(curves, "run", { ...options, resources: [{ label: "memory (GB)", x, y: [1, Number.NaN, 2] }] });
  assert.equal(height(svg), height(plain) + 150);
  assert.match(svg, /memory \(GB\)[\s\S]*<polyline points="70,[\d.]+ 700,[\d.]+"/);
});
