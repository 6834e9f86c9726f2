// One session: its row and facts, its life from the start or the adoption to the end, and the parts that do
// the rest: holder, output, audience, what its program is sent, its end.
// Long: all that others know a session by, and the one place where its parts meet.
import { setMaxListeners } from "node:events";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { OutputLog } from "../../store/output-log.ts";
import { type Gap, joined } from "../../store/record.ts";
import { isFiled, writeSessionFile } from "../../store/session-file.ts";
import type { SessionFacts, SessionRow, SessionState, StoredSnapshot } from "../../store/session-store.ts";
import type { SizeMark } from "../../store/times.ts";
import type { OpensScreens } from "../../terminal/worker/screen-pool.ts";
import type { InputModes, ScreenText } from "../../terminal/worker/screens.ts";
import { trainerNamed } from "../../trainers/registry.ts";
import type { Trainer } from "../../trainers/trainer.ts";
import type { HolderLink } from "../holder/holder-link.ts";
import { readLog } from "../output/feed-log.ts";
import { folderRemoved, isThere, type LostLog, lostLog } from "../output/log-watch.ts";
import { SessionOutput } from "../output/session-output.ts";
import type { Viewed } from "../viewers/viewer.ts";
import { Audience } from "./audience.ts";
import { sentenceOfExec, watchMemory } from "./ending.ts";
import { ProgramLine } from "./program-line.ts";
import { SessionEnd } from "./session-end.ts";
import { mayBeThere, SessionHolder } from "./session-holder.ts";
import { type End, endOf, isLive, mayFollow } from "./state.ts";

/** What a session needs of the server. */
export interface SessionEffects {
  save(row: SessionRow): void;
  /** @throws Error where the database does not take it. */
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
  /**
   * Keeps how a session ended, before its state tells that it did (conclusion.ts). `lost`: nobody saw the
   * end, and why. Never rejects.
   */
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

/**
 * How long (ms) after a signal the record is looked at, and how often while nobody reads the output: holders
 * older than role `session` tell the end only to a connection that reads output.
 */
const endLook = 5_000;

/**
 * The program's own oom_score_adj is at least this, never ours: the kernel then ends the program first, and
 * the story of it survives. Not for a caller that the kernel spares (below 0), which wants the same for its
 * run.
 */
const oomScoreAdj = 200;

/** That somebody attached is stored and told so much later (ms): their screen comes first. */
const attachedPause = 100;

/** What is kept of a session whose holder was succeeded. */
const holderLost =
  "the holder was killed; a successor took over: at most one read of output (64 KiB) is lost and the exit status will be unknown";

export class Session {
  readonly row: SessionRow;
  /** What is known of its program. */
  readonly trainer: Trainer;
  readonly folder: string;
  readonly output: SessionOutput;
  /** What it is sent. */
  readonly program: ProgramLine;
  /** Bytes of output that no one can have any more, and where. */
  readonly gaps: Gap[];
  /** Who looks at it, and what they are told. */
  readonly audience: Audience;

  #effects: SessionEffects;
  readonly #holder: SessionHolder;
  readonly #ends: SessionEnd;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #endLook: NodeJS.Timeout | undefined;
  /** Somebody has attached: that is still to be stored. */
  #unstored: NodeJS.Timeout | undefined;
  /** Those who are told of the end. */
  readonly #enders = new Set<() => void>();

