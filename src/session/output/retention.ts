// Keeps what the sessions said small and findable: compresses their logs, lets the oldest go, stores lines
// and their index; a bounded step at a time.
import { steady } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { type LineTools, storeLines } from "../../logs/session-lines.ts";
import { punchHole } from "../../platform/native.ts";
import { segmentBytes } from "../../store/segments.ts";
import type { Session } from "../life/session.ts";
import { lineSource } from "./archive.ts";
import { isThere } from "./log-watch.ts";

/**
 * Bytes of output that are turned into lines in one step: about 0.2 s of a thread, and some ms of the
 * database at a time.
 */
const lineStep = 2 << 20;
/**
 * A running session's lines are stored once this much output (bytes) came: what is not stored yet is read
 * from the log, which takes some 5 ms.
 */
const linesDue = 256 << 10;
/** … and so long (ms) after that: by then a flood is known for one, and has the processors for itself. */
const linesPause = 1_000;
/**
 * So long (ms) after its start a server leaves what an earlier one did not finish: who started it waits for a
 * screen, and a thread that reads lines would take a processor from it.
 */
const beginPause = 1_000;
/**
 * A running session's log is looked at for compression once this much output (bytes) came: a segment, and one
 * that stays as it is.
 */
const compressionDue = 2 * segmentBytes;
/**
 * After a step there is a pause of so many times its length: at most a fifth of a processor is taken while
 * sessions flood.
 */
const restFactor = 4;
/** … but no longer than this (ms), when the machine stood still. */
const longestRest = 1_000;
/**
 * A running session whose lines are so far (bytes) behind writes faster than they can be stored: that waits
 * for `floodPause` (ms), again and
 * again, until it rests. Trying would only take the processors, and the disk, from the session and those who
 * look at it.
 */
export const floodAhead = 4 << 20;
const floodPause = 1_000;
/** After a failure (a full disk) a session, or the database, is left alone for so long (ms). */
const failurePause = 60_000;
/** Blocks that are forgotten in one step: about 10 ms. */
const forgetStep = 200;
/** How often ended sessions are looked at for their age (ms). */
const ageLook = 3_600_000;

export interface RetentionOptions {
  /** Bytes on disk that a session's log may take; 0: any number. */
  bytes: number;
  /** Ended sessions are removed after so many ms; 0: never. */
  age: number;
}

export interface RetentionEffects {
  readonly log: Log;
  /** ms, monotonic: of pauses. */
  steady(): number;
  /** ms since 1970 that have certainly been reached: by it what is old is removed. */
  knownTime(): number;
  all(): Session[];
  /** Forgets an ended session. */
  remove(session: Session): void;
  /** Nothing is left to do at once. */
  done(): void;
}

/** What is known of a session that is looked after. */
interface LogJob {
  session: Session;
  /** Output (bytes) up to which its lines are stored, and its log was compressed. */
  stored: number;
  compressed: number;
  /** Not before this time (ms of the steady clock). */
  notBefore: number;
  stop: () => void;
}

export class Retention {
  readonly #tools: LineTools;
  readonly #options: RetentionOptions;
  readonly #effects: RetentionEffects;
  readonly #jobs = new Map<string, LogJob>();
  /** Those for whom there is something to do, in turn. */
  readonly #due = new Set<LogJob>();
  #timer: NodeJS.Timeout | undefined;
  /** When that ends (ms of the steady clock). */
  #wakesAt = Number.POSITIVE_INFINITY;
  #ageTimer: NodeJS.Timeout;
  #working: Promise<void> | undefined;
  /** What is stored of sessions that are gone is to be forgotten, not before this time; Infinity: all is. */
  #sweepAt = 0;
  #closed = false;

  constructor(tools: LineTools, options: RetentionOptions, effects: RetentionEffects) {
    this.#tools = tools;
    this.#options = options;
    this.#effects = effects;
    this.#ageTimer = setInterval(() => this.#removeOld(), ageLook);
    this.#ageTimer.unref();
  }

  /** Whether there is work that waits for nothing but its turn: a server that would go should do it first. */
  get busy(): boolean {
    const now = this.#effects.steady();
    return this.#working !== undefined || this.#sweepAt <= now || [...this.#due].some(({ notBefore }) => notBefore <= now);
  }

  /** Begins with the sessions that an earlier server left: what it did not finish is taken up. */
  begin(): void {
    this.#removeOld();
    this.#wake(beginPause);
  }

