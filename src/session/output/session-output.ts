// The output of one session, from the holder to its viewers and its screen: each byte once and in order, each size of the terminal at its place.
import fs from "node:fs";
import { within } from "../../base/clock.ts";
import type { SizeMark } from "../../store/times.ts";
import type { InputModes, Marks, ScreenHandle, ScreenText } from "../../terminal/worker/screens.ts";
import type { Viewed, Viewer } from "../viewers/viewer.ts";
import { CatchUp } from "./catch-up.ts";
import { mostWaiting, ScreenCursor } from "./screen-cursor.ts";
import { SessionScreen, type SessionScreenEffects } from "./session-screen.ts";

/** The screen is stored when a session that said something has been silent for so long (ms): then a new server has nothing to parse. */
const snapshotSilence = 2_000;

/** A size that was asked for and not answered within this time (ms), as by a holder that stands still, is given to the screen at once. A busy machine takes some 100 ms. */
const longestSizing = 1000;

/** A terminal that takes its output itself is given the screen instead where it is this far behind (ms of what it takes, and bytes at the least). */
const longestLag = 500;
const leastLag = 64 << 10;
/** Bytes a second below which a terminal is slower than the screen, whatever the output is. */
const slowTerminal = 8 << 20;

/**
 * So long (ms) the end of a session waits for a screen that has fallen behind; the next who looks reads it from the log. The 128 MiB of drawings that
 * a screen may be behind take some seconds.
 */
const longestSettling = 30_000;
/** … and the end of the server: the next one reads it from the log. */
const longestLeaving = 3_000;

/** A size of the terminal, and the offset of the first byte that is drawn for it. */
interface Size {
  offset: number;
  cols: number;
  rows: number;
}

/** What the output needs of its session. */
export interface SessionOutputEffects extends Omit<SessionScreenEffects, "size" | "answer"> {
  /** The size that the terminal has, or is being given; kept with the session's row. */
  readonly size: { cols: number; rows: number };
  readonly viewers: ReadonlyMap<Viewer, unknown>;
  /** File that the holder writes the output to. */
  readonly outputLog: string;
  /** ms since 1970. */
  clock(): number;
  /** Whether the session is neither exited nor lost. */
  live(): boolean;
  /** Bytes for the program, which asked its terminal something. */
  answer(bytes: Buffer): void;
  /** The holder is asked to give the terminal this size, and tells where it begins; false where nobody can. */
  resizeTerminal(cols: number, rows: number): boolean;
  /** The holder is not read from, and goes on appending to the log. */
  pause(): void;
  resume(): void;
  /** The holder goes on from here. */
  follow(offset: number): void;
  /** A connection to the holder on which the output comes from here on; undefined where there is none to be had. */
  openCursor(offset: number): number | undefined;
}

export class SessionOutput implements Viewed {
  /** Offset of the next byte of output, as far as it is known. */
  offset = 0;
  /** ms since 1970 of the last output, 0 before any. */
  lastOutput = 0;
  /** The same by the steady clock. */
  #heardAt: number | undefined;
  /** Resolves when the screen stands at the present. */
  present: Promise<void> = Promise.resolve();
  #resolvePresent = () => {};
  #isPresent = true;
  #effects: SessionOutputEffects;
  readonly #screen: SessionScreen;
  readonly #cursor: ScreenCursor;
  /** While an adopted session's screen is behind: what the program asked its terminal then has been answered by the earlier server. */
  #catchUp: CatchUp | undefined;
  /** The screen's answers are for the program. */
  #answering = true;
  /** Between asking for a size and the place in the output where it holds. */
  #sizing: { told: Size | undefined; late: NodeJS.Timeout } | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** Those who are told of more output. */
  readonly #waiting = new Set<() => void>();

