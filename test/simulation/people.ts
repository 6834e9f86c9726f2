// People at terminals: each runs a client, types keys that tell whose they are and in which order, and looks
// at what is drawn: whether it is the program's output, and how far it has come.
import { holds, output, wide } from "./screens.ts";
import { type Chance, system } from "./shims.ts";

/** Each person's keys are these, round and round; an arrow key says whose it is, too. */
const alphabets = ["!\"#$%&'()*+,-./0123456789:", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"];
const arrows = "ABC";
export const people = alphabets.length;

/** Holes of the log at which a holder was killed: what it had not sent of them by then nobody gets. */
export const lostWithHolder: { holes: { offset: number; length: number }[] } = { holes: [] };

export class Person {
  readonly who: number;
  client: { index: number; pid: number; keyboard: number; screen: number } | undefined;
  /** All that was typed: places in the alphabet; -1 an arrow key. */
  readonly typed: number[] = [];
  /** Some of what was typed may be lost: its client was killed, or the holder. */
  mayLose = false;
  /**
   * The holder stood still for more than 100 ms: what goes to it through the server may then overtake what
   * went to it before (native/client/keys.c).
   */
  maySwap = false;
  /** How much had been typed when each client began. */
  readonly #begins: number[] = [];
  #keys = 0;
  /** What the terminal shows is the output before this; undefined: nothing of it yet. */
  shown: number | undefined;
  #text = Buffer.alloc(0);
  /** What came last. */
  #before = Buffer.alloc(0);
  /** Prose on the terminal. */
  said = "";
  slow = false;
  /** Has pressed the key that leaves. */
  leaves = false;
  size = { cols: 80, rows: 24 };
  status: number | undefined;

  constructor(who: number) {
    this.who = who;
  }

  start(words: string[]): void {
    this.#begins.push(this.typed.length);
    this.client = system.simSpawnClient(["falcon", ...words], this.size.cols, this.size.rows);
    this.shown = undefined;
    this.status = undefined;
    this.#text = Buffer.alloc(0);
    this.said = "";
  }

  /** Types some keys at once. */
  type(chance: Chance): void {
    if (this.client === undefined || this.leaves) return;
    const arrow = chance(8) === 0;
    const letters = alphabets[this.who] as string;
    const count = arrow ? 1 : chance(6) === 0 ? 1 + chance(20) : 1;
    const keys = Array.from({ length: count }, (_, i) => (this.#keys + i) % letters.length);
    const bytes = arrow ? `\x1b[${arrows[this.who]}` : keys.map((key) => letters[key]).join("");
    if (system.simType(this.client.keyboard, Buffer.from(bytes)) !== bytes.length) return;
    if (!arrow) this.#keys += count;
    this.typed.push(...(arrow ? [-1] : keys));
  }

  /** What was typed at each client, in order. */
  get typedAtEach(): number[][] {
    return this.#begins.map((from, i) => this.typed.slice(from, this.#begins[i + 1]));
  }

  /** The key that leaves. */
  leave(): void {
    if (this.client !== undefined) system.simType(this.client.keyboard, Buffer.from("\x1c"));
  }

  /** The terminal takes what it takes, and it is looked at. */
  look(most: number, capacity: number): number {
    if (this.client === undefined) return 0;
    const bytes = system.simDrain(this.client.screen, most, capacity);
    if (bytes === undefined) return 0;
    this.#draw(bytes);
    return bytes.length;
  }

  #draw(bytes: Buffer): void {
    const text = Buffer.concat([this.#text, bytes]);
    let at = 0;
    while (at < text.length) {
      const length = this.#one(text, at);
      if (length === 0) break;
      at += length;
    }
    this.#before = text.subarray(Math.max(0, at - 400), at);
    this.#text = text.subarray(at);
  }

  /** One thing on the terminal; 0: it is not whole. */
  #one(text: Buffer, at: number): number {
    const byte = text[at] as number;
    const rest = text.length - at;
    if (byte === 0x1b) return sequence(text, at);
    if (byte === 0x7b) {
      const end = text.indexOf("}", at);
      if (end < 0) return 0;
      this.shown = Number(text.toString("latin1", at + 1, end));
      return end + 1 - at;
    }
    if (byte === 0xe2 && rest < wide) return isWhole(text, at) ? 0 : 1;
    // a character that was cut off, when another screen is to follow
    if (byte === 0xe2 && !isWhole(text, at)) return 1;
    if (byte === 0xe2 && (text[at + 1] as number) >= 0xa0 && (text[at + 1] as number) < 0xa4) {
      const shown = this.shown;
      holds(shown !== undefined, () => `output on the terminal of ${this.who} before any screen`);
      // as much at once as is right
      let right = 0;
      while (at + right + wide <= text.length && same(text, at + right, shown + right)) right += wide;
      if (right === 0) {
        const passed = this.#passHole(text, at, shown);
        if (passed !== undefined) return passed;
      }
      holds(
        right > 0,
        () =>
          `the terminal of ${this.who} shows the output before ${shown}, and then got ${latin(text.subarray(at, at + 12))} in place of ${latin(output(shown, 12))}, behind ${latin(Buffer.concat([this.#before, text.subarray(0, at)]).subarray(-300))}`,
      );
      this.shown = shown + right;
      return right;
    }
    this.said = (this.said + String.fromCharCode(byte)).slice(-2000);
    return 1;
  }

  /**
   * Whether the output goes on here behind a hole; then the length of the character that the hole has torn.
   * Undefined: it does not.
   */
  #passHole(text: Buffer, at: number, shown: number): number | undefined {
    for (const { offset, length } of lostWithHolder.holes) {
      const end = offset + length;
      if (shown + wide <= offset || shown >= end) continue;
      const rest = (wide - (end % wide)) % wide;
      for (let before = 0; before < wide; before++) {
        const torn = Buffer.concat([output(shown, before), output(end, rest)]);
        if (text.length < at + torn.length + 1 || !text.subarray(at, at + torn.length).equals(torn)) continue;
        if (torn.length === 0 && !same(text, at, end)) continue;
        this.shown = end + rest;
        return torn.length === 0 ? this.#one(text, at) : torn.length;
      }
    }
    return undefined;
  }
}

const latin = (bytes: Buffer) => JSON.stringify(bytes.toString("latin1"));

/** Whether the character at a place of the terminal's bytes is the one at a place of the output. */
function same(text: Buffer, at: number, offset: number): boolean {
  return text.compare(output(offset, wide), 0, wide, at, at + wide) === 0;
}

/** Whether nothing but bytes of one character stands here, as far as they have come. */
function isWhole(text: Buffer, at: number): boolean {
  return text.subarray(at + 1, at + wide).every((byte) => byte >= 0x80 && byte < 0xc0);
}

/** The length of the sequence that begins here; 0: it is not whole. */
function sequence(text: Buffer, at: number): number {
  const kind = text[at + 1];
  if (kind === undefined) return 0;
  if (kind === 0x5b) {
    for (let end = at + 2; end < text.length; end++) {
      const byte = text[end] as number;
      if (byte >= 0x40 && byte <= 0x7e) return end + 1 - at;
      if (byte < 0x20 || byte > 0x7e) return end - at;
    }
    return 0;
  }
  if (kind === 0x5d || kind === 0x50 || kind === 0x5f) {
    for (let end = at + 2; end < text.length; end++) {
      if (text[end] === 0x07) return end + 1 - at;
      if (text[end] === 0x18) return end + 1 - at;
      if (text[end] === 0x1b) return end + 1 < text.length ? end + 2 - at : 0;
    }
    return 0;
  }
  return kind >= 0x20 && kind < 0x30 ? (text.length - at > 2 ? 3 : 0) : 2;
}

/** What the program was told, by whom; nothing may stand inside another's sequence. */
export function heardOf(bytes: Buffer): number[][] {
  const heard: number[][] = alphabets.map(() => []);
  for (let at = 0; at < bytes.length; at++) {
    const letter = String.fromCharCode(bytes[at] as number);
    if (letter === "\x1b") {
      const who = arrows.indexOf(String.fromCharCode(bytes[at + 2] ?? 0));
      if (at + 2 >= bytes.length) break;
      holds(
        bytes[at + 1] === 0x5b && who >= 0,
        () => `the program was told ${bytes.subarray(at, at + 6).toString("hex")}: a torn sequence`,
      );
      heard[who]?.push(-1);
      at += 2;
      continue;
    }
    const who = alphabets.findIndex((letters) => letters.includes(letter));
    holds(who >= 0, () => `the program was told a byte that nobody typed: ${bytes[at]}`);
    heard[who]?.push((alphabets[who] as string).indexOf(letter));
  }
  return heard;
}

/**
 * That what was heard of somebody is what they typed, so far: in order, none twice, none lost but where that
 * may be.
 */
export function checkHeard(person: Person, heard: readonly number[], whole: boolean): void {
  const { typed, mayLose, maySwap, who } = person;
  const tell = () => `typed ${typed.join(" ")}; the program was told ${heard.join(" ")}`;
  if (maySwap) {
    for (let key = -1; key < 26; key++) {
      const count = (keys: readonly number[]) => keys.filter((each) => each === key).length;
      holds(count(heard) <= count(typed), () => `a key of ${who} came twice: ${tell()}`);
      holds(!whole || mayLose || count(heard) === count(typed), () => `a key of ${who} was lost: ${tell()}`);
    }
    return;
  }
  if (!mayLose) {
    for (const [i, key] of heard.entries())
      holds(key === typed[i], () => `key ${i} of ${who} is ${key} in place of ${typed[i]}: ${tell()}`);
    if (whole)
      holds(heard.length === typed.length, () => `of ${typed.length} keys of ${who} only ${heard.length} arrived: ${tell()}`);
    return;
  }
  let next = 0;
  for (const key of heard) {
    const at = typed.indexOf(key, next);
    // what a killed client had sent may come behind what was typed at the next one
    if (at < 0) return holds(isMerged(person.typedAtEach, heard), () => `a key of ${who} came twice, or too late: ${tell()}`);
    next = at + 1;
  }
}

/** Whether what was heard is made of these, each in order; some of each may be lost. */
function isMerged(parts: readonly (readonly number[])[], heard: readonly number[]): boolean {
  // how much of each was used, in every way in which that can be
  let ways = new Map([["", parts.map(() => 0)]]);
  for (const key of heard) {
    const next = new Map<string, number[]>();
    for (const used of ways.values())
      for (const [i, part] of parts.entries()) {
        const at = part.indexOf(key, used[i]);
        if (at < 0) continue;
        const more = used.with(i, at + 1);
        next.set(more.join(" "), more);
      }
    ways = next;
  }
  return ways.size > 0;
}
