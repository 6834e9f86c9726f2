// What one source tells of a training that it does not know: its points in order, and how far it is.
import type { MetricKind } from "../reading/metric-words.ts";

/** The losses at one unit of the training. Values may be NaN or infinite, as the program wrote them. */
export interface Point extends Partial<Record<MetricKind, number>> {
  /** Which epoch, step, …, in the order in which they come. */
  at: number;
  /** When it was told or seen, ms since 1970. */
  time: number;
}

/** How far a source says that the training is. `null`: it does not say. */
export interface Told {
  /** What is counted: "epoch", "step", … */
  unit: string;
  points: readonly Point[];
  /** Units that are done, and that are planned. */
  done: number | null;
  total: number | null;
  /** 0 to 1. */
  fraction: number | null;
  /** Seconds. */
  left: number | null;
  /** Units a minute. */
  perMinute: number | null;
  /** When something of it changed last, ms since 1970. */
  sign: number | null;
}

/** Points that are kept in memory of one source: then every second of the older half goes. */
export const mostPoints = 20_000;

/** Which of so many points stay where every second one of the older half goes. */
export function staying(length: number): (index: number) => boolean {
  const half = Math.floor(length / 2);
  return (index) => index >= half || index % 2 === 0;
}

/** Every second point of the older half is left out. */
export function thinned<T>(points: readonly T[]): T[] {
  const stays = staying(points.length);
  return points.filter((_, i) => stays(i));
}
