// The JavaScript filter that takes questions out, kept as the oracle of native/filter/question_filter.c: both
// must say the same.
import { isUtf8 } from "node:buffer";
import { characterLength } from "../../../src/base/text/bytes.ts";
import { Writer } from "../../../src/terminal/replay/writer.ts";
import { endOfParameters, endOfText } from "./text-run.ts";

/**
 * A control sequence (or the head of a DCS) that is longer is dropped: nobody needs it, and it may be a query
 * behind leading zeros.
 */
const longestCsi = 512;

/**
 * Digits of an OSC's number; one that is longer is dropped, since a terminal may count it down to another.
 */
const longestNumber = 8;

/** An OSC that may be a query is held back until it is whole; a longer one is dropped. */
const longestOsc = 16384;

/**
 * Stands in for a query that was taken out: changes nothing, but ends what a printed character would join, as
 * the query would have.
 */
const inert = "\x1b\\";

/** Ends a string. */
const stringEnd: readonly number[] = [0x1b, 0x5c];

const State = { ground: 0, escape: 1, csi: 2, osc: 3, string: 4, stringDropped: 5, dcs: 6, apc: 7, csiDropped: 8 } as const;

/** OSC numbers of which some are queries; all others go through at once. */
const oscWithQueries = new Set([
  "3",
  "4",
  "5",
  "10",
  "11",
  "12",
  "13",
  "14",
  "15",
  "16",
  "17",
  "18",
  "19",
  "21",
  "22",
  "50",
  "52",
  "60",
  "61",
  "99",
  "1337",
  "5522",
]);

/** One viewer's filter. Start it by feeding the snapshot's tail. */
export class QueryFilter {
  #state: number = State.ground;
  /** Bytes of the sequence at hand that are held back. */
  #held: number[] = [];
  /** Bytes of a character that stands within an escape or a control sequence. */
  #character: number[] = [];
  /** The last byte was C2 and may begin a C1 control. */
  #c2 = false;
  /** The string before ESC has its end already: a backslash that follows is none any more. */
  #closed = false;
  #out = new Writer();

  /** Whether no sequence is under way: plain output may pass by. */
  get atRest(): boolean {
    return this.#state === State.ground && !this.#c2;
  }

  /** Answers what may go to the viewer; an unfinished sequence that may be a query waits for its end. */
  feed(chunk: Buffer): Buffer {
    if (this.#state === State.ground && !this.#c2 && isHarmless(chunk)) return chunk;
    this.#out = new Writer();
    for (let i = 0; i < chunk.length; ) {
      if (this.#state === State.ground && !this.#c2) {
        const next = nextSpecial(chunk, i);
        if (next > i) {
          this.#out.bytes(chunk.subarray(i, next));
          i = next;
          continue;
        }
      }
      this.#byte(chunk[i] as number);
      i++;
    }
    return this.#out.take();
  }

  #byte(byte: number): void {
    if (this.#c2) {
      this.#c2 = false;
      if (byte >= 0x80 && byte <= 0x9f) return this.#control(byte);
      // a C2 that begins no character is dropped, as the session's screen does: what is taken out behind it
      // must not join it to a C1 control
      if (byte >= 0xa0 && byte <= 0xbf) this.#in(0xc2);
    }
    if (byte === 0xc2) {
      this.#c2 = true;
      return;
    }
    this.#in(byte);
  }

