// Splits a byte stream into text, control characters and escape sequences, as a VT500 does; can stop and go
// on at any byte.

/** The numbers of a control sequence; valid only during the call that hands them over. At least one. */
export interface Params {
  /** How many there are. */
  readonly count: number;
  /** Each number, -1 where it was left out. */
  readonly values: Readonly<Int32Array>;
  /** 1 where a number was separated from the one before it by a colon. */
  readonly joined: Readonly<Uint8Array>;
}

/**
 * Bytes that can be taken as text; the whole is decoded once, which is far cheaper than each word on its own.
 */
export class Chunk {
  readonly bytes: Buffer;
  #latin1: string | null = null;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  ascii(from: number, to: number): string {
    this.#latin1 ??= this.bytes.toString("latin1");
    return this.#latin1.slice(from, to);
  }

  utf8(from: number, to: number): string {
    return this.bytes.toString("utf8", from, to);
  }
}

/** What the parser finds, in order. Offsets are of the stream. */
export interface SequenceHandler {
  /** Printable bytes `from`..`to` of the chunk (UTF-8, whole characters); `ascii` when all are below 0x80. */
  text(chunk: Chunk, from: number, to: number, ascii: boolean, offset: number): void;
  /** A C0 control other than ESC, CAN and SUB, or a C1 control that is a command (IND, NEL, HTS, RI). */
  control(code: number, offset: number): void;
  /** `prefix`: one of `<=>?` or 0; `intermediate`: the last of 0x20 to 0x2f or 0. */
  csi(final: number, prefix: number, intermediate: number, params: Params): void;
  esc(final: number, intermediate: number): void;
}

const Ground = 0;
const Escape = 1;
const EscapeIntermediate = 2;
const Csi = 3;
const CsiIgnored = 4;
const Osc = 5;
const Text = 6; // DCS, SOS, PM, APC

/** More parameters than any sequence has; the rest is dropped, as terminals do. */
const paramsLimit = 32;
const largestParam = 99_999;

/** Where the parser stands between two chunks; plain data. */
export interface ParserState {
  state: number;
  prefix: number;
  intermediate: number;
  params: number[];
  joined: number[];
  /** Bytes of a character (or of a C1 control) whose end has not come, base64. */
  held: string;
}

export class SequenceParser {
  readonly #handler: SequenceHandler;
  #state = Ground;
  #prefix = 0;
  #intermediate = 0;
  readonly #params = { count: 1, values: new Int32Array(paramsLimit).fill(-1), joined: new Uint8Array(paramsLimit) };
  #held: Buffer = Buffer.alloc(0);

  constructor(handler: SequenceHandler, from?: ParserState) {
    this.#handler = handler;
    if (!from) return;
    this.#state = from.state;
    this.#prefix = from.prefix;
    this.#intermediate = from.intermediate;
    this.#params.count = from.params.length;
    this.#params.values.set(from.params);
    this.#params.joined.set(from.joined);
    this.#held = Buffer.from(from.held, "base64");
  }

  state(): ParserState {
    const { count, values, joined } = this.#params;
    return {
      state: this.#state,
      prefix: this.#prefix,
      intermediate: this.#intermediate,
      params: [...values.subarray(0, count)],
      joined: [...joined.subarray(0, count)],
      held: this.#held.toString("base64"),
    };
  }

  /** After bytes that are missing: whatever was begun will never end. */
  reset(): void {
    this.#state = Ground;
    this.#held = Buffer.alloc(0);
  }

  /** Takes the next bytes of the stream, the first of them byte `offset`. */
  feed(fed: Buffer, offset: number): void {
    let bytes = fed;
    let base = offset;
    if (this.#held.length) {
      bytes = Buffer.concat([this.#held, fed]);
      base -= this.#held.length;
      this.#held = Buffer.alloc(0);
    }
    const chunk = new Chunk(bytes);
    const end = bytes.length;
    let i = 0;
    while (i < end) {
      const state = this.#state;
      if (state === Ground) {
        const b = bytes[i] as number;
        if (b >= 0x20 && b !== 0x7f) i = this.#text(chunk, i, base);
        else if (b === 0x1b) {
          i++;
          if (bytes[i] === 0x5b) {
            this.#beginCsi();
            i++;
          } else {
            this.#intermediate = 0;
            this.#state = Escape;
          }
        } else {
          i++;
          if (b !== 0x18 && b !== 0x1a && b !== 0x7f) this.#handler.control(b, base + i - 1);
        }
      } else if (state === Csi) i = this.#csi(bytes, i, base);
      else if (state === Osc || state === Text) i = this.#string(bytes, i);
      else i = this.#sequence(bytes, i, base);
    }
  }

  /** A run of printable bytes from `from`; answers where it ends. */
  #text(chunk: Chunk, from: number, base: number): number {
    const { bytes } = chunk;
    const end = bytes.length;
    let i = from;
    let b = 0;
    while (i < end) {
      b = bytes[i] as number;
      if (b < 0x20 || b >= 0x7f) break;
      i++;
    }
    if (i === end || b <= 0x7f) {
      this.#handler.text(chunk, from, i, true, base + from);
      return i;
    }
    while (i < end) {
      b = bytes[i] as number;
      if (b < 0x20 || b === 0x7f) break;
      // C1 controls are two bytes in UTF-8
      if (b === 0xc2 && i + 1 < end && (bytes[i + 1] as number) >= 0x80 && (bytes[i + 1] as number) < 0xa0) {
        if (i > from) this.#handler.text(chunk, from, i, false, base + from);
        this.#c1(bytes[i + 1] as number, base + i);
        return i + 2;
      }
      i++;
    }
    let to = i;
    if (i === end) {
      to -= unfinished(bytes, from, end);
      this.#held = Buffer.from(bytes.subarray(to));
    }
    if (to > from) this.#handler.text(chunk, from, to, false, base + from);
    return i;
  }

  #c1(code: number, offset: number): void {
    if (code === 0x9b) this.#beginCsi();
    else if (code === 0x9d) this.#state = Osc;
    else if (code === 0x90 || code === 0x98 || code === 0x9e || code === 0x9f) this.#state = Text;
    else this.#handler.control(code, offset);
  }

