// A run as lists, tables and events show it: what is known of it, its summary, and each node's trend.
import type { NodeProgress, RunProgress } from "../trainers/run/run.ts";

/** One node of a run, with its trend. */
export interface ShownNode extends NodeProgress {
  /**
   * Validation losses of this launch (training losses where there are none), oldest first, at most 40: means
   * of equal stretches.
   */
  trend: number[];
}

/** A run with its summary. JSON-friendly throughout. */
export interface ShownRun extends RunProgress {
  nodes: ShownNode[];
  /** The best summary in one line. */
  summary: string;
}
