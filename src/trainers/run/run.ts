// A run as its files show it: what each trainer finds out. How it is shown is presentation/'s.
import type { MetricKind } from "../reading/metric-words.ts";

/**
 * Course of a run. broken off: the program is gone and left no summary (killed, out of memory, reboot).
 * unknown: it writes no logs here. ended: a program of which only its session knows how.
 */
export type RunPhase =
  | "starting"
  | "simulating"
  | "training"
  | "sampling"
  | "completed"
  | "interrupted"
  | "failed"
  | "broken off"
  | "unknown"
  | "ended";

/**
 * A run as its files show it. `null`: not known. Times are ms since 1970, spans seconds, losses nats.
 * JSON-friendly throughout.
 */
export interface RunProgress {
  /** Canonical run directory, and its last part: the run's own name. */
  directory: string;
  name: string;
  /** Folder of the node logs and metrics. */
  graph: string;
  phase: RunPhase;
  /** A graceful stop was asked for and is under way. */
  stopping: boolean;
  /** falcon's own time limit (`--timeout`) was reached. */
  timedOut: boolean;
  /** The trained model was saved in this launch. */
  saved: boolean;
  /** An earlier launch trained in this directory. */
  resumed: boolean;
  /** False: falcon was told to write no logs here, or they are elsewhere: nothing is guessed. */
  localLogs: boolean;
  started: number | null;
  ended: number | null;
  nodes: NodeProgress[];
  /** The sample buffer after the last simulation: all ever made, and those in use. */
  samples: { total: number; training: number; validation: number } | null;
  samplesPerMinute: number | null;
  /** Of this launch, 0 to 1: the mean over the trained nodes. */
  fraction: number | null;
  /** Until the slowest node reaches max_epochs; null where one tells no end (rounds, or not begun). */
  timeLeft: number | null;
  /** When any of the run's logs was last written to, and how long ago that is. */
  lastSign: number | null;
  silence: number | null;
  /** Usual seconds between two signs of life of the whole run. */
  rhythm: number | null;
  stalled: boolean;
  failure: string | null;
  /** Why something could not be read, or null. */
  problem: string | null;
}

/**
 * idle: nothing to train; waiting: not begun; training; done: trained to its end (or stopped early by itself
 * or gracefully);
 * stopped: the run ended before this node was done; unknown: the run has no logs here.
 */
export type NodeStatus = "idle" | "waiting" | "training" | "done" | "stopped" | "unknown";

/**
 * One node of a run. `null`: not known. Times are ms since 1970, losses nats, rates per minute. JSON-
 * friendly throughout.
 */
export interface NodeProgress {
  name: string;
  status: NodeStatus;
  /** Its own log is here. Without it, what there is comes from the driver's log, once a minute. */
  logged: boolean;
  /** What `epoch` and `epochs` count; undefined: epochs. */
  unit?: string;
  /**
   * Null or undefined: it does not train in rounds. With rounds `epoch` counts through those that were seen.
   */
  round?: RoundProgress | null;
  /** Last finished epoch, counted over all launches of the run as falcon counts it. */
  epoch: number | null;
  /** Epochs that this launch was asked for (max_epochs). */
  epochs: number | null;
  /**
   * Epochs that earlier launches had trained when this one began: this launch is through with (epoch -
   * epochsBefore) of `epochs`.
   */
  epochsBefore: number | null;
  /** Of this launch, 0 to 1. */
  fraction: number | null;
  /** Mean training loss of the last epoch. */
  loss: number | null;
  /** Validation loss of the last epoch that was validated. */
  validationLoss: number | null;
  /** Lowest validation loss of this launch, and how many epochs ago it was. */
  bestValidationLoss: number | null;
  epochsSinceBest: number | null;
  /** Epochs without a better validation loss after which it stops by itself. */
  patience?: number | null;
  /** What is no number in the last epoch, which JSON cannot write where its number stands; empty: nothing. */
  nonFinite: NonFinite[];
  /**
   * The last epochs of this launch in which a metric was no number, whether it is one again or not.
   * Undefined: of an earlier version.
   */
  lastNonFinite?: NonFinite[];
  /** Simulations made so far, as the last epoch saw them. */
  samples: number | null;
  /** Gradient steps of this launch. */
  steps: number | null;
  learningRate: number | null;
  /** Over the last 60 epochs of this launch. */
  epochsPerMinute: number | null;
  /** Seconds until max_epochs at this rate; training may stop earlier by itself. */
  timeLeft: number | null;
  /** When its log or metrics were last written to. */
  lastSign: number | null;
  /** Usual seconds between two epochs; null while fewer than four were seen. */
  rhythm: number | null;
  /**
   * The longest seconds between two epochs, over all launches that its log tells of; null while fewer than
   * two were seen.
   */
  longestEpoch: number | null;
  /** Silent for longer than is in proportion to its rhythm. */
  stalled: boolean;
  /** Last line that it logged as an error. */
  error: string | null;
}

/** A node of which nothing is known but its name and status: a trainer says over it what it finds. */
export const unknownNode: Omit<NodeProgress, "name" | "status"> = {
  logged: false,
  round: null,
  epoch: null,
  epochs: null,
  epochsBefore: null,
  fraction: null,
  loss: null,
  validationLoss: null,
  bestValidationLoss: null,
  epochsSinceBest: null,
  patience: null,
  nonFinite: [],
  samples: null,
  steps: null,
  learningRate: null,
  epochsPerMinute: null,
  timeLeft: null,
  lastSign: null,
  rhythm: null,
  longestEpoch: null,
  stalled: false,
  error: null,
};

/** The same for a run. */
export const unknownRun: Omit<RunProgress, "directory" | "name" | "phase" | "nodes"> = {
  graph: "",
  stopping: false,
  timedOut: false,
  saved: false,
  resumed: false,
  localLogs: false,
  started: null,
  ended: null,
  samples: null,
  samplesPerMinute: null,
  fraction: null,
  timeLeft: null,
  lastSign: null,
  silence: null,
  rhythm: null,
  stalled: false,
  failure: null,
  problem: null,
};

/** Where a training in rounds stands. `null`: not known, or without an end. */
export interface RoundProgress {
  /** Counted over all launches, of at most `rounds`. */
  round: number;
  rounds: number | null;
  /** Within the round. */
  epoch: number;
  epochs: number | null;
  /** Epochs of the round since its best validation loss, of those after which it ends. */
  epochsSinceBest: number | null;
  patience: number | null;
  /**
   * Rounds that were accepted, of all launches that go on from one another; rejected ones in a row, of
   * those after which training ends.
   */
  accepted: number;
  rejected: number;
  patienceRounds: number | null;
  /** Seconds until the training ends at this rate. Undefined: not known, or of an earlier version. */
  left?: TimeRange | null;
}

/** Between so many seconds and so many; null: without an end. */
export interface TimeRange {
  least: number;
  most: number | null;
}

/** A metric that is no number any more. */
export interface NonFinite {
  metric: MetricKind;
  value: "NaN" | "Inf" | "-Inf";
  /** The first epoch of all those since which it is no number, and when that ended (ms since 1970). */
  epoch: number;
  since: number;
}
