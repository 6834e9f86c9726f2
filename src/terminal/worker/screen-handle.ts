// A screen as the main thread has it: what it can be told and asked, and what it tells.
import type { ExitRecord, Gap } from "../../protocol/holder.ts";
import type { InputModes, ScreenText, Snapshot, StoredScreen } from "../model/screen.ts";
import type { Marks, Place, Source } from "./channel.ts";

/** What a new screen begins with after the worker died. */
export interface Revival extends Omit<OpenOptions, "scrollback"> {
  /** What it follows from there on. */
  source: Source | undefined;
}

/** What a screen tells that reads the output itself. */
export interface FollowEvents {
  /** How far it is; `grew`: output came that it has not read. */
  at(place: Place, grew: boolean): void;
  /** The stream had a size of the terminal. */
  sized(cols: number, rows: number): void;
  /** Bytes that nobody can have; `notStored`: they never were in the log. */
  hole(gap: Gap, notStored: boolean): void;
  /** The program has ended. What was received may still be on its way to the screen. */
  exit(exit: ExitRecord): void;
  /** It follows nothing any more: the connection was cut. */
  cut(reason: string): void;
  /** Output that the screen has taken, in order. Only after `stream`. */
  output(offset: number, bytes: Buffer): void;
  /** Some output is not sent. */
  missed(): void;
  /** No worker is to be had for now, so that nobody reads; and one is again. */
  waits(on: boolean): void;
}

/** What a screen tells. */
export interface ScreenEvents {
  /** The reply to a query of the program, for the program. */
  answer(bytes: Buffer): void;
  title(text: string): void;
  modes(modes: InputModes): void;
  marks?(marks: Marks): void;
  /** The program left the alternate screen: the text of what stood on it. */
  left?(frame: { lines: string[] }): void;
  /**
   * The worker died, with the screen: from what is it made anew? Without an answer it begins blank, and what
   * the program draws from then on
   * is right.
   * @param deadly what was stored may be what it died of: the screen is to begin blank.
   */
  lost?(deadly: boolean): Revival | undefined;
  follow?: FollowEvents;
}

/** Frames for a viewer of another size than the session's. */
export interface FrameWatch {
  resize(cols: number, rows: number): void;
  /** Asks for a complete frame: earlier ones were dropped. */
  again(): void;
  close(): void;
}

export interface ScreenHandle {
  /**
   * Takes output.
   * @param offset where it stands in the output; default: behind what was fed before.
   */
  feed(bytes: Uint8Array, offset?: number): void;
  /** Reads the output itself, from a connection to the holder of its own; again, from another one. */
  follow(source: Source): void;
  /** Takes nothing any more. */
  unfollow(): void;
  /** The terminal is being given a size, which the stream tells; `ask`: and is to be asked for there. */
  sizing(cols: number, rows: number, ask: boolean): void;
  /** Resolves when it was given all output up to now, and up to `end`. Rejects as `snapshot`. */
  current(end?: number): Promise<void>;
  /** Whether what it takes is sent on. */
  stream(on: boolean): void;
  /** So much of that was taken. */
  streamed(bytes: number): void;
  resize(cols: number, rows: number): void;
  /**
   * The state after everything that was fed so far. Bracketed paste is on in it, for a viewer.
   * @param history lines of scrollback in the second part.
   * @param early gets the first part as soon as it is made, which may be long before the second one is;
   * nothing is fed in between. Called
   * again, with another screen, when the worker dies in the midst of it.
   * @param current once it was given all output up to now.
   * @throws Error when the screen is closed meanwhile.
   */
  snapshot(history: number, early?: (first: Buffer) => void, current?: boolean): Promise<Snapshot>;
  /** The screen, to store; opens again with `restore`, fed from the `offset` in the answer. */
  encode(): Promise<StoredScreen>;
  /** Draws for a terminal of another size, at most 30 frames a second, at once the first time. */
  watchFrames(cols: number, rows: number, sink: (frame: Buffer) => void): FrameWatch;
  text(): Promise<ScreenText>;
  /**
   * Whether anybody looks at the session: its screen is then kept ready for longer before it is packed up.
   */
  attend(on: boolean): void;
  /** Bytes that came for the screen and that it has not taken yet. */
  readonly lag: number;
  /** Calls once, when the lag is small, or the screen is closed. */
  onDrained(callback: () => void): void;
  close(): void;
}

export interface OpenOptions {
  cols: number;
  rows: number;
  /** Lines of scrollback that are kept. */
  scrollback: number;
  /** What `encode` answered. */
  restore?: Buffer;
  /** Position in the output of the first byte that will be fed. */
  offset: number;
}
