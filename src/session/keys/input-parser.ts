// The input parser: decides for every byte that a viewer's terminal sends whether it is the program's, ours,
// or nobody's. Long: one state machine, and what it does to whom in words.
//
// What it does
// - Everything goes to the program unchanged and in order, but for what is listed here. No byte is lost, none
//   is invented.
// - Paste brackets (CSI 200~ / 201~) are always on in the viewer's terminal; the program gets them only when
//   it asked for them. Nothing inside a paste is a key.
// - The detach key (`d`) detaches when the session allows it and it was typed alone: the only character of
//   its chunk, outside of any sequence and paste, not after ESC (Alt+d). Its kitty encodings count (lock
//   modifiers ignored), wherever they stand in a chunk.
// - The prefix (Ctrl-\, as a byte, in the kitty encoding or that of modifyOtherKeys): alone for
//   `prefixTimeout` it detaches; twice it is sent to the program once, as the second was typed; before `[` it
//   opens the history; before any other key it detaches.
// - After a detach the rest of the input is dropped: it was typed at a program that its typist has left.
// - PageUp opens the history too where the session allows it.
// - The release (kitty event 3) of a key that was kept from the program is kept from it too.
// - A byte that the terminal's line discipline will turn into SIGINT is handed out by itself, wherever it
//   stands, paste or not.
// - Focus reports reach the program only when it asked for them. Mouse reports do always.
// - Replies of the viewer's terminal are dropped: the session's own screen answers the program's queries.
// - After `ask()` the next typed key is the answer to a question of ours (`y`, or no) and nobody's else.
//   Pastes, reports, replies, releases and modifiers by themselves are no answers; the prefix detaches as
//   ever.
//
// What is held back, and for how long: ESC, an unfinished CSI and an unfinished string, at most
// `escapeTimeout` after their last byte. Then they are sent as they stand; the parser still knows where in
// the sequence it is, but what has been sent in part is sent whole and means nothing to us. A sequence is
// forgotten after `quietReset` without input, a paste after `pasteReset`. So a typed Alt+] cannot lock the
// detach keys up, and a reply that a slow line tears in two cannot detach.
//
// Two clocks: what lies between two chunks is measured where they were typed, if that is told, since a server
// that stood still gets them at once. What is held back is measured by our own, from when it came: its rest
// may be on its way.

import { characterLength } from "../../base/text/bytes.ts";
import { ActionQueue } from "./action-queue.ts";
import {
  escapeTimeout,
  type KeyAction,
  type KeyPolicy,
  longestCsi,
  longestString,
  pasteReset,
  prefixTimeout,
  quietReset,
} from "./key-policy.ts";
import {
  isCharacter,
  isFocusReport,
  isModifier,
  isMouseReport,
  isPrefix,
  isReply,
  isTyped,
  isYes,
  type KeyEvent,
  keyEvent,
} from "./key-sequences.ts";

/**
 * When a chunk came to us (ms of our clock), and when it was typed (ms of the viewer's, or ours where none is
 * told).
 */
interface Moment {
  came: number;
  typed: number;
}

/** Where in the input the next byte stands, and what counts only there. */
type State =
  | { at: "ground" | "escape" | "csi" | "csi-last" | "ss3" | "string-escape" }
  /** `missing` bytes of it are still to come. */
  | { at: "character"; missing: number }
  /** `wide`: it began with an eight-bit introducer, so that 0x9c ends it. */
  | { at: "string"; wide: boolean }
  /** `missing` characters are to come; `lead`: the last byte may begin one of two bytes. */
  | { at: "mouse"; missing: number; lead: boolean }
  /** `brackets`: it keeps its brackets. */
  | { at: "paste"; brackets: boolean };

const ground: State = { at: "ground" };

const ESC = 0x1b;
const BEL = 0x07;
const pasteEnd = Buffer.from("\x1b[201~");

/** The eight-bit introducers and the letter that follows ESC in seven bits. */
const eightBit: Readonly<Record<number, number>> = {
  143: 0x4f,
  144: 0x50,
  152: 0x58,
  155: 0x5b,
  157: 0x5d,
  158: 0x5e,
  159: 0x5f,
};

