// How far the runs of the sessions are: one watcher a session, asked only when somebody wants to know.

import { NoAnswer } from "../../base/aside/aside.ts";
import { within } from "../../base/clock.ts";
import type { ShownRun } from "../../presentation/shown-run.ts";
import { shownRun } from "../../presentation/summary.ts";
import type { KeptCurve } from "../../store/archive/part-archive.ts";
import { lookTogether } from "../../trainers/reading/foreign-files.ts";
import type { NodeCurves } from "../../trainers/run/curve.ts";
import type { MetricSeries } from "../../trainers/run/series.ts";
import type { Now } from "../../trainers/run/silence.ts";
import type { ConfigTree, RunWatch, WatchEffects } from "../../trainers/trainer.ts";
import { isConcluded } from "../life/conclusion.ts";
import type { Session } from "../life/session.ts";
import { joinCurves } from "./part-curves.ts";
import { othersOf } from "./same-files.ts";

/**
 * Between two times that what a run's watcher knows is kept (ms): as much is lost where the server is killed.
 */
const keepPause = 30_000;
/**
 * So long (ms) a look at a run waits for its screen: one that is not behind answers within some milliseconds.
 */
const longestLook = 1_000;

/**
 * So long (ms) nothing that was found is taken for nothing that is there: a look does not tell what it could
 * not see, as the files of a directory in which another session still runs.
 */
const nothingFor = 600_000;

/** None of files that cannot be read; a file system that is away may have them, and is told. */
function noneButAway(error: unknown): never[] {
  if (error instanceof NoAnswer) throw error;
  return [];
}

/** What was kept of the parts before a session's, oldest first. */
export interface EarlierParts {
  curves(session: Session): Promise<KeptCurve[][]>;
  /** Folders of their metrics, laid out as the run's; undefined: not known now. */
  graphs(session: Session): Promise<readonly string[] | undefined>;
}

export class RunProgresses {
  #watchers = new WeakMap<Session, RunWatch>();
  #clock: () => Now;
  readonly #earlier: EarlierParts;
  readonly #all: () => readonly Session[];
  #keptAt = new WeakMap<Session, number>();
  /**
   * Ended sessions of which nothing was kept and nothing found, and until when (steady ms) that is taken for
   * granted: most commands train nothing, and a list of many of them would look for their files each time.
   */
  readonly #nothing = new WeakMap<Session, number>();

  /**
   * @param all the sessions that there are, ended ones as well.
   */
  constructor(clock: () => Now, earlier: EarlierParts, all: () => readonly Session[]) {
    this.#clock = clock;
    this.#earlier = earlier;
    this.#all = all;
  }

  /** How far it is now; null for a session of which nothing is known, or not yet. */
  async of(session: Session): Promise<ShownRun | null> {
    const watcher = this.#watcher(session);
    if (watcher === null) return null;
    const kept = keptProgress(session);
    if (!session.live && kept !== undefined) return kept;
    if (this.#clock().steady < (this.#nothing.get(session) ?? 0)) return null;
    const concluded = isConcluded(session);
    try {
      const run = await watcher.read(session.live);
      if (run === null && concluded) this.#nothing.set(session, this.#clock().steady + nothingFor);
      this.#keep(session, watcher, false);
      return run && shownRun(run, watcher.losses());
    } catch {
      // a folder that was deleted or cannot be read any more: what was kept at the end is what is known
      return kept ?? null;
    }
  }

  /**
   * Losses of every epoch, of all parts of its run, for drawing; of files that cannot be read none.
   * @throws NoAnswer where they are on a file system that is away.
   */
  async curves(session: Session): Promise<NodeCurves[]> {
    const watcher = this.#watcher(session);
    if (watcher === null) return [];
    const own = await watcher.curves().catch(noneButAway);
    return joinCurves(await this.#earlier.curves(session), own);
  }

  /**
   * Every metric of its run over all parts, or the one of this name; of a trainer that tells none, and of
   * files that cannot be read, none.
   * @throws NoAnswer where they are on a file system that is away.
   */
  async series(session: Session, only?: string): Promise<MetricSeries[]> {
    return (await this.#watcher(session)?.series?.(only).catch(noneButAway)) ?? [];
  }

  /** Its run's configuration; undefined where it has none, or it cannot be read. */
  async configuration(session: Session): Promise<ConfigTree | undefined> {
    return this.#watcher(session)?.configuration?.();
  }

  /** The file of a node's own log, or undefined where there is none of this name. */
  async logFile(session: Session, node: string): Promise<string | undefined> {
    const watcher = this.#watcher(session);
    if (watcher === null) return undefined;
    await watcher.read(session.live).catch(() => {});
    return watcher.logFile(node);
  }

  /**
   * How far an ended session's run came, by its files as they are now; what was kept where they cannot be
   * read any more. They are asked for once more where they did not answer: the run's next part writes into
   * them, and nothing tells of this one then.
   */
  async last(session: Session): Promise<ShownRun | null> {
    const watcher = this.#watcher(session);
    const kept = keptProgress(session) ?? null;
    if (watcher === null) return null;
    const again = (error: unknown) => {
      if (error instanceof NoAnswer) return watcher.read(false);
      throw error;
    };
    const shown = await watcher
      .read(false)
      .catch(again)
      .then(
        (run) => run && shownRun(run, watcher.losses()),
        () => kept,
      );
    this.#keep(session, watcher, true);
    return shown;
  }

  #watcher(session: Session): RunWatch | null {
    let watcher = this.#watchers.get(session);
    if (watcher !== undefined) return watcher;
    watcher = session.trainer.watch(session.row, {
      look: lookTogether,
      clock: this.#clock,
      earlier: () => this.#earlier.graphs(session),
      others: () => othersOf(session, this.#all()),
      screen: keptScreen(session),
      kept: session.row.facts.watched,
    });
    if (watcher === undefined) return null;
    this.#watchers.set(session, watcher);
    return watcher;
  }

  /** Keeps what a later server could not find out again, not more often than `keepPause`. */
  #keep(session: Session, { kept }: RunWatch, now: boolean): void {
    if (kept === undefined) return;
    const { steady } = this.#clock();
    if (!now && steady - (this.#keptAt.get(session) ?? Number.NEGATIVE_INFINITY) < keepPause) return;
    this.#keptAt.set(session, steady);
    if (JSON.stringify(kept) !== JSON.stringify(session.row.facts.watched)) session.setFact("watched", kept);
  }
}

/** The progress that was kept at the end, with the fields that an earlier version did not know. */
function keptProgress({ row }: Session): ShownRun | undefined {
  const kept = row.facts.progress;
  return (
    kept && {
      ...kept,
      nodes: kept.nodes.map((node) => ({
        unit: "epoch",
        round: null,
        lastNonFinite: [],
        ...node,
        nonFinite: node.nonFinite ?? [],
      })),
    }
  );
}

/**
 * What stands on a session's screen, read anew only when something was said since. A screen that has more to
 * draw than it can is not waited for: it is asked again when it has drawn that.
 */
function keptScreen(session: Session): NonNullable<WatchEffects["screen"]> {
  let read = -1;
  let late = false;
  return {
    rows: async () => {
      const { output, offset } = session;
      if (offset === read || !output.current || (late && output.lag > 0)) return undefined;
      const text = await within(longestLook, session.screenText());
      late = text === undefined;
      if (!late) read = offset;
      return text?.lines;
    },
    state: () => session.output.marks,
  };
}
