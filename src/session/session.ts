// One session: its holder, its screen, its viewers, and the facts that are kept of it. Bytes pass through here; decisions are taken here.
import fs from "node:fs";
import path from "node:path";
import { getSystemErrorName } from "node:util";
import type { Log } from "../base/log.ts";
import { probe } from "../base/probe.ts";
import { processAlive } from "../platform/processes.ts";
import { signalName, signalNumber } from "../platform/signals.ts";
import { OutputLog } from "../store/output-log.ts";
import { type Gap, joined, readRecord, type SessionRecord } from "../store/record.ts";
import type { SessionRow, SessionState, StoredSnapshot } from "../store/session-store.ts";
import type { InputModes, ScreenHandle, Screens, ScreenText } from "../terminal/screens.ts";
import { CatchUp, sizeAt } from "./catch-up.ts";
import { type MemoryWatch, outOfMemory, watchMemory } from "./ending.ts";
import {
  adoptAfterHolder,
  connectHolder,
  type HolderEvents,
  type HolderLink,
  launchHolder,
  recallHolder,
} from "./holder-link.ts";
import { endLeftovers } from "./leftovers.ts";
import { ScreenFeed, screenLag } from "./screen-feed.ts";
import { type End, endOf, isLive, mayFollow } from "./state.ts";
import type { Viewed, Viewer } from "./viewer.ts";

/** What a session needs of the server. */
export interface SessionEffects {
  save(row: SessionRow): void;
  saveSnapshot(id: string, snapshot: StoredSnapshot): void;
  snapshot(id: string): StoredSnapshot | undefined;
  readonly screens: Screens;
  readonly log: Log;
  clock(): number;
  /** Called after every change that a list would show. */
  changed(session: Session): void;
  /** Called once, when it is exited or lost. */
  over(session: Session): void;
  /** Bytes of log to retain. */
  readonly keep: number;
  /** Lines of scrollback that a screen keeps. */
  readonly scrollback: number;
  readonly boot: string;
}

/** A snapshot is stored when this much output came since the last one: a new server then has at most this much to parse again. */
const snapshotBytes = 4 << 20;
/** … but not more often than this (ms), since a flood makes 4 MB in 80 ms. */
const snapshotPause = 5_000;
/** … and when a session that said something has been silent for so long (ms): then a new server has nothing to parse. */
const snapshotSilence = 2_000;

/** A size that was asked for and not answered within this time (ms), as by a holder that stands still, is given to the screen at once. A busy machine takes some 100 ms. */
const longestSizing = 1000;

/** A screen whose worker died is made from at most this much of the output (a stored one is seldom older), read in such pieces. */
const longestRevival = 16 << 20;
const revivalPiece = 256 << 10;

/** A holder that does not answer is asked again after this time (ms). */
const holderRetry = 5_000;

/** The program's own oom_score_adj is raised by this, never ours: the kernel then ends the program first, and the story of it survives. */
const oomScoreAdj = 200;

/** A size of the terminal, and the offset of the first byte that is drawn for it. */
interface Size {
  offset: number;
  cols: number;
  rows: number;
}

/** A viewer as others see it. */
export interface ViewerFacts {
  /** Process of its client. */
  pid: number;
  /** Id of the session inside which that client was started. */
  inside?: string | undefined;
  readOnly: boolean;
  /** ms since 1970. */
  since: number;
  /** Ends it. */
  finish(why: "detached" | "taken-over"): void;
}

export class Session implements Viewed {
  readonly row: SessionRow;
  readonly folder: string;
  /** Offset of the next byte of output. */
  offset = 0;
  /** Bytes of output that no one can have any more, and where. */
  readonly gaps: Gap[];
  /** Who looks at it, and how each is sent away. */
  readonly viewers = new Map<Viewer, ViewerFacts>();
  /** Resolves when the session is exited or lost. */
  readonly over: Promise<void>;

