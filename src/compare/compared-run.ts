// A run as it is compared and exported: its facts, its configuration, and each metric as arrays.
import { metricTraits } from "../trainers/reading/metric-words.ts";
import type { MetricSeries } from "../trainers/run/series.ts";

export interface ComparedRun {
  /** How it was named by who asked; what tables and legends call it. */
  name: string;
  /** Its session; null: a run directory that never was in one. */
  session: string | null;
  directory: string | null;
  host: string | null;
  /** "completed", "running", …; null: not known. */
  outcome: string | null;
  /** Seconds that its parts ran, up to now where it goes on; those between them are not in it. */
  seconds: number | null;
  epochs: number | null;
  samples: number | null;
  /** Of its parts that were measured; null: none was, or none used a GPU. */
  gpuHours: number | null;
  /** Of its parts that were measured; null: none was, or the work of one was elsewhere. */
  cpuHours: number | null;
  memoryPeak: number | null;
  /** Its configuration by dotted keys; null: none could be read. */
  config: ReadonlyMap<string, string> | null;
  /** ms since 1970. */
  started: number | null;
  metrics: MetricSeries[];
}

/** What curves are drawn by. */
export type By = "epoch" | "time" | "samples";

/**
 * The axis of a series: time in seconds since the run's start. `started` is its newest part's: what earlier
 * ones wrote is before it.
 */
export function axisOf(series: MetricSeries, by: By, started: number | null): (number | null)[] {
  if (by === "epoch") return series.epoch;
  if (by === "samples") return series.samples;
  const first = series.time.find((time) => time !== null);
  const from = Math.min(started ?? Number.POSITIVE_INFINITY, first ?? Number.POSITIVE_INFINITY);
  return series.time.map((time) => (time === null ? null : (time - from) / 1000));
}

/**
 * The best finite value and where it is, the last value; null where there is none. A loss is best where it is
 * lowest, an accuracy where it is highest; what no name tells is taken as a loss, rates and counts have no
 * best.
 */
export function bestAndLast({ metric, value, epoch }: MetricSeries): {
  best: number | null;
  bestEpoch: number | null;
  last: number | null;
} {
  const { kind, better } = metricTraits(metric);
  const sign = better === "higher" ? -1 : 1;
  let at = -1;
  for (let i = 0; i < value.length && kind !== "rate" && kind !== "count"; i++) {
    const here = value[i] as number;
    if (Number.isFinite(here) && (at < 0 || sign * here < sign * (value[at] as number))) at = i;
  }
  return {
    best: at < 0 ? null : (value[at] as number),
    bestEpoch: at < 0 ? null : (epoch[at] ?? null),
    last: value.at(-1) ?? null,
  };
}
