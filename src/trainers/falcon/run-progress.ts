// A run as its files show it: what progress.ts finds out, and what lists, figures and events tell.
import type { NodeProgress } from "./node-progress.ts";

/**
 * Course of a run. broken off: the program is gone and left no summary (killed, out of memory, reboot).
 * unknown: it writes no logs here.
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
  | "unknown";

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
  /** Until the slowest node reaches max_epochs. */
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
  /** The best summary in one line. */
  summary: string;
}
