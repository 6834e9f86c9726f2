// The curve of any metric by its name: which axis it has, what is told of its age, and of a name that is
// none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { metricCharts } from "../../../../src/commands/show/metric-charts.ts";
import { coloursFor } from "../../../../src/commands/text/table.ts";
import type { MetricSeries } from "../../../../src/trainers/run/series.ts";

const colours = coloursFor({ environment: {}, terminal: { stdout: false } } as Parameters<typeof coloursFor>[0]);

const series = (over: Partial<MetricSeries> = {}): MetricSeries => ({
  ...{ node: "z", metric: "aux", step: [10, 20, 30], epoch: [1, 2, 3], time: [1_000, 2_000, 3_000] },
  ...{ samples: [null, null, null], value: [3, Number.NaN, 1], ...over },
});
const title = (...all: MetricSeries[]) => metricCharts(all, ["aux"], 60, 63_000, colours)[0];

test("by epochs where each entry has one of its own, else by steps, else by their order", () => {
  assert.equal(title(series()), "aux of z by epoch   last 1 at epoch 3, 1m 00s ago");
  assert.equal(title(series({ epoch: [1, 1, 1] })), "aux of z by step   last 1 at step 30, 1m 00s ago");
  const none = [null, null, null];
  assert.equal(title(series({ epoch: none, step: none, time: none })), "aux of z by entry   last 1 at entry 3");
});

test("every node that has it, and a chart with the ends of its axes", () => {
  const lines = metricCharts([series(), series({ node: "theta" }), series({ metric: "other" })], ["aux"], 60, 0, colours);
  assert.deepEqual(
    lines.filter((line) => line.includes(" by ")).map((line) => line.split(" by ")[0]),
    ["aux of z", "aux of theta"],
  );
  assert.match(lines.join("\n"), /└1─+3/);
});

test("of a name that is none those that there are, of many names the first sixty", () => {
  assert.throws(() => metricCharts([series()], ["lr"], 60, 0, colours), /--metric lr: no such metric; there are aux$/);
  assert.throws(() => metricCharts([], ["lr"], 60, 0, colours), /has written no metrics/);
  const many = Array.from({ length: 65 }, (_, i) => series({ metric: `m${i}` }));
  assert.throws(() => metricCharts(many, ["lr"], 60, 0, colours), /m50, .* and 5 more$/);
});
