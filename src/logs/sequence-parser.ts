// Splits a byte stream into text, control characters and escape sequences, as a VT500 does; can stop and go on at any byte.

/** What the parser finds, in order. Offsets are of the stream. */
export interface SequenceHandler {
  /** Printable bytes `from`..`to` of the chunk (UTF-8, whole characters); `ascii` when all are below 0x80. */
  text(chunk: Buffer, from: number, to: number, ascii: boolean, offset: number): void;
  /** A C0 control other than ESC, CAN and SUB, or a C1 control that is a command (IND, NEL, HTS, RI). */
  control(code: number, offset: number): void;
  /** `prefix`: one of `<=>?` or 0; `intermediate`: the last of 0x20 to 0x2f or 0. */
  csi(final: number, prefix: number, intermediate: number, params: readonly number[], joined: readonly boolean[]): void;
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
  joined: boolean[];
  /** Bytes of a character (or of a C1 control) whose end has not come, base64. */
  held: string;
}

export class SequenceParser {
  readonly #handler: SequenceHandler;
  #state = Ground;
  #prefix = 0;
  #intermediate = 0;
  #params: number[] = [-1];
  #joined: boolean[] = [false];
  #held: Buffer = Buffer.alloc(0);

  constructor(handler: SequenceHandler, from?: ParserState) {
    this.#handler = handler;
    if (!from) return;
    this.#state = from.state;
    this.#prefix = from.prefix;
    this.#intermediate = from.intermediate;
    this.#params = [...from.params];
    this.#joined = [...from.joined];
    this.#held = Buffer.from(from.held, "base64");
  }

  state(): ParserState {
    return {
      state: this.#state,
      prefix: this.#prefix,
      intermediate: this.#intermediate,
      params: [...this.#params],
      joined: [...this.#joined],
      held: this.#held.toString("base64"),
    };
  }

  /** After bytes that are missing: whatever was begun will never end. */
  reset(): void {
    this.#state = Ground;
    this.#held = Buffer.alloc(0);
  }

  /** Takes the next bytes of the stream, the first of them byte `offset`. */
  feed(bytes: Buffer, offset: number): void {
    let chunk = bytes;
    let base = offset;
    if (this.#held.length) {
      chunk = Buffer.concat([this.#held, bytes]);
      base -= this.#held.length;
      this.#held = Buffer.alloc(0);
    }
    const end = chunk.length;
    let i = 0;
    while (i < end) {
      const b = chunk[i] as number;
      if (this.#state === Ground) {
        if (b >= 0x20 && b !== 0x7f) i = this.#text(chunk, i, base);
        else {
          i++;
          if (b === 0x1b) this.#state = Escape;
          else if (b < 0x20 && b !== 0x18 && b !== 0x1a) this.#handler.control(b, base + i - 1);
        }
      } else if (this.#state === Osc || this.#state === Text) i = this.#string(chunk, i);
      else i = this.#sequence(chunk, i, base);
    }
  }

  /** A run of printable bytes from `from`; answers where it ends. */
  #text(chunk: Buffer, from: number, base: number): number {
    const end = chunk.length;
    let i = from;
    while (i < end) {
      const b = chunk[i] as number;
      if (b < 0x20 || b >= 0x7f) break;
      i++;
    }
    if (i === end || (chunk[i] as number) <= 0x7f) {
      this.#handler.text(chunk, from, i, true, base + from);
      return i;
    }
    while (i < end) {
      const b = chunk[i] as number;
      if (b < 0x20 || b === 0x7f) break;
      // C1 controls are two bytes in UTF-8
      if (b === 0xc2 && i + 1 < end && (chunk[i + 1] as number) >= 0x80 && (chunk[i + 1] as number) < 0xa0) {
        if (i > from) this.#handler.text(chunk, from, i, false, base + from);
        this.#c1(chunk[i + 1] as number, base + i);
        return i + 2;
      }
      i++;
    }
    let to = i;
    if (i === end) {
      to -= unfinished(chunk, from, end);
      this.#held = Buffer.from(chunk.subarray(to));
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
  #string(chunk: Buffer, from: number): number {
    for (let i = from; i < chunk.length; i++) {
      const b = chunk[i] as number;
      if (b === 0x1b) {
        this.#state = Escape;
        return i + 1;
      }
      const c1End = b === 0x9c && i > 0 && chunk[i - 1] === 0xc2;
      if (b === 0x18 || b === 0x1a || c1End || (b === 0x07 && this.#state === Osc)) {
        this.#state = Ground;
        return i + 1;
      }
    }
    return chunk.length;
  }

  #beginCsi(): void {
    this.#state = Csi;
    this.#prefix = 0;
    this.#intermediate = 0;
    this.#params = [-1];
    this.#joined = [false];
  }

  /** One byte of an escape or control sequence. */
  #sequence(chunk: Buffer, i: number, base: number): number {
    const b = chunk[i] as number;
    if (b === 0x1b) {
      this.#state = Escape;
      this.#intermediate = 0;
    } else if (b === 0x18 || b === 0x1a) this.#state = Ground;
    else if (b < 0x20) this.#handler.control(b, base + i);
    else if (b === 0x7f) {
      // ignored
    } else if (this.#state === Escape || this.#state === EscapeIntermediate) this.#escape(b);
    else this.#csiByte(b);
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

  #csiByte(b: number): void {
    if (b >= 0x40) {
      const ignored = this.#state === CsiIgnored || b > 0x7e;
      this.#state = Ground;
      if (!ignored) this.#handler.csi(b, this.#prefix, this.#intermediate, this.#params, this.#joined);
      return;
    }
    if (this.#state === CsiIgnored) return;
    if (b <= 0x2f) this.#intermediate = b;
    else if (this.#intermediate) this.#state = CsiIgnored;
    else if (b <= 0x39) {
      const last = this.#params.length - 1;
      const value = Math.max(0, this.#params[last] as number) * 10 + b - 0x30;
      this.#params[last] = Math.min(value, largestParam);
    } else if (b === 0x3a || b === 0x3b) {
      if (this.#params.length < paramsLimit) {
        this.#params.push(-1);
        this.#joined.push(b === 0x3a);
      }
    } else if (this.#params.length === 1 && this.#params[0] === -1 && !this.#prefix) this.#prefix = b;
    else this.#state = CsiIgnored;
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