  /** The body of an OSC or another string: skipped up to what ends it. */
  #string(bytes: Buffer, from: number): number {
    for (let i = from; i < bytes.length; i++) {
      const b = bytes[i] as number;
      if (b === 0x1b) {
        this.#state = Escape;
        return i + 1;
      }
      const c1End = b === 0x9c && i > 0 && bytes[i - 1] === 0xc2;
      if (b === 0x18 || b === 0x1a || c1End || (b === 0x07 && this.#state === Osc)) {
        this.#state = Ground;
        return i + 1;
      }
    }
    return bytes.length;
  }

  #beginCsi(): void {
    this.#state = Csi;
    this.#prefix = 0;
    this.#intermediate = 0;
    this.#params.count = 1;
    this.#params.values[0] = -1;
  }

  /** A control sequence up to its final byte, to the end of the chunk, or to a byte that belongs to none. */
  #csi(bytes: Buffer, from: number, base: number): number {
    const params = this.#params;
    const { values, joined } = params;
    let { count } = params;
    for (let i = from; i < bytes.length; i++) {
      const b = bytes[i] as number;
      if (b >= 0x30 && b <= 0x39 && !this.#intermediate) {
        const value = values[count - 1] as number;
        values[count - 1] = value < 0 ? b - 0x30 : Math.min(largestParam, value * 10 + b - 0x30);
      } else if ((b === 0x3b || b === 0x3a) && !this.#intermediate) {
        if (count < paramsLimit) {
          values[count] = -1;
          joined[count] = b - 0x3a ? 0 : 1;
          count++;
        }
      } else if (b >= 0x40 && b <= 0x7e) {
        params.count = count;
        this.#state = Ground;
        this.#handler.csi(b, this.#prefix, this.#intermediate, params);
        return i + 1;
      } else if (b >= 0x3c && b <= 0x3f && !this.#intermediate && count === 1 && values[0] === -1 && !this.#prefix)
        this.#prefix = b;
      else if (b >= 0x20 && b <= 0x2f) this.#intermediate = b;
      else {
        params.count = count;
        if (b >= 0x30 && b <= 0x3f) this.#state = CsiIgnored;
        else if (b > 0x7f) this.#state = Ground;
        else return this.#sequence(bytes, i, base);
        return i + 1;
      }
    }
    params.count = count;
    return bytes.length;
  }

  /** One byte of an escape or control sequence. */
  #sequence(bytes: Buffer, i: number, base: number): number {
    const b = bytes[i] as number;
    if (b === 0x1b) {
      this.#state = Escape;
      this.#intermediate = 0;
    } else if (b === 0x18 || b === 0x1a) this.#state = Ground;
    else if (b < 0x20) this.#handler.control(b, base + i);
    else if (b === 0x7f) {
      // ignored
    } else if (this.#state === CsiIgnored) {
      if (b >= 0x40) this.#state = Ground;
    } else this.#escape(b);
    return i + 1;
  }

  #escape(b: number): void {
    if (b > 0x7f) {
      this.#state = Ground;
      return;
    }
    if (b <= 0x2f) {
      this.#intermediate = b;
      this.#state = EscapeIntermediate;
      return;
    }
    const first = this.#state === Escape;
    this.#state = Ground;
    if (first && b === 0x5b) this.#beginCsi();
    else if (first && b === 0x5d) this.#state = Osc;
    else if (first && (b === 0x50 || b === 0x58 || b === 0x5e || b === 0x5f)) this.#state = Text;
    else this.#handler.esc(b, first ? 0 : this.#intermediate);
  }
}

/** How many bytes at the end of the chunk are the beginning of a character that goes on in the next. */
function unfinished(chunk: Buffer, from: number, end: number): number {
  for (let back = 1; back <= 3 && end - back >= from; back++) {
    const b = chunk[end - back] as number;
    if (b < 0x80) return 0;
    if (b < 0xc0) continue;
    const length = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
    return length > back ? back : 0;
  }
  return 0;
}
