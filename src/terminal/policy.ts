// What a program may do to the terminals of its viewers, beyond drawing: a filter of the output stream by the user's rules (docs/security.md).
import type { Passage, ProgramSequences } from "../base/config.ts";
import { Writer } from "./writer.ts";

/** Bytes of one string (a title, a palette, a link) that are passed; what a terminal does with more of it nobody has tried. */
export const longestString = 64 << 10;
/** The same for an image. */
export const longestImage = 16 << 20;
/** A control sequence that is longer is dropped: it is no sequence that anybody needs, and may hide one behind leading zeros. */
const longestControl = 512;
/** Bytes of an OSC or DCS by which it is known what it is; one that still is not is blocked. */
const longestHead = 64;

/** Ends nothing and shows nothing, but keeps what a printed character would join with apart, as the sequence would have. */
const inert = "\x1b\\";

const State = { ground: 0, escape: 1, control: 2, oscHead: 3, dcsHead: 4, passed: 5, dropped: 6, asked: 7, controlDropped: 8 } as const;

type Decision = "pass" | "block" | "ask";
type Kind = keyof ProgramSequences;

/** One stream's filter; it stands behind the query filter, and begins anew with every snapshot. */
export class PolicyFilter {
  readonly #rules: ProgramSequences;
  readonly #ask: ((sequence: Buffer) => void) | undefined;
  #state: number = State.ground;
  /** Bytes of the sequence at hand that are held back. */
  #held: number[] = [];
  #c2 = false;
  /** Bytes of the string at hand that were passed or collected, and how many may be. */
  #length = 0;
  #room = 0;
  /** BEL ends an OSC and no other string. */
  #osc = false;
  #out = new Writer();

  /** @param ask is given a whole sequence that a person is to be asked about; without it such a sequence is blocked. */
  constructor(rules: ProgramSequences, ask?: (sequence: Buffer) => void) {
    this.#rules = rules;
    this.#ask = ask;
  }

  /** Answers what may go to the viewer; a sequence of which it is not known yet what it is waits. */
  feed(chunk: Buffer): Buffer {
    if (this.#state === State.ground && !this.#c2 && nextStop(chunk, 0) === chunk.length) return chunk;
    this.#out = new Writer();
    for (let i = 0; i < chunk.length; i++) {
      if (this.#state === State.ground && !this.#c2) {
        const next = nextStop(chunk, i);
        if (next > i) this.#out.bytes(chunk.subarray(i, next));
        i = next;
        if (i >= chunk.length) break;
      }
      this.#byte(chunk[i] as number);
    }
    return this.#out.take();
  }

  #byte(byte: number): void {
    if (this.#c2) {
      this.#c2 = false;
      if (byte >= 0x80 && byte <= 0x9f) return this.#c1(byte);
      this.#in(0xc2);
    }
    if (byte === 0xc2) {
      this.#c2 = true;
      return;
    }
    this.#in(byte);
  }

