// Finds where an output stream is between sequences: what is unfinished is held back, so that the terminal
// model never stands inside one.

import { Position } from "../../base/text/control-sequences.ts";

/**
 * A string (OSC, DCS, APC …) longer than this is cut: what comes after is neither kept for a viewer that
 * attaches in its midst nor given to the model. Titles and palettes are short; what is long is an image,
 * which the model ignores anyway.
 */
const longestString = 1 << 20;

/**
 * So many sequences at the end of a chunk are looked at one after the other before all of it is walked
 * through.
 */
const lastSequences = 4;

const nothing = new Uint8Array(0);

/** Follows a stream byte by byte, as xterm.js' decoder and parser would. */
export class Scanner {
  readonly #position = new Position();
  #held: Uint8Array[] = [];
  #heldLength = 0;
  #pending = 0;

  /** Whether nothing is held back. */
  get ground(): boolean {
    return this.#position.ground;
  }

  /** The bytes that are held back, for whoever needs to go on from here. */
  tail(): Buffer {
    return Buffer.concat(this.#held);
  }

  /** Bytes since the last place between sequences; more than the tail has where a string was cut. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Takes the next bytes and returns those, with earlier held ones, that end between sequences; it may be a
   * part of `bytes` in place.
   */
  feed(bytes: Uint8Array): Uint8Array {
    const end = this.#scan(bytes);
    if (end === 0) {
      this.#hold(bytes);
      return nothing;
    }
    const done = this.#heldLength === 0 ? bytes.subarray(0, end) : Buffer.concat([...this.#held, bytes.subarray(0, end)]);
    this.#held = [];
    this.#heldLength = 0;
    this.#pending = 0;
    this.#hold(bytes.subarray(end));
    return done;
  }

  #hold(bytes: Uint8Array): void {
    this.#pending += bytes.length;
    const room = longestString - this.#heldLength;
    if (room <= 0 || bytes.length === 0) return;
    // a copy: the buffer belongs to whoever fed it
    const kept = Uint8Array.from(bytes.subarray(0, room));
    this.#held.push(kept);
    this.#heldLength += kept.length;
  }

  /** Length of the part that ends in ground, 0 where nothing does. */
  #scan(bytes: Uint8Array): number {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let sequence = view.lastIndexOf(0x1b);
    if (sequence < 0 && this.ground && !hasC1(view)) return this.#plainEnd(bytes);
    const position = this.#position;
    const before = new Position();
    before.set(position);
    // ESC ends whatever was before it: what follows the last one decides, or, where that sequence is not
    // whole, what follows the one before it
    for (let tries = 0; sequence >= 0 && tries < lastSequences; tries++) {
      position.reset();
      const end = this.#walk(bytes, sequence, 0);
      if (end > sequence) return end;
      sequence = sequence === 0 ? -1 : view.lastIndexOf(0x1b, sequence - 1);
    }
    position.set(before);
    return this.#walk(bytes, 0, 0);
  }

  /** The end of the last whole character of a text without sequences. */
  #plainEnd(bytes: Uint8Array): number {
    // the longest unfinished character has three bytes; start at a byte that is no continuation
    let from = Math.max(0, bytes.length - 3);
    while (from > 0 && ((bytes[from] as number) & 0xc0) === 0x80) from--;
    return this.#walk(bytes, from, from);
  }

  /** Walks on from a place; returns the last one between sequences, or `otherwise`. */
  #walk(bytes: Uint8Array, from: number, otherwise: number): number {
    const position = this.#position;
    let ground = otherwise;
    for (let i = from; i < bytes.length; i++) {
      position.take(bytes[i] as number);
      if (position.ground) ground = i + 1;
    }
    return ground;
  }
}

/** Whether a C1 control stands in a text, as C2 80 to C2 9F. */
function hasC1(bytes: Buffer): boolean {
  for (let i = bytes.indexOf(0xc2); i !== -1; i = bytes.indexOf(0xc2, i + 1)) {
    const following = bytes[i + 1];
    if (following === undefined || (following >= 0x80 && following < 0xa0)) return true;
  }
  return false;
}
