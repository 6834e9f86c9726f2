// Keeps the parts of runs where the next part finds them: published while a session runs in a batch job, and
// brought in where its run goes on.
import { sentence } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { type ArchivedPart, jobKey, type KeptCurve, lastWritten } from "../../store/archive/part-archive.ts";
import type { SharedArchive } from "../../store/archive/shared-archive.ts";
import { writeSessionFile } from "../../store/session-file.ts";
import type { SessionFacts, SessionRow } from "../../store/session-store.ts";
import type { Looker } from "../events/run-tick.ts";
import { learnRealPaths, realPath } from "../life/real-paths.ts";
import type { Session } from "../life/session.ts";
import { endReason, unheardEnd } from "../life/state.ts";
import { keptCurves } from "./part-curves.ts";
import type { RunProgresses } from "./run-progress.ts";

/**
 * How often a session that may vanish with its node is published (ms): so much of its log is lost with it at
 * most.
 */
const publishEvery = 60_000;
/**
 * A session that is new is published after so long (ms) at most: a job may be cancelled in its first
 * minute.
 */
const publishFirst = 5_000;
/**
 * So long (ms) after its start a server looks for what is too old in the archive: who started it waits for a
 * screen, and that takes a process of its own.
 */
const sweepPause = 10_000;

export interface PartEffects {
  readonly archive: SharedArchive;
  readonly progress: RunProgresses;
  readonly log: Log;
  /** Name of the batch job whose home this is. */
  readonly job: string | undefined;
  /** Whether a session of this id is here. */
  has(id: string): boolean;
  folderOf(id: string): string;
  takeIn(row: SessionRow): unknown;
  clock(): number;
}

/** What is asked for again when a job's script runs a second time. */
export interface Asked {
  kind: SessionRow["kind"];
  directory: string;
  /** The words of the command as they were typed. */
  words: readonly string[];
}

