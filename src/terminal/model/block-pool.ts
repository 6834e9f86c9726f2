// Blocks of memory that are used again: a flood would otherwise make and leave as much memory as it has
// bytes, which costs more than to copy them.
export class BlockPool {
  readonly blockSize: number;
  readonly #mostKept: number;
  #free: ArrayBuffer[] = [];
  /** Blocks that somebody has. */
  readonly #given = new WeakSet<ArrayBufferLike>();

  /**
   * @param blockSize bytes of a block.
   * @param mostKept blocks that are kept while nobody has them.
   */
  constructor(blockSize: number, mostKept: number) {
    this.blockSize = blockSize;
    this.#mostKept = mostKept;
  }

  /**
   * Room for so many bytes, the caller's until it gives it back: a block or, for more than that, memory of
   * its own.
   */
  room(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.blockSize) return new Uint8Array(length);
    const block = this.#free.pop() ?? new ArrayBuffer(this.blockSize);
    this.#given.add(block);
    return new Uint8Array(block, 0, length);
  }

  /**
   * Takes memory back that nobody looks at any more. Only what {@link room} gave is kept: memory of the same
   * size can be anybody's, as Node's own pool is (Buffer.poolSize, 64 KiB since Node 24.19), of which other
   * buffers are pieces.
   */
  giveBack(memory: ArrayBufferLike): void {
    if (this.#given.delete(memory) && this.#free.length < this.#mostKept) this.#free.push(memory as ArrayBuffer);
  }

  /** Lets go of what is kept. */
  clear(): void {
    this.#free = [];
  }
}
