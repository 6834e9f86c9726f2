// Blocks of memory that are used again: a flood would otherwise make and leave as much memory as it has bytes, which costs more than to copy them.
export class BlockPool {
  readonly blockSize: number;
  readonly #mostKept: number;
  #free: ArrayBuffer[] = [];
  /** Blocks that somebody has, and the length of the room in them. */
  readonly #given = new WeakMap<ArrayBufferLike, number>();

  /**
   * @param blockSize bytes of a block.
   * @param mostKept blocks that are kept while nobody has them.
   */
  constructor(blockSize: number, mostKept: number) {
    this.blockSize = blockSize;
    this.#mostKept = mostKept;
  }

  /** Room for so many bytes, the caller's until it gives it back: a block or, for more than that, memory of its own. */
  room(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.blockSize) return new Uint8Array(length);
    const block = this.#free.pop() ?? new ArrayBuffer(this.blockSize);
    this.#given.set(block, length);
    return new Uint8Array(block, 0, length);
  }

  /** Whether these bytes are the whole of a room in a block of ours. */
  isWhole({ buffer, length }: Uint8Array): boolean {
    return this.#given.get(buffer) === length;
  }

  /** Takes memory back that nobody looks at any more; what is no block is left to the collector. */
  giveBack(memory: ArrayBufferLike): void {
    this.#given.delete(memory);
    if (memory.byteLength === this.blockSize && this.#free.length < this.#mostKept) this.#free.push(memory as ArrayBuffer);
  }

  /** Lets go of what is kept. */
  clear(): void {
    this.#free = [];
  }
}
