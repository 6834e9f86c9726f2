// Numbers that may not be known, or be none.
import { greatest } from "./extremes.ts";

/** What is no number is not known: JSON cannot write it. */
export function finite(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** Those that are known. */
export function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

/** Their sum; null where none is known. */
export function sumOf(values: readonly (number | null)[]): number | null {
  const numbers = known(values);
  return numbers.length === 0 ? null : numbers.reduce((a, b) => a + b, 0);
}

/** The greatest of them; null where none is known. */
export function mostOf(values: readonly (number | null)[]): number | null {
  const numbers = known(values);
  return numbers.length === 0 ? null : greatest(numbers);
}
