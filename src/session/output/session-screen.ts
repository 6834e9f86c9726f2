// The screen of one session: opened when it is first needed, from what was stored of it, and stored again, so
// that no output is parsed twice.
import type { Log } from "../../base/log.ts";
import type { OutputLog } from "../../store/output-log.ts";
import type { StoredSnapshot } from "../../store/session-store.ts";
import type { OpensScreens } from "../../terminal/worker/screen-pool.ts";
import type { FollowEvents, InputModes, Marks, ScreenHandle, Source } from "../../terminal/worker/screens.ts";
import { ofLog } from "./feed-log.ts";

/**
 * A screen is stored when this much output came since the last time: a new server then has at most this much
 * to parse again.
 */
const snapshotBytes = 4 << 20;
/**
 * … but not more often than this (ms), nor sooner after the output began: a flood makes 4 MB in 80 ms, and
 * 10,000 lines take 150 ms to store.
 */
const snapshotPause = 5_000;

/** What a session's screen needs. */
export interface SessionScreenEffects {
  readonly id: string;
  readonly screens: OpensScreens;
  /** Lines of scrollback that the screen keeps. */
  readonly scrollback: number;
  readonly log: Log;
  /** ms, monotonic. */
  steady(): number;
  stored(): StoredSnapshot | undefined;
  /** @throws Error where it is not kept: output that no stored screen has must not be freed. */
  store(snapshot: StoredSnapshot): void;
  /** The whole output, by offset; who opens it closes it. */
  openLog(): OutputLog;
  /** The size that the terminal has, where nothing tells the one that it had. */
  readonly size: { cols: number; rows: number };
  /** An answer to a query of the program's. */
  answer(bytes: Buffer): void;
  /** The lines that stood on the alternate screen when the program left it. */
  left(lines: readonly string[]): void;
  /** What the screen tells of the output that it reads. */
  readonly follow: FollowEvents;
  /** What it is to follow from an offset on; undefined where it follows nothing. */
  source(from: number): Source | undefined;
  /** Bytes of output that the log has. */
  logged(): number;
}

export class SessionScreen {
  /** Title that the program gave its terminal. */
  title = "";
  /** What the program asked of the keyboard. */
  modes: InputModes = { bracketedPaste: false, focus: false, alternate: false, applicationCursor: false };
  /** What the program told of its progress, beside what it drew; all commands that were told of. */
  marks: Marks = { progress: undefined, prompt: false, commands: 0 };
  /** Output up to which the screen is stored. */
  storedOffset = 0;
  #effects: SessionScreenEffects;
  #handle: ScreenHandle | undefined;
  /** Output that it has. */
  #reached = 0;
  /** When output came that is not stored, or storing was begun last; ms since 1970. */
  #unstoredSince = 0;
  /** Resolves when what was asked for so far is stored. */
  #storing: Promise<void> = Promise.resolve();

  constructor(effects: SessionScreenEffects) {
    this.#effects = effects;
  }

  /** The screen, where it is open. */
  get handle(): ScreenHandle | undefined {
    return this.#handle;
  }

  /** Opens it as it was stored, or blank. */
  open(): ScreenHandle {
    const from = this.beginning();
    this.#reached = from.offset;
    this.#handle = this.#effects.screens.open(
      this.#effects.id,
      { ...from, scrollback: this.#effects.scrollback },
      {
        answer: (bytes) => this.#effects.answer(bytes),
        title: (text) => {
          this.title = text;
        },
        modes: (modes) => {
          this.modes = modes;
        },
        marks: (marks) => {
          this.marks = { ...marks, commands: this.marks.commands + marks.commands };
        },
        left: ({ lines }) => this.#effects.left(lines),
        lost: (deadly) => {
          const { cols, rows } = this.#effects.size;
          const revival = deadly ? { cols, rows, offset: this.#effects.logged() } : this.beginning();
          return { ...revival, source: this.#effects.source(revival.offset) };
        },
        follow: this.#effects.follow,
      },
    );
    return this.#handle;
  }

  /** What it begins with: the stored one, else a blank one of the size that the terminal had at the start. */
  beginning(): { cols: number; rows: number; offset: number; restore?: Buffer } {
    const stored = this.#effects.stored();
    if (stored !== undefined) return { cols: stored.cols, rows: stored.rows, offset: stored.offset, restore: stored.replay };
    // nothing tells it where the folder was removed
    const { cols, rows } = ofLog(this.#effects, (log) => log.times.sizeAt(0)) ?? this.#effects.size;
    return { cols, rows, offset: 0 };
  }

  /** Notes that it has the output up to here. */
  reach(offset: number): void {
    if (this.storedOffset >= this.#reached) this.#unstoredSince = this.#effects.steady();
    this.#reached = Math.max(this.#reached, offset);
  }

  /** Whether so much came since it was stored that it should be again; `offset` is the end of the output. */
  isOutdated(offset: number): boolean {
    return offset - this.storedOffset > snapshotBytes && this.#effects.steady() - this.#unstoredSince > snapshotPause;
  }

  /**
   * Stores it as it stands, after what is being stored already: at the end of a session nothing may be left
   * out.
   */
  store(): Promise<void> {
    this.#storing = this.#storing.then(() => this.#storeNow());
    return this.#storing;
  }

  async #storeNow(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined || this.storedOffset === this.#reached) return;
    this.#unstoredSince = this.#effects.steady();
    try {
      const snapshot = await handle.encode();
      this.#effects.store(snapshot);
      this.storedOffset = snapshot.offset;
    } catch (error) {
      this.#effects.log("session.snapshot-failed", { id: this.#effects.id, reason: String(error) });
    }
  }

  /** Lets go of the model. */
  close(): void {
    this.#handle?.close();
    this.#handle = undefined;
  }
}
