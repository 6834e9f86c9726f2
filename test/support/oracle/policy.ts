// The JavaScript filter of what a program may do to terminals, kept as the oracle of
// native/filter/policy_filter.c: both must say the same.
import type { Passage, ProgramSequences } from "../../../src/base/config/config.ts";
import { modeRules } from "../../../src/platform/native.ts";
import { Writer } from "../../../src/terminal/replay/writer.ts";
import { endOfText, wholeCharacters } from "./text-run.ts";

/**
 * Bytes of one string (a title, a palette, a link) that are passed; what a terminal does with more of it
 * nobody has tried.
 */
export const longestString = 64 << 10;
/** The same for an image. */
export const longestImage = 16 << 20;
/**
 * A control sequence that is longer is dropped: it is no sequence that anybody needs, and may hide one behind
 * leading zeros.
 */
const longestControl = 512;
/** An escape that is longer is none. */
const longestEscape = 16;
/** Bytes of an OSC or DCS by which it is known what it is; one that still is not is blocked. */
const longestHead = 64;

/**
 * Ends nothing and shows nothing, but keeps what a printed character would join with apart, as the sequence
 * would have.
 */
const inert = "\x1b\\";
const inertBytes: readonly number[] = [0x1b, 0x5c];

/** What a viewer's terminal needs, again behind each reset. */
const needed = "\x1b[?2004h";

const State = {
  ground: 0,
  escape: 1,
  control: 2,
  controlDropped: 3,
  oscHead: 4,
  dcsHead: 5,
  // strings: kept until it is whole and then passed, or asked about; passed as it comes (images); dropped
  kept: 6,
  asked: 7,
  streamed: 8,
  dropped: 9,
} as const;

type Decision = "pass" | "block" | "ask";
type Kind = keyof ProgramSequences;

/**
 * One stream's filter; it stands behind the query filter, and begins anew with every snapshot. What it passes
 * ends between two sequences and between two characters, but for images, so that a question or a notification
 * of ours can stand there.
 */
export class PolicyFilter {
  readonly #rules: ProgramSequences;
  readonly #ask: ((sequence: Buffer) => void) | undefined;
  #state: number = State.ground;
  /** Bytes of the sequence at hand that are held back. */
  #held: number[] = [];
  #c2 = false;
  /** The beginning of a character whose rest has not come yet. */
  #partial: Buffer = Buffer.alloc(0);
  /** The string before ESC was given an end of its own: a backslash that follows is none any more. */
  #closed = false;
  /** Bytes of the string at hand that were passed or collected, and how many may be. */
  #length = 0;
  #room = 0;
  /** BEL ends an OSC and no other string. */
  #osc = false;
  #out = new Writer();

  /**
   * @param ask is given a whole sequence that a person is to be asked about; without it such a sequence is
   * blocked.
   */
  constructor(rules: ProgramSequences, ask?: (sequence: Buffer) => void) {
    this.#rules = rules;
    this.#ask = ask;
  }

  /** Whether no sequence and no character is under way: plain output may pass by. */
  get atRest(): boolean {
    return this.#state === State.ground && !this.#c2 && this.#partial.length === 0;
  }