export class PartKeeper implements Looker {
  readonly #effects: PartEffects;
  /** Output (bytes) and state as they were published last. */
  readonly #published = new WeakMap<Session, string>();
  readonly #busy = new WeakMap<Session, Promise<void>>();
  /** How sessions end, from the moment on in which that is known: their rows have it a little later. */
  readonly #ends = new WeakMap<Session, Pick<SessionRow, "state" | "reason">>();
  readonly #seen = new WeakSet<Session>();
  #bringing: Promise<void> = Promise.resolve();
  /** Why the archive could not be searched since it last could: each is logged once, not at every look. */
  readonly #failures = new Set<string>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(effects: PartEffects) {
    this.#effects = effects;
  }

  /** Publishes what runs here and would vanish with its node; answers when it does so again (ms). */
  async look(session: Session): Promise<number | undefined> {
    if (!this.#vanishes(session)) return undefined;
    if (!this.#seen.has(session)) {
      this.#seen.add(session);
      return publishFirst;
    }
    // an archive that hangs holds nobody up
    void this.publish(session);
    return publishEvery;
  }

  /**
   * Forgets what was written longer than `age` (ms) ago; 0: nothing. An archive that does not answer is swept
   * by a later server.
   */
  sweepLater(age: number): void {
    if (age <= 0) return;
    const { archive, clock, log } = this.#effects;
    this.#sweep = setTimeout(() => {
      archive.sweep(clock() - age).catch((error: unknown) => log("part.sweep-failed", { reason: String(error) }));
    }, sweepPause).unref();
  }

  dispose(): void {
    clearTimeout(this.#sweep);
  }

  /** Whether the session's folder is not where the next part of its run will look. */
  #vanishes(session: Session): boolean {
    return this.#effects.job !== undefined || session.row.facts.requeue === true;
  }

  /**
   * Publishes the session's part as it is now. Never rejects: that it could not be kept is a fact of the
   * session's, told by `show`.
   * Of a session that stays in this home only what its run's next part writes over is kept: curves and
   * metrics.
   */
  publish(session: Session): Promise<void> {
    const before = this.#busy.get(session) ?? Promise.resolve();
    const now = before.then(() => this.#publish(session));
    this.#busy.set(session, now);
    return now;
  }

  async #publish(session: Session): Promise<void> {
    const row = { ...session.row, ...this.#ends.get(session) };
    const state = `${row.state} ${session.offset} ${row.facts.outcome === undefined}`;
    if (this.#published.get(session) === state && !session.trainer.savesModel) return;
    const part = session.row.facts.part ?? { of: session.id, n: 1 };
    try {
      const run = await this.#effects.progress.of(session);
      const n = await this.#effects.archive.publish({
        run: part.of,
        n: part.n,
        row: { ...row, facts: { ...row.facts, outputBytes: session.offset } },
        log: this.#vanishes(session) ? session.folder : undefined,
        // a part is kept without those of a file system that is away
        curves: keptCurves(await this.#effects.progress.curves(session).catch(() => [])),
        // a program without one has ""
        graph: run?.graph || undefined,
      });
      this.#published.set(session, state);
      // a part that another machine began without knowing of this one has its number
      if (n !== part.n) session.setFact("part", { of: part.of, n });
      if (row.facts.unpublished !== undefined) session.setFact("unpublished", undefined);
    } catch (error) {
      const problem = `this part could not be kept in ${this.#effects.archive.root}: ${sentence(error)}`;
      if (row.facts.unpublished !== problem)
        this.#effects.log("part.publish-failed", { id: session.id, reason: sentence(error) });
      session.setFact("unpublished", problem);
    }
  }

  /**
   * A session that ends here, before anybody is told: its part is published whole. @param lost why nobody saw
   * the end.
   */
  async ended(session: Session, lost: string | undefined): Promise<void> {
    if (!this.#vanishes(session)) return;
    const { waitStatus } = session.row;
    const reason = lost ?? endReason(waitStatus ?? -1);
    this.#ends.set(session, { state: lost === undefined ? "exited" : "lost", reason });
    await this.publish(session);
  }

  /**
   * The newest part of the run with which this job began when its script ran the last time. An archive that
   * does not answer keeps no run from its start.
   */
  async ofSameJob({ kind, directory, words }: Asked): Promise<ArchivedPart | undefined> {
    const { job } = this.#effects;
    if (job === undefined) return undefined;
    return this.#tried(this.#effects.archive.ofJob(jobKey(job, kind, directory, words)));
  }

  /**
   * The run that trained in this directory, whichever home it was in; of an archive that does not answer,
   * none.
   */
  async runOfDirectory(runDirectory: string): Promise<string | undefined> {
    const newest = (await this.#tried(this.#effects.archive.newest())) ?? [];
    await learnRealPaths(
      [runDirectory],
      newest.flatMap((part) => part.runDirectory ?? []),
    );
    const real = realPath(runDirectory);
    const there = newest.filter((part) => part.runDirectory !== null && realPath(part.runDirectory) === real);
    return lastWritten(there)?.run;
  }

  /**
   * The part of a batch job's session that has this id or name; only such a part has its log in the archive.
   * @throws NoAnswer
   */
  archived(word: string): Promise<ArchivedPart | undefined> {
    return this.#effects.archive.named(word);
  }

  /** The curves that were kept of the parts before a session's, oldest first. */
  async earlierCurves(session: Session): Promise<KeptCurve[][]> {
    const part = session.row.facts.part;
    // a first part has none before it
    if (part === undefined || part.n < 2) return [];
    return (await this.#tried(this.#effects.archive.curvesBefore(part.of, part.n))) ?? [];
  }

  /**
   * The folders of the metrics that were kept of the parts before a session's, oldest first; undefined: the
   * archive did not answer.
   */
  async earlierGraphs(session: Session): Promise<string[] | undefined> {
    const part = session.row.facts.part;
    if (part === undefined || part.n < 2) return [];
    return this.#tried(this.#effects.archive.graphsBefore(part.of, part.n));
  }

  async #tried<T>(asked: Promise<T>): Promise<T | undefined> {
    try {
      const answer = await asked;
      this.#failures.clear();
      return answer;
    } catch (error) {
      const reason = sentence(error);
      if (!this.#failures.has(reason)) this.#effects.log("part.search-failed", { reason });
      this.#failures.add(reason);
      return undefined;
    }
  }

  /**
   * Brings the parts of a run in, as ended sessions of this home: lists, logs and searches then have them
   * like any other.
   */
  bringIn(run: string): Promise<void> {
    // one after the other: whoever asks second finds what the first one brought, whole
    this.#bringing = this.#bringing.then(() => this.#bringIn(run));
    return this.#bringing;
  }

  async #bringIn(run: string): Promise<void> {
    for (const part of (await this.#tried(this.#effects.archive.parts(run))) ?? []) {
      const { row } = part;
      if (this.#effects.has(row.id)) continue;
      try {
        const folder = this.#effects.folderOf(row.id);
        if (!(await this.#effects.archive.copyTo(part, folder))) continue;
        const brought = ended(part);
        // whoever has nothing but the folder, a database that was cut off, is to know that it is a copy
        writeSessionFile(folder, brought);
        this.#effects.takeIn(brought);
      } catch (error) {
        this.#effects.log("part.import-failed", { run, n: part.n, reason: sentence(error) });
      }
    }
  }
}

/**
 * An archived part as an ended session: one that was running when it was written last has ended since, and
 * nobody could write how.
 */
function ended({ row, written, run, n }: ArchivedPart): SessionRow {
  const facts: SessionFacts = { ...row.facts, untold: false, broughtIn: true, part: { of: run, n } };
  if (row.state === "exited" || row.state === "lost") return { ...row, facts };
  return { ...row, facts, state: "lost", ended: written, reason: unheardEnd(row.host) };
}
