// The curve of one metric, whichever a run writes: as what a figure draws, as CSV and as JSON.
import { finite } from "../base/numbers.ts";
import { csvNumber, csvText } from "../base/text/csv.ts";
import type { Curve, NodeCurves } from "../trainers/run/curve.ts";
import { axisOf, type MetricSeries } from "../trainers/run/series.ts";

const none: Curve = { x: [], y: [] };

/**
 * A panel a node, from an epoch on. `axis`: what x counts, the same for all: epochs only where each node has
 * them.
 */
export function metricPanels(series: readonly MetricSeries[], from: number): { axis: string; curves: NodeCurves[] } {
  const axes = series.map(({ epoch, step }) => axisOf(epoch, step));
  const same = new Set(axes.map(([axis]) => axis)).size === 1;
  const curves = series.map((one, i) => {
    const x = same ? (axes[i]?.[1] ?? []) : one.value.map((_, entry) => entry + 1);
    const entries = entriesFrom(one, from);
    const y = entries.map((entry) => one.value[entry] as number);
    const validation = { x: entries.map((entry) => x[entry] as number), y };
    return { node: one.node, training: none, validation, learningRate: none, seams: [] };
  });
  return { axis: same ? (axes[0]?.[0] ?? "entry") : "entry", curves };
}

/** A line an entry; what is not known is empty, NaN and Inf are written as numpy and pandas read them. */
export function metricCsv(series: readonly MetricSeries[], from: number): string {
  const lines = series.flatMap((one) =>
    entriesFrom(one, from).map((i) =>
      [
        csvText(one.node),
        csvText(one.metric),
        csvNumber(one.epoch[i] ?? null),
        csvNumber(one.step[i] ?? null),
        csvNumber(one.value[i] ?? null),
      ].join(","),
    ),
  );
  return `${["node,metric,epoch,step,value", ...lines].join("\n")}\n`;
}

/**
 * `{"metric", "nodes": [{"node", "epoch": [], "step": [], "value": [], "nonFinite": []}]}`: a number or null
 * throughout; `nonFinite` names the index and the value of each that JSON has no number for.
 */
export function metricJson(series: readonly MetricSeries[], from: number): string {
  const nodes = series.map((one) => {
    const entries = entriesFrom(one, from);
    const value = entries.map((i) => one.value[i] as number);
    return {
      node: one.node,
      epoch: entries.map((i) => one.epoch[i] ?? null),
      step: entries.map((i) => one.step[i] ?? null),
      value: value.map(finite),
      nonFinite: value.flatMap((number, index) => (Number.isFinite(number) ? [] : [{ index, value: String(number) }])),
    };
  });
  return `${JSON.stringify({ metric: series[0]?.metric ?? null, nodes }, null, 2)}\n`;
}

function entriesFrom({ epoch, value }: MetricSeries, from: number): number[] {
  return value.flatMap((_, i) => (from === 0 || (epoch[i] ?? 0) >= from ? [i] : []));
}
