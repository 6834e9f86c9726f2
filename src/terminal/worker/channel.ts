// What main thread and screen worker say to each other: plain messages, bytes always in buffers of their own
// that change hands.
import type { ExitRecord, Gap } from "../../protocol/holder.ts";
import type { KeptMarks } from "../model/progress-marks.ts";
import type { InputModes, ScreenText, Snapshot, StoredScreen } from "../model/screen.ts";

/** A lag (bytes) that counts as drained: the worker has work for some 10 ms, in which more can come. */
export const smallLag = 1 << 20;

/** A screen's number: never used twice in one worker. */
export type Key = number;

/** A screen begins. */
export interface Open {
  do: "open";
  key: Key;
  cols: number;
  rows: number;
  scrollback: number;
  offset: number;
  restore: Uint8Array | undefined;
}

/** Output; `offset`: where it stands; undefined: it follows what was fed before. */
export interface Feed {
  do: "feed";
  key: Key;
  bytes: Uint8Array;
  offset: number | undefined;
}

/** What does not wait for what the screen has still to do. */
export type Urgent =
  /** The screen reads the output itself from here on; said again, from another connection. */
  | { do: "follow"; key: Key; source: Source }
  /** Nothing of what is still to be read is wanted. */
  | { do: "unfollow"; key: Key }
  /** A screen that follows is told this size in the stream; `ask`: once it has asked for it. */
  | { do: "sizing"; key: Key; cols: number; rows: number; ask: boolean }
  /** Answered when the screen was given all output up to now, and up to `end`. */
  | { do: "current"; key: Key; request: number; end: number }
  /** Whether what a screen takes that follows is to be sent on, and how much of that was taken. */
  | { do: "stream"; key: Key; on: boolean }
  | { do: "streamed"; key: Key; bytes: number };

/** What waits for all that was said of the screen before. */
export type InOrder =
  /** `told`: by the stream itself, in the worker; `muted`: what that answers was answered. */
  | { do: "resize"; key: Key; cols: number; rows: number; told?: boolean; muted?: boolean }
  /** `current`: once the screen was given all output up to now. */
  | { do: "snapshot"; key: Key; request: number; history: number; current: boolean }
  | { do: "encode"; key: Key; request: number }
  | { do: "text"; key: Key; request: number }
  | { do: "watch"; key: Key; watch: number; cols: number; rows: number }
  | { do: "again"; key: Key; watch: number }
  | { do: "unwatch"; key: Key; watch: number }
  /** Whether anybody looks at the screen, frames or not. */
  | { do: "attend"; key: Key; on: boolean }
  | { do: "close"; key: Key };

/** Main thread to worker; `request` numbers come back with the answer. */
export type ToWorker = Open | Feed | Urgent | InOrder;

/** A size of the terminal, and the offset of the first byte that is drawn for it. */
export interface Size {
  offset: number;
  cols: number;
  rows: number;
}

/** What a screen follows. */
export interface Source {
  /** The holder's socket, the file that it appends to, and the version of the protocol that it speaks. */
  socket: string;
  log: string;
  version: number;
  /** Offset of the first byte that is wanted. */
  from: number;
  /** What comes before was said to an earlier server, which has answered what was asked. */
  until: number;
  /** Sizes of the terminal, in order, as far as they are known. */
  sizes: readonly Size[];
}

/** How far a screen is that follows. */
export interface Place {
  /** Bytes of output that it has received, and taken. */
  received: number;
  taken: number;
  /** Whether it was given all that came. */
  current: boolean;
  /** Whether it passes over plain lines. */
  skims: boolean;
}

/** What a screen said while it took a piece of output. */
export interface Told {
  answers: Uint8Array[];
  title: string | undefined;
  modes: InputModes | undefined;
  left: string[][];
  /** What it told of its progress last; undefined: nothing new. */
  marks: Marks | undefined;
}

/** What a program told its terminal of its progress, beside what it drew. */
export interface Marks extends KeptMarks {
  /** OSC 133: so many more commands a shell has begun, of which no earlier server or worker has told. */
  commands: number;
}

/** Worker to main thread. */
export type FromWorker =
  /** `bytes` of what it was fed were taken. */
  | { is: "taken"; key: Key; bytes: number; told: Told | undefined }
  /** A screen that follows; `grew`: output came that it has not read. */
  | { is: "at"; key: Key; place: Place; grew: boolean; told: Told | undefined }
  /** It has been given this size by the stream. */
  | { is: "sized"; key: Key; cols: number; rows: number }
  | { is: "hole"; key: Key; gap: Gap; notStored: boolean }
  | { is: "exit"; key: Key; exit: ExitRecord }
  /** It follows nothing any more, though nobody told it so. */
  | { is: "cut"; key: Key; reason: string }
  /** Output that it has taken, for those who are sent it; `missed`: some of it is not sent. */
  | { is: "output"; key: Key; offset: number; bytes: Uint8Array }
  | { is: "missed"; key: Key }
  | { is: "current"; request: number }
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
