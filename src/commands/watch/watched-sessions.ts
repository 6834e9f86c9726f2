// What the watch knows of this server's own sessions: read anew while they run, and once more when what is
// kept of their end is known; from then on it stays.

import type { ShownRun } from "../../presentation/shown-run.ts";
import { isConcluded } from "../../session/life/conclusion.ts";
import type { Session } from "../../session/life/session.ts";
import type { Watched } from "./watch-rows.ts";

export interface WatchedEffects {
  /** How far a session's run is. */
  progress(session: Session): Promise<ShownRun | null>;
  /** What is shown of a session as it is now. */
  shown(session: Session): Watched;
}

export class WatchedSessions {
  readonly #effects: WatchedEffects;
  #read = new Map<Session, ShownRun | null>();
  /** Those that were read after their end was concluded. */
  readonly #settled = new WeakSet<Session>();
  readonly #shown = new WeakMap<Session, Watched>();

  constructor(effects: WatchedEffects) {
    this.#effects = effects;
  }

  /** Reads what is due of these. @param due whether one that was read before is, while it may still change */
  async look(sessions: readonly Session[], due: (session: Session) => boolean): Promise<void> {
    // most are over, and cost no more than a look at what is known of them
    const isDue = (session: Session) =>
      !this.#read.has(session) || (!this.#settled.has(session) && (isConcluded(session) || due(session)));
    const read = new Map(
      await Promise.all(sessions.filter(isDue).map(async (each) => [each, await this.#progress(each)] as const)),
    );
    const known = (session: Session) => (read.has(session) ? read : this.#read).get(session) ?? null;
    this.#read = new Map(sessions.map((session) => [session, known(session)]));
  }

  async #progress(session: Session): Promise<ShownRun | null> {
    const last = isConcluded(session);
    const progress = await this.#effects.progress(session);
    if (last) this.#settled.add(session);
    return progress;
  }

  /** What is shown of each, and what was last read of its run. */
  all(): { session: Watched; progress: ShownRun | null }[] {
    return [...this.#read].map(([session, progress]) => ({ session: this.#picture(session), progress }));
  }

  get(id: string): Session | undefined {
    return [...this.#read.keys()].find((session) => session.id === id);
  }

  progress(session: Session): ShownRun | null | undefined {
    return this.#read.get(session);
  }

  /** What is concluded stays as it is: it was renamed at the most. */
  #picture(session: Session): Watched {
    const known = this.#shown.get(session);
    if (known !== undefined && known.name === session.row.name) return known;
    const now = this.#effects.shown(session);
    if (isConcluded(session)) this.#shown.set(session, now);
    return now;
  }
}
