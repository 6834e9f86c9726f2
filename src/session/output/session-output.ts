// The output of one session, as its screen reads it from the holder: how far it is, what viewers get of it,
// when the screen is stored, and how it ends.
import fs from "node:fs";
import { within } from "../../base/clock.ts";
import type { ExitRecord } from "../../protocol/holder.ts";
import type { SizeMark } from "../../store/times.ts";
import type { InputModes, Marks, Place, ScreenHandle, ScreenText } from "../../terminal/worker/screens.ts";
import type { Viewed, Viewer } from "../viewers/viewer.ts";
import { LastOutput } from "./last-output.ts";
import { type Followed, ScreenFollowing, type ScreenFollowingEffects } from "./screen-following.ts";
import { ScreenReader } from "./screen-reader.ts";
import { SessionScreen, type SessionScreenEffects } from "./session-screen.ts";
import { lagsBehind } from "./terminal-lag.ts";
import { TerminalSizing } from "./terminal-sizing.ts";

/**
 * So long (ms) the end of a session waits for a screen that has fallen behind; the next who looks reads it
 * from the log. The 128 MiB of drawings that a screen may be behind take some seconds.
 */
const longestSettling = 30_000;
/**
 * … and so long for the terminals that show it: the last output comes to one that lags before its holder is
 * let go of. One that takes nothing is drawn the screen once it goes on; nobody else waits for it
 * (invariant 4).
 */
const longestSeeing = 2_000;
/** … and the end of the server: the next one reads it from the log. */
const longestLeaving = 3_000;

/** What the output needs of its session. */
export interface SessionOutputEffects extends ScreenFollowingEffects, Omit<SessionScreenEffects, "follow" | "source" | "logged"> {
  readonly viewers: ReadonlyMap<Viewer, unknown>;
  /** ms since 1970. */
  clock(): number;
  /** Whether the session is neither exited nor lost. */
  live(): boolean;
  /**
   * The holder is asked to give the terminal this size, and tells where it begins; false where nobody can.
   */
  resizeTerminal(cols: number, rows: number): boolean;
  /**
   * A connection to the holder on which the output comes from here on; undefined where there is none to be
   * had.
   */
  openCursor(offset: number): number | undefined;
  /** Bytes that nobody can have. */
  gap(offset: number, length: number): void;
  /** The program has ended. */
  exit(exit: ExitRecord): void;
  /**
   * No worker is to be had for now, so that nobody reads the output: the session's folder is looked at, for
   * as long as that is so.
   */
  unread(): void;
}

export class SessionOutput implements Viewed, Followed {
  /** Offset of the next byte of output, as far as it is known. */
  offset = 0;
  /** Resolves when the screen stands at the present, or no worker is to be had: who asks then hears why. */
  present: Promise<void> = Promise.resolve();
  #resolvePresent = () => {};
  #isPresent = true;
  #effects: SessionOutputEffects;
  readonly #screen: SessionScreen;
  readonly #following: ScreenFollowing;
  readonly #sizing: TerminalSizing;
  readonly #reader: ScreenReader;
  readonly #last: LastOutput;
  /** How far the screen was when it told that last. */
  #place: Place | undefined;
  /** No worker is to be had for now: nobody reads. */
  isUnread = false;
  #over = false;
  /** Those who are told of more output. */
  readonly #waiting = new Set<() => void>();

