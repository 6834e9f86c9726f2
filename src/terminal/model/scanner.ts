// Finds where an output stream is between sequences: what is unfinished is held back, so that the terminal
// model never stands inside one.

/** States of a VT500 parser as xterm.js has them; only what decides where a sequence ends. */
const State = {
  ground: 0,
  escape: 1,
  escapeIntermediate: 2,
  csiEntry: 3,
  csiParameter: 4,
  csiIntermediate: 5,
  csiIgnore: 6,
  string: 7,
  osc: 8,
  dcsEntry: 9,
  dcsParameter: 10,
  dcsIgnore: 11,
  dcsIntermediate: 12,
  dcsPassthrough: 13,
} as const;

/** Classes of what a byte can be; a character above U+009F counts as one byte of class `other`. */
const classes = 256;
const other = 0xa0;

const transitions = buildTransitions();

function buildTransitions(): Uint8Array {
  const table = new Uint8Array(14 * classes);
  for (let state = 0; state < 14; state++) {
    for (let code = 0; code <= other; code++) table[state * classes + code] = next(state, code);
  }
  return table;
}

function next(state: number, code: number): number {
  // from anywhere
  if (code === 0x1b) return State.escape;
  if (code === 0x18 || code === 0x1a) return State.ground;
  if (code === 0x9b) return State.csiEntry;
  if (code === 0x9d) return State.osc;
  if (code === 0x90) return State.dcsEntry;
  if (code === 0x98 || code === 0x9e || code === 0x9f) return State.string;
  if (code >= 0x80 && code <= 0x9c) return State.ground;
  const control = code < 0x20;
  const intermediate = code >= 0x20 && code <= 0x2f;
  const parameter = code >= 0x30 && code <= 0x3b;
  const prefix = code >= 0x3c && code <= 0x3f;
  const final = code >= 0x40 && code <= 0x7e;
  const del = code === 0x7f;
  switch (state) {
    case State.escape:
      if (control || del) return state;
      if (intermediate) return State.escapeIntermediate;
      if (code === 0x5b) return State.csiEntry;
      if (code === 0x5d) return State.osc;
      if (code === 0x50) return State.dcsEntry;
      if (code === 0x58 || code === 0x5e || code === 0x5f) return State.string;
      return State.ground;
    case State.escapeIntermediate:
      return control || del || intermediate ? state : State.ground;
    case State.csiEntry:
      if (control || del) return state;
      if (intermediate) return State.csiIntermediate;
      return parameter || prefix ? State.csiParameter : State.ground;
    case State.csiParameter:
      if (control || del || parameter) return state;
      if (prefix) return State.csiIgnore;
      return intermediate ? State.csiIntermediate : State.ground;
    case State.csiIntermediate:
      if (control || del || intermediate) return state;
      return parameter || prefix ? State.csiIgnore : State.ground;
    case State.csiIgnore:
      return final ? State.ground : state;
    case State.string:
      return code === other ? State.ground : state;
    case State.osc:
      return code === 0x07 ? State.ground : state;
    case State.dcsEntry:
      if (control || del) return state;
      if (intermediate) return State.dcsIntermediate;
      if (parameter || prefix) return State.dcsParameter;
      return final ? State.dcsPassthrough : State.ground;
    case State.dcsParameter:
      if (control || del || parameter) return state;
      if (prefix) return State.dcsIgnore;
      if (intermediate) return State.dcsIntermediate;
      return final ? State.dcsPassthrough : State.ground;
    case State.dcsIntermediate:
      if (control || del || intermediate) return state;
      if (parameter || prefix) return State.dcsIgnore;
      return final ? State.dcsPassthrough : State.ground;
    case State.dcsIgnore:
    case State.dcsPassthrough:
      return state;
    default:
      return State.ground;
  }
}

/**
 * A string (OSC, DCS, APC …) longer than this is cut: what comes after is neither kept for a viewer that
 * attaches in its midst nor given to
 * the model. Titles and palettes are short; what is long is an image, which the model ignores anyway.
 */
