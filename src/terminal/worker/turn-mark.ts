// Whose turn it is in a screens' thread, in memory that the main thread sees too: it can tell a thread that
// stands in one screen's turn from one that has much to do.
import type { Key } from "./channel.ts";

/** A turn: the how-manieth it is in its thread, and whose. */
export interface Turn {
  count: number;
  /** 0: nobody's. */
  key: Key;
}

/** Places of the memory. */
const [count, key] = [0, 1];

export class TurnMark {
  /** What another thread makes the same mark from. */
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory);
  }

  /** Does one screen's work, in its turn. */
  during(whose: Key, work: () => void): void {
    Atomics.add(this.#numbers, count, 1);
    Atomics.store(this.#numbers, key, whose);
    try {
      work();
    } finally {
      Atomics.store(this.#numbers, key, 0);
    }
  }

  /** The turn that goes on now, or the last one. */
  read(): Turn {
    return { count: Atomics.load(this.#numbers, count), key: Atomics.load(this.#numbers, key) };
  }

  /** Whether it is still this turn. */
  standsIn(turn: Turn): boolean {
    const now = this.read();
    return turn.key !== 0 && now.key === turn.key && now.count === turn.count;
  }
}
