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
  /** Runs while what could not be had waits to be asked for again. */
  #timer: number | undefined;
  #pause = firstPause;

  /** @param take gets each answer, but none of a question that was given up. */
  constructor(take: (answer: T | None) => void) {
    this.#take = take;
  }

  /** No answer is waited for, nor the moment to ask for it again. */
  get idle(): boolean {
    return this.#open === undefined && this.#timer === undefined;
  }

  /**
   * Asks, unless this was answered already. The same path waits for an answer that is still to come, and for
   * the end of a pause where things stand as they did; for another path both are given up.
   * @param standing another one than before: the answer may be another one, too.
   */
  ask(path: string, standing: string): void {
    if (path !== this.#path) this.giveUp();
    const other = standing !== this.#standing;
    this.#path = path;
    this.#standing = standing;
    if (this.idle || (other && this.#open === undefined)) void this.#go();
  }

  /** The connection is there again: no waiting. */
  now(): void {
    this.#pause = firstPause;
    if (this.#timer !== undefined) void this.#go();
  }

  /** Nothing is waited for any more. */
  giveUp(): void {
    this.#endPause();
    this.#pause = firstPause;
    this.#open?.abort();
    this.#open = undefined;
    this.#answered = undefined;
  }

  #endPause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #go(): Promise<void> {
    this.#endPause();
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