  constructor(row: SessionRow, folder: string, effects: SessionEffects) {
    this.row = row;
    this.trainer = trainerNamed(row.trainer);
    this.folder = folder;
    this.#effects = effects;
    this.gaps = row.facts.gaps ?? [];
    this.audience = new Audience({
      row,
      folder,
      log: effects.log,
      lostLog: () => (this.live ? this.lostLog : undefined),
      renewLog: () => this.#holder.link?.renew(),
      changed: (came) => {
        this.output.attend();
        if (came) this.#attached();
        else effects.changed(this);
      },
    });
    this.output = new SessionOutput({
      ...effects,
      id: row.id,
      size: row,
      viewers: this.audience.viewers,
      outputLog: path.join(folder, "output.log"),
      holderSocket: path.join(folder, "sock"),
      stored: () => effects.snapshot(row.id),
      store: (snapshot) => effects.saveSnapshot(row.id, snapshot),
      openLog: () => this.openLog(),
      live: () => this.live,
      answer: (bytes) => this.#holder.link?.answer(bytes),
      // falcon's display, or any full-screen program's: the alternate screen swallows it
      left: (lines) => this.setFact("lastFrame", trimmed(lines)),
      resizeTerminal: (cols, rows) => {
        const { link } = this.#holder;
        if (link === undefined || row.state !== "running") return false;
        // a holder of version 1 answers who asks, which is the screen
        if (link.version >= 2) link.resize(cols, rows);
        return true;
      },
      openCursor: (offset) => this.#holder.openCursor(offset),
      gap: (offset, length) => this.#gap(offset, length),
      exit: (exit) => void this.#ends.exited(exit),
      renew: () => this.#holder.link?.renew(),
      unread: () => this.#lookLater(),
    });
    this.#holder = new SessionHolder({
      id: row.id,
      folder,
      row,
      log: effects.log,
      keep: effects.keep,
      events: {
        hello: ({ start, base, holderPid }) => {
          // one that took the place of a holder that was killed counts anew
          if (holderPid !== row.holderPid) row.facts.interruptsPassed = 0;
          if (start > 0) row.started = start;
          this.output.skipTo(base);
        },
        inputTaken: () => this.audience.typed(),
        interrupted: (total) => this.program.interruptsPassed(total),
        exit: (exit) => void this.#ends.exited(exit),
      },
      wanted: () => !this.#closed && this.live && !this.#ends.isBegun,
      linked: (link) => this.#linked(link),
      again: (link, otherHolder) => {
        if (otherHolder) this.setFact("holderLost", holderLost);
        this.output.follow(link.version);
      },
      lost: () => void this.#ends.fromDisk(),
    });
    this.#ends = new SessionEnd(this, {
      holder: this.#holder,
      log: effects.log,
      clock: () => effects.clock(),
      boot: effects.boot,
      conclude: (lost) => {
        // whoever reads later than the program wrote may not have been told of each
        this.#holes(this.#holder.record().gaps);
        return effects.conclude(this, lost);
      },
      to: (state, reason) => this.#to(state, reason),
      over: (state, reason) => {
        // a server that goes meanwhile leaves it to the next one to tell
        if (this.#closed) return;
        this.#to(state, reason);
        this.#end(state === "exited");
      },
    });
    this.program = new ProgramLine({
      row,
      holder: this.#holder,
      log: effects.log,
      clock: () => effects.clock(),
      live: () => this.live,
      save: () => this.save(),
      signalled: () => this.#lookLater(),
      resize: (cols, rows) => this.resize(cols, rows),
    });
    if (!this.live) this.output.wasOver(row.facts.outputBytes ?? 0);
  }

  get id(): string {
    return this.row.id;
  }
  /** Offset of the next byte of output. */
  get offset(): number {
    return this.output.offset;
  }
  /**
   * Output up to which the screen is stored: a later server asks the holder for what comes after it, so that
   * much stays as the holder wrote it.
   */
  get storedOffset(): number {
    return this.output.storedOffset;
  }
  /** ms since 1970 of the last output, 0 before any. */
  get lastOutput(): number {
    return this.output.lastOutput || (this.row.facts.lastOutput ?? 0);
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
    return endOf(this.row.waitStatus ?? -1);
  }

  /**
   * Starts the program under a holder of its own. `like`: a process in whose control groups it is to be.
   * @throws Error when the holder could not be made; a program that cannot be executed is no error here, but
   * an end with status 126 or 127.
   */
  async start(like?: number): Promise<void> {
    const { command, directory, environment, cols, rows, umask, limits, facts } = this.row;
    const [file, ...args] = command as [string, ...string[]];
    const { scheduling } = facts;
    const own = scheduling?.oomScoreAdj ?? 0;
    this.output.begin();
    const link = await this.#holder.launch({
      ...{ file, args, directory, environment, cols, rows, umask, limits, scheduling, like },
      oomScoreAdj: own < 0 ? own : Math.max(own, oomScoreAdj),
    });
    this.output.follow(link.version);
  }

  /**
   * Takes a session over that an earlier server started: from its holder where there is one, else from what
   * is on disk.
   */
  async adopt(): Promise<void> {
    const { output } = this;
    output.beginFromStored();
    try {
      const link = await this.#holder.adopt();
      let sizes: readonly SizeMark[] = [];
      // if the program has written nothing since the stored screen, the log need not be opened: the row knows
      // the size
      if (output.offset < link.hello.end) {
        sizes = readLog(this, (log) => {
          // without a stored screen (a lost database): what was compressed since is not in the holder's file
          // any more
          output.skipTo(log.rawBase);
          return log.sizes();
        });
      }
      output.follow(link.version, link.hello.end, sizes);
      this.#effects.log("session.adopted", { id: this.id, offset: this.offset });
    } catch (error) {
      this.#effects.log("session.holder-failed", { id: this.id, reason: String(error) });
      // one that was reached lives, though its log could not be opened
      if (this.#holder.link === undefined && !mayBeThere(error)) return this.#ends.fromDisk();
      this.#holder.close();
      this.#retryLater();
    }
  }

  /**
   * A holder that is stopped, whose disk hangs, or for which this server has no descriptor left still has its
   * program: it is asked again until it answers.
   */
  #retryLater(): void {
    this.#retry = setTimeout(() => {
      if (!this.#closed && this.live) void this.adopt();
    }, holderRetry);
  }

  /** What the folder tells, where perhaps nobody else does. */
  #lookLater(): void {
    this.#endLook ??= setTimeout(() => {
      this.#endLook = undefined;
      if (this.#closed || !this.live) return;
      this.#ends.look();
      if (!this.output.isUnread) return;
      this.output.look();
      this.#lookLater();
    }, endLook).unref();
  }

  #linked(link: HolderLink): void {
    const known = this.row.started !== null && this.row.holderPid === link.holderPid && this.row.programPid === link.programPid;
    this.row.holderPid = link.holderPid;
    this.row.programPid = link.programPid;
    if (this.row.facts.memory === undefined && link.programPid > 0) this.row.facts.memory = watchMemory(link.programPid);
    const { execError } = link.hello;
    if (execError !== null) this.row.facts.execError = sentenceOfExec(this.row.command[0] ?? "", execError);
    if (this.row.started === null) this.row.started = this.#effects.clock();
    if (this.row.state === "starting") this.#to("running", "the program was started");
    else if (!known) this.save();
  }

  /** The program was moved to another control group, which counts for itself. */
  moved(): void {
    if (this.live && this.row.programPid !== null) this.setFact("memory", watchMemory(this.row.programPid));
  }

  #holes(found: readonly Gap[]): void {
    const known = joined([...this.gaps, ...found]);
    if (isDeepStrictEqual(known, this.gaps)) return;
    this.gaps.splice(0, this.gaps.length, ...known);
    this.row.facts.gaps = this.gaps;
    this.save();
  }

  #gap(offset: number, length: number): void {
    // a hole that grows is told again and again
    this.#holes([{ offset, length }]);
    this.#effects.log("session.hole-found", { id: this.id, offset, length });
    // the holder may have begun a log that was removed anew, and the folder with it
    if (this.audience.note === "" || !isThere(this.folder)) return;
    this.#saveFile();
    this.audience.lookAnew();
  }

  /** What the program asked of the keyboard, as the screen knows it. */
  inputModes(): InputModes {
    return this.output.inputModes;
  }

  /** How the terminal takes input now; undefined where nothing runs. */
  lineMode(): ReturnType<ProgramLine["lineMode"]> {
    return this.program.lineMode();
  }

  /**
   * Calls once, when the session is exited or lost (soon, where it is already). Returns a function that
   * removes the listener.
   */
  onOver(listener: () => void): () => void {
    if (!this.live) queueMicrotask(listener);
    else this.#enders.add(listener);
    return () => this.#enders.delete(listener);
  }

  /**
   * Resolves then, unless whoever waits gives up before: a promise that all share would keep each of them in
   * memory.
   */
  whenOver(givenUp: AbortSignal): Promise<void> {
    // whoever waits for many sessions listens once for each, which Node would call a leak
    setMaxListeners(0, givenUp);
    return new Promise((resolve) => givenUp.addEventListener("abort", this.onOver(resolve)));
  }

  /**
   * Calls after output and at the end: of a flood that nobody looks at in steps, or when it rests. Returns a
   * function that removes the listener.
   */
  onMore(listener: () => void): () => void {
    return this.output.onMore(listener);
  }

  /** @throws Failure where the folder was removed: lines that are stored elsewhere are told as gone, too. */
  checkFolder(): void {
    if (!isThere(this.folder)) throw new Failure(folderRemoved(this.folder, this.live));
  }

  /** The whole output, by offset. The caller closes it. @throws Failure where the folder was removed. */
  openLog(): OutputLog {
    // looked at first: of a folder that is gone somebody may have the log open still, who would share it
    this.checkFolder();
    return OutputLog.open(this.folder);
  }

  /** Gives the terminal another size; every viewer is drawn again. */
  resize(cols: number, rows: number): void {
    if (cols === this.row.cols && rows === this.row.rows) return;
    this.row.cols = cols;
    this.row.rows = rows;
    this.save();
    this.output.resize();
    this.audience.retitle();
  }

  /** What was removed of its log under it; undefined where it is there. */
  get lostLog(): LostLog | undefined {
    return lostLog(this.folder, Math.max(this.offset, this.row.facts.outputBytes ?? 0), this.live);
  }

  rename(name: string): void {
    this.#effects.log("session.renamed", { id: this.id, from: this.row.name, to: name });
    this.row.name = name;
    this.save();
    this.#saveFile();
    this.#effects.changed(this);
  }

  /** The run directory became known after the start. */
  setRunDirectory(directory: string): void {
    this.row.runDirectory = directory;
    this.save();
    this.#saveFile();
    this.#effects.changed(this);
  }

  /**
   * What the screen shows; undefined where it cannot be had. The screen of an ended session that nobody looks
   * at is let go of.
   */
  async screenText(): Promise<ScreenText | undefined> {
    try {
      return await this.output.text();
    } catch (error) {
      this.#effects.log("session.screen-failed", { id: this.id, reason: String(error) });
      return undefined;
    } finally {
      if (!this.live && this.audience.viewers.size === 0) this.closeScreen();
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
    this.save();
    if (isFiled(name)) this.#saveFile();
  }

  /** @param stored its end is in the folder: the holder may go. */
  #end(stored: boolean): void {
    clearTimeout(this.#endLook);
    this.#noteAttached();
    this.output.finish();
    this.#holder.close(stored);
    for (const listener of this.#enders) listener();
    this.#enders.clear();
    this.#effects.over(this);
    this.output.wake();
    // viewers that are still there look at what is on their terminal; the screen itself is stored
    if (this.audience.viewers.size === 0) this.closeScreen();
  }

  /** Lets go of the model of an ended session: its screen is stored. */
  closeScreen(): void {
    this.output.closeScreen();
  }

  /** A holder that ended otherwise than it should could not take its socket along. */
  removeSocket(): void {
    this.#holder.removeSocket();
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
    this.save();
    this.#effects.changed(this);
  }

  #attached(): void {
    this.row.attached = this.#effects.clock();
    if (this.#closed) return this.save();
    this.#unstored ??= setTimeout(() => this.#noteAttached(), attachedPause);
  }

  /** Stores and tells now, not after `attachedPause`, that somebody attached; nothing where that is done. */
  #noteAttached(): void {
    if (this.#unstored === undefined) return;
    clearTimeout(this.#unstored);
    this.#unstored = undefined;
    this.save();
    this.#effects.changed(this);
  }

  /** Stores its row. */
  save(): void {
    this.#effects.save(this.row);
  }

  /**
   * What the folder says of it, for when the database is lost. A folder that takes nothing (a full disk)
   * keeps the former words.
   */
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
    this.#end(false);
  }

  /** The server goes: stores the screen and lets go of the holder, which lives on. */
  async leave(): Promise<void> {
    clearTimeout(this.#retry);
    clearTimeout(this.#endLook);
    // the holder first: the last output that it sends still finds the screen open
    await this.#holder.leave();
    await this.output.leave();
    // a viewer may have attached while this waited
    this.#noteAttached();
    this.#closed = true;
    this.#holder.close();
  }
}

/** Without blank lines at the end and blanks at the end of lines. */
function trimmed(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, last + 1).map((line) => line.trimEnd());
}