  #effects: SessionEffects;
  #link: HolderLink | undefined;
  #screen: ScreenHandle | undefined;
  #resolveOver!: () => void;
  #storedOffset = 0;
  #storedAt = 0;
  /** Offset of the next byte for the screen, and how many it was never given. */
  #fedTo = 0;
  #skipped = 0;
  readonly #feed: ScreenFeed;
  #silence: NodeJS.Timeout | undefined;
  #storing = false;
  #closed = false;
  #ending = false;
  #retry: NodeJS.Timeout | undefined;
  /** How the connection to the holder ended, in words. */
  #lossReason = "";
  /** Those who are told of the end. */
  readonly #enders = new Set<() => void>();
  /** Those who are told of more output, and those of them for whom it is as well a little later. */
  readonly #waiting = new Set<() => void>();
  readonly #unhurried = new Set<() => void>();
  #modes: InputModes = { bracketedPaste: false, focus: false, alternate: false, applicationCursor: false };
  /** ms since 1970 of the last output, 0 before any. */
  lastOutput = 0;
  /** Title that the program gave its terminal. */
  title = "";

  /** While an adopted session's screen is behind: what the program asked its terminal then has been answered by the earlier server. */
  #catchUp: CatchUp | undefined;
  /** The screen's answers are for the program. */
  #answering = true;
  /** Between asking for a size and the place in the output where it holds. */
  #sizing: { told: Size | undefined; late: NodeJS.Timeout } | undefined;
  /** Resolves when the screen stands at the present. */
  present: Promise<void> = Promise.resolve();
  #resolvePresent = () => {};

