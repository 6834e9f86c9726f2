// The one tick by which the server looks at live runs: everything that wants to know of them is told by it.
import type { RunProgress } from "../../trainers/run.ts";
import type { Session } from "../life/session.ts";

/** How often runs are looked at (ms): a stall is minutes long, and a look costs a few stats. */
const slow = 30_000;

/** The same while somebody waits for something of a run: about an epoch of a short one. */
const fast = 2_000;

export interface TickEffects {
  live(): Session[];
  progress(session: Session): Promise<RunProgress | null>;
}

/** Told at each look. */
export type Looker = (session: Session, run: RunProgress) => void;

export class RunTick {
  readonly #effects: TickEffects;
  readonly #lookers = new Set<Looker>();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #gone = false;

  constructor(effects: TickEffects, ...lookers: Looker[]) {
    this.#effects = effects;
    for (const looker of lookers) this.#lookers.add(looker);
    this.#again();
  }

  /** Looks often, and tells `looker`, until the answer is called. The first look comes at once. */
  watch(looker: Looker): () => void {
    this.#lookers.add(looker);
    this.#waiting++;
    void this.look();
    return () => {
      if (this.#lookers.delete(looker)) this.#waiting--;
    };
  }

  /** Looks now. */
  async look(): Promise<void> {
    if (this.#busy || this.#gone) return;
    this.#busy = true;
    clearTimeout(this.#timer);
    try {
      for (const session of this.#effects.live()) {
        const run = await this.#effects.progress(session).catch(() => null);
        if (run === null || this.#gone || !session.live) continue;
        for (const looker of [...this.#lookers]) looker(session, run);
      }
    } finally {
      this.#busy = false;
      this.#again();
    }
  }

  #again(): void {
    clearTimeout(this.#timer);
    if (this.#gone) return;
    this.#timer = setTimeout(() => void this.look(), this.#waiting > 0 ? fast : slow);
    this.#timer.unref();
  }

  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
  }
}
