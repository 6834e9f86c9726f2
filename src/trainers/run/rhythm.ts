// The rhythm of a run: how long it usually is between two signs of life, and when a silence is out of
// proportion to that.

/** Gaps that are remembered: the rhythm of now, not of the start. */
const kept = 30;

/**
 * A silence counts when it is this many times the usual gap, and this many times the longest of the
 * remembered ones.
 */
const timesUsual = 10;
const timesLongest = 3;

/** Fewer gaps than this make no rhythm. */
const fewest = 3;

/** Gathers the times of signs of life, in order. */
export class Rhythm {
  #gaps: number[] = [];
  #last: number | undefined;
  /**
   * The longest gap of all, also of those that are not remembered any more (ms); undefined before the first.
   */
  longest: number | undefined;

  /** A sign of life at `time` (ms). An earlier one than the last is taken for a clock that was set. */
  sign(time: number): void {
    if (this.#last !== undefined && time >= this.#last) {
      this.#gaps.push(time - this.#last);
      this.longest = Math.max(this.longest ?? 0, time - this.#last);
      if (this.#gaps.length > kept) this.#gaps.shift();
    }
    this.#last = time;
  }

  /** The next gap is not one of the rhythm's: a new launch begins. */
  pause(): void {
    this.#last = undefined;
  }

  /**
   * Usual gap in ms, or undefined while there is no rhythm yet: the median, or the mean where logs of whole
   * seconds hide it.
   */
  get usual(): number | undefined {
    if (this.#gaps.length < fewest) return undefined;
    const sorted = [...this.#gaps].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] || sorted.reduce((a, b) => a + b, 0) / sorted.length;
  }

  /**
   * The silence (ms) from which on something is wrong, never below `floor`; undefined while there is no
   * rhythm yet.
   */
  limit(floor: number): number | undefined {
    const usual = this.usual;
    if (usual === undefined) return undefined;
    return Math.max(floor, timesUsual * usual, timesLongest * Math.max(...this.#gaps));
  }
}
