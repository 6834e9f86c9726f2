// Draws values as one line of text: a bar for each stretch of them.
import { drawable, greatest, least } from "../base/extremes.ts";

/**
 * Heights of a bar. The full block is not among them: two rows of bars, one above the other, keep a gap
 * between them.
 */
const bars = "▁▂▃▄▅▆▇";

/** Stands for a stretch with a value that is no number. */
const notFinite = "×";

/** Bars that what lies above the scale of a sparkline gets, and what lies below it. */
const barsAbove = 3;
const barsBelow = 1;

/**
 * A line of bars of the values' heights, at most `width` columns, each of the mean of an equal stretch. Most
 * bars are for the range of the last third: the fall of the first epochs is many times what comes later, and
 * would flatten it. What is above or below that range shares the bars that are left. A stretch with a NaN or
 * an Inf in it is marked.
 */
export function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0 || width < 1) return "";
  const means = condense(values, width);
  const finite = means.filter(drawable);
  const last = means.slice(-Math.max(2, Math.ceil(means.length / 3))).filter(drawable);
  const scale = last.length > 0 ? last : finite;
  const [low, high] = [least(scale), greatest(scale)];
  const [lowest, highest] = [least(finite), greatest(finite)];
  const first = lowest < low ? barsBelow : 0;
  const end = bars.length - (highest > high ? barsAbove : 0);
  return means
    .map((mean) => {
      if (!drawable(mean)) return notFinite;
      if (mean > high) return barOf(mean, high, highest, end, bars.length);
      if (mean < low) return barOf(mean, lowest, low, 0, first);
      return barOf(mean, low, high, first, end);
    })
    .join("");
}

/**
 * The bar of `value` in `low`..`high`, of the bars `from` to `to` (exclusive); the middle one where there is
 * no range.
 */
function barOf(value: number, low: number, high: number, from: number, to: number): string {
  const part = high === low ? 0.5 : (value - low) / (high - low);
  return bars[Math.min(to - 1, from + Math.floor(part * (to - from)))] as string;
}

/** `values` as at most `count` means of equal stretches. */
export function condense(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * values.length) / count);
    const to = Math.floor(((i + 1) * values.length) / count);
    let sum = 0;
    for (let at = from; at < to; at++) sum += values[at] as number;
    return sum / (to - from);
  });
}
