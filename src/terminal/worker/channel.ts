// What main thread and screen worker say to each other: plain messages, bytes always in buffers of their own
// that change hands.
import type { InputModes, ScreenText, Snapshot, StoredScreen } from "../model/screen.ts";

/** A screen's number: never used twice in one worker. */
export type Key = number;

/**
 * Main thread to worker. Messages of one screen act in order; `request` numbers come back with the answer.
 */
export type ToWorker =
  | { do: "open"; key: Key; cols: number; rows: number; scrollback: number; offset: number; restore: Uint8Array | undefined }
  | { do: "feed"; key: Key; bytes: Uint8Array }
  /** The screen reads the plain lines that the file has from one offset on, to another at most. */
  | { do: "fetch"; key: Key; request: number; file: string; from: number; to: number }
  | { do: "resize"; key: Key; cols: number; rows: number }
  | { do: "snapshot"; key: Key; request: number; history: number }
  | { do: "encode"; key: Key; request: number }
  | { do: "text"; key: Key; request: number }
  | { do: "watch"; key: Key; watch: number; cols: number; rows: number }
  | { do: "again"; key: Key; watch: number }
  | { do: "unwatch"; key: Key; watch: number }
  /** Whether anybody looks at the screen, frames or not. */
  | { do: "attend"; key: Key; on: boolean }
  | { do: "close"; key: Key };

/** What a screen said while it took a piece of output. */
export interface Told {
  answers: Uint8Array[];
  title: string | undefined;
  modes: InputModes | undefined;
  left: string[][];
  /** What it told of its progress last; undefined: nothing new. */
  marks: Marks | undefined;
}

/** What a program told its terminal of its progress, beside what it drew (model/progress-marks.ts). */
export interface Marks {
  /** OSC 9;4; undefined: none. */
  progress: { state: number; percent: number } | undefined;
  /** OSC 133: a shell shows its prompt. */
  prompt: boolean;
  /** OSC 133: commands that a shell has begun. */
  commands: number;
}

/** Worker to main thread. */
export type FromWorker =
  /**
   * `bytes` of output were taken; `used`: the memory that they came in, where nothing of it is left to be
   * taken.
   */
  | { is: "taken"; key: Key; bytes: number; told: Told | undefined; used: ArrayBuffer | undefined }
  /** Up to where it was read; what comes next has to be fed. */
  | { is: "fetched"; request: number; end: number }
  /** The first part of a snapshot, which is ready before the rest. */
  | { is: "first"; request: number; first: Uint8Array }
  | { is: "snapshot"; request: number; snapshot: Snapshot }
  | { is: "encode"; request: number; stored: StoredScreen }
  | { is: "text"; request: number; text: ScreenText }
  | { is: "failed"; request: number; reason: string }
  | { is: "frame"; key: Key; watch: number; bytes: Uint8Array }
  /** xterm.js threw; the screen was made anew. `kept`: with what it showed. */
  | { is: "rebuilt"; key: Key; reason: string; kept: boolean }
  /** The stored screen could not be opened; it begins blank. */
  | { is: "unreadable"; key: Key; reason: string };

/** Bytes that may be transferred: in a buffer that nothing else uses. */
export function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes);
}

/** The bytes as a Buffer, in place. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
