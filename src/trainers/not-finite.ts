// Since when a metric is no number any more, and when it was none last: a NaN of a single epoch counts, too.
import type { NonFinite } from "./run.ts";

/** One epoch, or whatever is counted. */
export interface Told {
  at: number;
  /** ms since 1970. */
  time: number;
  /** Undefined: the metric was not told there. */
  value: number | undefined;
}

/** The last stretch of a metric without a number; `open`: it goes on. Undefined where there was none. */
export function lastStretch<T>(
  metric: NonFinite["metric"],
  points: readonly T[],
  tell: (point: T) => Told,
): { stretch: NonFinite; open: boolean } | undefined {
  let open = true;
  let last: Told | undefined;
  let begin: Told | undefined;
  for (let i = points.length - 1; i >= 0; i--) {
    const told = tell(points[i] as T);
    if (told.value === undefined) continue;
    if (!Number.isFinite(told.value)) {
      last ??= told;
      begin = told;
    } else if (last === undefined) open = false;
    else break;
  }
  if (last === undefined || begin === undefined) return undefined;
  const value = Number.isNaN(last.value) ? "NaN" : (last.value as number) > 0 ? "Inf" : "-Inf";
  return { stretch: { metric, value, epoch: begin.at, since: begin.time }, open };
}