  /** Looks after a session from now on. */
  watch(session: Session): void {
    if (this.#jobs.has(session.id)) return;
    const progress = this.#tools.store.progress(session.id);
    if (!session.live && progress?.complete) return;
    const job: LogJob = { session, stored: progress?.offset ?? 0, compressed: 0, notBefore: 0, stop: () => {} };
    job.stop = session.onMore(() => {
      if (session.live && session.offset - job.stored < linesDue && session.offset - job.compressed < compressionDue) return;
      this.#enqueue(job);
    });
    this.#jobs.set(session.id, job);
    if (!session.live) this.#enqueue(job, beginPause);
  }

  /** A session was removed, its folder as well. */
  removed(id: string): void {
    const job = this.#jobs.get(id);
    if (job !== undefined) this.#drop(job);
    this.#sweepAt = 0;
    this.#wake(0);
  }

  /** Ends after the step that is under way. */
  async dispose(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ageTimer);
    clearTimeout(this.#timer);
    for (const { stop } of this.#jobs.values()) stop();
    await this.#working;
  }

  #drop(job: LogJob): void {
    job.stop();
    this.#jobs.delete(job.session.id);
    this.#due.delete(job);
  }

  #enqueue(job: LogJob, pause = job.session.live ? linesPause : 0): void {
    if (this.#due.has(job)) return;
    this.#due.add(job);
    this.#wake(pause);
  }

  #wake(pause: number): void {
    const at = this.#effects.steady() + pause;
    if (this.#closed || this.#working !== undefined || at >= this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => {
      this.#wakesAt = Number.POSITIVE_INFINITY;
      const began = steady();
      this.#working = this.#step().finally(() => {
        this.#working = undefined;
        if (this.#due.size > 0 || this.#sweepAt < Number.POSITIVE_INFINITY) this.#wake(this.#rest(steady() - began));
        if (!this.busy && !this.#closed) this.#effects.done();
      });
    }, pause);
    this.#timer.unref();
  }

  #rest(took: number): number {
    const now = this.#effects.steady();
    const soonest = Math.min(this.#sweepAt, ...[...this.#due].map(({ notBefore }) => notBefore));
    return Math.max(soonest - now, Math.min(longestRest, took * restFactor));
  }

  /** One thing for one session. */
  async #step(): Promise<void> {
    const now = this.#effects.steady();
    if (this.#sweepAt <= now) return this.#sweep(now);
    const job = [...this.#due].find(({ notBefore }) => notBefore <= now);
    if (job === undefined) return;
    // others have their turn before it comes again
    this.#due.delete(job);
    const { session } = job;
    try {
      if (await this.#process(job)) this.#due.add(job);
      else {
        const progress = session.live ? undefined : this.#tools.store.progress(session.id);
        if (!progress?.complete) return;
        this.#drop(job);
        this.#effects.log("retention.settled", { session: session.id, bytes: progress.offset, lines: progress.lines });
      }
    } catch (error) {
      if (this.#closed || !this.#jobs.has(session.id)) return;
      this.#effects.log("retention.failed", { session: session.id, reason: String(error) });
      // nothing comes back there: a later server looks again
      if (!session.live && !isThere(session.folder)) return this.#drop(job);
      job.notBefore = this.#effects.steady() + failurePause;
      this.#due.add(job);
    }
  }

  #sweep(now: number): void {
    try {
      if (this.#tools.store.sweep(forgetStep) === 0) this.#sweepAt = Number.POSITIVE_INFINITY;
    } catch (error) {
      this.#effects.log("retention.failed", { reason: String(error) });
      this.#sweepAt = now + failurePause;
    }
  }

  /** Answers whether there is more to do at once. */
  async #process(job: LogJob): Promise<boolean> {
    const { session } = job;
    const ended = !session.live;
    if (ended || session.offset - job.compressed >= compressionDue) {
      const log = session.openLog();
      try {
        const made = await log.compress({ punchHole, ended, most: 1, ...(ended ? {} : { until: session.storedOffset }) });
        if (this.#options.bytes > 0) await log.retain(this.#options.bytes, punchHole);
        const forgotten = log.base > 0 ? this.#tools.store.forget(session.id, log.base, forgetStep) : 0;
        if (made > 0 || forgotten === forgetStep) return true;
        job.compressed = log.rawBase;
      } finally {
        log.close();
      }
    }
    if (!ended && (session.quiet ?? floodPause) < floodPause && session.output.logged - job.stored > floodAhead) {
      job.notBefore = this.#effects.steady() + floodPause;
      return true;
    }
    if (ended || session.offset - job.stored >= linesDue) {
      const more = await storeLines(lineSource(session), this.#tools, lineStep, ended);
      job.stored = this.#tools.store.progress(session.id)?.offset ?? job.stored;
      if (more) return ended || session.offset - job.stored >= linesDue;
    }
    return false;
  }

  #removeOld(): void {
    if (this.#options.age === 0) return;
    const now = this.#effects.knownTime();
    const before = now - this.#options.age;
    for (const session of this.#effects.all()) {
      const { row, live } = session;
      if (live || agesFrom(session, now) >= before) continue;
      try {
        this.#effects.remove(session);
        this.#effects.log("retention.removed", { session: session.id, ended: row.ended });
      } catch (error) {
        // a folder that cannot be removed, a full disk: it is tried again, and the server goes on
        this.#effects.log("retention.remove-failed", { session: session.id, reason: String(error) });
      }
    }
  }
}

/** Nothing ended before this (1 January 2025, ms): a clock that says so had not been set when it ended. */
const firstEnd = 1_735_689_600_000;

/** When a session's age began: its end, or where its clock was not set then, when that was noticed. */
function agesFrom(session: Session, now: number): number {
  const { row } = session;
  const ended = row.ended ?? row.created;
  if (ended >= firstEnd) return ended;
  if (row.facts.agesFrom === undefined) session.setFact("agesFrom", now);
  return row.facts.agesFrom ?? now;
}
