// The last that a program said, for a sentence about its end: what came before it is forgotten.

/** The last `most` bytes of what was added. */
export class Tail {
  readonly #most: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(most: number) {
    this.#most = most;
  }

  add(bytes: Uint8Array): void {
    // copied: a part of a large chunk would keep the whole one
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(-this.#most)]);
    if (this.#bytes.length > this.#most) this.#bytes = Buffer.from(this.#bytes.subarray(-this.#most));
  }

  toString(): string {
    return this.#bytes.toString();
  }
}
