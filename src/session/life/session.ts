// One session's life: its holder, its viewers, the facts that are kept of it, and how it ends. Its output has a file of its own.
import fs from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../base/log.ts";
import { processAlive } from "../../platform/processes.ts";
import { signalName, signalNumber } from "../../platform/signals.ts";
import { OutputLog } from "../../store/output-log.ts";
import { type Gap, joined, readRecord, type SessionRecord } from "../../store/record.ts";
import { writeSessionFile } from "../../store/session-file.ts";
import type { SessionFacts, SessionRow, SessionState, StoredSnapshot } from "../../store/session-store.ts";
import type { SizeMark } from "../../store/times.ts";
import type { InputModes, Screens, ScreenText } from "../../terminal/worker/screens.ts";
import { trainerNamed } from "../../trainers/registry.ts";
import type { Trainer } from "../../trainers/trainer.ts";
import {
  adoptAfterHolder,
  connectHolder,
  launchHolder,
  openCursor,
  openKeyboard,
  recallHolder,
} from "../holder/holder-launch.ts";
import type { HolderEvents, HolderLink } from "../holder/holder-link.ts";
import type { Position } from "../holder/typing-queue.ts";
import { LogWatch, type LostLog, lostLog } from "../output/log-watch.ts";
import { SessionOutput } from "../output/session-output.ts";
import { endLeftovers } from "../run/ray-leftovers.ts";
import type { Viewed, Viewer } from "../viewers/viewer.ts";
import { sentenceOfExec, watchMemory, whyLost } from "./ending.ts";
import { type Sender, withSignal } from "./outcome.ts";
import { type End, endOf, endReason, isLive, mayFollow } from "./state.ts";

/** What a session needs of the server. */
export interface SessionEffects {
  save(row: SessionRow): void;
  saveSnapshot(id: string, snapshot: StoredSnapshot): void;
  snapshot(id: string): StoredSnapshot | undefined;
  readonly screens: OpensScreens;
  readonly log: Log;
  /** ms since 1970. */
  clock(): number;
  /** ms, monotonic: of durations. */
  steady(): number;
  /** Called after every change that a list would show. */
  changed(session: Session): void;
  /** Keeps how a session ended, before its state tells that it did (conclusion.ts). `lost`: nobody saw the end, and why. Never rejects. */
  conclude(session: Session, lost: string | undefined): Promise<void>;
  /** Called once, when it is exited or lost. */
  over(session: Session): void;
  /** Bytes of log to retain. */
  readonly keep: number;
  /** Lines of scrollback that a screen keeps. */
  readonly scrollback: number;
  readonly boot: string;
}

/** A holder that does not answer is asked again after this time (ms). */
const holderRetry = 5_000;

/** So long (ms) an end is not told of while its files are looked at: a file server that hangs must not keep a waiting caller. */
const longestConclusion = 10_000;

/**
 * The program's own oom_score_adj is at least this, never ours: the kernel then ends the program first, and the story of it survives. Not for
 * a caller that the kernel spares (below 0), which wants the same for its run.
 */
const oomScoreAdj = 200;

/** A viewer as others see it. */
export interface ViewerFacts {
  /** Process of its client. */
  pid: number;
  /** Id of the session inside which that client was started. */
  inside?: string | undefined;
  readOnly: boolean;
  /** ms since 1970. */
  since: number;
  /** The terminal has taken all that was typed through us. */
  typed(): void;
  /** Ends it. */
  finish(why: "detached" | "taken-over"): void;
  /** Its window's title is written anew. */
  retitle?(): void;
}

export class Session {
  readonly row: SessionRow;
  /** What is known of its program. */
  readonly trainer: Trainer;
  readonly folder: string;
  readonly output: SessionOutput;
  /** Bytes of output that no one can have any more, and where. */
  readonly gaps: Gap[];
  /** Who looks at it, and how each is sent away. */
  readonly viewers = new Map<Viewer, ViewerFacts>();
  /** Resolves when the session is exited or lost. */
  readonly over: Promise<void>;

