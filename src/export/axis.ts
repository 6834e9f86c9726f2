// The axes of a figure: from values to places between 0 and 1, with ticks at round numbers; linear,
// logarithmic, or both ways from zero.
import { greatest, least } from "../base/extremes.ts";

export interface Tick {
  value: number;
  label: string;
}

export interface Axis {
  /** The place of a value: 0 at the beginning of the axis, 1 at its end; beyond both where a value is. */
  place(value: number): number;
  ticks: readonly Tick[];
}

/** The steps between ticks, times a power of ten: what people read without counting. */
const roundSteps = [1, 2, 5, 10];

/** Powers of ten between two ticks: more than so many labels of a logarithmic axis run into each other. */
const mostDecades = 8;

/** An axis that holds `low` to `high`, with about `count` ticks. */
export function linearAxis(low: number, high: number, count: number): Axis {
  const span = high > low ? high - low : Math.max(1, Math.abs(low));
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * (roundSteps.find((factor) => factor * power >= raw) ?? 10);
  const from = Math.floor((high > low ? low : low - span / 2) / step) * step;
  const to = Math.ceil((high > low ? high : high + span / 2) / step) * step;
  const ticks: Tick[] = [];
  for (let i = 0; from + i * step <= to + step / 1e6; i++) {
    const value = from + i * step;
    ticks.push({ value, label: label(value, step) });
  }
  return { place: (value) => (value - from) / (to - from), ticks };
}

/**
 * A logarithmic axis; of values that are not all above zero a symmetric one: logarithmic both ways from zero,
 * linear around it, below the
 * smallest size that matters (matplotlib calls it "symlog").
 */
export function logAxis(values: readonly number[]): Axis {
  const sizes = values.map(Math.abs).filter((size) => size > 0);
  const [low, high] = [least(values), greatest(values)];
  if (sizes.length === 0) return linearAxis(low, high, 5);
  if (low > 0) {
    const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const top = to > from ? to : from + 1;
    return { place: (value) => (Math.log10(value) - from) / (top - from), ticks: decades(from, top, 1) };
  }
  // three powers of ten below the greatest: what is smaller than that is near zero in such a picture
  const linear = 10 ** Math.max(Math.floor(Math.log10(least(sizes))), Math.ceil(Math.log10(greatest(sizes))) - 3);
  const folded = (value: number) => Math.sign(value) * Math.log10(1 + Math.abs(value) / linear);
  const [from, to] = [folded(low), folded(high)];
  const span = to > from ? to - from : 1;
  const side = (end: number) => decades(Math.log10(linear), Math.ceil(Math.log10(Math.abs(end))), Math.sign(end));
  const ticks = [...(low < 0 ? side(low) : []), { value: 0, label: "0" }, ...(high > 0 ? side(high) : [])].filter(
    ({ value }) => value >= low - 1e-12 && value <= high + 1e-12,
  );
  return { place: (value) => (folded(value) - from) / span, ticks };
}

/** Ticks at the powers of ten from `from` to `to`, thinned where there are many. */
function decades(from: number, to: number, sign: number): Tick[] {
  const stride = Math.max(1, Math.ceil((to - from) / mostDecades));
  const ticks: Tick[] = [];
  for (let power = from; power <= to; power += stride)
    ticks.push({ value: sign * 10 ** power, label: label(sign * 10 ** power, 10 ** power) });
  return ticks;
}

/** A tick's number with as many digits as its step needs. */
function label(value: number, step: number): string {
  const size = Math.abs(value);
  if (value === 0 && step < 1e-4) return "0";
  if (value !== 0 && (size >= 1e6 || size < 1e-4 || step < 1e-4)) return minus(value.toExponential(size >= 1e6 ? 0 : 1));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return minus(value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, "$1"));
}

function minus(text: string): string {
  return text.replaceAll("-", "\u2212");
}