  constructor(row: SessionRow, folder: string, effects: SessionEffects) {
    this.row = row;
    this.folder = folder;
    this.#effects = effects;
    this.gaps = (row.facts.gaps as Gap[] | undefined) ?? [];
    if (!isLive(row.state)) this.offset = Number(row.facts.outputBytes ?? 0);
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    if (!isLive(row.state)) this.#resolveOver();
    this.#feed = new ScreenFeed({
      give: (offset, bytes) => this.#give(offset, bytes),
      read: (offset, length) => this.#fromLog(offset, length),
      logged: () => this.#logged(),
      lag: () => this.#screen?.lag ?? 0,
      onDrained: (callback) => this.screen().onDrained(callback),
      pause: () => this.#link?.pause(),
      resume: () => this.#link?.resume(),
      streamed: () => this.#waiting.size > 0 || [...this.viewers.keys()].some((viewer) => viewer.streams),
      watched: () => this.#catchUp !== undefined || [...this.viewers.keys()].some((viewer) => viewer.watches),
      grew: () => {
        this.lastOutput = this.#effects.clock();
      },
    });
  }

  get id(): string {
    return this.row.id;
  }
  get cols(): number {
    return this.row.cols;
  }
  get rows(): number {
    return this.row.rows;
  }
  /** Output up to which the screen is stored: a later server asks the holder for what comes after it, so that much stays as the holder wrote it. */
  get storedOffset(): number {
    return this.#storedOffset;
  }
  get live(): boolean {
    return isLive(this.row.state);
  }
  /** How it ended; undefined while it runs. A lost session's status is 125. */
  get end(): End | undefined {
    if (this.live) return undefined;
    return endOf(this.row.waitStatus ?? -1, signalName);
  }

  /**
   * Starts the program under a holder of its own.
   * @throws Error when the holder could not be made; a program that cannot be executed is no error here, but an end with status 126 or 127.
   */
  async start(): Promise<void> {
    const [file, ...args] = this.row.command as [string, ...string[]];
    this.#openScreen();
    const { row } = this;
    const link = await launchHolder(
      {
        folder: this.folder,
        file,
        args,
        directory: row.directory,
        environment: row.environment,
        cols: row.cols,
        rows: row.rows,
        umask: row.umask,
        limits: row.limits,
        keep: this.#effects.keep,
        oomScoreAdj,
      },
      this.#events(),
    );
    this.#linked(link);
    link.subscribe(0);
  }

  /** Takes a session over that an earlier server started: from its holder where there is one, else from what is on disk. */
  async adopt(): Promise<void> {
    const stored = this.#effects.snapshot(this.id);
    this.offset = stored?.offset ?? 0;
    this.#storedOffset = this.offset;
    this.#answering = false;
    this.present = new Promise((resolve) => {
      this.#resolvePresent = resolve;
    });
    try {
      const link = await this.#reach();
      this.#linked(link);
      if (this.offset >= link.hello.end) {
        // nothing was said since: there is no log to be read, and the row knows the size
        link.subscribe(this.offset);
        this.#answering = true;
        this.#resolvePresent();
        return this.#effects.log("session.adopted", { id: this.id, offset: this.offset });
      }
      const log = this.openLog();
      // without a stored screen (a lost database): what was compressed since is not in the holder's file any more
      if (log.rawBase > this.offset) this.#note(log.rawBase);
      this.#catchUp = new CatchUp(this.offset, link.hello.end, log.sizes());
      log.close();
      link.subscribe(this.offset);
      if (this.offset >= this.#catchUp.until) this.#caughtUp(this.#catchUp);
      this.#effects.log("session.adopted", { id: this.id, offset: this.offset });
    } catch (error) {
      this.#effects.log("session.no-holder", { id: this.id, reason: String(error) });
      if ((error as NodeJS.ErrnoException).code === "ETIMEDOUT") this.#retryLater();
      else this.#finishFromDisk();
    }
  }

  /** The holder, also where its socket was deleted: while the program lives it is not given up. */
  async #reach(): Promise<HolderLink> {
    try {
      return await connectHolder(this.folder, this.#events());
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ETIMEDOUT") throw error;
      const record = this.#record();
      if (record.exit !== undefined) throw error;
      return await recallHolder(this.folder, [this.row.holderPid, record.pid], this.#events());
    }
  }

  /** A holder that is stopped, or whose disk hangs, still has its program: it is asked again until it answers. */
  #retryLater(): void {
    this.#retry = setTimeout(() => {
      if (!this.#closed && this.live) void this.adopt();
    }, holderRetry);
  }

  #linked(link: HolderLink): void {
    const known = this.row.started !== null && this.row.holderPid === link.holderPid && this.row.programPid === link.programPid;
    this.#link = link;
    this.row.holderPid = link.holderPid;
    this.row.programPid = link.programPid;
    if (this.row.facts.memory === undefined && link.programPid > 0) this.row.facts.memory = watchMemory(link.programPid);
    const { execError } = link.hello;
    if (execError !== null) this.row.facts.execError = sentenceOfExec(this.row.command[0] ?? "", execError);
    if (this.row.started === null) this.row.started = this.#effects.clock();
    if (this.row.state === "starting") this.#to("running", "the program was started");
    else if (!known) this.#save();
  }

  #events(): HolderEvents {
    return {
      hello: (h) => {
        if (h.start > 0) this.row.started = h.start;
        if (h.base > this.offset) this.#note(h.base);
      },
      data: (offset, bytes) => this.#output(offset, bytes),
      gap: (offset, length) => {
        // a hole that grows is told again and again
        this.gaps.splice(0, this.gaps.length, ...joined([...this.gaps, { offset, length }]));
        this.row.facts.gaps = this.gaps;
        this.#effects.log("session.gap", { id: this.id, offset, length });
        this.#save();
      },
      sized: ({ offset, cols, rows }) => {
        if (this.#sizing !== undefined) this.#take({ offset, cols, rows });
      },
      exit: (exit) => void this.#exited(exit.status, exit.time),
      closed: (reason) => this.#holderGone(reason),
    };
  }

  /** Output before `base` is no longer retained: the screen cannot know what it did. */
  #note(base: number): void {
    this.#effects.log("session.skipped", { id: this.id, from: this.offset, to: base });
    this.offset = base;
  }

  #output(offset: number, bytes: Buffer): void {
    if (offset > this.offset) this.#note(offset);
    // after a reconnect the holder may begin a little earlier than we are
    const fresh = offset < this.offset ? bytes.subarray(this.offset - offset) : bytes;
    if (fresh.length === 0) return;
    this.lastOutput = this.#effects.clock();
    const size = this.#sizing?.told;
    if (size !== undefined && this.#feed.current && size.offset < this.offset + fresh.length) {
      // viewers join where the size begins, and get what comes after it
      const old = Math.max(0, size.offset - this.offset);
      if (old > 0) this.#pass(fresh.subarray(0, old));
      if (this.#sizing?.told === size) this.#giveSize(size);
      this.#pass(fresh.subarray(old));
    } else this.#pass(fresh);
    if (
      this.#feed.current &&
      this.offset - this.#storedOffset > snapshotBytes &&
      this.lastOutput - this.#storedAt > snapshotPause
    )
      void this.#store();
    this.#silence ??= setTimeout(() => this.#silent(), snapshotSilence);
    this.#wake();
    probe("session.output", { id: this.id, offset: this.offset });
  }

  /** Output, to viewers and to the screen. */
  #pass(bytes: Buffer): void {
    this.offset += bytes.length;
    for (const viewer of this.viewers.keys()) viewer.output(bytes);
    this.#feed.output(this.offset - bytes.length, bytes);
  }

  /** Calls when the screen has been given all output up to now; nothing comes between the last byte and the call. */
  whenCurrent(callback: () => void): void {
    this.#feed.whenCurrent(callback);
  }

  get current(): boolean {
    return this.#feed.current;
  }

  #logged(): number {
    try {
      return fs.statSync(this.outputLog).size;
    } catch {
      return this.offset; // deleted: then nothing can be read later either
    }
  }

  #fromLog(offset: number, length: number): Buffer {
    const log = this.openLog();
    try {
      return log.readSync(offset, length);
    } catch (error) {
      this.#effects.log("session.log-unreadable", { id: this.id, offset, reason: String(error) });
      return Buffer.alloc(0);
    } finally {
      log.close();
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    for (const wake of this.#unhurried) wake();
  }

  /** The screen counts what it is fed; what it never got (a hole, output that is not retained) has to be added. */
  #follow(offset: number, length: number): void {
    this.#skipped += Math.max(0, offset - this.#fedTo);
    this.#fedTo = offset + length;
  }

  #give(offset: number, bytes: Buffer): void {
    const screen = this.screen();
    this.#follow(offset, bytes.length);
    const catchUp = this.#catchUp;
    if (catchUp === undefined) return this.#feedSized(screen, offset, bytes);
    const old = Math.min(bytes.length, Math.max(0, catchUp.until - offset));
    catchUp.feed(screen, offset, bytes.subarray(0, old));
    if (offset + bytes.length < catchUp.until) return;
    this.#caughtUp(catchUp);
    screen.feed(bytes.subarray(old));
  }

  #feedSized(screen: ScreenHandle, offset: number, bytes: Buffer): void {
    const size = this.#sizing?.told;
    if (size === undefined || size.offset >= offset + bytes.length) return screen.feed(bytes);
    const old = Math.max(0, size.offset - offset);
    if (old > 0) screen.feed(bytes.subarray(0, old));
    this.#giveSize(size);
    screen.feed(bytes.subarray(old));
  }

  /** The holder told where the terminal got its size. */
  #take(size: Size): void {
    if (this.#sizing === undefined) return;
    if (this.#screen === undefined || size.offset <= this.#fedTo) this.#giveSize(size);
    else this.#sizing.told = size;
  }

  /** Gives the screen its size; when it is the last one that was asked for, viewers join again. */
  #giveSize({ cols, rows }: { cols: number; rows: number }): void {
    this.screen().resize(cols, rows);
    if (this.#sizing !== undefined) this.#sizing.told = undefined;
    if (cols !== this.row.cols || rows !== this.row.rows) return;
    clearTimeout(this.#sizing?.late);
    this.#sizing = undefined;
    for (const viewer of this.viewers.keys()) viewer.join();
    probe("session.resized", { id: this.id, cols, rows });
  }

  /** The place is far behind a flood, or the holder is stopped: better a size at the wrong place than viewers that wait. */
  #sizeLate(): void {
    this.#effects.log("session.size-late", { id: this.id, cols: this.row.cols, rows: this.row.rows });
    this.#giveSize(this.row);
  }

  /** The screen has been given all that was said before this server; what is asked from here on is answered. */
  #caughtUp(catchUp: CatchUp): void {
    this.#catchUp = undefined;
    const { last } = catchUp;
    if (last !== undefined) {
      this.row.cols = last.cols;
      this.row.rows = last.rows;
    }
    const done = () => {
      this.#answering = true;
      this.#resolvePresent();
    };
    if (this.#screen === undefined) return done();
    catchUp.finish(this.#screen);
    // the screen has parsed it when it answers; both are in the order in which they were sent
    this.#screen.text().then(done, done);
  }

  #silent(): void {
    this.#silence = undefined;
    const quiet = this.#effects.clock() - this.lastOutput;
    if (quiet < snapshotSilence) this.#silence = setTimeout(() => this.#silent(), snapshotSilence - quiet);
    else void this.#store();
  }

  /** Stores the screen as it stands, so that it needs not be parsed again. */
  async #store(): Promise<void> {
    if (this.#storing || this.#screen === undefined || this.#storedOffset === this.offset) return;
    this.#storing = true;
    try {
      const skipped = this.#skipped;
      const encoded = await this.#screen.encode();
      const snapshot = { ...encoded, offset: encoded.offset + skipped };
      this.#effects.saveSnapshot(this.id, snapshot);
      this.#storedOffset = snapshot.offset;
      this.#storedAt = this.#effects.clock();
    } catch (error) {
      this.#effects.log("session.snapshot-failed", { id: this.id, reason: String(error) });
    } finally {
      this.#storing = false;
    }
  }

  /** The screen; opened when it is first needed, from the stored snapshot. */
  screen(): ScreenHandle {
    if (this.#screen !== undefined) return this.#screen;
    const screen = this.#openScreen();
    screen.attend(this.viewers.size > 0);
    // a stored screen may be of an earlier size; while it is brought to the present, the sizes come in their order
    if (this.live && this.#catchUp === undefined) screen.resize(this.row.cols, this.row.rows);
    return screen;
  }

  #openScreen(): ScreenHandle {
    const from = this.#storedScreen();
    this.#fedTo = from.offset;
    this.#skipped = 0;
    this.#screen = this.#effects.screens.open(
      this.id,
      { ...from, scrollback: this.#effects.scrollback },
      {
        answer: (bytes) => {
          if (this.#answering) this.#link?.input(bytes);
        },
        title: (text) => {
          this.title = text;
        },
        modes: (modes) => {
          this.#modes = modes;
        },
        bell: () => {},
        left: ({ lines }) => {
          // falcon's display, or any full-screen program's: the alternate screen swallows it
          this.setFact("lastFrame", trimmed(lines));
        },
        lost: () => ({ ...this.#storedScreen(), rest: this.#outputSince(this.#storedScreen().offset) }),
      },
    );
    return this.#screen;
  }

  /** What a screen begins with: the stored one, else a blank one of the size that the terminal had at the start. */
  #storedScreen(): { cols: number; rows: number; offset: number; restore?: Buffer } {
    const stored = this.#effects.snapshot(this.id);
    if (stored !== undefined) return { cols: stored.cols, rows: stored.rows, offset: stored.offset, restore: stored.replay };
    const log = this.openLog();
    const { cols, rows } = sizeAt(log.sizes(), 0) ?? this.row;
    log.close();
    return { cols, rows, offset: 0 };
  }

  /** Output that the log has from here to the present, for a screen whose worker died. */
  *#outputSince(offset: number): Generator<Buffer> {
    const log = this.openLog();
    try {
      for (let at = Math.max(offset, this.#fedTo - longestRevival); at < this.#fedTo; ) {
        const bytes = log.readSync(at, Math.min(revivalPiece, this.#fedTo - at));
        if (bytes.length === 0) return;
        yield bytes;
        at += bytes.length;
      }
    } finally {
      log.close();
    }
  }

  /** Of a session that ended while no server ran: what it said after its screen was stored. */
  async #catchUpFromDisk(): Promise<void> {
    const from = this.#storedScreen().offset;
    const log = this.openLog();
    try {
      if (from >= log.end) return;
      this.#answering = false;
      const screen = this.screen();
      const catchUp = new CatchUp(from, log.end, log.sizes());
      for await (const piece of log.pieces(from)) {
        if ("hole" in piece) continue;
        this.#follow(piece.offset, piece.bytes.length);
        catchUp.feed(screen, piece.offset, piece.bytes);
        if (screen.lag > screenLag) await new Promise<void>((resolve) => screen.onDrained(resolve));
      }
      catchUp.finish(screen);
      this.offset = log.end;
      this.row.facts.outputBytes = log.end;
      this.#save();
      await this.#store();
    } finally {
      log.close();
    }
  }

  /** Bytes for the program, as typed. */
  input(bytes: Uint8Array): void {
    if (this.row.state === "running" || this.row.state === "starting")
      this.#link?.input(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** A Ctrl+C for the program, counted: falcon's second one drops the model. */
  interrupt(bytes: Uint8Array): void {
    this.row.interrupts += 1;
    this.#save();
    this.#effects.log("session.interrupt", { id: this.id, count: this.row.interrupts });
    this.input(bytes);
  }

  /** What the program asked of the keyboard, as the screen knows it. */
  inputModes(): InputModes {
    return this.#modes;
  }

  /** The Ctrl+C that a person would type: the terminal's interrupt character, or SIGINT where the terminal makes none of it. */
  sendInterrupt(): void {
    const line = this.lineMode();
    if (line?.isig === true && line.vintr !== 0) this.interrupt(Buffer.from([line.vintr]));
    else this.countedSignal(signalNumber("SIGINT") ?? 2, 1);
  }

  /** How the terminal takes input now; undefined where nothing runs. Asked of the pty at each call. */
  lineMode(): ReturnType<HolderLink["lineMode"]> | undefined {
    if (!this.live || this.#link === undefined) return undefined;
    try {
      return this.#link.lineMode();
    } catch {
      return undefined;
    }
  }

  /**
   * Sends a signal.
   * @param target 0 the program, 1 the foreground process group, 2 every process that descends from the holder.
   */
  signal(number: number, target: 0 | 1 | 2): void {
    this.#effects.log("session.signal", { id: this.id, signal: signalName(number), target });
    this.#link?.signal(number, target);
  }

  /** A signal that falcon counts like a Ctrl+C (SIGINT, SIGTERM). */
  countedSignal(number: number, target: 0 | 1 | 2): void {
    this.row.interrupts += 1;
    this.#save();
    this.signal(number, target);
  }

  /**
   * Calls once, when the session is exited or lost (soon, where it is already); the answer forgets the listener. Of what lives shorter than
   * its session, `over` would keep everything.
   */
  onOver(listener: () => void): () => void {
    if (!this.live) queueMicrotask(listener);
    else this.#enders.add(listener);
    return () => this.#enders.delete(listener);
  }

  /**
   * Calls after every output and at the end; the answer stops it.
   * @param when "soon": a flood that nobody looks at is heard of in steps of some megabytes, or when it rests.
   */
  onMore(listener: () => void, when: "at-once" | "soon" = "at-once"): () => void {
    const listeners = when === "soon" ? this.#unhurried : this.#waiting;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** The whole output, by offset. The caller closes it. */
  openLog(): OutputLog {
    return OutputLog.open(this.folder);
  }

  /** Gives the terminal another size; every viewer is drawn again. */
  resize(cols: number, rows: number): void {
    if (cols === this.row.cols && rows === this.row.rows) return;
    this.row.cols = cols;
    this.row.rows = rows;
    this.#save();
    if (this.#link === undefined || this.row.state !== "running") return this.#giveSize({ cols, rows });
    clearTimeout(this.#sizing?.late);
    // what is on its way was drawn for the old size: the screen takes the new one where the holder says that it began
    this.#sizing = { told: this.#sizing?.told, late: setTimeout(() => this.#sizeLate(), longestSizing) };
    for (const viewer of this.viewers.keys()) viewer.hold();
    this.#link.resize(cols, rows);
  }

  /** The terminal is being given another size; viewers join when the screen has it. */
  get sizing(): boolean {
    return this.#sizing !== undefined;
  }

  /** A viewer came; the caller lets it join. */
  addViewer(viewer: Viewer, facts: ViewerFacts): void {
    this.viewers.set(viewer, facts);
    this.#screen?.attend(true);
    this.row.attached = this.#effects.clock();
    this.#save();
    this.#effects.changed(this);
  }

  removeViewer(viewer: Viewer): void {
    viewer.dispose();
    this.viewers.delete(viewer);
    this.#screen?.attend(this.viewers.size > 0);
    this.#effects.changed(this);
  }

  /** Sends every viewer away. */
  detachAll(why: "detached" | "taken-over"): void {
    for (const { finish } of [...this.viewers.values()]) finish(why);
  }

  /** Every viewer's terminal is told something in its own way (OSC 9 and 777). */
  notify(text: string): void {
    for (const viewer of this.viewers.keys()) viewer.notify(text);
  }

  rename(name: string): void {
    this.#effects.log("session.renamed", { id: this.id, from: this.row.name, to: name });
    this.row.name = name;
    this.#save();
    this.#effects.changed(this);
  }

  /** The run directory became known after the start. */
  setRunDirectory(directory: string): void {
    this.row.runDirectory = directory;
    this.#save();
    this.#effects.changed(this);
  }

  /** What the screen shows; undefined where it cannot be had. The screen of an ended session that nobody looks at is let go of. */
  async screenText(): Promise<ScreenText | undefined> {
    try {
      if (!this.live && this.#screen === undefined) await this.#catchUpFromDisk();
      await this.present;
      await new Promise<void>((resolve) => this.whenCurrent(resolve));
      return await this.screen().text();
    } catch (error) {
      this.#effects.log("session.no-screen", { id: this.id, reason: String(error) });
      return undefined;
    } finally {
      if (!this.live && this.viewers.size === 0) this.closeScreen();
    }
  }

  /** The visible lines as text, without blank ones at the end; of an ended session, as it was left. */
  async lastScreen(): Promise<string[]> {
    const lines = (await this.screenText())?.lines ?? [];
    return trimmed(lines);
  }

  /** Keeps a fact beside the row. */
  setFact(name: string, value: unknown): void {
    this.row.facts[name] = value;
    this.#save();
  }

  async #exited(waitStatus: number, time: number): Promise<void> {
    // "exiting" alone tells nothing: a server that was killed in this very place left it behind
    if (!this.live || this.#ending) return;
    this.#ending = true;
    this.row.waitStatus = waitStatus;
    this.row.ended = time;
    if (this.row.state !== "exiting") this.#to("exiting", "the program has ended");
    this.#quiet();
    await new Promise<void>((resolve) => this.whenCurrent(resolve));
    if (this.#sizing !== undefined) this.#giveSize(this.row);
    await this.#store();
    await Promise.all([...this.viewers.keys()].map((viewer) => viewer.settled()));
    await this.#endLeftovers();
    const end = endOf(waitStatus, signalName);
    this.#to(
      "exited",
      end.signal !== null
        ? `ended by ${end.signal}`
        : end.code === null
          ? "ended, status unknown"
          : `ended with status ${end.code}`,
    );
    this.#link?.release();
    this.#finish();
  }

  /** Of a falcon run only: Ray's processes would otherwise stay until the next reboot. */
  async #endLeftovers(): Promise<void> {
    if (this.row.kind !== "launch" || this.row.holderPid === null) return;
    const ended = await endLeftovers(this.row.holderPid);
    if (ended.length === 0) return;
    this.#effects.log("session.leftovers", { id: this.id, ended });
    this.row.facts.leftovers = ended.map(({ what }) => what);
  }

  #finish(): void {
    this.row.facts.outputBytes = this.offset;
    this.#save();
    this.#resolvePresent();
    this.#feed.close();
    this.#link?.close();
    this.#link = undefined;
    this.#quiet();
    this.#resolveOver();
    for (const listener of this.#enders) listener();
    this.#enders.clear();
    this.#effects.over(this);
    this.#wake();
    // viewers that are still there look at what is on their terminal; the screen itself is stored
    if (this.viewers.size === 0) this.closeScreen();
  }

  /** Lets go of the model of an ended session: its screen is stored. */
  closeScreen(): void {
    this.#screen?.close();
    this.#screen = undefined;
  }

  #holderGone(reason: string): void {
    if (this.#closed || !this.live || this.#ending) return;
    this.#effects.log("session.holder-gone", { id: this.id, reason });
    this.#lossReason = reason;
    const link = this.#link;
    const { programPid } = this.row;
    if (this.#record().exit !== undefined || link === undefined || programPid === null || !processAlive(programPid))
      return this.#finishFromDisk();
    void this.#succeed(link, programPid);
  }

  /** What the holder wrote down; nothing where it cannot be read. */
  #record(): SessionRecord {
    try {
      return readRecord(this.folder);
    } catch (error) {
      this.#effects.log("session.record-unreadable", { id: this.id, reason: String(error) });
      return { gaps: [], adopted: [] };
    }
  }

  /** The holder was killed, the program lives: a successor takes the terminal, which we still hold. */
  async #succeed(dead: HolderLink, programPid: number): Promise<void> {
    try {
      // only the connection may be gone: a holder that answers needs no successor
      const same = await this.#reach().catch(() => undefined);
      if (same !== undefined) {
        dead.close();
        this.#linked(same);
        return same.subscribe(this.offset);
      }
      const link = await adoptAfterHolder(this.folder, dead.master, programPid, this.#events());
      dead.close();
      this.#linked(link);
      this.setFact(
        "holderLost",
        "the holder was killed; a successor took over: at most one read of output (64 KiB) is lost and the exit status will be unknown",
      );
      this.#effects.log("session.succeeded", { id: this.id, holder: link.holderPid });
      link.subscribe(this.offset);
    } catch (error) {
      this.#effects.log("session.succession-failed", { id: this.id, reason: String(error) });
      this.#finishFromDisk();
    }
  }

  /** Nobody holds the terminal any more: what is on disk tells how it ended, or that it is lost. */
  #finishFromDisk(): void {
    // a holder that was killed could not take its socket along
    fs.rmSync(path.join(this.folder, "sock"), { force: true });
    const record = this.#record();
    if (record.exit !== undefined) {
      this.row.waitStatus = record.exit.status;
      this.row.ended = record.exit.time;
      this.offset = record.exit.end;
      const end = endOf(record.exit.status, signalName);
      this.#to("exited", end.signal !== null ? `ended by ${end.signal}` : `ended with status ${end.status}`);
    } else {
      this.row.ended ??= this.lastOutput || this.#effects.clock();
      this.#to("lost", this.#whyLost());
    }
    this.#finish();
  }

  #whyLost(): string {
    if (this.row.boot !== this.#effects.boot) return "the machine was restarted";
    if (this.row.started === null) return "the server went away before the program was started";
    if (outOfMemory(this.row.facts.memory as MemoryWatch | undefined))
      return "the kernel ended processes of its group for want of memory, its holder among them";
    const signal = /by (SIG\w+)/.exec(this.#lossReason)?.[1];
    if (signal !== undefined) return `its holder was ended by ${signal}, and the program with it`;
    return "its holder is gone without an exit record (out of memory, a job's end or a kill)";
  }

  #to(state: SessionState, reason: string): void {
    const from = this.row.state;
    if (!mayFollow(from, state)) {
      this.#effects.log("session.refused-change", { id: this.id, from, to: state, reason });
      return;
    }
    this.row.state = state;
    this.row.reason = reason;
    this.#effects.log("session.state", { id: this.id, from, to: state, reason });
    this.#save();
    this.#effects.changed(this);
    probe("session.state", { id: this.id, state });
  }

  #save(): void {
    this.#effects.save(this.row);
  }

  #quiet(): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
  }

  /** Marks a session that could not be started as over, with the reason. */
  failed(reason: string): void {
    this.row.ended = this.#effects.clock();
    this.#to("lost", reason);
    this.#finish();
  }

  /** The server goes: stores the screen and lets go of the holder, which lives on. */
  async leave(): Promise<void> {
    this.#quiet();
    clearTimeout(this.#retry);
    clearTimeout(this.#sizing?.late);
    if (this.#screen !== undefined && this.live) await this.#store();
    this.#closed = true;
    this.#feed.close();
    this.#link?.close();
    this.#link = undefined;
    this.#screen?.close();
    this.#screen = undefined;
  }

  /** File that the run's output is in. */
  get outputLog(): string {
    return path.join(this.folder, "output.log");
  }
}

/** Without blank lines at the end and blanks at the end of lines. */
function trimmed(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, last + 1).map((line) => line.trimEnd());
}

/** What execve(2) says of a file that was found and may be executed. */
function sentenceOfExec(file: string, errno: number): string {
  const code = getSystemErrorName(-errno);
  const why: Record<string, string> = {
    ENOENT: "the interpreter that its first line names does not exist",
    ENOEXEC: "it is neither a program of this machine nor a script with a '#!' line",
    EACCES: "it, or the interpreter that its first line names, may not be executed",
    ENOMEM: "there is not enough memory for it",
    E2BIG: "its arguments and environment are too long",
  };
  return `cannot run ${file}: ${why[code] ?? code}`;
}