  #effects: SessionEffects;
  /** Who types here and is counted by the holder. */
  readonly #typists = new Map<bigint, { taken(number: number): void; typed(): number }>();
  #link: HolderLink | undefined;
  /** Output comes on the link, since no screen reads it. */
  #listens = false;
  #resolveOver!: () => void;
  #closed = false;
  #ending = false;
  #retry: NodeJS.Timeout | undefined;
  /** How the connection to the holder ended, in words. */
  #lossReason = "";
  /** Those who are told of the end. */
  readonly #enders = new Set<() => void>();
  /** Those who are told what happens to it. */
  readonly #listeners = new Set<(sentence: string) => void>();
  #limit = "";
  #titleNote = "";
  #logWatch: LogWatch | undefined;

  constructor(row: SessionRow, folder: string, effects: SessionEffects) {
    this.row = row;
    this.trainer = trainerNamed(row.trainer);
    this.folder = folder;
    this.#effects = effects;
    this.gaps = row.facts.gaps ?? [];
    this.output = new SessionOutput({
      id: row.id,
      screens: effects.screens,
      scrollback: effects.scrollback,
      log: effects.log,
      size: row,
      viewers: this.viewers,
      outputLog: path.join(folder, "output.log"),
      holderSocket: path.join(folder, "sock"),
      clock: () => effects.clock(),
      steady: () => effects.steady(),
      stored: () => effects.snapshot(row.id),
      store: (snapshot) => effects.saveSnapshot(row.id, snapshot),
      openLog: () => this.openLog(),
      live: () => this.live,
      answer: (bytes) => this.#link?.answer(bytes),
      // falcon's display, or any full-screen program's: the alternate screen swallows it
      left: (lines) => this.setFact("lastFrame", trimmed(lines)),
      resizeTerminal: (cols, rows) => {
        if (this.#link === undefined || row.state !== "running") return false;
        // a holder of version 1 answers who asks, which is the screen
        if (this.#link.version >= 2) this.#link.resize(cols, rows);
        return true;
      },
      openCursor: (offset) => this.#openCursor(offset),
      gap: (offset, length) => this.#gap(offset, length),
      exit: (exit) => void this.#exited(exit.status, exit.time),
      listenInstead: (offset) => {
        this.#listens = true;
        this.#link?.subscribe(offset);
      },
      listenNoMore: () => void this.#listenNoMore(),
    });
    if (!isLive(row.state)) this.output.wasOver(Number(row.facts.outputBytes ?? 0));
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    if (!isLive(row.state)) this.#resolveOver();
  }

  get id(): string {
    return this.row.id;
  }
  /** Offset of the next byte of output. */
  get offset(): number {
    return this.output.offset;
  }
  /** Output up to which the screen is stored: a later server asks the holder for what comes after it, so that much stays as the holder wrote it. */
  get storedOffset(): number {
    return this.output.storedOffset;
  }
  /** ms since 1970 of the last output, 0 before any. */
  get lastOutput(): number {
    return this.output.lastOutput || Number(this.row.facts.lastOutput ?? 0);
  }
  /** ms since the last output that this server saw; undefined before any. */
  get quiet(): number | undefined {
    return this.output.quiet;
  }
  /** What a viewer sees of it: nothing through which a byte could reach the program. */
  get viewed(): Viewed {
    return this.output;
  }
  /** Title that the program gave its terminal. */
  get title(): string {
    return this.output.title;
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
   * Starts the program under a holder of its own. `like`: a process in whose control groups it is to be.
   * @throws Error when the holder could not be made; a program that cannot be executed is no error here, but an end with status 126 or 127.
   */
  async start(like?: number): Promise<void> {
    const scheduling = this.row.facts.scheduling;
    const own = scheduling?.oomScoreAdj ?? 0;
    const [file, ...args] = this.row.command as [string, ...string[]];
    this.output.begin();
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
        oomScoreAdj: own < 0 ? own : Math.max(own, oomScoreAdj),
        scheduling,
        like,
        log: this.#effects.log,
      },
      this.#events(),
    );
    this.#linked(link);
    this.output.follow(link.version);
  }

  /** Takes a session over that an earlier server started: from its holder where there is one, else from what is on disk. */
  async adopt(): Promise<void> {
    const { output } = this;
    output.beginFromStored();
    try {
      const link = await this.#reach();
      this.#linked(link);
      let sizes: readonly SizeMark[] = [];
      // where nothing was said since there is no log to be read, and the row knows the size
      if (output.offset < link.hello.end) {
        const log = this.openLog();
        // without a stored screen (a lost database): what was compressed since is not in the holder's file any more
        output.skipTo(log.rawBase);
        sizes = log.sizes();
        log.close();
      }
      output.follow(link.version, link.hello.end, sizes);
      this.#effects.log("session.adopted", { id: this.id, offset: this.offset });
    } catch (error) {
      this.#effects.log("session.holder-failed", { id: this.id, reason: String(error) });
      if ((error as NodeJS.ErrnoException).code === "ETIMEDOUT") this.#retryLater();
      else await this.#finishFromDisk();
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
    if (this.#listens) link.subscribe(this.offset);
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

  /** The program was moved to another control group, which counts for itself. */
  moved(): void {
    if (this.live && this.row.programPid !== null) this.setFact("memory", watchMemory(this.row.programPid));
  }

  #events(): HolderEvents {
    return {
      hello: (h) => {
        if (h.start > 0) this.row.started = h.start;
        this.output.skipTo(h.base);
      },
      // the screen reads the output itself, unless there is none to be had
      data: (offset, bytes) => this.output.heard(offset + bytes.length),
      gap: (offset, length) => this.#gap(offset, length),
      sized: () => {},
      inputTaken: () => {
        for (const { typed } of this.viewers.values()) typed();
      },
      taken: (writer, number) => this.#typists.get(writer)?.taken(number),
      exit: (exit) => void this.#exited(exit.status, exit.time),
      closed: (reason) => this.#holderGone(reason),
    };
  }

  #gap(offset: number, length: number): void {
    // a hole that grows is told again and again
    this.gaps.splice(0, this.gaps.length, ...joined([...this.gaps, { offset, length }]));
    this.row.facts.gaps = this.gaps;
    this.#effects.log("session.hole-found", { id: this.id, offset, length });
    this.#save();
  }

  /** There is a screen again: another connection, on which no output comes. */
  async #listenNoMore(): Promise<void> {
    const old = this.#link;
    if (!this.#listens || old === undefined) return;
    this.#listens = false;
    const link = await this.#reach().catch(() => undefined);
    if (link === undefined || this.#link !== old || !this.live || this.#closed) return link?.close();
    old.close();
    this.#linked(link);
  }

  /** The holder's output for a client that reads it itself; undefined where the holder is of an earlier version, or has no place. */
  #openCursor(offset: number): number | undefined {
    return this.#openViewer(() => openCursor(this.folder, offset));
  }

  #openViewer(open: () => number): number | undefined {
    if (this.#link === undefined || this.#link.version < 2 || this.row.state !== "running") return undefined;
    try {
      return open();
    } catch (error) {
      this.#effects.log("session.cursor-failed", { id: this.id, reason: String(error) });
      return undefined;
    }
  }

  /** A connection to the holder on which a viewer's client types itself; undefined where there is none to be had. */
  openKeyboard(): number | undefined {
    return this.#openViewer(() => openKeyboard(this.folder));
  }

  /** Whether the program's terminal has all that was typed through us. */
  get inputTaken(): boolean {
    return this.#link !== undefined && this.#link.waitingInput === 0;
  }

  /**
   * Somebody whose bytes the holder counts types here: `taken` is called with what it has, soon and whenever that
   * grows; `typed` says how many were passed on. The answer ends it; undefined where the holder is of an earlier
   * version.
   */
  addTypist(writer: bigint, typist: { taken(number: number): void; typed(): number }): (() => void) | undefined {
    if (this.#link === undefined || this.#link.version < 2) return undefined;
    this.#typists.set(writer, typist);
    this.#link.askTaken(writer);
    return () => this.#typists.delete(writer);
  }

  /** Bytes for the program, as typed. */
  input(bytes: Uint8Array, by?: Position): void {
    if (this.row.state === "running" || this.row.state === "starting")
      this.#link?.input(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), by);
  }

  /** Keeps who sent the program which signal: how it ended is told by that. The last ones count. */
  noteSignal(signal: string, by: Sender): void {
    const known = this.row.facts.signals ?? [];
    this.setFact("signals", withSignal(known, { time: this.#effects.clock(), signal, by }));
  }

  /** A Ctrl+C for the program, counted: falcon's second one drops the model. */
  interrupt(bytes: Uint8Array, by: Sender = "typed", position?: Position): void {
    this.row.interrupts += 1;
    this.noteSignal("SIGINT", by);
    this.#save();
    this.#effects.log("session.interrupted", { id: this.id, count: this.row.interrupts });
    if (this.lineMode()?.isig === true) this.#link?.interrupt(bytes, position);
    else this.input(bytes, position);
  }

  /** What the program asked of the keyboard, as the screen knows it. */
  inputModes(): InputModes {
    return this.output.inputModes;
  }

  /** The Ctrl+C that a person would type: the terminal's interrupt character, or SIGINT where the terminal makes none of it. */
  sendInterrupt(by: Sender): void {
    const line = this.lineMode();
    if (line?.isig === true && line.vintr !== 0) this.interrupt(Buffer.from([line.vintr]), by);
    else this.countedSignal(signalNumber("SIGINT") ?? 2, 1, by);
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
  signal(number: number, target: 0 | 1 | 2, by: Sender): void {
    this.noteSignal(signalName(number), by);
    this.#effects.log("session.signalled", { id: this.id, signal: signalName(number), target });
    this.#link?.signal(number, target);
  }

  /** A signal that falcon counts like a Ctrl+C (SIGINT, SIGTERM). */
  countedSignal(number: number, target: 0 | 1 | 2, by: Sender): void {
    this.row.interrupts += 1;
    this.signal(number, target, by);
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
   * Calls after output and at the end: of a flood that nobody looks at in steps, or when it rests. The answer stops
   * it.
   */
  onMore(listener: () => void): () => void {
    return this.output.onMore(listener);
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
    this.output.resize();
    this.#retitle();
  }

  /** What titles tell has changed: how much of the screen a viewer sees, the deadline, a note. */
  #retitle(): void {
    for (const { retitle } of this.viewers.values()) retitle?.();
  }

  /** A viewer came; the caller lets it join. */
  addViewer(viewer: Viewer, facts: ViewerFacts): void {
    this.viewers.set(viewer, facts);
    this.#logWatch ??= new LogWatch(this.folder, () => this.#lookAtLog());
    this.output.attend();
    this.row.attached = this.#effects.clock();
    this.#save();
    this.#effects.changed(this);
  }

  removeViewer(viewer: Viewer): void {
    viewer.dispose();
    this.viewers.delete(viewer);
    if (this.viewers.size === 0) {
      this.#logWatch?.close();
      this.#logWatch = undefined;
    }
    this.output.attend();
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

  /** What was removed of its log under it; undefined where it is there. */
  get lostLog(): LostLog | undefined {
    return lostLog(this.folder, Math.max(this.offset, Number(this.row.facts.outputBytes ?? 0)), this.live);
  }

  /** Viewers are told once that the log is gone, by their title and by a notification. */
  #lookAtLog(): void {
    const lost = this.live ? this.lostLog : undefined;
    if (lost === undefined || lost.what === "beginning") return;
    this.#link?.renew();
    if (this.#titleNote !== "") return;
    this.#titleNote = `its ${lost.what} was removed`;
    this.#effects.log("session.log-lost", { id: this.id, reason: lost.sentence });
    this.notify(`${this.row.name}: ${lost.sentence}`);
    this.#retitle();
  }

  /** The holder has told of a hole: it may have begun the log anew, and the folder with it. */
  #renewed(): void {
    if (this.#titleNote === "" || !fs.existsSync(this.folder)) return;
    this.#saveFile();
    this.#logWatch?.close();
    this.#logWatch = this.viewers.size > 0 ? new LogWatch(this.folder, () => this.#lookAtLog()) : undefined;
  }

  /** What titles tell beside its deadline, "" for nothing. */
  get titleNote(): string {
    return this.#titleNote;
  }

  /** Its deadline as titles tell it ("time limit in 2h 10m"), "" for none. */
  get limit(): string {
    return this.#limit;
  }
  setLimit(text: string): void {
    if (text === this.#limit) return;
    this.#limit = text;
    this.#retitle();
  }

  /** Calls with each sentence that those who follow its output are to read; the answer stops it. */
  onTold(listener: (sentence: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  /** Tells those who follow its output. */
  tell(sentence: string): void {
    for (const listener of this.#listeners) listener(sentence);
  }

  rename(name: string): void {
    this.#effects.log("session.renamed", { id: this.id, from: this.row.name, to: name });
    this.row.name = name;
    this.#save();
    this.#saveFile();
    this.#effects.changed(this);
  }

  /** The run directory became known after the start. */
  setRunDirectory(directory: string): void {
    this.row.runDirectory = directory;
    this.#save();
    this.#saveFile();
    this.#effects.changed(this);
  }

  /** What the screen shows; undefined where it cannot be had. The screen of an ended session that nobody looks at is let go of. */
  async screenText(): Promise<ScreenText | undefined> {
    try {
      return await this.output.text();
    } catch (error) {
      this.#effects.log("session.screen-failed", { id: this.id, reason: String(error) });
      return undefined;
    } finally {
      if (!this.live && this.viewers.size === 0) this.closeScreen();
      this.#noteLength();
    }
  }

  /** Of a session that ended while no server ran, what it said in the end has been read now. */
  #noteLength(): void {
    if (this.live || this.row.facts.outputBytes === this.offset) return;
    this.setFact("outputBytes", this.offset);
  }

  /** The visible lines as text, without blank ones at the end; of an ended session, as it was left. */
  async lastScreen(): Promise<string[]> {
    const lines = (await this.screenText())?.lines ?? [];
    return trimmed(lines);
  }

  /** Keeps a fact beside the row. */
  setFact<Name extends keyof SessionFacts>(name: Name, value: SessionFacts[Name]): void {
    if (value === undefined) delete this.row.facts[name];
    else this.row.facts[name] = value;
    this.#save();
  }

  async #exited(waitStatus: number, time: number): Promise<void> {
    // "exiting" alone tells nothing: a server that was killed in this very place left it behind
    if (!this.live || this.#ending) return;
    this.#ending = true;
    this.row.waitStatus = waitStatus;
    this.row.ended = time;
    if (this.row.state !== "exiting") this.#to("exiting", "the program has ended");
    await this.output.settle();
    await this.#endLeftovers();
    await this.#conclude(undefined);
    this.#finish("exited", endReason(endOf(waitStatus, signalName)));
  }

  /** Ray's processes, for one, would otherwise stay until the next reboot. */
  async #endLeftovers(): Promise<void> {
    if (this.row.holderPid === null) return;
    const ended = await endLeftovers(this.row.holderPid, this.trainer);
    if (ended.length === 0) return;
    this.#effects.log("session.leftovers-ended", { id: this.id, ended });
    this.row.facts.leftovers = ended.map(({ what }) => what);
  }

  #finish(state: "exited" | "lost", reason: string): void {
    // a server that goes meanwhile leaves it to the next one to tell
    if (this.#closed) return;
    this.#to(state, reason);
    if (state === "exited") this.#link?.release();
    this.#end();
  }

  #end(): void {
    this.output.finish();
    this.#link?.close();
    this.#link = undefined;
    this.#resolveOver();
    for (const listener of this.#enders) listener();
    this.#enders.clear();
    this.#effects.over(this);
    this.output.wake();
    // viewers that are still there look at what is on their terminal; the screen itself is stored
    if (this.viewers.size === 0) this.closeScreen();
  }

  /** Lets go of the model of an ended session: its screen is stored. */
  closeScreen(): void {
    this.output.closeScreen();
  }

  #holderGone(reason: string): void {
    if (this.#closed || !this.live || this.#ending) return;
    this.#effects.log("session.holder-lost", { id: this.id, reason });
    this.#lossReason = reason;
    const link = this.#link;
    const { programPid } = this.row;
    if (this.#record().exit !== undefined || link === undefined || programPid === null || !processAlive(programPid))
      return void this.#finishFromDisk();
    void this.#succeed(link, programPid);
  }

  /** What the holder wrote down; nothing where it cannot be read. */
  #record(): SessionRecord {
    try {
      return readRecord(this.folder);
    } catch (error) {
      this.#effects.log("session.record-failed", { id: this.id, reason: String(error) });
      return { gaps: [], adopted: [] };
    }
  }

  /** The holder was killed, the program lives: a successor takes the terminal, which we still hold. */
  async #succeed(dead: HolderLink, programPid: number): Promise<void> {
    try {
      // only the connection may be gone: a holder that answers needs no successor
      const same = await this.#reach().catch(() => undefined);
      if (same !== undefined) {
        const left = dead.left(true);
        dead.close();
        this.#linked(same);
        return this.output.follow(same.version);
      }
      const link = await adoptAfterHolder(this.folder, dead.master, programPid, this.#events());
      const left = dead.left(false);
      dead.close();
      this.#linked(link);
      // what the dead one may have typed and had not said to have is lost, and never typed twice
      for (const [writer, { typed }] of this.#typists) {
        const first = left.find(({ by }) => by?.writer === writer)?.by?.number;
        link.countTyped({ writer, number: first ?? typed() });
      }
      link.takeOver(left);
      this.setFact(
        "holderLost",
        "the holder was killed; a successor took over: at most one read of output (64 KiB) is lost and the exit status will be unknown",
      );
      this.#effects.log("session.succeeded", { id: this.id, holder: link.holderPid });
      this.output.follow(link.version);
    } catch (error) {
      this.#effects.log("session.succession-failed", { id: this.id, reason: String(error) });
      await this.#finishFromDisk();
    }
  }

  /** A holder that was killed, or whose folder was read-only in the end, could not take its socket along. */
  removeSocket(): void {
    try {
      fs.rmSync(path.join(this.folder, "sock"), { force: true });
    } catch (error) {
      this.#effects.log("session.socket-kept", { id: this.id, reason: String(error) });
    }
  }

  /** Nobody holds the terminal any more: what is on disk tells how it ended, or that it is lost. */
  async #finishFromDisk(): Promise<void> {
    if (!this.live || this.#ending) return;
    this.#ending = true;
    this.removeSocket();
    const { start, exit } = this.#record();
    // of a program that has ended before its server heard that it had begun the holder's record alone tells that
    this.row.started ??= start ?? null;
    if (exit !== undefined) {
      this.row.waitStatus = exit.status;
      this.row.ended = exit.time;
      this.output.offset = exit.end;
      if (this.row.state !== "exiting") this.#to("exiting", "the program has ended");
      await this.#conclude(undefined);
      this.#finish("exited", endReason(endOf(exit.status, signalName)));
    } else {
      // not when we notice: nobody may have looked for hours
      this.row.ended ??= this.lastOutput || this.#lastHeard() || this.#effects.clock();
      const why = whyLost(this.row, this.#effects.boot, this.#lossReason);
      await this.#conclude(why);
      this.#finish("lost", why);
    }
  }

  /** Keeps how it ended, before anybody hears of the end. */
  async #conclude(lost: string | undefined): Promise<void> {
    this.row.facts.outputBytes = this.offset;
    this.row.facts.lastOutput = this.lastOutput || this.#lastHeard();
    this.#save();
    await Promise.race([this.#effects.conclude(this, lost), delay(longestConclusion, undefined, { ref: false })]);
  }

  /** When its log says that it wrote something last (ms since 1970), 0 where it does not tell: of an output that this server never saw. */
  #lastHeard(): number {
    try {
      const log = this.openLog();
      try {
        log.times.refresh();
        return log.times.last?.time ?? 0;
      } finally {
        log.close();
      }
    } catch {
      return 0;
    }
  }

  #to(state: SessionState, reason: string): void {
    const from = this.row.state;
    if (!mayFollow(from, state)) {
      this.#effects.log("session.change-refused", { id: this.id, from, to: state, reason });
      return;
    }
    this.row.state = state;
    this.row.reason = reason;
    this.#effects.log("session.changed", { id: this.id, from, to: state, reason });
    this.#save();
    this.#effects.changed(this);
  }

  #save(): void {
    this.#effects.save(this.row);
  }

  /** What the folder says of it, for when the database is lost. A folder that takes nothing (a full disk) keeps the former words. */
  #saveFile(): void {
    try {
      writeSessionFile(this.folder, this.row);
    } catch (error) {
      this.#effects.log("session.file-failed", { id: this.id, reason: String(error) });
    }
  }

  /** Marks a session that could not be started as over, with the reason. */
  failed(reason: string): void {
    this.row.ended = this.#effects.clock();
    this.#to("lost", reason);
    this.#end();
  }

  /** The server goes: stores the screen and lets go of the holder, which lives on. */
  async leave(): Promise<void> {
    clearTimeout(this.#retry);
    await this.output.leave();
    this.#closed = true;
    this.#link?.close();
    this.#link = undefined;
  }
}

/** Without blank lines at the end and blanks at the end of lines. */
function trimmed(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, last + 1).map((line) => line.trimEnd());
}