const longestString = 1 << 20;

/**
 * So many sequences at the end of a chunk are looked at one after the other before all of it is walked
 * through.
 */
const lastSequences = 4;

const nothing = new Uint8Array(0);

/** Where in the grammar a stream stands. */
interface Position {
  state: number;
  /** Continuation bytes that the current UTF-8 character still needs. */
  missing: number;
  /** The lead byte was C2: the next byte alone says whether this is a C1 control. */
  c1: boolean;
}

const start: Position = { state: State.ground, missing: 0, c1: false };

/** Follows a stream byte by byte, as xterm.js' decoder and parser would. */
export class Scanner {
  #state: number = State.ground;
  #missing = 0;
  #c1 = false;
  #held: Uint8Array[] = [];
  #heldLength = 0;
  #pending = 0;

  /** Whether nothing is held back. */
  get ground(): boolean {
    return this.#state === State.ground && this.#missing === 0;
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
   * Takes the next bytes and answers those, with earlier held ones, that end between sequences. The answer
   * may be a part of `bytes` in place.
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
    if (end < bytes.length) this.#hold(bytes.subarray(end));
    return done;
  }

  #hold(bytes: Uint8Array): void {
    this.#pending += bytes.length;
    const room = longestString - this.#heldLength;
    if (room <= 0 || bytes.length === 0) return;
    // a copy: the buffer belongs to whoever fed it
    const kept = Uint8Array.from(bytes.length > room ? bytes.subarray(0, room) : bytes);
    this.#held.push(kept);
    this.#heldLength += kept.length;
  }

  /** Length of the part that ends in ground, 0 where nothing does. */
  #scan(bytes: Uint8Array): number {
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let sequence = view.lastIndexOf(0x1b);
    if (sequence < 0 && this.ground && !hasC1(view)) return this.#plainEnd(bytes);
    const before = { state: this.#state, missing: this.#missing, c1: this.#c1 };
    // ESC ends whatever was before it: what follows the last one decides, or, where that sequence is not
    // whole, what follows the one before it
    for (let tries = 0; sequence >= 0 && tries < lastSequences; tries++) {
      const end = this.#walk(bytes, sequence, start, 0);
      if (end > sequence) return end;
      sequence = sequence === 0 ? -1 : view.lastIndexOf(0x1b, sequence - 1);
    }
    return this.#walk(bytes, 0, before, 0);
  }

  /** The end of the last whole character of a text without sequences. */
  #plainEnd(bytes: Uint8Array): number {
    // the longest unfinished character has three bytes; start at a byte that is no continuation
    let from = Math.max(0, bytes.length - 3);
    while (from > 0 && ((bytes[from] as number) & 0xc0) === 0x80) from--;
    return this.#walk(bytes, from, start, from);
  }

  /**
   * Walks the bytes from a position and a state, keeps the state at the end, answers the last position in
   * ground, or `otherwise`.
   */
  #walk(bytes: Uint8Array, from: number, where: Position, otherwise: number): number {
    let { state, missing, c1 } = where;
    let ground = otherwise;
    for (let i = from; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (missing > 0) {
        if ((byte & 0xc0) === 0x80) {
          missing--;
          if (missing === 0) {
            state = transitions[state * classes + (c1 && byte < 0xa0 ? byte : other)] as number;
            if (state === State.ground) ground = i + 1;
          }
          c1 = false;
          continue;
        }
        // a broken character is dropped
        missing = 0;
        c1 = false;
      }
      if (byte < 0x80) {
        state = transitions[state * classes + byte] as number;
        if (state === State.ground) ground = i + 1;
      } else if (byte >= 0xc0 && byte <= 0xdf) {
        missing = 1;
        c1 = byte === 0xc2;
      } else if (byte >= 0xe0 && byte <= 0xef) missing = 2;
      else if (byte >= 0xf0 && byte <= 0xf7) missing = 3;
      else if (state === State.ground) ground = i + 1;
    }
    this.#state = state;
    this.#missing = missing;
    this.#c1 = c1;
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
