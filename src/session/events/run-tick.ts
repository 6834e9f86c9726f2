// The one tick by which the server looks at live runs: whoever wants to know of them looks then, and a run is
// read once for all who look together.
import { sentence } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import type { ShownRun } from "../../presentation/shown-run.ts";
import type { Session } from "../life/session.ts";

/** How often runs are looked at (ms): a stall is minutes long, and a look costs a few stats. */
const slow = 30_000;

/** The same while somebody waits for something of a run: about an epoch of a short one. */
const fast = 2_000;

/** A shorter wait than this is not worth a timer's set-up (ms). */
const shortestWait = 50;

export interface TickEffects {
  live(): readonly Session[];
  progress(session: Session): Promise<ShownRun | null>;
  /** A clock that nobody sets, in ms. */
  steady(): number;
  readonly log: Log;
}

/** Told at each look. */
export type Told = (session: Session, run: ShownRun) => void;

/** Who looks by times of its own. */
export interface Looker {
  /**
   * @param run how far it is; null: nothing is known.
   * @returns the ms after which it wants to look again; undefined: when it is told to (`soon`).
   */
  look(session: Session, run: () => Promise<ShownRun | null>): Promise<number | undefined>;
}

/** Of one session: when who is due (steady; Infinity: not by itself), and who is looking at it. */
interface State {
  due: Map<Looker, number>;
  looking: Set<Looker>;
}

export class RunTick {
  readonly #effects: TickEffects;
  readonly #lookers: readonly Looker[];
  /** Those who are told of each look, at one pace. */
  readonly #told: Looker;
  readonly #watchers = new Set<Told>();
  readonly #states = new WeakMap<Session, State>();
  #timer: NodeJS.Timeout | undefined;
  /** When that ends (ms of the steady clock). */
  #wakesAt = Number.POSITIVE_INFINITY;
  #begun = false;
  #gone = false;

  /**
   * Looks at nothing before `begin`.
   * @param tell is always told
   * @param lookers look at a session at once when it is new
   */
  constructor(effects: TickEffects, tell: Told, ...lookers: Looker[]) {
    this.#effects = effects;
    this.#told = {
      look: async (session, run) => {
        const known = await run();
        if (known !== null && session.live && !this.#gone) for (const told of [tell, ...this.#watchers]) told(session, known);
        return this.#watchers.size > 0 ? fast : slow;
      },
    };
    this.#lookers = [this.#told, ...lookers];
  }

  /** The sessions are there now. */
  begin(): void {
    this.#begun = true;
    this.#turn();
  }

  /** Looks often, and tells `watcher`, until the answer is called. The first look comes at once. */
  watch(watcher: Told): () => void {
    this.#watchers.add(watcher);
    this.soon(this.#told);
    return () => void this.#watchers.delete(watcher);
  }

  /** Something has changed: who looks by its own times looks now, at these sessions; at a new one all do. */
  soon(looker: Looker, sessions: readonly Session[] = this.#effects.live()): void {
    for (const session of sessions) {
      this.#of(session).due.set(looker, Number.NEGATIVE_INFINITY);
      this.#turnOf(session);
    }
  }

  /** Looks at all sessions for those who are due. */
  #turn(): void {
    clearTimeout(this.#timer);
    this.#wakesAt = Number.POSITIVE_INFINITY;
    for (const session of this.#effects.live()) this.#turnOf(session);
  }

  /** Looks at a session for those who are due, and comes again when the next one is. */
  #turnOf(session: Session): void {
    if (!this.#begun || this.#gone || !session.live) return;
    const now = this.#effects.steady();
    const state = this.#of(session);
    const due: Looker[] = [];
    for (const looker of this.#lookers) {
      // each looks once at a time, and has its turn afterwards: two looks could both find that a stop is due
      if (state.looking.has(looker)) continue;
      const when = state.due.get(looker) as number;
      if (when <= now) due.push(looker);
      else this.#wakeBy(when, now);
    }
    if (due.length > 0) this.#look(session, state, due);
  }

  #wakeBy(when: number, now: number): void {
    if (when >= this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = when;
    this.#timer = setTimeout(() => this.#turn(), Math.max(shortestWait, when - now));
    this.#timer.unref();
  }

  #look(session: Session, state: State, lookers: readonly Looker[]): void {
    let read: Promise<ShownRun | null> | undefined;
    const run = () => {
      read ??= this.#effects.progress(session).catch(() => null);
      return read;
    };
    for (const looker of lookers) void this.#lookAs(looker, session, state, run);
  }

  async #lookAs(looker: Looker, session: Session, state: State, run: () => Promise<ShownRun | null>): Promise<void> {
    state.looking.add(looker);
    state.due.set(looker, Number.POSITIVE_INFINITY);
    const pause = await looker.look(session, run).catch((error) => {
      this.#effects.log("session.look-failed", { id: session.id, reason: sentence(error) });
      return slow;
    });
    // sooner where it was told so meanwhile
    const then = pause === undefined ? Number.POSITIVE_INFINITY : this.#effects.steady() + pause;
    state.due.set(looker, Math.min(state.due.get(looker) as number, then));
    state.looking.delete(looker);
    // of a thousand sessions each look ends by itself: going through all of them would hold the server
    this.#turnOf(session);
  }

  #of(session: Session): State {
    let state = this.#states.get(session);
    if (state === undefined) {
      const now = this.#effects.steady();
      const pace = this.#watchers.size > 0 ? now : now + slow;
      state = { looking: new Set(), due: new Map(this.#lookers.map((looker) => [looker, looker === this.#told ? pace : now])) };
      this.#states.set(session, state);
    }
    return state;
  }

  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
  }
}
