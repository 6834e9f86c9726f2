// Since when a metric is no number any more, and when it was none last: a NaN of a single epoch counts, too.
import type { MetricKind } from "../reading/metric-words.ts";
import type { NonFinite } from "./run.ts";

/** Metrics that are told of when they are no numbers, the most telling one first. */
export const watchedMetrics = ["validationLoss", "loss", "learningRate"] as const;

/** A stretch of values that are no numbers; `open`: it goes on. */
export interface Stretch {
  stretch: NonFinite;
  open: boolean;
}

/**
 * Gathers the last stretch of one metric from its values as they come: a run is looked at each second, and
 * walking through all its epochs then was most of what a watch cost.
 */
export class LastStretch {
  readonly #metric: MetricKind;
  /** Undefined where there was none. */
  found: Stretch | undefined;

  constructor(metric: MetricKind) {
    this.#metric = metric;
  }

  /** The next value. undefined: the metric was not told there. */
  take(value: number | undefined, at: number, time: number): void {
    if (value === undefined) return;
    if (Number.isFinite(value)) {
      if (this.found !== undefined) this.found.open = false;
      return;
    }
    this.found = this.found?.open
      ? { open: true, stretch: { ...this.found.stretch, value: wordOf(value) } }
      : { open: true, stretch: { metric: this.#metric, value: wordOf(value), epoch: at, since: time } };
  }
}

/**
 * The last stretch of a metric in points that are all there.
 * @param at which epoch, or whatever is counted
 */
export function lastStretch<T extends Partial<Record<MetricKind, number | undefined>> & { time: number }>(
  metric: MetricKind,
  points: Iterable<T>,
  at: (point: T) => number,
): Stretch | undefined {
  const stretch = new LastStretch(metric);
  for (const point of points) stretch.take(point[metric], at(point), point.time);
  return stretch.found;
}

function wordOf(value: number): NonFinite["value"] {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
}
