// Counts, for one client, which of its typed bytes the holder has: the client keeps them until then, so that
// after a lost server each is typed exactly once.
import type { Position } from "../holder/typing-queue.ts";

/**
 * Moments at which all that was read had been dealt with; past so many the oldest is given up, and a later
 * one tells for it.
 */
const mostMoments = 64;

export interface TypistEffects {
  /**
   * Of what was typed on this connection, `read` bytes need not be kept: the holder has `typed` bytes of this
   * client for them.
   */
  passed(read: number, typed: number): void;
}

export class KeptKeys {
  readonly writer: bigint;
  readonly #effects: TypistEffects;
  /**
   * Bytes of the client that were dealt with, on this connection, and bytes for the program that came of
   * them, over all connections.
   */
  #read = 0;
  #typed: number;
  /** Bytes that the holder has; undefined until it has said so. */
  #taken: number | undefined;
  #passed = 0;
  #moments: { read: number; typed: number }[] = [];

  /** @param before bytes for the program that came of what the client does not keep any more. */
  constructor(writer: bigint, before: number, effects: TypistEffects) {
    this.writer = writer;
    this.#typed = before;
    this.#effects = effects;
  }

  /** Bytes for the program that came of what the client typed, over all connections. */
  get typed(): number {
    return this.#typed;
  }

  /** Whether the holder has said what it has. */
  get known(): boolean {
    return this.#taken !== undefined;
  }

  /** Bytes for the program: those of them that the holder lacks, and where they stand. */
  next(bytes: Uint8Array): { bytes: Uint8Array; by: Position } {
    const had = Math.min(bytes.length, Math.max(0, (this.#taken ?? 0) - this.#typed));
    const by = { writer: this.writer, number: this.#typed + had };
    this.#typed += bytes.length;
    return { bytes: bytes.subarray(had), by };
  }

  /**
   * So many bytes of the client were read. @param settled whether all that came of them is with the program,
   * or on its way.
   */
  read(length: number, settled: boolean): void {
    this.#read += length;
    if (settled) this.settled();
  }

  /** All that was read has been dealt with. */
  settled(): void {
    this.#moments.push({ read: this.#read, typed: this.#typed });
    if (this.#moments.length > mostMoments) this.#moments.splice(mostMoments / 2, 1);
    this.#tell();
  }

  /** The holder has so many bytes of this client. */
  taken(number: number): void {
    this.#taken = Math.max(this.#taken ?? 0, number);
    this.#tell();
  }

  #tell(): void {
    let last: { read: number; typed: number } | undefined;
    const taken = this.#taken ?? 0;
    while (this.#moments[0] !== undefined && this.#moments[0].typed <= taken) last = this.#moments.shift();
    if (last === undefined || last.read === this.#passed) return;
    this.#passed = last.read;
    this.#effects.passed(last.read, last.typed);
  }
}
