// Splits a byte stream into text, control characters and control sequences; can stop and go on at any byte.
import { noCode, Position, State } from "./control-sequences.ts";

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

/** What the tokenizer finds, in order; strings (OSC, DCS …) are passed over. Offsets are of the stream. */
export interface TokenHandler {
  /** Printable bytes `from`..`to` of the chunk (UTF-8, whole characters); `ascii` when all are below 0x80. */
  text(chunk: Chunk, from: number, to: number, ascii: boolean, offset: number): void;
  /** A C0 control other than ESC, CAN and SUB, or a C1 control that is a command (IND, NEL, HTS, RI). */
  control(code: number, offset: number): void;
  /** `prefix`: one of `<=>?` or 0; `intermediate`: the last of 0x20 to 0x2f or 0. */
  csi(final: number, prefix: number, intermediate: number, params: Params): void;
  esc(final: number, intermediate: number): void;
}

/** More parameters than any sequence has; the rest is dropped, as terminals do. */
const paramsLimit = 32;
const largestParam = 99_999;

/** Where the tokenizer stands between two chunks; plain data, which is stored. */
export interface TokenizerState {
  state: number;
  prefix: number;
  intermediate: number;
  params: number[];
  joined: number[];
  /** Bytes of a character whose end has not come, base64. */
  held: string;
}

export class Tokenizer {
  readonly #handler: TokenHandler;
  readonly #position = new Position();
  #prefix = 0;
  #intermediate = 0;
  readonly #params = { count: 1, values: new Int32Array(paramsLimit).fill(-1), joined: new Uint8Array(paramsLimit) };
  #held: Buffer = Buffer.alloc(0);

  constructor(handler: TokenHandler, from?: TokenizerState) {
    this.#handler = handler;
    if (!from) return;
    this.#position.state = from.state;
    this.#prefix = from.prefix;
    this.#intermediate = from.intermediate;
    this.#params.count = from.params.length;
    this.#params.values.set(from.params);
    this.#params.joined.set(from.joined);
    this.#held = Buffer.from(from.held, "base64");
  }

  state(): TokenizerState {
    const { count, values, joined } = this.#params;
    return {
      state: this.#position.state,
      prefix: this.#prefix,
      intermediate: this.#intermediate,
      params: [...values.subarray(0, count)],
      joined: [...joined.subarray(0, count)],
      held: this.#held.toString("base64"),
    };
  }

  /** After bytes that are missing: whatever was begun will never end. */
  reset(): void {
    this.#position.reset();
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
    for (let i = 0; i < bytes.length; ) {
      const b = bytes[i] as number;
      if (this.#position.state === State.ground && b >= 0x20 && b !== 0x7f) i = this.#text(chunk, i, base);
      else i = this.#sequences(bytes, i, base);
    }
  }

  /** A run of printable bytes from `from`; returns where it ends. */
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
        return this.#sequences(bytes, i, base);
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

  /** Controls and sequences from `from`, up to where text may stand again; returns that place. */
  #sequences(bytes: Buffer, from: number, base: number): number {
    const position = this.#position;
    for (let i = from, begin = from; i < bytes.length; i++) {
      if (position.state === State.csiEntry || position.state === State.csiParameter) {
        const end = this.#numbers(bytes, i);
        if (end > i) position.state = State.csiParameter;
        if (end === bytes.length) break;
        i = end;
      }
      const byte = bytes[i] as number;
      if ((byte & 0xc0) !== 0x80) begin = i;
      const before = position.state;
      const code = position.take(byte);
      if (code !== noCode) {
        this.#code(before, code, base + begin);
        if (position.state === State.ground) return i + 1;
      } else if (position.missing > 0 && i === bytes.length - 1) {
        this.#held = Buffer.from(bytes.subarray(begin));
        position.missing = 0;
      }
    }
    return bytes.length;
  }

  /** The digits and semicolons of a control sequence from `from`; returns where they end. */
  #numbers(bytes: Buffer, from: number): number {
    const { values, joined } = this.#params;
    let { count } = this.#params;
    let value = values[count - 1] as number;
    let i = from;
    for (; i < bytes.length; i++) {
      const byte = bytes[i] as number;
      if (byte >= 0x30 && byte <= 0x39) value = value < 0 ? byte - 0x30 : Math.min(largestParam, value * 10 + byte - 0x30);
      else if ((byte === 0x3a || byte === 0x3b) && count < paramsLimit) {
        values[count - 1] = value;
        value = -1;
        joined[count] = byte === 0x3a ? 1 : 0;
        count++;
      } else if (byte !== 0x3a && byte !== 0x3b) break;
    }
    values[count - 1] = value;
    this.#params.count = count;
    return i;
  }

  /** What a code does that was met in the state `before`. */
  #code(before: number, code: number, offset: number): void {
    const { state } = this.#position;
    if (code >= 0x80) {
      // a C1 control, or a character, which has no place in a sequence and ends it
      if (code < 0xa0 && state === State.ground && code !== 0x9c) this.#handler.control(code, offset);
      else if (state === State.csiEntry) this.#beginCsi();
    } else if (code < 0x20) {
      if (code === 0x1b) this.#intermediate = 0;
      else if (code !== 0x18 && code !== 0x1a && executes(before)) this.#handler.control(code, offset);
    } else if (before === State.escape || before === State.escapeIntermediate) {
      if (state === State.csiEntry) this.#beginCsi();
      else if (state === State.escapeIntermediate) this.#intermediate = code === 0x7f ? this.#intermediate : code;
      else if (state === State.ground) this.#handler.esc(code, this.#intermediate);
    } else if (before === State.csiEntry || before === State.csiParameter || before === State.csiIntermediate) {
      if (state === State.ground) this.#handler.csi(code, this.#prefix, this.#intermediate, this.#params);
      else if (code <= 0x2f) this.#intermediate = code;
      else if (code <= 0x3f) this.#prefix = code;
    }
  }

  #beginCsi(): void {
    this.#prefix = 0;
    this.#intermediate = 0;
    this.#params.count = 1;
    this.#params.values[0] = -1;
  }
}

/** Whether control characters in this state do what they do in text: everywhere but in strings. */
function executes(state: number): boolean {
  return state <= State.csiIgnore || state === State.csiParameter || state === State.csiIntermediate;
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

/** A text without sequences and strings, and of control characters with tab, CR and LF alone. */
export function withoutSequences(text: string): string {
  let out = "";
  const tokenizer = new Tokenizer({
    text(chunk, from, to, ascii) {
      out += ascii ? chunk.ascii(from, to) : chunk.utf8(from, to);
    },
    control(code) {
      if (code === 0x09 || code === 0x0a || code === 0x0d) out += String.fromCharCode(code);
    },
    csi() {},
    esc() {},
  });
  tokenizer.feed(Buffer.from(text), 0);
  return out;
}