  /** Answers what may go to the viewer; a sequence of which it is not known yet what it is waits. */
  feed(chunk: Buffer): Buffer {
    let bytes = chunk;
    if (this.#partial.length > 0) {
      bytes = Buffer.concat([this.#partial, chunk]);
      this.#partial = Buffer.alloc(0);
    }
    const end = wholeCharacters(bytes);
    if (end < bytes.length) {
      // a copy: the buffer belongs to whoever fed it
      this.#partial = Buffer.from(bytes.subarray(end));
      bytes = bytes.subarray(0, end);
    }
    if (this.#state === State.ground && !this.#c2 && nextStop(bytes, 0) === bytes.length) return bytes;
    this.#out = new Writer();
    for (let i = 0; i < bytes.length; i++) {
      if (this.#state === State.ground && !this.#c2) {
        const next = nextStop(bytes, i);
        if (next > i) this.#out.bytes(bytes.subarray(i, next));
        i = next;
        if (i >= bytes.length) break;
      }
      this.#byte(bytes[i] as number);
    }
    return this.#out.take();
  }

  #byte(byte: number): void {
    if (this.#c2) {
      this.#c2 = false;
      if (byte >= 0x80 && byte <= 0x9f) return this.#c1(byte);
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

  /** A C1 control in UTF-8: the same as ESC and the letter 0x40 below it. */
  #c1(code: number): void {
    const string = this.#end(code === 0x9c ? [0xc2, code] : inertBytes);
    this.#closed = false;
    if (code !== 0x9c) {
      this.#held = [0xc2, code];
      this.#open(code - 0x40);
    } else if (!string) this.#out.bytes(Uint8Array.of(0xc2, code));
  }

  #in(byte: number): void {
    if (byte === 0x1b) {
      this.#closed = this.#end(inertBytes);
      this.#held = [byte];
      this.#state = State.escape;
      return;
    }
    if (byte === 0x18 || byte === 0x1a) {
      // CAN and SUB break off whatever is under way; what was held back goes with it
      this.#forget();
      this.#out.byte(byte);
      return;
    }
    switch (this.#state) {
      case State.ground:
        return this.#out.byte(byte);
      case State.escape:
        if (byte < 0x20) return this.#out.byte(byte);
        return this.#afterEscape(byte);
      case State.control:
      case State.controlDropped:
        return this.#inControl(byte);
      case State.dcsHead:
        return this.#inDcsHead(byte);
      default:
        return this.#inString(byte);
    }
  }

  #afterEscape(byte: number): void {
    // DEL is nothing within a sequence
    if (byte === 0x7f) return;
    if (byte >= 0x80) return this.#breakOff(byte);
    this.#held.push(byte);
    // character sets and the like have more characters
    if (byte <= 0x2f && this.#held.length < longestEscape) return;
    const sequence = String.fromCharCode(...this.#held.slice(1));
    if (sequence === " G" || sequence === "%@") this.#drop();
    else if (this.#held.length > 2) this.#release();
    else if (this.#closed && byte === 0x5c) this.#forget();
    else this.#open(byte);
  }

  /**
   * A byte that ends no sequence and begins none: some terminals break off there, others drop the byte and go
   * on with the sequence. So what was begun is kept from both, and what follows is text to both.
   */
  #breakOff(byte: number): void {
    this.#forget();
    this.#out.byte(byte);
  }

  /** Behind ESC: what begins. */
  #open(byte: number): void {
    this.#osc = byte === 0x5d;
    if (byte === 0x5b) this.#state = State.control;
    else if (byte === 0x5d) this.#state = State.oscHead;
    else if (byte === 0x50) this.#state = State.dcsHead;
    else if (byte === 0x58 || byte === 0x5e || byte === 0x5f) {
      // SOS, PM, APC: tmux takes APC for a title, screen shows PM as a message; the session's terminal knows
      // none of them
      this.#state = State.dropped;
    } else if (byte === 0x6b) {
      // ESC k: a title for screen and tmux, and no string at all for the session's own terminal, which shows
      // what follows
      this.#drop();
    } else {
      this.#release();
      if (byte === 0x63) this.#out.ascii(needed);
    }
  }

  #inControl(byte: number): void {
    if (byte < 0x20) return this.#out.byte(byte);
    if (this.#state === State.controlDropped) {
      if (byte >= 0x40 && byte <= 0x7e) this.#drop();
      return;
    }
    if (byte === 0x7f) return;
    if (byte >= 0x80) return this.#breakOff(byte);
    this.#held.push(byte);
    const ends = byte >= 0x40 && byte <= 0x7e;
    if (this.#held.length > longestControl) {
      this.#held = [];
      this.#state = State.controlDropped;
      if (ends) this.#drop();
    } else if (ends) this.#decideControl();
  }

  #decideControl(): void {
    const body = String.fromCharCode(...this.#held.slice(2));
    const [, prefix = "", modes = "", final] = /^(\??)([\d:;]*)([hl])$/.exec(body) ?? [];
    const may = (mode: string) =>
      modeRules.some(
        (rule) =>
          rule.dec === (prefix === "?") &&
          rule.mode === Number(mode) &&
          (rule.passage === "passes" || (rule.passage === "needed" && final === "h")),
      );
    if (final !== undefined && !modes.split(";").every(may)) {
      const left = modes.split(";").filter(may);
      this.#drop();
      if (left.length > 0) this.#out.csi(`${prefix}${left.join(";")}${final}`);
    } else if (this.#mayControl(body)) this.#release();
    else this.#drop();
    if (/^[\d:;]*!p$/.test(body)) this.#out.ascii(needed);
  }

  #mayControl(body: string): boolean {
    const ending = /[ -/]*[@-~]$/.exec(body)?.[0] ?? "";
    // printing: some terminals hand the text to a command
    if (["i", '"p', "]", "$}", "$~"].includes(ending)) return false;
    if ((ending === "s" || ending === "r") && body.startsWith("?")) return false;
    if ((ending === "p" || ending === "s" || ending === "t") && body.startsWith(">")) return false;
    if (ending === "$|" || ending === "*|") return this.#rules.window === "pass";
    if (ending !== "t") return true;
    const operation = Number(body.split(/[;:t]/, 1)[0]);
    return (operation === 22 || operation === 23 ? this.#rules.title : this.#rules.window) === "pass";
  }

  #inDcsHead(byte: number): void {
    if (byte < 0x20 || byte === 0x7f) return;
    this.#held.push(byte);
    if (byte < 0x40 && this.#held.length <= longestHead) return;
    const header = String.fromCharCode(...this.#held.slice(2));
    if (/^[\d;]*q$/.test(header)) this.#decided(this.#rules.images, longestImage);
    else if (/^[\d;]*\|$/.test(header)) this.#decided(this.#rules.keys, longestString);
    // synchronized output, as some terminals write it; every other one writes to a function key, a macro or
    // the terminal around this one
    else this.#decided(/^=\d*s$/.test(header) ? "pass" : "block", longestString);
  }

  #inString(byte: number): void {
    if (byte === 0x07 && this.#osc) {
      this.#end([byte]);
      return;
    }
    // other controls do nothing inside a string, and are no part of it
    if (byte < 0x20) return;
    if (this.#state === State.oscHead) {
      this.#held.push(byte);
      const kind = kindOfOsc(this.#oscText(), false);
      if (kind !== undefined) this.#decideOsc(kind);
      else if (this.#held.length > longestHead) this.#decided("block", 0);
      return;
    }
    if (this.#state === State.dropped) return;
    this.#length++;
    if (this.#length > this.#room) {
      this.#held = [];
      this.#state = State.dropped;
    } else if (this.#state === State.streamed) this.#out.byte(byte);
    else this.#held.push(byte);
  }

  #decideOsc(kind: Kind | "blocked"): void {
    const passage: Passage | "ask" = kind === "blocked" ? "block" : this.#rules[kind];
    this.#decided(passage, kind === "images" ? longestImage : longestString);
  }

  #decided(decision: Decision, room: number): void {
    this.#length = this.#held.length;
    this.#room = room;
    if (decision === "pass" && room === longestImage) {
      this.#out.bytes(Uint8Array.from(this.#held));
      this.#held = [];
      this.#state = State.streamed;
    } else if (decision === "pass") this.#state = State.kept;
    else if (decision === "ask" && this.#ask !== undefined) this.#state = State.asked;
    else {
      this.#held = [];
      this.#state = State.dropped;
    }
  }

  /**
   * Something ends the sequence at hand, if there is one: a string's `terminator`, or whatever begins next.
   * Answers whether it was a string; what had to be written then is written, its end included.
   */
  #end(terminator: readonly number[]): boolean {
    if (this.#state === State.oscHead) this.#decideOsc(kindOfOsc(this.#oscText(), true) ?? "blocked");
    const state = this.#state;
    const held = this.#held;
    // an unfinished control sequence or escape does nothing in any terminal
    this.#forget();
    if (state === State.kept) this.#out.bytes(Uint8Array.from(held));
    else if (state === State.asked) this.#ask?.(Buffer.from([...held, ...inertBytes]));
    if (state === State.kept || state === State.streamed) this.#out.bytes(Uint8Array.from(terminator));
    else if (state === State.dropped || state === State.asked) this.#out.ascii(inert);
    else return false;
    return true;
  }

  #oscText(): string {
    return Buffer.from(this.#held.slice(2)).toString("latin1");
  }

  #drop(): void {
    this.#forget();
    this.#out.ascii(inert);
  }

  #release(): void {
    this.#out.bytes(Uint8Array.from(this.#held));
    this.#forget();
  }

  #forget(): void {
    this.#held = [];
    this.#state = State.ground;
  }
}

/**
 * The next byte from `from` on that is not plain text or a sequence that only draws; the length where there
 * is none.
 */
function nextStop(chunk: Buffer, from: number): number {
  for (let i = endOfText(chunk, from); i < chunk.length; ) {
    const end = chunk[i] === 0x1b ? endOfDrawing(chunk, i) : 0;
    if (end === 0) return i;
    i = endOfText(chunk, end);
  }
  return chunk.length;
}

/** Where a sequence that begins with ESC at `at` ends, when it is whole and only draws; else 0. */
function endOfDrawing(chunk: Buffer, at: number): number {
  const kind = chunk[at + 1];
  if (kind === undefined || kind < 0x20 || kind >= 0x7f) return 0;
  if (kind < 0x30) {
    // a character set, or what else has an intermediate
    const last = chunk[at + 2];
    if ((kind === 0x20 && last === 0x47) || (kind === 0x25 && last === 0x40)) return 0;
    return last !== undefined && last >= 0x30 && last <= 0x7e ? at + 3 : 0;
  }
  // P X [ ] ^ _ k open something
  if (kind !== 0x5b)
    return kind === 0x50 || kind === 0x58 || (kind >= 0x5d && kind <= 0x5f) || kind === 0x6b || kind === 0x63 ? 0 : at + 2;
  const limit = Math.min(chunk.length, at + longestControl);
  for (let i = at + 2; i < limit; i++) {
    const byte = chunk[i] as number;
    if (byte >= 0x20 && byte <= 0x3f) continue;
    if (byte < 0x40 || byte > 0x7e) return 0;
    // modes, resets, what is saved, printing, windows, the Linux console's, the status line
    return "hlpsritt|]}~".includes(String.fromCharCode(byte)) ? 0 : i + 1;
  }
  return 0;
}

/**
 * What an OSC with this number does. Sources: ctlseqs of xterm; the pages of kitty, iTerm2, ConEmu, VTE,
 * Windows Terminal.
 */
const oscKinds = new Map<number, Kind>([
  ...[0, 1, 2, 30, 31].map((n) => [n, "title"] as const),
  ...[4, 5, 6, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22].map((n) => [n, "colours"] as const),
  ...[104, 105, 106, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119].map((n) => [n, "colours"] as const),
  // the working directory, hyperlinks, marks of prompts
  ...[7, 8, 133, 633].map((n) => [n, "links"] as const),
  [99, "notification"],
  [52, "clipboard"],
  [5522, "clipboard"],
]);

/** iTerm2's words behind 1337. */
const itermKinds: Readonly<Record<string, Kind>> = {
  File: "images",
  MultipartFile: "images",
  FilePart: "images",
  FileEnd: "images",
  Copy: "clipboard",
  CopyToClipboard: "clipboard",
  EndOfCopy: "clipboard",
  SetKeyLabel: "keys",
  PushKeyLabels: "keys",
  PopKeyLabels: "keys",
  RequestAttention: "notification",
  StealFocus: "window",
  SetBadgeFormat: "title",
  SetColors: "colours",
  CurrentDir: "links",
  RemoteHost: "links",
  SetMark: "links",
  ShellIntegrationVersion: "links",
};

/**
 * What an OSC does, by its first characters; undefined while that cannot be told. What is not known is
 * blocked: it may write a log file (46), call a function of an editor (51), or be something that is invented
 * next year.
 */
function kindOfOsc(text: string, ended: boolean): Kind | "blocked" | undefined {
  const digits = /^\d*/.exec(text)?.[0] as string;
  const rest = text.slice(digits.length);
  // dtterm's titles have a letter instead of a number
  if (digits === "" && rest !== "") return /^[lLI]/.test(rest) ? "title" : "blocked";
  if (rest === "" && !ended) return undefined;
  if (rest !== "" && rest[0] !== ";") return "blocked";
  const number = Number(digits === "" ? -1 : digits);
  const words = rest.slice(1);
  if (number === 9) return kindOfNine(words, ended);
  if (number === 777) return /^notify(;|$)/.test(words) ? "notification" : words.length > 6 || ended ? "blocked" : undefined;
  if (number === 1337) {
    const word = /^\w*/.exec(words)?.[0] as string;
    if (word === words && !ended) return undefined;
    return Object.hasOwn(itermKinds, word) ? (itermKinds[word] as Kind) : "blocked";
  }
  return oscKinds.get(number) ?? "blocked";
}

/**
 * OSC 9 is a notification, or with a number ConEmu's: progress (4) and directory (9) of many, one of which
 * runs macros.
 */
function kindOfNine(words: string, ended: boolean): Kind | "blocked" | undefined {
  const command = /^(\d{1,2})(;|$)/.exec(words);
  if (command === null) return words === "" && !ended ? undefined : "notification";
  if (command[2] === "" && !ended) return undefined;
  return command[1] === "4" ? "notification" : command[1] === "9" ? "links" : "blocked";
}
