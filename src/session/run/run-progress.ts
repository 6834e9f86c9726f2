// How far the runs of the sessions are: one watcher a session, asked only when somebody wants to know.

import type { KeptCurve } from "../../store/part-archive.ts";
import type { NodeCurves } from "../../trainers/curve.ts";
import { lookAside } from "../../trainers/foreign-files.ts";
import type { RunProgress } from "../../trainers/run.ts";
import type { MetricSeries } from "../../trainers/series.ts";
import type { Now } from "../../trainers/silence.ts";
import type { ConfigTree, RunWatch } from "../../trainers/trainer.ts";
import type { Session } from "../life/session.ts";
import { joinCurves } from "./part-curves.ts";

export class RunProgresses {
  #watchers = new WeakMap<Session, RunWatch>();
  #clock: () => Now;
  readonly #earlier: (session: Session) => KeptCurve[][];

  /** @param earlier the curves that were kept of the parts before a session's, oldest first. */
  constructor(clock: () => Now, earlier: (session: Session) => KeptCurve[][] = () => []) {
    this.#clock = clock;
    this.#earlier = earlier;
  }

  /** How far it is now; null for a session of which nothing is known, or not yet. */
  async of(session: Session): Promise<RunProgress | null> {
    const watcher = this.#watcher(session);
    if (watcher === null) return null;
    const kept = keptProgress(session);
    if (!session.live && kept !== undefined) return kept;
    try {
      return await watcher.read(session.live);
    } catch {
      // a folder that was deleted or cannot be read any more: what was kept at the end is what is known
      return kept ?? null;
    }
  }

  /** Losses of every epoch, of all parts of its run, for drawing. */
  async curves(session: Session): Promise<NodeCurves[]> {
    const watcher = this.#watcher(session);
    if (watcher === null) return [];
    return joinCurves(this.#earlier(session), await watcher.curves().catch(() => []));
  }

  /** Every metric of its run; of a trainer that tells none, none. */
  async series(session: Session): Promise<MetricSeries[]> {
    return (
      (await this.#watcher(session)
        ?.series?.()
        .catch(() => [])) ?? []
    );
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

  /** How far an ended session's run came, by its files as they are now; what was kept where they cannot be read any more. */
  async last(session: Session): Promise<RunProgress | null> {
    const watcher = this.#watcher(session);
    const kept = keptProgress(session) ?? null;
    return watcher === null ? null : watcher.read(false).catch(() => kept);
  }

  #watcher(session: Session): RunWatch | null {
    let watcher = this.#watchers.get(session);
    if (watcher !== undefined) return watcher;
    watcher = session.trainer.watch(session.row, { look: lookAside, clock: this.#clock, alone: () => true });
    if (watcher === undefined) return null;
    this.#watchers.set(session, watcher);
    return watcher;
  }
}

/** The progress that was kept at the end, with the fields that an earlier version did not know. */
function keptProgress({ row }: Session): RunProgress | undefined {
  const kept = row.facts.progress as RunProgress | undefined;
  return kept && { ...kept, nodes: kept.nodes.map((node) => ({ ...node, nonFinite: node.nonFinite ?? [] })) };
}
