// Looks, while somebody waits for a screen, whether its thread stands in the turn of one: a slice of work
// whose cost nobody foresaw.
import type { Key } from "./channel.ts";
import { type Turn, TurnMark } from "./turn-mark.ts";

/**
 * A turn that goes on for so long (ms) is one in which the thread stands: most take 3 ms, the longest on a
 * busy machine some 100.
 */
export const longestTurn = 500;

export interface TurnWatchEffects {
  /** Whether somebody waits for the thread. */
  awaited(): boolean;
  /** The thread stands in this screen's turn; told again while somebody waits. */
  stands(whose: Key): void;
}

export class TurnWatch {
  readonly #effects: TurnWatchEffects;
  #mark = new TurnMark();
  #looking: NodeJS.Timeout | undefined;
  /** The turn that was found to go on for too long. */
  #longest: Turn | undefined;

  constructor(effects: TurnWatchEffects) {
    this.#effects = effects;
  }

  /** A thread begins, which tells its turns by this. */
  begin(mark: TurnMark): void {
    this.stop();
    this.#mark = mark;
  }

  /** Whether the thread stands in a turn, as far as somebody has looked. */
  get stands(): boolean {
    return this.#standing() !== undefined;
  }

  #standing(): Turn | undefined {
    return this.#longest !== undefined && this.#mark.standsIn(this.#longest) ? this.#longest : undefined;
  }

  /** Somebody waits: looks now, where the thread is known to stand, and then until nobody waits any more. */
  look(): void {
    const turn = this.#standing();
    if (turn !== undefined) this.#effects.stands(turn.key);
    if (this.#looking === undefined) this.#lookLater();
  }

  #lookLater(): void {
    const before = this.#mark.read();
    this.#looking = setTimeout(() => {
      this.#looking = undefined;
      if (this.#mark.standsIn(before)) this.#longest = before;
      if (this.#effects.awaited()) this.look();
    }, longestTurn);
    this.#looking.unref();
  }

  /** The thread is gone. */
  stop(): void {
    clearTimeout(this.#looking);
    this.#looking = undefined;
    this.#longest = undefined;
  }
}
