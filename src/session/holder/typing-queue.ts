// What is typed for a session's program, on its way through the holder: in order, at the terminal's pace, and
// never so much that a signal waits behind a paste.
import { randomBytes } from "node:crypto";
import { encodeInput, encodeKeys, toHolderLimit } from "../../protocol/holder.ts";

/**
 * INPUT bytes on their way through the holder: half of what it queues, so that a signal or a resize never
 * waits behind a paste.
 */
const inputWindow = 512 * 1024;
/** Bytes of KEYS in front of what is typed. */
const keysHead = 17;
/**
 * Input that waits for a program which reads none: what comes beyond is dropped, as a terminal drops it after
 * 4 KiB. So large that no paste is cut that somebody means; the viewer's own connection is not held up, since
 * the key that leaves comes on it.
 */
export const mostWaitingInput = 16 << 20;
/**
 * … and in so many pieces: each costs some 200 bytes, and time with each that is passed on, however short it
 * is. What a person types comes in a piece for each read.
 */
export const mostWaitingPieces = 1 << 14;
/**
 * Answers of the screen that wait for the program: a real terminal's line takes 4 KiB. One that asks and
 * never reads gets no more of them.
 */
export const mostWaitingAnswers = 64 << 10;

/** Where bytes stand among all of those that somebody types, over all connections. */
export interface Position {
  writer: bigint;
  number: number;
}

/** Some of what was typed, and where it stands, where somebody counts it. */
export interface Typed {
  bytes: Buffer;
  by: Position | undefined;
  /** Whether they are the interrupt character, which the holder is to count. */
  interrupt?: boolean | undefined;
}

/** What the queue does beyond itself. */
interface TypingEffects {
  /** Sends a frame to the holder. */
  send(frame: Buffer): void;
  /** What the terminal takes now, of us. */
  write(bytes: Uint8Array): number;
  /** Version of the protocol that the connection speaks. */
  version(): number;
  /** The terminal has taken all that was typed here. */
  taken(): void;
}

/** Bytes for one program. */
export class TypingQueue {
  /** Input that waits for room on its way, oldest first, and how many bytes that is. */
  #queue: Typed[] = [];
  #queued = 0;
  /**
   * INPUT bytes that were sent to the holder, and those that it has passed on. While they are equal, we write
   * to the terminal ourselves.
   */
  #sent = 0;
  #typed = 0;
  /** What was sent and not passed on yet, oldest first; `end`: as `#sent` counts. */
  #underWay: (Typed & { end: number })[] = [];
  /** The connection is lost: what comes waits for the next one. */
  #lost = false;
  /** Of those that were sent, what nobody counts but we. */
  #own = 0;
  /** Who types here, as the holder counts it. */
  readonly #writer = randomBytes(8).readBigUInt64LE();
  readonly #effects: TypingEffects;

  constructor(effects: TypingEffects) {
    this.#effects = effects;
  }

  /** Bytes of input that the terminal has not taken yet. */
  get waiting(): number {
    return this.#queued + this.#sent - this.#typed;
  }

  /** @see HolderLink.input, HolderLink.interruptOnce */
  input(bytes: Uint8Array, by?: Position, interrupt = false): void {
    if (this.waiting + bytes.length > mostWaitingInput) return;
    if (this.#queue.length + this.#underWay.length >= mostWaitingPieces) return;
    // with a holder of version 1 we are the only one who types: the shorter way, while nothing waits on the
    // other one
    const taken = this.#effects.version() < 2 && this.waiting === 0 && !this.#lost ? this.#effects.write(bytes) : 0;
    if (taken === bytes.length) return;
    // a copy: the caller may use its buffer again
    this.#enqueue({ bytes: Buffer.from(bytes.subarray(taken)), by, interrupt });
    this.#sendInput();
  }

  /** The holder is to count these as this writer's, though they do not go through it. */
  count(by: Position): void {
    this.#enqueue({ bytes: Buffer.alloc(0), by });
  }

  /** Nothing can be sent any more. */
  lose(): void {
    this.#lost = true;
  }

  /**
   * What the next connection is to type: what was not sent, and to the same holder what it has not passed on
   * either, for what it has is dropped. Version 1 counts nothing, and is sent nothing twice.
   */
  left(same: boolean): Typed[] {
    const counted = this.#effects.version() >= 2;
    let number = this.#own;
    const unsent = this.#queue.map((typed) => {
      const place = typed.by ?? { writer: this.#writer, number };
      if (typed.by === undefined) number += typed.bytes.length;
      return { ...typed, by: counted ? place : undefined };
    });
    return same && counted ? [...this.#underWay, ...unsent] : unsent;
  }

  /** Types what another connection has left. */
  takeOver(left: readonly Typed[]): void {
    for (const { bytes, by, interrupt } of left) this.#enqueue({ bytes, by, interrupt });
    this.#sendInput();
  }

  #enqueue(typed: Typed): void {
    this.#queue.push(typed);
    this.#queued += typed.bytes.length;
  }

  #sendInput(): void {
    while (!this.#lost) {
      const first = this.#queue[0];
      const room = Math.min(inputWindow - (this.#sent - this.#typed), toHolderLimit - keysHead);
      if (first === undefined || room <= 0) return;
      const piece = first.bytes.subarray(0, room);
      const more = piece.length < first.bytes.length;
      const { writer, number } = first.by ?? { writer: this.#writer, number: this.#own };
      if (first.by === undefined) this.#own += piece.length;
      const by = first.by && { writer, number: number + piece.length };
      if (!more) this.#queue.shift();
      else this.#queue[0] = { ...first, bytes: first.bytes.subarray(piece.length), by };
      this.#queued -= piece.length;
      const { interrupt } = first;
      const head = { writer, number, more, interrupt };
      this.#effects.send(this.#effects.version() < 2 ? encodeInput(piece) : encodeKeys(head, piece));
      this.#sent += piece.length;
      this.#underWay.push({ bytes: piece, by: { writer, number }, interrupt, end: this.#sent });
    }
  }

  /** The holder has passed on so many bytes in all. */
  typed(total: number): void {
    this.#typed = total;
    let passed = 0;
    while ((this.#underWay[passed]?.end ?? Number.POSITIVE_INFINITY) <= total) passed++;
    this.#underWay.splice(0, passed);
    if (this.waiting === 0) this.#effects.taken();
    this.#sendInput();
  }
}
