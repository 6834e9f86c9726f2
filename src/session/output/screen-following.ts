// Which holder a session's screen reads, from where on and with which sizes of the terminal; and that it goes
// on where its connection is cut.
import type { Log } from "../../base/log.ts";
import type { OutputLog } from "../../store/output-log.ts";
import type { SizeMark } from "../../store/times.ts";
import type { ScreenHandle, Size, Source } from "../../terminal/worker/screens.ts";
import { ofLog } from "./feed-log.ts";

/**
 * A screen whose connection to the holder was cut follows again so much later (ms), unless the session has
 * learned more by then; twice as long each time, up to the second one, while it is told nothing.
 */
const followPause = 300;
const longestFollowPause = 5_000;

/** What it needs of its session. */
export interface ScreenFollowingEffects {
  readonly id: string;
  readonly log: Log;
  /** File that the holder writes the output to, and its socket. */
  readonly outputLog: string;
  readonly holderSocket: string;
  /** The size that the terminal has, or is being given; kept with the session's row. */
  readonly size: { cols: number; rows: number };
  /** The whole output, by offset; who opens it closes it. */
  openLog(): OutputLog;
  /** The holder is asked to make what was removed of the session's folder anew, its socket as well. */
  renew(): void;
}

/** What there is of the output, as it is when it is asked. */
export interface Followed {
  /** Offset of the next byte, as far as it is known. */
  readonly offset: number;
  /** Output that the screen has taken. */
  readonly taken: number;
  /** The terminal is being given another size. */
  readonly sizing: boolean;
  screen(): ScreenHandle;
}

export class ScreenFollowing {
  /** The protocol that the holder speaks; undefined where the screen follows none. */
  version: number | undefined;
  /** What was said before it was heard by an earlier server, and answered. */
  until = 0;
  /** Resolves when it follows one, or nothing more comes. */
  begun: Promise<void> = Promise.resolve();
  #resolveBegun = () => {};
  readonly #effects: ScreenFollowingEffects;
  readonly #output: Followed;
  #again: NodeJS.Timeout | undefined;
  #pause = followPause;
  #over = false;

  constructor(output: Followed, effects: ScreenFollowingEffects) {
    this.#output = output;
    this.#effects = effects;
  }

  /** There is a holder, which is to be reached first. */
  begin(): void {
    this.begun = new Promise((resolve) => {
      this.#resolveBegun = resolve;
    });
  }

  /** The screen follows this holder, or another one from where it is; see SessionOutput. */
  follow(version: number, until: number, sizes: readonly SizeMark[]): void {
    const last = sizes.at(-1);
    if (last !== undefined) Object.assign(this.#effects.size, { cols: last.cols, rows: last.rows });
    this.version = version;
    this.#pause = followPause;
    this.until = Math.max(this.until, until);
    this.#now(sizes);
    this.#resolveBegun();
  }

  #now(sizes: readonly SizeMark[]): void {
    clearTimeout(this.#again);
    const source = this.source(this.#output.offset, sizes);
    if (source !== undefined) this.#output.screen().follow(source);
  }

  /** What it is to follow from an offset on. @param sizes default: all that the log has. */
  source(from: number, sizes?: readonly SizeMark[]): Source | undefined {
    const { version } = this;
    if (version === undefined || this.#over) return undefined;
    const { outputLog, holderSocket, size } = this.#effects;
    const until = Math.max(this.until, this.#output.taken);
    const known: Size[] = (sizes ?? ofLog(this.#effects, (log) => log.times.sizes()) ?? []).map(({ offset, cols, rows }) => ({
      offset,
      cols,
      rows,
    }));
    // a stored screen may be of an earlier size, and a holder of version 1 tells none
    const present = this.#output.sizing ? [] : [{ offset: Math.max(from, until), cols: size.cols, rows: size.rows }];
    return { socket: holderSocket, log: outputLog, version, from, until, sizes: [...known, ...present] };
  }

  /** The screen has told how far it is. */
  told(): void {
    this.#pause = followPause;
  }

  /**
   * The connection of the screen is gone, and perhaps the holder: then the session says by which one it goes
   * on.
   */
  cut(reason: string): void {
    if (this.#over) return;
    // one line for all tries
    if (this.#pause === followPause) this.#effects.log("session.follow-failed", { id: this.#effects.id, reason });
    this.#effects.renew();
    clearTimeout(this.#again);
    this.#again = setTimeout(() => this.#now([]), this.#pause);
    this.#pause = Math.min(this.#pause * 2, longestFollowPause);
  }

  /** Nothing more comes. */
  stop(): void {
    this.#over = true;
    this.#resolveBegun();
    clearTimeout(this.#again);
  }
}