  constructor(effects: SessionOutputEffects) {
    this.#effects = effects;
    this.#following = new ScreenFollowing(this, effects);
    this.#sizing = new TerminalSizing({
      viewers: effects.viewers,
      force: () => this.screen().resize(this.cols, this.rows),
      late: () => effects.log("session.size-forced", { id: effects.id, cols: this.cols, rows: this.rows }),
    });
    this.#screen = new SessionScreen({
      ...effects,
      source: (from) => this.#following.source(from),
      logged: () => this.logged,
      follow: {
        at: (place, grew) => this.#at(place, grew),
        sized: (cols, rows) => {
          if (cols === this.cols && rows === this.rows) this.#sizing.done();
        },
        hole: ({ offset, length }, notStored) => {
          if (notStored) return effects.gap(offset, length);
          effects.log("session.skipped", { id: effects.id, from: offset, to: offset + length });
        },
        exit: (exit) => effects.exit(exit),
        cut: (reason) => this.#following.cut(reason),
        output: (offset, bytes) => this.#sendOn(offset, bytes),
        missed: () => {
          for (const viewer of effects.viewers.keys()) viewer.fallBehind();
        },
        waits: (on) => {
          this.isUnread = on;
          if (on) {
            this.#resolvePresent();
            effects.unread();
          } else if (!this.#isPresent) this.#awaitPresent();
        },
      },
    });
    this.#reader = new ScreenReader(this.#screen, this, effects);
    // a session that has been silent is stored: then a new server has nothing to parse
    this.#last = new LastOutput(effects, () => void this.#screen.store());
  }

  /** Resolves when the screen follows a holder: before, nothing can be given to the program. */
  get followed(): Promise<void> {
    return this.#following.begun;
  }
  /** ms since 1970 of the last output, 0 before any. */
  get lastOutput(): number {
    return this.#last.time;
  }
  /** ms since it; undefined before any. */
  get quiet(): number | undefined {
    return this.#last.quiet;
  }
  get cols(): number {
    return this.#effects.size.cols;
  }
  get rows(): number {
    return this.#effects.size.rows;
  }
  /** Title that the program gave its terminal. */
  get title(): string {
    return this.#screen.title;
  }
  /** What the program asked of the keyboard, as the screen knows it. */
  get inputModes(): InputModes {
    return this.#screen.modes;
  }
  /** What the program told of its progress, beside what it drew. */
  get marks(): Marks {
    return this.#screen.marks;
  }
  /** Output that the screen has taken, as far as it has told. */
  get taken(): number {
    return this.#place?.taken ?? 0;
  }
  /** Output up to which the screen is stored. */
  get storedOffset(): number {
    return this.#screen.storedOffset;
  }

  // ---- its beginning

  /** The program is about to be started. */
  begin(): void {
    // whoever starts it hears its first bells
    this.#screen.open().stream(true);
  }

  /** It ended before this server: what its stored screen lacks is in the log, and nobody waits for more. */
  wasOver(end: number): void {
    this.offset = end;
    this.#over = true;
  }

  /**
   * An earlier server followed it: its screen was stored then, and what came since is to come again, from
   * `offset` on.
   */
  beginFromStored(): void {
    this.offset = this.#effects.stored()?.offset ?? 0;
    this.#screen.storedOffset = this.offset;
    if (!this.#isPresent) return;
    this.#following.begin();
    this.#awaitPresent();
  }

  #awaitPresent(): void {
    this.#isPresent = false;
    this.present = new Promise((resolve) => {
      this.#resolvePresent = resolve;
    });
  }

  /**
   * The screen follows this holder, or another one from where it is.
   * @param until what was said before was heard by an earlier server, at these sizes of the terminal.
   */
  follow(version: number, until = 0, sizes: readonly SizeMark[] = []): void {
    this.#following.follow(version, until, sizes);
    if (this.#following.until <= this.offset) this.#reached();
    else this.heard(this.#following.until);
  }

  #reached(): void {
    this.#isPresent = true;
    this.#resolvePresent();
  }

  /** Output before `base` is no longer retained: the screen cannot know what it did. */
  skipTo(base: number): void {
    if (base <= this.offset) return;
    this.#effects.log("session.skipped", { id: this.#effects.id, from: this.offset, to: base });
    this.offset = base;
  }

  // ---- its course

  /** The screen tells how far it is. */
  #at(place: Place, grew: boolean): void {
    this.#place = place;
    this.#following.told();
    this.#screen.reach(place.taken);
    if (place.received > this.offset || grew) this.heard(place.received);
    if (!this.#isPresent && place.taken >= this.#following.until) this.#reached();
    if (this.#screen.isOutdated(place.taken)) void this.#screen.store();
  }

  /** There is output up to here, or more that nobody has read. */
  heard(offset: number): void {
    this.#last.heard();
    this.offset = Math.max(this.offset, offset);
    this.wake();
  }

  openCursor(offset: number): number | undefined {
    return this.#effects.openCursor(offset);
  }

  lags(offset: number, rate: number): boolean {
    if (!this.#isPresent || this.sizing) return false;
    return lagsBehind(offset, rate, this.logged, this.#place);
  }

  /** Output that the screen has taken, for those who are sent it. */
  #sendOn(offset: number, bytes: Buffer): void {
    let wanted = false;
    for (const viewer of this.#effects.viewers.keys()) {
      if (!viewer.streams) continue;
      wanted = true;
      viewer.output(offset, bytes);
    }
    this.#screen.handle?.streamed(bytes.length);
    if (!wanted) this.#screen.handle?.stream(false);
  }

  stream(): void {
    this.screen().stream(true);
  }

  /** What the log has is all that is known while nobody reads. */
  look(): void {
    const { logged } = this;
    if (logged > this.offset) this.heard(logged);
  }

  /** Bytes that the log has: of a flood that nobody looks at more than `offset`, which rests then. */
  get logged(): number {
    try {
      return fs.statSync(this.#effects.outputLog).size;
    } catch {
      return this.offset; // deleted: then nothing can be read later either
    }
  }

  // ---- who takes it

  /** Whether the screen has been given all output up to now, and what is asked of it is answered at once. */
  get current(): boolean {
    return this.#isPresent && (this.#over || this.#place?.current !== false);
  }

  /** Bytes that the screen was given and has not drawn yet. */
  get lag(): number {
    return this.#screen.handle?.lag ?? 0;
  }

  /**
   * Calls when the screen has been given all output up to now, and up to `end`, or gets nothing any more.
   */
  whenCurrent(callback: () => void, end = 0): void {
    if (this.#over) return callback();
    const asked = this.present.then(() => (this.#over ? undefined : this.screen().current(end)));
    // where it cannot be had, whoever asks for it hears why
    void asked.then(callback, callback);
  }

  /**
   * Calls after output and at the end: of a flood that nobody looks at in steps, or when it rests. The answer
   * stops it.
   */
  onMore(listener: () => void): () => void {
    this.#waiting.add(listener);
    return () => this.#waiting.delete(listener);
  }

  /** Calls those who wait for more. */
  wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** The screen; opened when it is first needed, from the stored snapshot. */
  screen(): ScreenHandle {
    if (this.#screen.handle !== undefined) return this.#screen.handle;
    const screen = this.#screen.open();
    this.attend();
    return screen;
  }

  /** A viewer came or went. */
  attend(): void {
    this.#screen.handle?.attend(this.#effects.viewers.size > 0);
  }

  /**
   * What the screen shows. Rejects where it cannot be had. Of a session that has ended and whose screen is
   * not there any more, what it said since that was stored is read first.
   */
  text(): Promise<ScreenText> {
    return this.#reader.text();
  }

  // ---- its size

  /** The terminal is being given another size; viewers join when the screen has it. */
  get sizing(): boolean {
    return this.#sizing.isOn;
  }

  /** The terminal is to have another size, which `size` says already; every viewer is drawn again. */
  resize(): void {
    const { cols, rows } = this;
    this.#sizing.begin();
    this.screen().sizing(cols, rows, this.#following.version === 1);
    if (!this.#effects.resizeTerminal(cols, rows)) return this.#sizing.force();
    // it stands at its place in the output, which nobody may be reading
    this.whenCurrent(() => {});
  }

  // ---- its end

  /**
   * The program has ended, nothing more comes: resolves when the screen has all of it and is stored, and
   * every viewer has seen it. A screen that cannot be had, or stands still, is not waited for without an end,
   * and a viewer whose terminal takes nothing for a moment only.
   * @param end bytes of output in all.
   */
  async settle(end: number): Promise<void> {
    // how far the screen is it tells a little later
    if (end > this.offset) this.heard(end);
    this.#screen.reach(end);
    this.#last.stop();
    await within(longestSettling, this.#drawnAndSeen(end));
    // of a screen that was not drawn in time, whose viewers wait no longer for its size
    if (this.sizing) this.#sizing.force();
  }

  async #drawnAndSeen(end: number): Promise<void> {
    await new Promise<void>((resolve) => this.whenCurrent(resolve, end));
    // nobody waited so long, and a screen that stands before the end is not to be stored as the last one
    if (this.#over) return;
    if (this.sizing) this.#sizing.force();
    await this.#screen.store();
    const seen = [...this.#effects.viewers.keys()].map((viewer) => viewer.settled());
    await within(longestSeeing, Promise.all(seen));
  }

  /** The session is over: who waits for the present has it. */
  finish(): void {
    this.#reached();
    this.#stop();
  }

  #stop(): void {
    this.#over = true;
    this.#following.stop();
    this.#screen.handle?.unfollow();
    this.#last.stop();
  }

  /** Lets go of the model: the screen is stored. */
  closeScreen(): void {
    this.#reader.close();
  }

  /** The server goes: the screen of a session that lives is stored. */
  async leave(): Promise<void> {
    this.#last.stop();
    this.#sizing.stop();
    if (this.#effects.live()) await within(longestLeaving, this.#screen.store());
    this.#stop();
    this.closeScreen();
  }
}
