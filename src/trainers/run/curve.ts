// The losses of a run by epoch, node by node.

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
