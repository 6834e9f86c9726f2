// A question that a view asks again and again. One is open at a time, since the answer may take an ssh or an
// srun, and a browser has few connections to one address; what could not be had is asked for again.
import { get, isNone, type None } from "./server.ts";

/**
 * What could not be had is asked for again after this time (ms), by which a server that was replaced is
 * there; then after twice as long and so on, up to the longest pause: each try may be a login to another
 * machine.
 */
const firstPause = 1_000;
const longestPause = 60_000;

export class Question<T extends object> {
  readonly #take: (answer: T | None) => void;
  #path = "";
  /** How things stand, as it was told last; and as it was when the last answer was asked for. */
  #standing: string | undefined;
  #answered: string | undefined;
  #open: AbortController | undefined;
  #timer = 0;
  #pause = firstPause;

  /** @param take gets each answer, but none of a question that was given up. */
  constructor(take: (answer: T | None) => void) {
    this.#take = take;
  }

  /** No answer is waited for. */
  get idle(): boolean {
    return this.#open === undefined;
  }

  /**
   * Asks, unless this was answered already. The same path waits for an answer that is still to come; for
   * another path that one is given up.
   * @param standing another one than before: the answer may be another one, too.
   */
  ask(path: string, standing: string): void {
    if (path !== this.#path) this.giveUp();
    this.#path = path;
    this.#standing = standing;
    if (this.idle) void this.#go();
  }

  /** Nothing is waited for any more. */
  giveUp(): void {
    clearTimeout(this.#timer);
    this.#open?.abort();
    this.#open = undefined;
    this.#answered = undefined;
  }

  async #go(): Promise<void> {
    clearTimeout(this.#timer);
    const standing = this.#standing;
    if (standing === this.#answered) return;
    const open = new AbortController();
    this.#open = open;
    const answer = await get<T>(this.#path, open.signal);
    if (this.#open !== open) return;
    this.#open = undefined;
    this.#take(answer);
    if (isNone(answer) && answer.again) {
      this.#timer = window.setTimeout(() => void this.#go(), this.#pause);
      this.#pause = Math.min(longestPause, this.#pause * 2);
      return;
    }
    this.#pause = firstPause;
    this.#answered = standing;
    // how things stand may have changed meanwhile
    void this.#go();
  }
}
