// The curve of one metric as numbers and as a figure.
import assert from "node:assert/strict";
import { test } from "node:test";
import { figureSvg } from "../../../src/export/figure.ts";
import { metricCsv, metricJson, metricPanels } from "../../../src/export/metric-curve.ts";
import type { MetricSeries } from "../../../src/trainers/run/series.ts";

const series = (node: string, epoch: (number | null)[], step: (number | null)[], value: number[]): MetricSeries => ({
  ...{ node, metric: "val/nll", epoch, step, value },
  time: value.map(() => null),
  samples: value.map(() => null),
});
const z = series("z", [1, 2, 3], [10, 20, 30], [4, Number.NaN, 2]);
const steps = series("y", [1, 1, 2], [1, 2, 3], [7, 8, 9]);

test("as CSV and JSON, from an epoch on", () => {
  assert.equal(metricCsv([z], 0), "node,metric,epoch,step,value\nz,val/nll,1,10,4\nz,val/nll,2,20,nan\nz,val/nll,3,30,2\n");
  assert.equal(metricCsv([z], 3), "node,metric,epoch,step,value\nz,val/nll,3,30,2\n");
  assert.deepEqual(JSON.parse(metricJson([z], 2)), {
    metric: "val/nll",
    nodes: [{ node: "z", epoch: [2, 3], step: [20, 30], value: [null, 2], nonFinite: [{ index: 0, value: "NaN" }] }],
  });
});

test("a panel a node, by what all of them have; named by the metric, without the losses' legend", () => {
  assert.deepEqual(metricPanels([z], 0).axis, "epoch");
  assert.deepEqual(metricPanels([steps], 0).curves[0]?.validation.x, [1, 2, 3]);
  assert.equal(metricPanels([steps], 0).axis, "step");
  assert.equal(metricPanels([z, steps], 0).axis, "entry");
  const { axis, curves } = metricPanels([steps], 0);
  const svg = figureSvg(curves, "run", { log: false, from: 0, learningRate: false, metric: { name: "a<b", axis } });
  assert.match(svg, /middle">step<\/text>/);
  assert.match(svg, />a&#60;b<\/text>/);
  assert.doesNotMatch(svg, /nats|validation|best/);
});

test("a figure from an epoch on, whatever it is drawn by", () => {
  assert.deepEqual(metricPanels([z], 2).curves[0]?.validation, { x: [2, 3], y: [Number.NaN, 2] });
  assert.deepEqual(metricPanels([steps], 2).curves[0]?.validation, { x: [3], y: [9] });
  assert.deepEqual(
    metricPanels([z, steps], 2).curves.map(({ validation }) => validation.x),
    [[2, 3], [3]],
  );
  const { axis, curves } = metricPanels([steps], 2);
  const svg = figureSvg(curves, "run", { log: false, from: 2, learningRate: false, metric: { name: "val/nll", axis } });
  assert.match(svg, /<circle/, "its one entry is drawn");
  const late = figureSvg(metricPanels([steps], 9).curves, "run", {
    ...{ log: false, from: 9, learningRate: false },
    metric: { name: "val/nll", axis },
  });
  assert.match(late, /no val\/nll since epoch 9/);
});
