// How a run ended: what is kept of it, whichever trainer it was.
import type { RunProgress } from "./run.ts";

/** What a run's end was. */
export type Ending =
  /** trained to its end */
  | "completed"
  /** stopped gracefully: the model is saved */
  | "stopped"
  /** stopped by force (second Ctrl+C): the model of this launch is not saved */
  | "forced"
  /** an exception, or a non-zero status */
  | "failed"
  /** ended by a signal */
  | "killed"
  | "out of memory"
  /** the session was lost: nobody saw the end */
  | "lost";

/** JSON-friendly. */
export interface PostMortem {
  ending: Ending;
  /** One sentence for a person. */
  sentence: string;
  /** The program's own summary, between its two rulers, or null. */
  summary: string[] | null;
  /** The last Python traceback, from "Traceback" to the exception, or null. */
  traceback: string[] | null;
  /** "FloatingPointError: negative variance", or null. */
  error: string | null;
  /** Whether the model of this launch was saved; null: not known. */
  saved: boolean | null;
}

/** What an end is judged by. */
export interface EndFacts {
  /** Exit status 0 to 255, or null after a signal, or when nobody saw the end. */
  status: number | null;
  /** The signal that ended it, as its name. */
  signal: string | null;
  /** The end of the session's output, raw; 64 KB are enough for a traceback. */
  output: Uint8Array;
  /** The kernel killed one of the session's processes for want of memory. */
  outOfMemory: boolean;
  /** How many Ctrl+C the session sent: falcon's second one is the forced end. */
  interrupts?: number;
  /** Nobody saw the end (the holder is gone). */
  lost: boolean;
  /** The state of the run's files after the end, where they are known. */
  run?: RunProgress | undefined;
  /**
   * Whether the model was saved, by its files; null: not known; undefined: nobody looked, and the run's logs
   * are believed.
   */
  saved?: boolean | null | undefined;
}

/** What the graph folder of a run holds of saved models. JSON-friendly. */
export interface ModelFiles {
  /**
   * whole: every trained node has model files of this launch, and each can be read to its end; cut: some of
   * them are cut off or missing;
   * none: no model file is of this launch; unknown: the folder cannot be read.
   */
  state: "whole" | "cut" | "none" | "unknown";
  /** Model files of this launch. */
  files: number;
  /** Those that are not whole, as paths below the graph folder; at most five. */
  damaged: string[];
}