/**
 * The parser of one viewer's input. Pure: time comes from `clock` (ms, monotonic), and the owner calls
 * `timeout` at `deadline`.
 */
export class InputParser {
  readonly #readPolicy: () => KeyPolicy;
  readonly #clock: () => number;
  #policy!: KeyPolicy;
  #state: State = ground;
  /** The unfinished sequence, from its introducer; `#sent` bytes of it have gone to the program already. */
  #sequence: number[] = [];
  #sent = 0;
  /** The sequence stands after an ESC of its own (Alt): then it is no key of ours. */
  #alt = false;
  #lastInput: Moment = { came: 0, typed: 0 };
  /** When the prefix was typed, while it waits. */
  #prefixAt: Moment | null = null;
  /** Kitty codes of keys that were kept from the program and may still be released. */
  #kept = new Set<number>();
  /** Whom the next key is for: the program, a question of ours that is open, or nobody after a detach. */
  #listener: "program" | "question" | "nobody" = "program";
  /** The rest of the key at hand is part of an answer. */
  #mute = false;
  readonly #actions = new ActionQueue();

  constructor(policy: () => KeyPolicy, clock: () => number) {
    this.#readPolicy = policy;
    this.#clock = clock;
  }

  /**
   * Whether the next byte stands by itself: nothing is held back, no prefix, question or paste is under way.
   */
  get atRest(): boolean {
    return this.#state.at === "ground" && this.#prefixAt === null && this.#listener === "program";
  }