  /** A C1 control in UTF-8: the same as ESC and the letter 0x40 below it. */
  #c1(code: number): void {
    this.#end(code === 0x9c);
    if (code === 0x9c) return this.#out.bytes(Uint8Array.of(0xc2, code));
    this.#held = [0xc2, code];
    this.#open(code - 0x40);
  }

  #in(byte: number): void {
    if (byte === 0x1b) {
      this.#end(false);
      this.#held = [byte];
      this.#state = State.escape;
      return;
    }
    if (byte === 0x18 || byte === 0x1a) {
      // CAN and SUB break off whatever is under way; what was held back goes with it
      this.#held = [];
      this.#state = State.ground;
      this.#out.byte(byte);
      return;
    }
    switch (this.#state) {
      case State.ground:
        return this.#out.byte(byte);
      case State.escape:
        if (byte < 0x20) return this.#out.byte(byte);
        this.#held.push(byte);
        return this.#open(byte);
      case State.control:
      case State.controlDropped:
        return this.#inControl(byte);
      case State.dcsHead:
        return this.#inDcsHead(byte);
      case State.oscHead:
      default:
        return this.#inString(byte);
    }
  }

  /** Behind ESC: what begins. */
  #open(byte: number): void {
    this.#osc = byte === 0x5d;
    if (byte === 0x5b) this.#state = State.control;
    else if (byte === 0x5d) this.#state = State.oscHead;
    else if (byte === 0x50) this.#state = State.dcsHead;
    else if (byte === 0x58 || byte === 0x5e || byte === 0x5f) {
      // SOS, PM, APC: tmux takes APC for a title, screen shows PM as a message; the session's terminal knows none of them
      this.#state = State.dropped;
    } else if (byte === 0x6b) {
      // ESC k: a title for screen and tmux, and no string at all for the session's own terminal, which shows what follows
      this.#held = [];
      this.#state = State.ground;
      this.#out.ascii(inert);
    } else this.#release();
  }

  #inControl(byte: number): void {
    if (byte < 0x20) return this.#out.byte(byte);
    if (this.#state === State.controlDropped) {
      if (byte >= 0x40 && byte <= 0x7e) this.#drop();
      return;
    }
    this.#held.push(byte);
    if (byte >= 0x80) this.#release();
    else if (this.#held.length > longestControl) {
      this.#held = [];
      this.#state = State.controlDropped;
    } else if (byte >= 0x40 && byte <= 0x7e) this.#decideControl();
  }

  #decideControl(): void {
    const body = String.fromCharCode(...this.#held.slice(2));
    const modes = /^\?([\d;]*)([hl])$/.exec(body);
    if (modes !== null && (modes[1] as string).split(";").some((mode) => Number(mode) === loggingMode)) {
      const left = (modes[1] as string).split(";").filter((mode) => Number(mode) !== loggingMode);
      this.#drop();
      if (left.length > 0) this.#out.csi(`?${left.join(";")}${modes[2]}`);
    } else if (this.#mayControl(body)) this.#release();
    else this.#drop();
  }

  #mayControl(body: string): boolean {
    const ending = /[ -/]*[@-~]$/.exec(body)?.[0] ?? "";
    // printing: some terminals hand the text to a command
    if (ending === "i") return false;
    if (ending === "$|" || ending === "*|") return this.#rules.window === "pass";
    if (ending !== "t") return true;
    // how titles are written and read
    if (body.startsWith(">")) return false;
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
    // synchronized output, as some terminals write it; every other one writes to a function key, a macro or the terminal around this one
    else this.#decided(/^=\d*s$/.test(header) ? "pass" : "block", longestString);
  }

  #inString(byte: number): void {
    if (byte === 0x07 && this.#osc) return this.#ended(byte);
    // other controls do nothing inside a string, and are no part of it
    if (byte < 0x20) return;
    if (this.#state === State.oscHead) {
      this.#held.push(byte);
      const kind = kindOfOsc(Buffer.from(this.#held.slice(2)).toString("latin1"), false);
      if (kind !== undefined) this.#decideOsc(kind);
      else if (this.#held.length > longestHead) this.#decided("block", 0);
      return;
    }
    if (this.#state === State.dropped) return;
    this.#length++;
    if (this.#length > this.#room) {
      if (this.#state === State.passed) this.#out.ascii(inert);
      this.#held = [];
      this.#state = State.dropped;
    } else if (this.#state === State.asked) this.#held.push(byte);
    else this.#out.byte(byte);
  }

  #decideOsc(kind: Kind | "blocked"): void {
    const passage: Passage | "ask" = kind === "blocked" ? "block" : this.#rules[kind];
    this.#decided(passage, kind === "images" ? longestImage : longestString);
  }

  #decided(decision: Decision, room: number): void {
    this.#length = this.#held.length;
    this.#room = room;
    if (decision === "pass") {
      this.#out.bytes(Uint8Array.from(this.#held));
      this.#held = [];
      this.#state = State.passed;
    } else if (decision === "ask" && this.#ask !== undefined) this.#state = State.asked;
    else {
      this.#held = [];
      this.#state = State.dropped;
    }
  }

  /** A string ended with BEL. */
  #ended(bell: number): void {
    this.#end(true);
    this.#out.byte(bell);
    this.#state = State.ground;
  }

  /**
   * Something ends the sequence at hand, if there is one: `properly` where it is the string's own end. A blocked string leaves the end of a string
   * behind, and BEL would ring without its string: then the inert one stands for both.
   */
  #end(properly: boolean): void {
    if (this.#state === State.oscHead) this.#decideOsc(kindOfOsc(Buffer.from(this.#held.slice(2)).toString("latin1"), true) ?? "blocked");
    const blocked = this.#state === State.dropped || this.#state === State.asked;
    if (this.#state === State.asked) this.#ask?.(Buffer.from([...this.#held, 0x1b, 0x5c]));
    if (blocked && properly) this.#out.ascii("\x1b]");
    // an unfinished control sequence or escape does nothing in any terminal
    this.#held = [];
    this.#state = State.ground;
  }

  #drop(): void {
    this.#held = [];
    this.#state = State.ground;
    this.#out.ascii(inert);
  }

  #release(): void {
    this.#out.bytes(Uint8Array.from(this.#held));
    this.#held = [];
    this.#state = State.ground;
  }
}
