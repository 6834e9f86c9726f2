// Since when a metric is no number any more, and when it was none last: a NaN of a single epoch counts, too.
import type { NonFinite } from "./run.ts";

/** One epoch, or whatever is counted. */
export interface Told {
  at: number;
  /** ms since 1970. */
  time: number;
}

/**
 * The last stretch of a metric without a number; `open`: it goes on. Undefined where there was none.
 * @param read undefined: the metric was not told there
 */
export function lastStretch<T>(
  metric: NonFinite["metric"],
  points: readonly T[],
  read: (point: T) => number | undefined,
  tell: (point: T) => Told,
): { stretch: NonFinite; open: boolean } | undefined {
  let open = true;
  let last: number | undefined;
  let begin: T | undefined;
  // all epochs of a run that goes well, for each watched run each second: nothing is made for one of them
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i] as T;
    const value = read(point);
    if (value === undefined) continue;
    if (!Number.isFinite(value)) {
      last ??= value;
      begin = point;
    } else if (last === undefined) open = false;
    else break;
  }
  if (last === undefined || begin === undefined) return undefined;
  const { at, time } = tell(begin);
  const value = Number.isNaN(last) ? "NaN" : last > 0 ? "Inf" : "-Inf";
  return { stretch: { metric, value, epoch: at, since: time }, open };
}
