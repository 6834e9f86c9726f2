// What an axis is made from: the values that can stand on one, their least and their greatest.

/** Greater numbers are as good as infinite: the range or the sum of a few of them would be. */
const greatestDrawn = 1e300;

/** Whether a value has a place on an axis; none has not. */
export function drawable(value: number | undefined): boolean {
  return value !== undefined && Math.abs(value) <= greatestDrawn;
}

/** An axis that outliers do not stretch ends, of fifty values or more, where this part of them lies below. */
const usualPart = 0.98;

/** Where such an axis ends. @param sorted ascending, at least one */
export function usualEnd(sorted: readonly number[]): number {
  return sorted[sorted.length < 50 ? sorted.length - 1 : Math.ceil(sorted.length * usualPart) - 1] as number;
}

// Math.min(...values) would be a call with an argument for each value, of which there may be too many.

export function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

export function greatest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