  /** A C1 control, written as C2 and itself. */
  #control(code: number): void {
    const string = this.#end(code === 0x9c ? [0xc2, code] : stringEnd);
    this.#closed = false;
    if (code === 0x9c && string) return;
    const begin: Record<number, number> = {
      155: State.csi,
      157: State.osc,
      144: State.dcs,
      159: State.apc,
      152: State.string,
      158: State.string,
    };
    const next = begin[code];
    // DECID
    if (code === 0x9a) return this.#out.ascii(inert);
    if (next === undefined) return this.#out.bytes(Uint8Array.of(0xc2, code));
    this.#enter(next);
    if (next === State.string) this.#out.bytes(Uint8Array.of(0xc2, code));
    else this.#held = [0xc2, code];
  }

  #in(byte: number): void {
    if (byte === 0x1b) return this.#escape();
    if (byte === 0x18 || byte === 0x1a) {
      // CAN and SUB break off whatever is under way; what was held back goes with it
      this.#forget();
      this.#out.byte(byte);
      return;
    }
    switch (this.#state) {
      case State.ground:
        // ENQ makes some terminals send their answerback
        if (byte !== 0x05) this.#out.byte(byte);
        return;
      case State.escape:
        return this.#afterEscape(byte);
      case State.csi:
      case State.csiDropped:
        return this.#inCsi(byte);
      case State.osc:
        return this.#inOsc(byte);
      case State.dcs:
        return this.#inDcs(byte);
      case State.apc:
        return this.#inApc(byte);
      case State.string:
        this.#out.byte(byte);
        if (byte === 0x07 && this.#bellEnds) this.#state = State.ground;
        return;
      default:
        if (byte === 0x07 && this.#bellEnds) this.#replace(inert);
    }
  }

  /** Whether the string at hand is an OSC, which BEL ends. */
  #bellEnds = false;
  /** The OSC's number is whole. */
  #numbered = false;

  #escape(): void {
    this.#closed = this.#end(stringEnd);
    this.#state = State.escape;
    this.#held = [0x1b];
  }

  #afterEscape(byte: number): void {
    if (byte < 0x20) {
      if (byte !== 0x05) this.#out.byte(byte);
      return;
    }
    // DEL is nothing within a sequence
    if (byte === 0x7f) return;
    if (byte >= 0x80) return this.#foreign(byte);
    this.#character = [];
    this.#held.push(byte);
    if (this.#held.length === 2) {
      // ST of a string that has its end already
      if (this.#closed && byte === 0x5c) return this.#forget();
      if (byte === 0x5b) return this.#enter(State.csi);
      if (byte === 0x5d) return this.#enter(State.osc);
      if (byte === 0x50) return this.#enter(State.dcs);
      if (byte === 0x5f) return this.#enter(State.apc);
      if (byte === 0x58 || byte === 0x5e) {
        this.#release();
        return this.#enter(State.string);
      }
      // DECID asks what DA1 asks
      if (byte === 0x5a) return this.#replace(inert);
    }
    if (byte <= 0x2f && this.#held.length < 16) return;
    this.#release();
  }

  #enter(state: number): void {
    this.#state = state;
    this.#bellEnds = state === State.osc;
    this.#numbered = false;
  }

  /**
   * A byte that is no ASCII, within an escape or a control sequence. The session's screen drops one that is
   * part of no character and goes on with the sequence; a whole character breaks the sequence off there, and
   * is not shown. Other terminals do neither: the viewer's gets what is left.
   */
  #foreign(byte: number): void {
    if ((byte & 0xc0) !== 0x80) this.#character = [];
    else if (this.#character.length === 0) return;
    this.#character.push(byte);
    const length = characterLength(this.#character[0] as number);
    if (this.#character.length < length) return;
    const whole = length > 0 && isCharacter(Buffer.from(this.#character));
    this.#character = [];
    if (whole && !this.#ignored()) this.#forget();
  }

  /** Whether the control sequence at hand has gone wrong already: its final byte alone ends it then. */
  #ignored(): boolean {
    if (this.#state === State.csiDropped) return true;
    return this.#state === State.csi && !/^[<-?]?[0-9:;]*[ -/]*$/.test(String.fromCharCode(...this.#held.slice(2)));
  }

  #inCsi(byte: number): void {
    // controls act at once, wherever they stand
    if (byte < 0x20) {
      if (byte !== 0x05) this.#out.byte(byte);
      return;
    }
    if (byte === 0x7f) return;
    if (byte >= 0x80) return this.#foreign(byte);
    this.#character = [];
    if (this.#state === State.csiDropped) {
      if (byte >= 0x40) this.#replace(inert);
      return;
    }
    this.#held.push(byte);
    if (this.#held.length > longestCsi) {
      this.#held = [];
      this.#state = State.csiDropped;
      if (byte >= 0x40) this.#replace(inert);
    } else if (byte >= 0x40) this.#decideCsi();
  }

  #decideCsi(): void {
    // without ESC [ or C2 9B
    const text = String.fromCharCode(...this.#held.slice(2));
    const match = /^([<-?]?)([0-9:;]*)([ -/]*)([@-~])$/.exec(text);
    if (match === null) return this.#release();
    const [, prefix = "", parameters = "", intermediates = "", final = ""] = match;
    if (isQuery(prefix, parameters, intermediates + final)) return this.#replace(inert);
    this.#release();
  }

  #inOsc(byte: number): void {
    if (byte === 0x07) {
      this.#end([byte]);
      return;
    }
    if (byte < 0x20) return;
    this.#held.push(byte);
    const harmless = this.#oscIsHarmless();
    if (harmless) {
      this.#release();
      this.#enter(State.string);
      this.#bellEnds = true;
    } else if (harmless === undefined || this.#held.length > longestOsc) {
      // a number that is none, or a query that asks for too much
      this.#held = [];
      this.#state = State.stringDropped;
    }
  }

  /** Without what a terminal may drop: bytes that are no UTF-8, zeros before the number. */
  #oscText(): string {
    return Buffer.from(this.#held.slice(2))
      .toString("utf8")
      .replaceAll("\ufffd", "")
      .replace(/^0+(?=\d)/, "");
  }

  /** Whether it is known already that this OSC asks nothing; undefined when it is not to be passed. */
  #oscIsHarmless(): boolean | undefined {
    const held = this.#held;
    const byte = held[held.length - 1] as number;
    if (!this.#numbered) {
      if (byte >= 0x30 && byte <= 0x39) return held.length > longestNumber + 2 ? undefined : false;
      if (byte >= 0x7f) return undefined;
      this.#numbered = true;
      if (!oscWithQueries.has(this.#oscText().split(";", 1)[0] as string)) return true;
      return byte === 0x3b ? false : undefined;
    }
    // for the clipboard and iTerm2 at their first words
    const text = held.length < 64 ? this.#oscText() : "";
    if (/^52;[^;]*;[^?]/.test(text)) return true;
    return /^1337;.{24}/s.test(text) && !this.#isQueryOsc();
  }

  #isQueryOsc(): boolean {
    const text = this.#oscText();
    if (
      /^(3;\?|22;\?|50;\?|60(;|$)|61(;|$)|52;[^;]*;\?|99;[^;]*(p=(\?|alive)|a=[^:;]*report|c=1)|5522(;|$)|1337;(ReportCellSize|ReportVariable=|Capabilities|RequestUpload))/.test(
        text,
      )
    )
      return true;
    if (/^21;/.test(text))
      return text
        .split(";")
        .slice(1)
        .every((part) => part.endsWith("=?"));
    const colours = /^(4|5|1[0-9]);(.*)$/s.exec(text);
    if (colours === null) return false;
    const parts = (colours[2] as string).split(";");
    if (Number(colours[1]) < 10) return parts.filter((_, i) => i % 2 === 1).every((part) => part === "?") && parts.length > 1;
    return parts.every((part) => part === "?");
  }

  /** An OSC that sets some colours and asks for others, with the setting only; undefined for all others. */
  #rewrittenOsc(): string | undefined {
    const text = this.#oscText();
    const match = /^(4|5|1[0-9]|21);(.*)$/s.exec(text);
    if (match === null || !text.includes("?")) return undefined;
    const number = Number(match[1]);
    const parts = (match[2] as string).split(";");
    if (number === 21) {
      const kept = parts.filter((part) => !part.endsWith("=?"));
      return kept.length === parts.length ? undefined : `\x1b]21;${kept.join(";")}`;
    }
    if (number < 10) {
      const kept: string[] = [];
      for (let i = 0; i + 1 < parts.length; i += 2)
        if (parts[i + 1] !== "?") kept.push(parts[i] as string, parts[i + 1] as string);
      return kept.length === parts.length ? undefined : `\x1b]${number};${kept.join(";")}`;
    }
    if (!parts.includes("?")) return undefined;
    // each colour by its own number; there are none behind 19, where other things have theirs
    const sets = parts
      .map((part, i) => [number + i, part] as const)
      .filter(([n, part]) => n <= 19 && part !== "?" && part !== "");
    return sets.map(([n, part]) => `\x1b]${n};${part}`).join("\x1b\\");
  }

  #inDcs(byte: number): void {
    if (byte < 0x20 || byte === 0x7f) return;
    this.#held.push(byte);
    if (byte < 0x40 && this.#held.length <= longestCsi) return;
    const header = String.fromCharCode(...this.#held.slice(2));
    // DECRQSS, XTGETTCAP, and heads that are none: a terminal may drop the byte that is wrong
    if (byte >= 0x80 || byte < 0x40 || /[$+]q$/.test(header)) {
      this.#held = [];
      this.#state = State.stringDropped;
    } else {
      this.#release();
      this.#state = State.string;
    }
  }

  /** Kitty's graphics answer nearly everything, and the screen has no images. */
  #inApc(byte: number): void {
    if (byte < 0x20 || byte >= 0x7f) return;
    this.#held.push(byte);
    if (byte === 0x47) {
      this.#held = [];
      this.#state = State.stringDropped;
      return;
    }
    this.#release();
    this.#state = State.string;
  }

  /**
   * Something ends the sequence at hand, if there is one: a string's `terminator`, or whatever begins next.
   * Answers whether it was a string; what had to be written then is written, its end included. An unfinished
   * control sequence or escape does nothing in any terminal, and is forgotten.
   */
  #end(terminator: readonly number[]): boolean {
    const state = this.#state;
    if (state === State.ground || state === State.escape || state === State.csi || state === State.csiDropped) {
      this.#forget();
      return false;
    }
    const query = state === State.osc && this.#isQueryOsc();
    const rewritten = state === State.osc && !query ? this.#rewrittenOsc() : undefined;
    if (state === State.stringDropped || query) this.#replace(inert);
    else {
      if (rewritten !== undefined) {
        this.#forget();
        this.#out.text(rewritten);
      } else this.#release();
      this.#out.bytes(Uint8Array.from(terminator));
    }
    return true;
  }

  #replace(text: string): void {
    this.#forget();
    this.#out.ascii(text);
  }

  /** Passes what was held. */
  #release(): void {
    this.#out.bytes(Uint8Array.from(this.#held));
    this.#forget();
  }

  #forget(): void {
    this.#held = [];
    this.#character = [];
    this.#state = State.ground;
  }
}

