// A run as it is compared and exported: its facts, its configuration, and each metric as arrays.
import type { MetricSeries } from "../trainers/series.ts";

export interface ComparedRun {
  /** How it was named by who asked; what tables and legends call it. */
  name: string;
  /** Its session; null: a run directory that never was in one. */
  session: string | null;
  directory: string | null;
  host: string | null;
  /** "completed", "running", …; null: not known. */
  outcome: string | null;
  /** Seconds from its start to its end, or to now. */
  seconds: number | null;
  epochs: number | null;
  samples: number | null;
  gpuHours: number | null;
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

/** The axis of a series: time in seconds since the run's start. */
export function axisOf(series: MetricSeries, by: By, started: number | null): (number | null)[] {
  if (by === "epoch") return series.epoch;
  if (by === "samples") return series.samples;
  const from = started ?? series.time.find((time) => time !== null) ?? 0;
  return series.time.map((time) => (time === null ? null : (time - from) / 1000));
}

/**
 * Lowest finite value and where it is, last value; null where there is none. What is called a loss is best
 * where it is lowest.
 */
export function bestAndLast({ value, epoch }: MetricSeries): {
  best: number | null;
  bestEpoch: number | null;
  last: number | null;
} {
  let at = -1;
  for (let i = 0; i < value.length; i++) {
    const here = value[i] as number;
    if (Number.isFinite(here) && (at < 0 || here < (value[at] as number))) at = i;
  }
  return {
    best: at < 0 ? null : (value[at] as number),
    bestEpoch: at < 0 ? null : (epoch[at] ?? null),
    last: value.at(-1) ?? null,
  };
}