  constructor(effects: SessionOutputEffects) {
    this.#effects = effects;
    this.#screen = new SessionScreen({
      ...effects,
      size: () => effects.size,
      answer: (bytes) => {
        if (this.#answering) effects.answer(bytes);
      },
    });
    const viewers = effects.viewers;
    this.#cursor = new ScreenCursor({
      pass: (offset, bytes) => this.#pass(offset, bytes),
      skim: (from, to) => this.#skim(from, to),
      skipped: (to) => this.#skipped(to),
      maySkim: () => this.#catchUp === undefined && this.#sizing === undefined,
      lag: () => this.lag,
      onDrained: (callback) => this.screen().onDrained(callback),
      logged: () => this.#logged(),
      pause: () => effects.pause(),
      resume: () => effects.resume(),
      watched: () => this.#catchUp !== undefined || [...viewers.keys()].some((viewer) => viewer.streams || viewer.watches),
      grew: () => {
        this.#heard();
        this.wake();
      },
    });
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
  /** Output up to which the screen is stored. */
  get storedOffset(): number {
    return this.#screen.storedOffset;
  }

  // ---- its beginning

  /** The program is about to be started. */
  begin(): void {
    this.#screen.open();
  }

  /** It ended before this server: what its stored screen lacks is in the log, and nobody waits for more. */
  wasOver(end: number): void {
    this.offset = end;
    this.#cursor.skipTo(end);
    this.#cursor.close();
  }

  /** An earlier server followed it: its screen was stored then, and what came since is to come again, from `offset` on. */
  beginFromStored(): void {
    this.offset = this.#effects.stored()?.offset ?? 0;
    this.#cursor.skipTo(this.offset);
    this.#screen.storedOffset = this.offset;
    this.#answering = false;
    this.#isPresent = false;
    this.present = new Promise((resolve) => {
      this.#resolvePresent = resolve;
    });
  }

  /** What comes up to `until` was said before this server, at these sizes of the terminal. Nothing, where `until` is not beyond `offset`. */
  catchUpTo(until: number, sizes: readonly SizeMark[]): void {
    this.#catchUp = new CatchUp(this.offset, until, sizes);
    if (this.offset >= until) this.#caughtUp(this.#catchUp);
  }

  /** Nothing was said since the screen was stored. */
  isPresent(): void {
    this.#answering = true;
    this.#reached();
  }

  #reached(): void {
    this.#isPresent = true;
    this.#resolvePresent();
  }

  /** The screen has been given all that was said before this server; what is asked from here on is answered. */
  #caughtUp(catchUp: CatchUp): void {
    this.#catchUp = undefined;
    const { last } = catchUp;
    if (last !== undefined) Object.assign(this.#effects.size, { cols: last.cols, rows: last.rows });
    const done = () => this.isPresent();
    const screen = this.#screen.handle;
    if (screen === undefined) return done();
    catchUp.finish(screen);
    // the screen has parsed it when it answers; both are in the order in which they were sent
    screen.text().then(done, done);
  }

  /** Output before `base` is no longer retained: the screen cannot know what it did. */
  skipTo(base: number): void {
    if (base <= this.offset) return;
    this.#effects.log("session.skipped", { id: this.#effects.id, from: this.offset, to: base });
    this.offset = base;
    this.#cursor.skipTo(base);
  }

  // ---- its course

  /** ms since the last output; undefined before any. */
  get quiet(): number | undefined {
    return this.#heardAt === undefined ? undefined : this.#effects.steady() - this.#heardAt;
  }

  #heard(): void {
    this.lastOutput = this.#effects.clock();
    this.#heardAt = this.#effects.steady();
  }

  /** Output from the holder, in order. */
  take(offset: number, bytes: Buffer): void {
    this.skipTo(offset);
    const end = offset + bytes.length;
    // after a reconnect the holder may begin a little earlier than we are
    if (end > this.offset) {
      this.#heard();
      this.offset = end;
    }
    this.#cursor.take(offset, bytes);
    this.#silence ??= setTimeout(() => this.#silent(), snapshotSilence);
    this.wake();
  }

  openCursor(offset: number): number | undefined {
    return this.#effects.openCursor(offset);
  }

  lags(offset: number, rate: number): boolean {
    if (this.#catchUp !== undefined || this.#sizing !== undefined) return false;
    const behind = this.#logged() - offset;
    if (behind < leastLag || behind < (rate * longestLag) / 1000) return false;
    if (rate < slowTerminal || this.#cursor.skims) return true;
    // of drawings a fast terminal may be nearer to the present than the screen
    return this.#cursor.position - offset > behind / 2;
  }

  /** Output, to viewers and to the screen; viewers join where a size of the terminal begins, and get what comes after it. */
  #pass(offset: number, bytes: Buffer): void {
    const size = this.#sizing?.told;
    const old = size === undefined ? bytes.length : Math.min(bytes.length, Math.max(0, size.offset - offset));
    if (old > 0) {
      this.#give(offset, bytes.subarray(0, old));
      for (const viewer of this.#effects.viewers.keys()) viewer.output(bytes.subarray(0, old));
    }
    if (size === undefined || old === bytes.length) {
      if (this.#screen.isOutdated(offset + old)) void this.#screen.store();
      return;
    }
    this.#giveSize(size);
    this.#pass(offset + old, bytes.subarray(old));
  }

  #give(offset: number, bytes: Buffer): void {
    const screen = this.screen();
    const { length } = bytes;
    this.#screen.follow(offset, length);
    const catchUp = this.#catchUp;
    if (catchUp === undefined) return screen.feed(bytes);
    const old = Math.min(length, Math.max(0, catchUp.until - offset));
    catchUp.feed(screen, offset, bytes.subarray(0, old));
    if (offset + length < catchUp.until) return;
    this.#caughtUp(catchUp);
    if (old < length) screen.feed(bytes.subarray(old));
  }

  #logged(): number {
    try {
      return fs.statSync(this.#effects.outputLog).size;
    } catch {
      return this.offset; // deleted: then nothing can be read later either
    }
  }

  #silent(): void {
    this.#silence = undefined;
    const quiet = this.quiet ?? 0;
    if (quiet < snapshotSilence) this.#silence = setTimeout(() => this.#silent(), snapshotSilence - quiet);
    else void this.#screen.store();
  }

  #quiet(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  // ---- who takes it

  /** Whether the screen has been given all output up to now, and what is asked of it is answered at once. */
  get current(): boolean {
    return this.#isPresent && this.#cursor.current;
  }

  /** Bytes that the screen was given and has not drawn yet. */
  get lag(): number {
    return this.#screen.handle?.lag ?? 0;
  }

  /** Calls when the screen has been given all output up to now; nothing comes between the last byte and the call. */
  whenCurrent(callback: () => void): void {
    this.#cursor.whenCurrent(callback);
  }

  /** Output that the screen has. */
  get position(): number {
    return this.#cursor.position;
  }

  /** Calls after output and at the end: of a flood that nobody looks at in steps, or when it rests. The answer stops it. */
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
    // a stored screen may be of an earlier size; while it is brought to the present, the sizes come in their order
    if (this.#effects.live() && this.#catchUp === undefined) screen.resize(this.cols, this.rows);
    return screen;
  }

  /** A viewer came or went. */
  attend(): void {
    this.#screen.handle?.attend(this.#effects.viewers.size > 0);
  }

  /** What the screen shows. Rejects where it cannot be had. Of a session that ended while no server ran, what it said since is read first. */
  async text(): Promise<ScreenText> {
    if (!this.#effects.live() && this.#screen.handle === undefined) await this.#catchUpFromDisk();
    await this.present;
    await new Promise<void>((resolve) => this.whenCurrent(resolve));
    return await this.screen().text();
  }

  async #catchUpFromDisk(): Promise<void> {
    const from = this.#screen.beginning().offset;
    const log = this.#effects.openLog();
    try {
      if (from >= log.end) return;
      this.#answering = false;
      const screen = this.screen();
      const catchUp = new CatchUp(from, log.end, log.sizes());
      for await (const piece of log.pieces(from)) {
        if ("hole" in piece) continue;
        this.#screen.follow(piece.offset, piece.bytes.length);
        catchUp.feed(screen, piece.offset, piece.bytes);
        if (screen.lag > mostWaiting) await new Promise<void>((resolve) => screen.onDrained(resolve));
      }
      catchUp.finish(screen);
      this.offset = log.end;
      this.#cursor.skipTo(log.end);
      await this.#screen.store();
    } finally {
      log.close();
    }
  }

  /** The screen reads the log's file itself; a hole in it is no plain line, so that it ends there. */
  async #skim(from: number, to: number): Promise<number> {
    try {
      const end = await this.screen().fetch(this.#effects.outputLog, from, to);
      if (end > from) this.#screen.follow(from, end - from);
      if (this.#screen.isOutdated(end)) void this.#screen.store();
      return end;
    } catch {
      return from; // the screen was closed
    }
  }

  /** Those who are sent the stream get the screen instead; the holder goes on behind what was skimmed. */
  #skipped(to: number): void {
    for (const viewer of this.#effects.viewers.keys()) viewer.fallBehind();
    this.offset = Math.max(this.offset, to);
    this.#effects.follow(to);
  }

  // ---- its size

  /** The terminal is being given another size; viewers join when the screen has it. */
  get sizing(): boolean {
    return this.#sizing !== undefined;
  }

  /** The terminal is to have another size, which `size` says already; every viewer is drawn again. */
  resize(): void {
    const { cols, rows } = this;
    clearTimeout(this.#sizing?.late);
    // what is on its way was drawn for the old size: the screen takes the new one where the holder says that it began
    this.#sizing = { told: this.#sizing?.told, late: setTimeout(() => this.#sizeLate(), longestSizing) };
    for (const viewer of this.#effects.viewers.keys()) viewer.hold();
    if (!this.#effects.resizeTerminal(cols, rows)) return this.#giveSize({ cols, rows });
    // it stands at its place in the output, which nobody may be reading
    this.whenCurrent(() => {});
  }

  /** The holder told where the terminal got its size. */
  sized(size: Size): void {
    if (this.#sizing === undefined) return;
    if (this.#screen.handle === undefined || size.offset <= this.#screen.fedTo) this.#giveSize(size);
    else this.#sizing.told = size;
  }

  /** Gives the screen its size; when it is the last one that was asked for, viewers join again. */
  #giveSize({ cols, rows }: { cols: number; rows: number }): void {
    this.screen().resize(cols, rows);
    if (this.#sizing !== undefined) this.#sizing.told = undefined;
    if (cols !== this.cols || rows !== this.rows) return;
    clearTimeout(this.#sizing?.late);
    this.#sizing = undefined;
    for (const viewer of this.#effects.viewers.keys()) viewer.join();
  }

  /** The place is far behind a flood, or the holder is stopped: better a size at the wrong place than viewers that wait. */
  #sizeLate(): void {
    const { cols, rows } = this;
    this.#effects.log("session.size-forced", { id: this.#effects.id, cols, rows });
    this.#giveSize({ cols, rows });
  }

  // ---- its end

  /** The program has ended, nothing more comes: resolves when the screen has all of it and is stored, and every viewer has seen it. */
  async settle(): Promise<void> {
    this.#quiet();
    await new Promise<void>((resolve) => this.whenCurrent(resolve));
    if (this.#sizing !== undefined) this.#giveSize(this.#effects.size);
    await within(longestSettling, this.#screen.store());
    await within(longestSettling, Promise.all([...this.#effects.viewers.keys()].map((viewer) => viewer.settled())));
  }

  /** The session is over: who waits for the present has it. */
  finish(): void {
    this.#reached();
    this.#cursor.close();
    this.#quiet();
  }

  /** Lets go of the model: the screen is stored. */
  closeScreen(): void {
    this.#screen.close();
  }

  /** The server goes: the screen of a session that lives is stored. */
  async leave(): Promise<void> {
    this.#quiet();
    clearTimeout(this.#sizing?.late);
    if (this.#effects.live()) await within(longestLeaving, this.#screen.store());
    this.#cursor.close();
    this.closeScreen();
  }
}
