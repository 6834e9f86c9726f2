// Since when a metric is no number any more, and when it was none last: a NaN of a single epoch counts, too.
import type { NonFinite } from "./run.ts";

/** One epoch, or whatever is counted. */
export interface Told {
  at: number;
  /** ms since 1970. */
  time: number;
}

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
  readonly #metric: NonFinite["metric"];
  #found: Stretch | undefined;

  constructor(metric: NonFinite["metric"]) {
    this.#metric = metric;
  }

  /** The next value. undefined: the metric was not told there. */
  take(value: number | undefined, at: number, time: number): void {
    if (value === undefined) return;
    if (Number.isFinite(value)) {
      if (this.#found !== undefined) this.#found.open = false;
      return;
    }
    this.#found = this.#found?.open
      ? { open: true, stretch: { ...this.#found.stretch, value: wordOf(value) } }
      : { open: true, stretch: { metric: this.#metric, value: wordOf(value), epoch: at, since: time } };
  }

  /** Undefined where there was none. */
  get found(): Stretch | undefined {
    return this.#found;
  }
}

/**
 * The last stretch of a metric in points that are all there.
 * @param read undefined: the metric was not told there
 */
export function lastStretch<T>(
  metric: NonFinite["metric"],
  points: Iterable<T>,
  read: (point: T) => number | undefined,
  tell: (point: T) => Told,
): Stretch | undefined {
  const stretch = new LastStretch(metric);
  for (const point of points) {
    const value = read(point);
    // nothing is made for an epoch of a run that goes well
    if (value === undefined || Number.isFinite(value)) stretch.take(value, 0, 0);
    else {
      const { at, time } = tell(point);
      stretch.take(value, at, time);
    }
  }
  return stretch.found;
}

function wordOf(value: number): NonFinite["value"] {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
}