/** Whether the bytes are a character to the screen, whose decoder drops byte order marks. */
function isCharacter(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.toString() !== "\ufeff";
}

/** Whether a chunk that begins between sequences can go through as it is. */
function isHarmless(chunk: Buffer): boolean {
  return nextSpecial(chunk, 0) === chunk.length;
}

/**
 * The next ENQ, C1 control or sequence that is more than drawing from `from` on; the length where there is
 * none.
 */
function nextSpecial(chunk: Buffer, from: number): number {
  for (let i = endOfText(chunk, from); i < chunk.length; ) {
    const end = chunk[i] === 0x1b ? endOfDrawing(chunk, i) : 0;
    if (end === 0) return i;
    i = endOfText(chunk, end);
  }
  return chunk.length;
}

/**
 * Final bytes of control sequences that, without a private prefix, only draw: SGR, cursor moves, erasing,
 * scrolling, tabs.
 */
const drawingFinals = new Uint8Array(256);
for (const final of Buffer.from("mHfABCDEFGIZdaejkJKLMPX@STbrsu`")) drawingFinals[final] = 1;

/**
 * Where a sequence that begins with ESC at `at` ends, when it is whole and nobody could answer it; else 0.
 * Coloured text is made of them.
 */
function endOfDrawing(chunk: Buffer, at: number): number {
  const kind = chunk[at + 1];
  if (kind === 0x5b) {
    const limit = Math.min(chunk.length, at + longestCsi);
    const end = endOfParameters(chunk, at + 2, limit);
    return end < limit && drawingFinals[chunk[end] as number] === 1 ? end + 1 : 0;
  }
  // saving and restoring the cursor, index, keypad modes
  const draws =
    kind === 0x37 || kind === 0x38 || kind === 0x3d || kind === 0x3e || kind === 0x44 || kind === 0x45 || kind === 0x4d;
  return draws ? at + 2 : 0;
}

