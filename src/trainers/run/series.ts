// Each metric of a run as arrays, whichever trainer wrote it.

/** One metric of one node. The arrays have one length; null: not known. */
export interface MetricSeries {
  node: string;
  /**
   * As the run itself calls it: "val/loss"; `val_loss` and `train_loss` are what its log tells of each epoch.
   */
  metric: string;
  /** Gradient steps, or whatever the run counts. */
  step: (number | null)[];
  epoch: (number | null)[];
  /** Of a training in rounds: which one. Undefined: it does not train in rounds, or does not tell. */
  round?: (number | null)[];
  /** ms since 1970. */
  time: (number | null)[];
  /** Simulations made by then. */
  samples: (number | null)[];
  /** NaN and infinities where the run wrote them. */
  value: number[];
}

/** By epochs where each entry has one of its own, else by steps, else by their order. */
export function axisOf(epoch: readonly (number | null)[], step: readonly (number | null)[]): [string, number[]] {
  const known = (values: readonly (number | null)[]): values is number[] => values.every((value) => value !== null);
  if (known(epoch) && new Set(epoch).size === epoch.length) return ["epoch", epoch];
  if (known(step)) return ["step", step];
  return ["entry", step.map((_, i) => i + 1)];
}
