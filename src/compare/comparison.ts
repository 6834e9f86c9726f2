// Several runs beside each other: which metric is compared, the table of facts, and what JSON and CSV have of
// it.

import { drawable } from "../base/extremes.ts";
import { finite } from "../base/numbers.ts";
import { span } from "../presentation/summary.ts";
import type { MetricSeries } from "../trainers/run/series.ts";
import { notComparable } from "./comparability.ts";
import { axisOf, type By, bestAndLast, type ComparedRun } from "./compared-run.ts";
import { type ConfigDifference, configDifferences } from "./config-difference.ts";
import { csvColumns, csvLines, factsOf } from "./run-export.ts";

export interface Comparison {
  runs: readonly ComparedRun[];
  by: By;
  /** The metric whose curves are drawn; undefined: none has any. */
  metric: string | undefined;
  differences: ConfigDifference[];
  /** What cannot be compared, in words. */
  warnings: string[];
}

/** What is compared where nobody names a metric: the first that a run has. */
const usual = ["val_loss", "val/loss", "loss", "train_loss", "train/loss"];

/** @param metric as it was asked for. @param node only this node's. */
export function comparisonOf(
  runs: readonly ComparedRun[],
  { metric, by, node }: { metric: string | undefined; by: By; node: string | undefined },
): Comparison {
  const chosen =
    node === undefined ? runs : runs.map((run) => ({ ...run, metrics: run.metrics.filter((series) => series.node === node) }));
  const names = new Set(chosen.flatMap(({ metrics }) => metrics.map((series) => series.metric)));
  const taken = metric ?? usual.find((name) => names.has(name)) ?? [...names][0];
  return {
    runs: chosen,
    by,
    metric: taken,
    differences: configDifferences(chosen.map(({ config }) => config)),
    warnings: notComparable(chosen, taken),
  };
}

/** The curves that are drawn, one a run and node. */
export interface ComparedCurve {
  label: string;
  /** Index of its run. */
  run: number;
  x: number[];
  y: number[];
}

export function curvesOf({ runs, metric, by }: Comparison): ComparedCurve[] {
  const compared = runs.flatMap((run, index) =>
    run.metrics.filter((series) => series.metric === metric).map((series) => ({ run, index, series })),
  );
  const several = new Set(compared.map(({ series }) => series.node)).size > 1;
  return compared.map(({ run, index, series }) => {
    const axis = axisOf(series, by, run.started);
    const kept = axis.flatMap((x, i) => (x !== null && drawable(x) && drawable(series.value[i]) ? [i] : []));
    return {
      label: several ? `${run.name} ${series.node}` : run.name,
      run: index,
      x: kept.map((i) => axis[i] as number),
      y: kept.map((i) => series.value[i] as number),
    };
  });
}

/** What an axis is called. */
export const axisNames: Readonly<Record<By, string>> = {
  epoch: "epoch",
  time: "seconds since its start",
  samples: "simulations",
};

/**
 * Metrics whose best and last values stand in the table where none is asked for: more would be a table of
 * tables.
 */
const inTable = /^(val_loss|train_loss)$/;

/** Rows of the table: a label and a cell a run; rows of which nothing is known are left out. */
export function tableRows({ runs, metric }: Comparison, number: (value: number) => string): { label: string; cells: string[] }[] {
  const rows: { label: string; cells: string[] }[] = [];
  const add = (label: string, cell: (run: ComparedRun) => string | null) => {
    const cells = runs.map((run) => cell(run) ?? "-");
    if (cells.some((text) => text !== "-")) rows.push({ label, cells });
  };
  add("outcome", ({ outcome }) => outcome);
  const shown = metricsOf(runs).filter(({ name }) => name === metric || inTable.test(name));
  const severalNodes = new Set(shown.map(({ node }) => node)).size > 1;
  for (const { node, name } of shown) {
    const label = severalNodes ? `${node} ${name}` : name;
    const told = (run: ComparedRun) => {
      const series = run.metrics.find((one) => one.node === node && one.metric === name);
      return series === undefined ? undefined : bestAndLast(series);
    };
    add(`${label}, best`, (run) => {
      const { best, bestEpoch } = told(run) ?? { best: null, bestEpoch: null };
      return best === null ? null : `${number(best)}${bestEpoch === null ? "" : ` at ${bestEpoch}`}`;
    });
    add(`${label}, last`, (run) => {
      const last = told(run)?.last ?? null;
      return last === null ? null : Number.isFinite(last) ? number(last) : String(last);
    });
  }
  add("epochs", ({ epochs }) => (epochs === null ? null : String(epochs)));
  add("samples", ({ samples }) => (samples === null ? null : String(samples)));
  add("time", ({ seconds }) => (seconds === null ? null : span(seconds)));
  add("GPU hours", ({ gpuHours }) => (gpuHours === null ? null : gpuHours.toFixed(2)));
  add("CPU hours", ({ cpuHours }) => (cpuHours === null ? null : cpuHours.toFixed(2)));
  add("memory, most", ({ memoryPeak }) => (memoryPeak === null ? null : memory(memoryPeak)));
  add("host", ({ host }) => host);
  return rows;
}

/** Each metric of any run, node by node. */
function metricsOf(runs: readonly ComparedRun[]): { node: string; name: string }[] {
  const found = new Map<string, { node: string; name: string }>();
  for (const { metrics } of runs) for (const { node, metric } of metrics) found.set(`${node} ${metric}`, { node, name: metric });
  return [...found.values()];
}

/** A line a value of the compared metric; what is not known is empty. */
export function comparisonCsv({ runs, metric }: Comparison): string {
  const lines = runs.flatMap(({ name, metrics }) =>
    metrics.filter((one) => one.metric === metric).flatMap((series) => csvLines(name, series)),
  );
  return `${[`run,${csvColumns}`, ...lines].join("\n")}\n`;
}

/** Everything but the curves of other metrics. */
export function comparisonJson(comparison: Comparison): string {
  const { runs, metric, differences, warnings } = comparison;
  const series = (one: MetricSeries) => {
    const { best, bestEpoch, last } = bestAndLast(one);
    const time = one.time.map((time) => (time === null ? null : time / 1000));
    return { ...one, time, value: one.value.map(finite), best, bestEpoch, last: finite(last) };
  };
  const told = {
    metric: metric ?? null,
    warnings,
    differences,
    runs: runs.map((run) => {
      const { config: _, ...facts } = factsOf(run);
      return { ...facts, metrics: run.metrics.filter((one) => one.metric === metric).map(series) };
    }),
  };
  return `${JSON.stringify(told, null, 2)}\n`;
}

/** As the curves of what a run used have it: MB where it had less than a tenth of a GB. */
function memory(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}
