// Everything known of a run as arrays: CSV for a spreadsheet, JSON for a program, NPZ for numpy.
import { isoTime } from "../base/clock.ts";
import { finite } from "../base/numbers.ts";
import { csvNumber, csvText } from "../base/text/csv.ts";
import type { UsageSample } from "../resources/sample.ts";
import { sampleFields } from "../resources/sample.ts";
import type { MetricSeries } from "../trainers/run/series.ts";
import type { ComparedRun } from "./compared-run.ts";
import type { NpzArray } from "./npz-writer.ts";

/** A run with what it used over its life. */
export interface ExportedRun {
  run: ComparedRun;
  usage: readonly UsageSample[];
}

const columns = ["step", "epoch", "walltime", "samples", "value"] as const;

/** What the lines of a series have behind their first cell. */
export const csvColumns = `node,metric,${columns.join(",")}`;

/** Times are seconds since 1970, as falcon's own files have them. */
function column(series: MetricSeries, name: (typeof columns)[number]): (number | null)[] {
  return name === "walltime" ? series.time.map((time) => (time === null ? null : time / 1000)) : series[name];
}

/** A line a value. */
export function csvLines(first: string, series: MetricSeries): string[] {
  const name = [first, series.node, series.metric].map(csvText);
  const values = columns.map((one) => column(series, one));
  return series.value.map((_, i) => [...name, ...values.map((column) => csvNumber(column[i] ?? null))].join(","));
}

/**
 * A line a value (RFC 4180, each ends in a line feed); what is not known is empty, NaN and Inf as numpy and
 * pandas read them. A piece for each metric: a long run has tens of megabytes.
 */
export function* exportCsv({ run, usage }: ExportedRun): Generator<string> {
  yield textOf([`kind,${csvColumns}`]);
  for (const series of run.metrics) yield textOf(csvLines("metric", series));
  for (const field of sampleFields) {
    if (field === "time") continue;
    const known = usage.filter((sample) => sample[field] !== null);
    if (known.length === 0) continue;
    yield textOf(known.map((sample) => `usage,,${field},,,${csvNumber(sample.time / 1000)},,${csvNumber(sample[field])}`));
  }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

export function exportJson({ run, usage }: ExportedRun): string {
  const metrics = run.metrics.map((series) => ({
    node: series.node,
    metric: series.metric,
    ...Object.fromEntries(columns.map((name) => [name, column(series, name).map(finite)])),
    nonFinite: series.value.flatMap((value, index) => (Number.isFinite(value) ? [] : [{ index, value: String(value) }])),
  }));
  const used = Object.fromEntries(sampleFields.map((field) => [field === "time" ? "walltime" : field, valuesOf(usage, field)]));
  return `${JSON.stringify({ ...factsOf(run), metrics, usage: used }, null, 2)}\n`;
}

/**
 * Arrays by name: `<node>/<metric>/step`, `/epoch`, `/walltime`, `/samples`, `/value`; `usage/<field>`;
 * `meta`, a text in JSON. A field that is not known is NaN. A series at a time: of many long ones somebody
 * else must come between.
 */
export async function npzArrays({ run, usage }: ExportedRun): Promise<Map<string, NpzArray>> {
  const arrays = new Map<string, NpzArray>([["meta", JSON.stringify(factsOf(run))]]);
  for (const series of run.metrics) {
    for (const name of columns) arrays.set(`${series.node}/${series.metric}/${name}`, floats(column(series, name)));
    await new Promise(setImmediate);
  }
  if (usage.length > 0)
    for (const field of sampleFields)
      arrays.set(`usage/${field === "time" ? "walltime" : field}`, floats(valuesOf(usage, field)));
  return arrays;
}

function floats(values: readonly (number | null)[]): Float64Array<ArrayBuffer> {
  const array = new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) array[i] = values[i] ?? Number.NaN;
  return array;
}

function valuesOf(usage: readonly UsageSample[], field: (typeof sampleFields)[number]): (number | null)[] {
  return usage.map((sample) => (field === "time" ? sample.time / 1000 : sample[field]));
}

/** All but the arrays. */
export function factsOf(run: ComparedRun): Record<string, unknown> {
  const { metrics: _, config, started, ...facts } = run;
  return {
    ...facts,
    started: isoTime(started),
    config: config === null ? null : Object.fromEntries([...config].map(([key, value]) => [key, JSON.parse(value)])),
  };
}
