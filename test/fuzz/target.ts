// What a fuzz target is: one parser that reads what others wrote, how inputs for it are made, and what must
// hold for every one of them.
import type { Random } from "../support/random.ts";

/** One parser under test. */
export interface Target {
  /** Also the name of its folder of found inputs. */
  readonly name: string;
  /** What is read, and what must hold; one line for the report. */
  readonly what: string;
  /** Inputs of a full run. */
  readonly inputs: number;
  /** Bytes of the longest generated input. */
  readonly longest: number;
  /** Inputs to begin with. */
  seeds(): Uint8Array[];
  /** Pieces that mean something to the parser. */
  readonly words?: readonly (string | Uint8Array)[];
  /**
   * Makes one input from another by what the bytes mean; without it (and one time in four with it) bytes are
   * changed blindly.
   */
  mutate?(random: Random, input: Buffer): Buffer;
  /**
   * At most so many executed blocks of src for each byte of input (and `base` for none): more is a parser
   * that runs away. Counted, not timed,
   * so that a busy machine changes nothing.
   */
  readonly steps?: { readonly base: number; readonly perByte: number };
  /** Reads one input; throws when anything is not as it must be. */
  run(input: Buffer): void | Promise<void>;
  /** Lets go of what `run` needed (files, processes). */
  dispose?(): void | Promise<void>;
}

/** A word as bytes; text stands for one byte each. */
export function bytesOf(word: string | Uint8Array): Buffer {
  return typeof word === "string" ? Buffer.from(word, "latin1") : Buffer.from(word);
}

/** What came of one target. */
export interface Outcome {
  target: string;
  what: string;
  inputs: number;
  seconds: number;
  /** Inputs that reached something new. */
  corpus: number;
  /** Blocks of code that ran (edges, in C). */
  blocks: number;
  problem?: string;
  skipped?: string;
}