  /** The next typed key is an answer. */
  ask(): void {
    if (this.#listener === "program") this.#listener = "question";
  }

  /**
   * When `timeout` wants to be called (ms of the clock), or null. Changes with every `feed` and `timeout`.
   */
  get deadline(): number | null {
    if (this.#gone) return null;
    const held = this.#sequence.length > this.#sent ? this.#lastInput.came + escapeTimeout : null;
    const prefix = this.#prefixAt === null ? null : this.#prefixAt.came + prefixTimeout;
    if (held === null || prefix === null) return held ?? prefix;
    return Math.min(held, prefix);
  }

  /**
   * Takes one chunk as it was read from the viewer's terminal; `typed` is when (ms of a clock of the
   * viewer's, always the same), where it is told.
   */
  feed(chunk: Uint8Array, typed?: number): KeyAction[] {
    if (this.#gone || chunk.length === 0) return [];
    this.#policy = this.#readPolicy();
    const came = this.#clock();
    const now = { came, typed: typed ?? came };
    this.#expire(now, "typed");
    this.#lastInput = now;
    if (this.atRest && this.#policy.plainDetach && isText(chunk, this.#policy.detachKey)) this.#detach("plain");
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length && !this.#gone; at++) {
      if (this.#state.at === "paste" && this.#sequence.length === 0) {
        const next = bytes.indexOf(ESC, at);
        const end = next < 0 ? bytes.length : next;
        this.#send(bytes.subarray(at, end));
        at = end;
        if (at === bytes.length) break;
      }
      if (this.atRest) {
        // a text typed or pasted at once, in one piece
        const end = this.#plainEnd(bytes, at);
        if (end > at) {
          this.#send(bytes.subarray(at, end));
          at = end - 1;
          continue;
        }
      }
      this.#state = this.#byte(bytes[at] as number);
    }
    return this.#actions.take();
  }

  /** Where the characters from `at` on end that mean nothing to us: ASCII without ESC and the prefix. */
  #plainEnd(bytes: Uint8Array, at: number): number {
    let end = at;
    for (; end < bytes.length; end++) {
      const byte = bytes[end] as number;
      if (byte === ESC || byte >= 0x80 || byte === this.#policy.prefix) break;
    }
    return end;
  }

  /** Does what the passing of time decides; harmless at any moment. */
  timeout(): KeyAction[] {
    if (this.#gone) return [];
    this.#policy = this.#readPolicy();
    const came = this.#clock();
    this.#expire({ came, typed: came }, "came");
    return this.#actions.take();
  }

  /**
   * `by` tells whether input has come, or none ("came"), so that what is held cannot be completed at once.
   */
  #expire(now: Moment, by: keyof Moment): void {
    if (this.#prefixAt !== null && now[by] >= this.#prefixAt[by] + prefixTimeout) this.#detach("prefix");
    if (this.#state.at === "ground") return;
    const silence = now[by] - this.#lastInput[by];
    const silent = silence >= (this.#state.at === "paste" ? pasteReset : quietReset);
    if (silent || (by === "came" && silence >= escapeTimeout)) this.#flush();
    if (silent) this.#state = this.#forget();
  }

  /** Takes one byte; answers where the next one stands. */
  #byte(byte: number): State {
    const state = this.#state;
    switch (state.at) {
      case "ground":
        return this.#fromGround(byte);
      case "character":
        if ((byte & 0xc0) !== 0x80) return this.#again(byte);
        if (!this.#mute) this.#send([byte]);
        return state.missing > 1 ? { at: "character", missing: state.missing - 1 } : this.#forget();
      case "escape":
        return this.#afterEscape(byte);
      case "ss3":
        if (byte < 0x20) return this.#again(byte);
        if (!this.#mute) this.#send([byte]);
        return this.#forget();
      case "csi":
        return this.#inCsi(byte);
      case "csi-last":
        if (byte < 0x20) return this.#abandon(byte);
        this.#sequence.push(byte);
        return this.#key(null);
      case "string":
        return this.#inString(byte, state);
      case "string-escape":
        return this.#afterStringEscape(byte);
      case "mouse":
        return this.#inMouse(byte, state);
      case "paste":
        return this.#inPaste(byte, state);
    }
  }

  get #gone(): boolean {
    return this.#listener === "nobody";
  }

  /** A question of ours is open. */
  get #asking(): boolean {
    return this.#listener === "question";
  }

  #fromGround(byte: number): State {
    if (byte === ESC) {
      this.#sequence = [ESC];
      return { at: "escape" };
    }
    const letter = eightBit[byte];
    if (letter !== undefined) return this.#introduce(byte, letter);
    if (this.#prefixAt !== null) {
      if (byte === this.#policy.prefix) {
        this.#prefixAt = null;
        this.#send([byte]);
      } else if (this.#policy.historyCharacters.includes(byte)) this.#history();
      else this.#detach("prefix");
      return ground;
    }
    if (byte === this.#policy.prefix) {
      this.#prefixAt = this.#lastInput;
      return ground;
    }
    if (this.#asking) this.#answer(byte === 0x59 || byte === 0x79);
    else this.#send([byte]);
    return this.#character(byte);
  }

  /** A key was typed to a question: what of it is still to come is nobody's either. */
  #answer(yes: boolean): void {
    this.#listener = "program";
    this.#mute = true;
    this.#do({ do: "answer", yes });
  }

  /** Waits for the continuation bytes of the character that `byte` begins, where it begins one. */
  #character(byte: number): State {
    const missing = characterLength(byte) - 1;
    if (missing > 0) return { at: "character", missing };
    this.#mute = false;
    return ground;
  }

  #afterEscape(byte: number): State {
    if (byte === ESC) {
      // Esc twice, or Alt with a key that is a sequence: the first is sent, the second begins anew
      this.#flush();
      this.#sequence = [ESC];
      this.#sent = 0;
      this.#alt = true;
      return { at: "escape" };
    }
    // O, P, X, [, ], ^ and _ introduce SS3, DCS, SOS, CSI, OSC, PM and APC
    if (byte === 0x4f || byte === 0x50 || byte === 0x58 || byte === 0x5b || (byte >= 0x5d && byte <= 0x5f))
      return this.#introduce(byte, byte);
    this.#sequence.push(byte);
    const answered = this.#asking && this.#sent === 0;
    this.#key(null);
    // of Alt with a character of several bytes the rest is still to come
    this.#mute = answered && !this.#asking;
    return this.#character(byte);
  }

  /** A sequence begins: `byte` is its introducer (or the letter after ESC), `letter` says which. */
  #introduce(byte: number, letter: number): State {
    this.#sequence.push(byte);
    if (letter === 0x5b) return { at: "csi" };
    if (letter === 0x4f) {
      // no SS3 is ours, so it need not be held
      if (this.#asking) {
        this.#answer(false);
        this.#sent = this.#sequence.length;
      } else this.#flush();
      return { at: "ss3" };
    }
    return { at: "string", wide: byte !== letter };
  }

  #inCsi(byte: number): State {
    // a control character, DEL or a part of another character: this was no CSI
    if (byte < 0x20 || byte > 0x7e) return this.#abandon(byte);
    this.#sequence.push(byte);
    if (this.#sequence.length > longestCsi) {
      this.#flush();
      // what was sent need not be kept, only that there was too much of it
      this.#sequence.length = longestCsi + 1;
      this.#sent = this.#sequence.length;
      return byte < 0x40 ? { at: "csi" } : this.#forget();
    }
    if (byte < 0x40) return { at: "csi" };
    const body = Buffer.from(this.#sequence.slice(this.#sequence[0] === ESC ? 2 : 1)).toString("latin1");
    // the Linux console's F1 to F5 are CSI [ A to CSI [ E
    return body === "[" ? { at: "csi-last" } : this.#csi(body);
  }

  /** A complete CSI; `body` is what follows the introducer. */
  #csi(body: string): State {
    const torn = this.#sent > 0;
    if (body === "200~") {
      if (this.#prefixAt !== null) return this.#detach("prefix");
      const brackets = this.#policy.bracketedPaste;
      this.#finish(brackets || torn);
      return { at: "paste", brackets };
    }
    if (body === "201~") return this.#finish(this.#policy.bracketedPaste || torn);
    if (body === "M") {
      this.#finish(true);
      return { at: "mouse", missing: 3, lead: false };
    }
    if (isFocusReport(body)) return this.#finish(this.#policy.focus || torn);
    if (isMouseReport(body)) return this.#finish(true);
    // the screen answers every query of the program itself
    if (isReply(body)) return this.#finish(torn);
    if (this.#policy.historyKey && !torn && /^5(;1(:1)?)?~$/.test(body)) {
      if (this.#prefixAt !== null) return this.#detach("prefix");
      this.#finish(false);
      return this.#history();
    }
    // what was torn may have been a report
    if (this.#asking && (torn || !isTyped(body))) return this.#finish(true);
    return this.#key(torn || this.#alt ? null : keyEvent(body));
  }

  /** The sequence is a key, a plain one or (`key`) one whose encoding tells more. */
  #key(key: KeyEvent | null): State {
    const { prefix, plainDetach, detachKey } = this.#policy;
    const waiting = this.#prefixAt !== null;
    // Alt with a key that is a sequence: its ESC was the answer
    if (this.#alt && this.#mute) return this.#finish(false);
    if (key === null && this.#asking && !waiting) {
      this.#answer(false);
      return this.#finish(false);
    }
    if (key === null) return waiting ? this.#detach("prefix") : this.#finish(true);
    if (key.event === 3) return this.#finish(!this.#kept.delete(key.code));
    if (prefix !== null && isPrefix(key, prefix)) {
      // holding the key down is not typing it twice
      if (key.event === 2) return this.#finish(!this.#kept.has(key.code));
      this.#prefixAt = waiting ? null : this.#lastInput;
      if (waiting) this.#kept.delete(key.code);
      else this.#kept.add(key.code);
      return this.#finish(waiting);
    }
    if (waiting) {
      if (isModifier(key.code)) return this.#finish(true);
      if (key.event !== 1 || !this.#policy.historyCharacters.some((wanted) => isCharacter(key, wanted)))
        return this.#detach("prefix");
      this.#kept.add(key.code);
      this.#finish(false);
      return this.#history();
    }
    if (this.#asking && !isModifier(key.code)) {
      // holding the Ctrl+C down that was asked about is no answer
      if (key.event === 2) return this.#finish(false);
      this.#kept.add(key.code);
      this.#answer(isYes(key));
      return this.#finish(false);
    }
    const wanted = plainDetach ? detachKey?.codePointAt(0) : undefined;
    if (wanted !== undefined && key.event === 1 && isCharacter(key, wanted)) return this.#detach("plain");
    this.#kept.delete(key.code);
    return this.#finish(true);
  }

  #inString(byte: number, state: State & { at: "string" }): State {
    if (byte === BEL || (state.wide && byte === 0x9c)) {
      this.#sequence.push(byte);
      return this.#finish(this.#sent > 0);
    }
    // CAN and SUB end a string; after a pause it was a person who typed, and then any control character does
    if (byte === 0x18 || byte === 0x1a || (byte < 0x20 && byte !== ESC && this.#sent > 0)) return this.#abandon(byte);
    this.#sequence.push(byte);
    if (byte === ESC) return { at: "string-escape" };
    if (this.#sent > 0 || this.#sequence.length > longestString) {
      this.#flush();
      // that a string goes on is all that counts now
      this.#sequence = [0];
      this.#sent = 1;
    }
    return state;
  }

  #afterStringEscape(byte: number): State {
    if (byte === 0x5c) {
      this.#sequence.push(byte);
      return this.#finish(this.#sent > 0);
    }
    // ESC and anything else begin a new sequence: the string was none
    const escSent = this.#sent === this.#sequence.length;
    this.#sequence.pop();
    if (!escSent) this.#flush();
    this.#forget();
    this.#sequence = [ESC];
    this.#sent = escSent ? 1 : 0;
    return this.#afterEscape(byte);
  }

  /**
   * CSI M: three characters follow, each a byte, or one or two bytes in the encoding of mode 1005. None of
   * them is below a blank.
   */
  #inMouse(byte: number, state: State & { at: "mouse" }): State {
    const second = state.lead && (byte & 0xc0) === 0x80;
    if (byte < 0x20 || (state.missing === 0 && !second)) return this.#again(byte);
    const missing = second ? state.missing : state.missing - 1;
    const lead = !second && byte >= 0xc2 && byte < 0xe0;
    this.#send([byte]);
    return missing > 0 || lead ? { at: "mouse", missing, lead } : this.#forget();
  }

  #inPaste(byte: number, state: State & { at: "paste" }): State {
    if (byte !== pasteEnd[this.#sequence.length]) {
      this.#send(this.#sequence.slice(this.#sent));
      this.#forget();
      if (byte !== ESC) {
        this.#send([byte]);
        return state;
      }
    }
    this.#sequence.push(byte);
    return this.#sequence.length < pasteEnd.length ? state : this.#finish(state.brackets || this.#sent > 0);
  }

  /** The sequence is over; what of it has not been sent goes to the program, or to nobody. */
  #finish(pass: boolean): State {
    if (pass) this.#send(this.#sequence.slice(this.#sent));
    return this.#forget();
  }

  /** Sends what is held, without leaving the sequence. */
  #flush(): void {
    if (this.#sent === this.#sequence.length) return;
    if (this.#prefixAt !== null) this.#detach("prefix");
    // Esc by itself
    if (this.#asking && this.#state.at === "escape") this.#answer(false);
    else this.#send(this.#sequence.slice(this.#sent));
    this.#sent = this.#sequence.length;
  }

  /** The sequence turned out to be none: its bytes are sent, and `byte` stands by itself. */
  #abandon(byte: number): State {
    this.#flush();
    return this.#again(byte);
  }

  #again(byte: number): State {
    this.#forget();
    return this.#fromGround(byte);
  }

  #forget(): State {
    this.#sequence = [];
    this.#sent = 0;
    this.#alt = false;
    this.#mute = false;
    return ground;
  }

  #history(): State {
    this.#prefixAt = null;
    this.#do({ do: "history" });
    return ground;
  }

  #detach(key: "plain" | "prefix"): State {
    this.#do({ do: "detach", key });
    this.#prefixAt = null;
    this.#listener = "nobody";
    return this.#forget();
  }

  #send(bytes: Uint8Array | number[]): void {
    if (!this.#gone && bytes.length > 0) this.#actions.send(bytes, this.#policy);
  }

  #do(action: KeyAction): void {
    if (!this.#gone) this.#actions.add(action);
  }
}

function isText(chunk: Uint8Array, text: string | null): boolean {
  return text !== null && Buffer.from(text).equals(chunk);
}
