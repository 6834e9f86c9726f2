// The losses of a run by epoch, node by node.
import { finite } from "../../base/numbers.ts";
import type { MetricKind } from "../reading/metric-words.ts";

/** y by x; a value may be NaN or infinite. */
export interface Curve {
  x: readonly number[];
  y: readonly number[];
}

/** What is known of one node by epoch. Losses in nats. */
export interface NodeCurves {
  node: string;
  /** What x counts; undefined: epochs. */
  unit?: string;
  training: Curve;
  validation: Curve;
  learningRate: Curve;
  /** First epochs of later launches: the run was resumed there. */
  seams: readonly number[];
}

/** A metric where it was told. @param at which epoch, or whatever is counted */
export function curveOf<T extends Partial<Record<MetricKind, number | undefined>>>(
  points: readonly T[],
  kind: MetricKind,
  at: (point: T) => number,
): Curve {
  const told = points.filter((point) => point[kind] !== undefined);
  return { x: told.map(at), y: told.map((point) => point[kind] as number) };
}

/** The first one of those with the lowest validation loss that is a number. */
export function bestOf<T extends { validationLoss?: number | undefined }>(points: Iterable<T>): T | undefined {
  let best: T | undefined;
  for (const point of points) {
    const loss = finite(point.validationLoss);
    if (loss !== null && loss < (best?.validationLoss ?? Number.POSITIVE_INFINITY)) best = point;
  }
  return best;
}
