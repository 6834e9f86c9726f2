// The grammar of what programs write to terminals, once: where a control sequence, a string or a character
// begins and ends, as DEC's VT500 reads it (vt100.net/emu/dec_ansi_parser) in UTF-8.
// What each sequence may do is in native/filter/sequence_rules.c, whose filters read the same grammar in C.

/**
 * Where in the grammar a stream stands. The numbers are stored with the lines of a log: new ones come at the
 * end.
 */
export const State = {
  ground: 0,
  escape: 1,
  escapeIntermediate: 2,
  csiEntry: 3,
  csiIgnore: 4,
  osc: 5,
  /** SOS, PM and APC. */
  string: 6,
  csiParameter: 7,
  csiIntermediate: 8,
  dcsEntry: 9,
  dcsParameter: 10,
  dcsIntermediate: 11,
  dcsIgnore: 12,
  dcsPassthrough: 13,
} as const;

const stateCount = 14;

/** Stands for each character above U+009F. */
const character = 0xa0;

/** The state after a code (a byte below 0x80, a C1 control, or `character`), by state and code. */
const transitions = new Uint8Array(stateCount * 256);
for (let state = 0; state < stateCount; state++)
  for (let code = 0; code <= character; code++) transitions[state * 256 + code] = next(state, code);

function next(state: number, code: number): number {
  // from anywhere
  if (code === 0x1b) return State.escape;
  if (code === 0x18 || code === 0x1a) return State.ground;
  if (code >= 0x80 && code < character) return introduced(code - 0x40) ?? State.ground;
  const control = code < 0x20 || code === 0x7f;
  const intermediate = code >= 0x20 && code <= 0x2f;
  const parameter = code >= 0x30 && code <= 0x3b;
  const prefix = code >= 0x3c && code <= 0x3f;
  switch (state) {
    case State.escape:
      if (control) return state;
      return intermediate ? State.escapeIntermediate : (introduced(code) ?? State.ground);
    case State.escapeIntermediate:
      return control || intermediate ? state : State.ground;
    case State.csiEntry:
    case State.csiParameter:
      if (control) return state;
      if (intermediate) return State.csiIntermediate;
      if (prefix && state === State.csiParameter) return State.csiIgnore;
      return parameter || prefix ? State.csiParameter : State.ground;
    case State.csiIntermediate:
      if (control || intermediate) return state;
      return parameter || prefix ? State.csiIgnore : State.ground;
    case State.csiIgnore:
      return code >= 0x40 && code <= 0x7e ? State.ground : state;
    case State.osc:
      return code === 0x07 ? State.ground : state;
    case State.dcsEntry:
    case State.dcsParameter:
      if (control) return state;
      if (intermediate) return State.dcsIntermediate;
      if (prefix && state === State.dcsParameter) return State.dcsIgnore;
      if (parameter || prefix) return State.dcsParameter;
      return code === character ? State.ground : State.dcsPassthrough;
    case State.dcsIntermediate:
      if (control || intermediate) return state;
      if (parameter || prefix) return State.dcsIgnore;
      return code === character ? State.ground : State.dcsPassthrough;
    case State.string:
    case State.dcsIgnore:
    case State.dcsPassthrough:
      return state;
    default:
      return State.ground;
  }
}

/**
 * What ESC and this byte, or the C1 control that is the same, begin; undefined where it is a whole sequence.
 */
function introduced(code: number): number | undefined {
  if (code === 0x5b) return State.csiEntry;
  if (code === 0x5d) return State.osc;
  if (code === 0x50) return State.dcsEntry;
  return code === 0x58 || code === 0x5e || code === 0x5f ? State.string : undefined;
}

/** What {@link Position.take} returns within a character, and for a byte that belongs to none. */
export const noCode = -1;

/** A place in a stream, which goes on byte by byte. */
export class Position {
  state: number = State.ground;
  /** Continuation bytes that the character at hand still needs. */
  missing = 0;
  /** Its first byte was C2: the next byte alone says whether it is a C1 control. */
  #c1 = false;

  /** Whether neither a sequence nor a character is unfinished. */
  get ground(): boolean {
    return this.state === State.ground && this.missing === 0;
  }

  set(other: Position): void {
    this.state = other.state;
    this.missing = other.missing;
    this.#c1 = other.#c1;
  }

  reset(): void {
    this.state = State.ground;
    this.missing = 0;
  }

  /**
   * Goes on by a byte.
   * @returns the code that it ended: itself, a C1 control, 0xa0 for any other character; else `noCode`.
   */
  take(byte: number): number {
    let code = byte;
    if (this.missing > 0 && (byte & 0xc0) === 0x80) {
      if (--this.missing > 0) return noCode;
      if (!this.#c1 || byte >= character) code = character;
    } else {
      // a character that was broken off is dropped
      this.missing = 0;
      if (byte >= 0x80) {
        if (byte >= 0xc0 && byte <= 0xdf) this.missing = 1;
        else if (byte >= 0xe0 && byte <= 0xef) this.missing = 2;
        else if (byte >= 0xf0 && byte <= 0xf7) this.missing = 3;
        this.#c1 = byte === 0xc2;
        return noCode;
      }
    }
    this.state = transitions[this.state * 256 + code] as number;
    return code;
  }
}

/** SGR: colours and attributes, as the pattern of one such sequence. */
export const attributes = String.raw`\x1b\[[\d;:]*m`;

const anyAttributes = new RegExp(attributes, "g");

/** A text without its colours and attributes. */
export function withoutAttributes(text: string): string {
  return text.includes("\x1b") ? text.replace(anyAttributes, "") : text;
}