/** Reports that a terminal sends for XTWINOPS. */
const windowReports = new Set([11, 13, 14, 15, 16, 18, 19, 20, 21]);

/**
 * Whether a control sequence makes a terminal send something.
 * Source: ctlseqs of xterm, the kitty and iTerm2 protocol pages.
 */
function isQuery(prefix: string, parameters: string, ending: string): boolean {
  switch (ending) {
    case "c": // DA1, DA2, DA3; with `?` it shapes the Linux console's cursor
      return prefix !== "?";
    case "n": // DSR; with `>` it disables a key modifier
      return prefix !== ">";
    case "$p": // DECRQM
      return true;
    case "q": // XTVERSION
      return prefix === ">";
    case "u": // kitty's keyboard flags
      return prefix === "?";
    case "t":
      return prefix === "" && windowReports.has(Number(parameters.split(/[;:]/, 1)[0]));
    case "x": // DECREQTPARM
      return prefix === "";
    case "m": // XTQMODKEYS
    case "g": // XTQFMTKEYS
    case "S": // XTSMGRAPHICS
      return prefix === "?";
    case "$u": // DECRQTSR
    case "&u": // DECRQUPSS
    case "$w": // DECRQPSR
    case "*y": // DECRQCRA
    case "'|": // DECRQLP
    case "#|": // XTREPORTSGR
    case "#R": // XTREPORTCOLORS
    case '"v': // DECRQDE
    case "+x": // DECRQPKFM
      return true;
    default:
      return false;
  }
}
