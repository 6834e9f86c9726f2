// Blocks of memory that are used again: a flood would otherwise make and leave as much memory as it has
// bytes, which costs more than to copy them.
export class BlockPool {
  readonly blockSize: number;
  readonly #mostKept: number;
  #free: ArrayBuffer[] = [];
  /** Blocks that somebody has, and the length of the room in them. */
  readonly #given = new WeakMap<ArrayBufferLike, number>();
  /** Blocks that another thread has. */
  #away = 0;

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
    this.#given.set(block, length);
    return new Uint8Array(block, 0, length);
  }

  /** Whether these bytes are the whole of a room in a block of ours. */
  isWhole({ buffer, length }: Uint8Array): boolean {
    return this.#given.get(buffer) === length;
  }

  /**
   * Takes memory back that nobody looks at any more. Only what {@link room} gave is kept: memory of the same
   * size can be anybody's, as Node's own
   * pool is (Buffer.poolSize, 64 KiB since Node 24.19), of which other buffers are pieces.
   */
  giveBack(memory: ArrayBufferLike): void {
    if (this.#given.delete(memory)) this.#keep(memory as ArrayBuffer);
  }

  /**
   * Notes that a room is transferred to another thread, which makes another object of its memory: {@link
   * comeBack} knows it no more.
   */
  send(memory: ArrayBufferLike): void {
    if (this.#given.delete(memory)) this.#away++;
  }

  /** Takes memory back that was sent: as many blocks as are away, and no more. */
  comeBack(memory: ArrayBuffer): void {
    if (memory.byteLength !== this.blockSize || this.#away === 0) return;
    this.#away--;
    this.#keep(memory);
  }

  /** The blocks that were sent do not come back: the thread that had them ended. */
  lose(): void {
    this.#away = 0;
  }

  #keep(block: ArrayBuffer): void {
    if (this.#free.length < this.#mostKept) this.#free.push(block);
  }

  /** Lets go of what is kept. */
  clear(): void {
    this.#free = [];
  }
}
