// Generated input of a viewer's terminal with what must become of it: keys in every encoding, pastes,
// replies, mouse reports, cut anywhere.
import { InputParser } from "../../../src/session/keys/input-parser.ts";
import { escapeTimeout, type KeyPolicy, longestString, prefixTimeout, quietReset } from "../../../src/session/keys/key-policy.ts";
import type { Random } from "../random.ts";

/** What the program gets, as numbers: its bytes in order, and what the parser decided between them. */
const Event = { history: 256, detach: 257 } as const;

/** Some bytes that are one thing. */
interface Part {
  bytes: Buffer;
  /**
   * What becomes of it when it is not torn by a pause: its bytes, other numbers (see {@link Event}), or
   * nothing.
   */
  gives: "itself" | readonly number[];
  /** A pause within would make it something else, so none is put there: it is a key of ours. */
  whole?: boolean;
  /** It was typed as text: a detach key in it must not be a read of its own. */
  text?: boolean;
  /** It goes on with the part before it: a long silence between them would end a paste. */
  goesOn?: boolean;
}

interface Chunk {
  bytes: Buffer;
  /** Milliseconds since the chunk before. */
  pause: number;
}

/** One generated input. */
export interface KeyInput {
  policy: KeyPolicy;
  parts: Part[];
  chunks: Chunk[];
  /** Whether the owner's timers fire in time; on a busy machine they come late. */
  timers: boolean;
}

/**
 * Whether some of it may be a reply of the terminal, which goes nowhere: a control sequence, in which other
 * controls may stand, with the prefix or the final byte of one; or a string.
 */
export function mayBeReply(bytes: Buffer): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: replies are escape sequences
  return /(?:\x1b\[|\x9b)[\x00-\x1a\x1c-\x3f]*(?:[<=>?]|[Rntxy])|\x1b[\]P_X^]|[\x90\x98\x9d\x9e\x9f]/.test(
    bytes.toString("latin1"),
  );
}

const bytesOf = (text: string) => Buffer.from(text);
const itself = (text: string, more: Partial<Part> = {}): Part => ({ bytes: bytesOf(text), gives: "itself", ...more });
const raw = (bytes: number[]): Part => ({ bytes: Buffer.from(bytes), gives: "itself" });

const words = [
  "d",
  "q",
  "dd",
  "j",
  "k",
  "add",
  "ddd",
  "word ",
  "ls -la\r",
  "дом",
  "é",
  "漢字",
  "\u{1f600}d",
  "\t",
  "\r",
  "\x7f",
  "d\r",
  "\x01",
  "\x04",
];
const legacyKeys = [
  "\x1b[A",
  "\x1b[B",
  "\x1bOA",
  "\x1bOP",
  "\x1bOd",
  "\x1b[d",
  "\x1b[1;5C",
  "\x1b[15~",
  "\x1b[24;2~",
  "\x1b[[A",
  "\x1b[[E",
  "\x1b[Z",
  "\x1b[6~",
  "\x1b[1;2R",
  "\x1bd",
  "\x1bD",
  "\x1bé",
  "\x1b\x7f",
  "\x1b\x1b[A",
  "\x1b\x1bOB",
  "\x1b\x1b[100u",
  "\x1b\x1c",
  "\x1b\r",
];
const replies = [
  "\x1b[?62;22c",
  "\x1b[>41;379;0c",
  "\x1b[0n",
  "\x1b[24;80R",
  "\x1b[?1;1R",
  "\x1b[?2026;2$y",
  "\x1b[?5u",
  "\x1b[8;24;80t",
  "\x1b[2;1;1;128;128;1;0x",
  "\x1bP>|d(1)\x1b\\",
  "\x1bP1$r0;4:3m\x1b\\",
  "\x1bP0+r64\x1b\\",
  "\x1b_Gi=31;OK\x1b\\",
];
const lowered = ["d", "dd", "ddd", "dddd", "d0", "0d"];

/** A reply with a colour, which may well be written with d alone. */
function colour(random: Random): string {
  const part = random.pick(lowered);
  const what = random.oneIn(3) ? `4;${random.below(256)}` : String(random.between(10, 19));
  const end = random.pick(["\x07", "\x1b\\"]);
  return `\x1b]${what};rgb:${part}/${part}/${part}${end}`;
}

/** Pasted: everything but the end of a paste. */
function pasted(random: Random): Buffer {
  const pieces: Buffer[] = [];
  for (let left = random.below(6); left > 0; left--) {
    const kind = random.below(6);
    if (kind === 0) pieces.push(random.bytes(random.below(20)));
    else if (kind === 1)
      pieces.push(
        bytesOf(random.pick(["\x1c", "\x1c\x1c", "\x03", "\x1b[200~", "\x1b[20", "\x1b[201", "\x1b", "\x1b[100u", "\x1b[92;5u"])),
      );
    else if (kind === 2) pieces.push(bytesOf(colour(random)));
    else if (kind === 3) pieces.push(Buffer.alloc(random.below(3000), "abcd"));
    else pieces.push(bytesOf(random.pick(words)));
  }
  let body = Buffer.concat(pieces);
  // random bytes may spell the end, or begin it at theirs
  const end = bytesOf("\x1b[201~");
  for (let at = body.indexOf(end); at >= 0; at = body.indexOf(end))
    body = Buffer.concat([body.subarray(0, at), body.subarray(at + 1)]);
  while (body.length > 0 && Buffer.concat([body, end]).indexOf(end) < body.length) body = body.subarray(0, -1);
  return body;
}

/** One thing that a terminal may send, with what it gives under this policy; never one that detaches. */
function something(random: Random, policy: KeyPolicy): Part[] {
  switch (random.below(14)) {
    case 0:
    case 1:
      return [itself(random.pick(words), { text: true })];
    case 2:
      return [itself(random.pick(legacyKeys))];
    case 3: {
      const brackets = policy.bracketedPaste ? "itself" : [];
      return [
        { bytes: bytesOf("\x1b[200~"), gives: brackets },
        { bytes: pasted(random), gives: "itself", goesOn: true },
        { bytes: bytesOf("\x1b[201~"), gives: brackets, goesOn: true },
      ];
    }
    case 4:
    case 5:
      return [{ bytes: bytesOf(colour(random)), gives: [] }];
    case 6:
      return [{ bytes: bytesOf(random.pick(replies)), gives: [] }];
    case 7: {
      const [x, y] = [random.between(1, 300), random.between(1, 300)];
      if (random.oneIn(2)) return [itself(`\x1b[<${random.below(100)};${x};${y}${random.pick(["M", "m"])}`)];
      if (random.oneIn(2)) return [itself(`\x1b[${random.between(32, 132)};${x};${y}M`)];
      // d is the coordinate 68; in the encoding of mode 1005 a character may have two bytes
      if (random.oneIn(2))
        return [raw([0x1b, 0x5b, 0x4d, random.between(32, 126), random.pick([0x64, 0x21, 0xff]), random.pick([0x64, 0x7f])])];
      return [
        itself(
          `\x1b[M${String.fromCodePoint(random.between(32, 126), random.between(128, 2000), random.pick([0x64, 128, 2047]))}`,
        ),
      ];
    }
    case 8: {
      // kitty keys: any but the plain detach key and the prefix
      const code = random.pick([97, 99, 100, 106, 27, 13, 9, 57399, 1074]);
      const modifiers = code === 100 ? random.pick([2, 3, 5, 9, 66]) : random.pick([1, 2, 3, 5, 65, 129]);
      const event = random.pick(["", ":1", ":2", ":3"]);
      return [itself(`\x1b[${code};${modifiers}${event}u`)];
    }
    case 9:
      return [{ bytes: bytesOf(random.pick(["\x1b[I", "\x1b[O"])), gives: policy.focus ? "itself" : [] }];
    case 10: {
      if (policy.prefix !== 0x1c) return [itself("\x1c")];
      const press = random.pick(["\x1c", "\x1b[92;5u", "\x1b[27;5;92~", "\x1b[92;69:1u"]);
      const release = press.startsWith("\x1b[92") && random.oneIn(2) ? "\x1b[92;5:3u" : "";
      if (random.oneIn(3)) {
        const bracket = random.pick(["[", "\x1b[91u", "\x1b[91;1:1u"]);
        return [{ bytes: bytesOf(press + release + bracket), gives: [Event.history], whole: true }];
      }
      return [{ bytes: bytesOf(press + release + press + release), gives: [...bytesOf(press + release)], whole: true }];
    }
    case 11:
      return [itself("\x03", { text: true })];
    case 12:
      if (!policy.historyKey) return [itself("\x1b[5~")];
      return [{ bytes: bytesOf(random.pick(["\x1b[5~", "\x1b[5;1~"])), gives: [Event.history], whole: true }];
    default:
      // a reply of a length that nobody would hold back
      if (random.oneIn(40)) return [itself(`\x1b]52;c;${"ZGRk".repeat(longestString / 4 + random.below(3))}\x07`)];
      return [itself(random.pick(["\x1b[97u", "\x1b[27;5;9~", "\x1b[57441;2u", "\x1b[?997;1n"]))];
  }
}

/** The end of an input that detaches, and the events that it makes. */
function leaving(random: Random, policy: KeyPolicy): Part | undefined {
  const ways: string[] = [];
  if (policy.plainDetach && policy.detachKey !== null) {
    const code = policy.detachKey.charCodeAt(0);
    ways.push(policy.detachKey, `\x1b[${code}u`, `\x1b[${code};65u`, `\x1b[27;1;${code}~`);
  }
  if (policy.prefix === 0x1c) ways.push("\x1c", "\x1b[92;5u", "\x1cx", "\x1c\x1b[A");
  return ways.length === 0 ? undefined : { bytes: bytesOf(random.pick(ways)), gives: [Event.detach] };
}

/** Makes one input. */
export function keyInput(random: Random): KeyInput {
  const policy: KeyPolicy = {
    plainDetach: !random.oneIn(4),
    detachKey: random.oneIn(8) ? random.pick(["q", null]) : "d",
    prefix: random.oneIn(8) ? null : 0x1c,
    bracketedPaste: random.oneIn(2),
    focus: random.oneIn(2),
    isig: !random.oneIn(4),
    interruptByte: random.oneIn(8) ? null : 3,
    historyCharacters: [0x5b],
    historyKey: random.oneIn(2),
  };
  const parts: Part[] = [];
  for (let left = random.between(1, 6); left > 0; left--) parts.push(...something(random, policy));
  // so that no detach key stands alone at the end
  if (parts.at(-1)?.text) parts.push(itself("\r"));
  const chunks = cut(random, policy, parts);
  const last = random.oneIn(2) ? leaving(random, policy) : undefined;
  if (last !== undefined) {
    parts.push(last);
    chunks.push({ bytes: last.bytes, pause: random.pick([0, 3, 60, 2000]) });
    if (random.oneIn(2)) chunks.push({ bytes: pasted(random), pause: prefixTimeout });
  }
  return { policy, parts, chunks, timers: !random.oneIn(4) };
}

/** Cuts the parts into reads with pauses between them, anywhere but where that would change their meaning. */
function cut(random: Random, policy: KeyPolicy, parts: readonly Part[]): Chunk[] {
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const detach = policy.plainDetach ? policy.detachKey?.charCodeAt(0) : undefined;
  const longest = new Uint16Array(bytes.length + 1);
  /** Detach keys that are letters of a text. */
  const letters = new Set<number>();
  let at = 0;
  for (const part of parts) {
    const end = at + part.bytes.length;
    // within a sequence: long enough to give up waiting, not to forget it; between two of them: as long as
    // you like
    longest.fill(part.whole ? 3 : quietReset - 1, at, end);
    if (!part.goesOn) longest[at] = 20_000;
    if (part.text) for (let i = at; i < end; i++) if (bytes[i] === detach) letters.add(i);
    at = end;
  }
  const chunks: Chunk[] = [];
  const seldom = random.pick([1, 2, 4, 16, 1000]);
  let from = 0;
  let pause = 0;
  for (let to = 1; to <= bytes.length; to++) {
    const lone = to - from === 1 && letters.has(from);
    if (to < bytes.length && (lone || !random.oneIn(seldom))) continue;
    chunks.push({ bytes: bytes.subarray(from, to), pause });
    from = to;
    pause = random.oneIn(6) ? random.pick([escapeTimeout, 60, 300, quietReset - 1, 1500, 20_000]) : random.below(4);
    pause = Math.min(pause, longest[to] as number);
  }
  return chunks;
}

/** What must come of an input. */
function expected(input: KeyInput): number[] {
  const numbers: number[] = [];
  const torn = tears(input);
  let at = 0;
  for (const { bytes, gives } of input.parts) {
    // what was sent in part, after a pause, is sent whole
    const isTorn = torn.some((position) => position > at && position < at + bytes.length);
    if (gives === "itself" || isTorn) for (const byte of bytes) numbers.push(byte);
    else numbers.push(...gives);
    at += bytes.length;
  }
  return numbers;
}

/** Positions at which a pause was long enough to give up waiting, and the timer fired. */
function tears(input: KeyInput): number[] {
  if (!input.timers) return [];
  const found: number[] = [];
  let at = 0;
  for (const { bytes, pause } of input.chunks) {
    if (pause >= escapeTimeout) found.push(at);
    at += bytes.length;
  }
  return found;
}

/** Feeds an input to a fresh parser; answers what is wrong, or undefined. */
export function misfortune(input: KeyInput): string | undefined {
  const { policy, chunks, timers } = input;
  const numbers: number[] = [];
  let now = 0;
  let trouble: string | undefined;
  const keys = new InputParser(
    () => policy,
    () => now,
  );
  const note = (actions: ReturnType<InputParser["feed"]>) => {
    for (const action of actions) {
      if (action.do === "send") for (const byte of action.bytes) numbers.push(byte);
      else if (action.do === "interrupt") {
        if (!policy.isig || action.bytes.length !== 1 || action.bytes[0] !== policy.interruptByte) trouble = "a wrong interrupt";
        numbers.push(...action.bytes);
      } else if (action.do === "answer") trouble = "an answer to no question";
      else numbers.push(Event[action.do]);
    }
  };
  const pass = (ms: number, firing: boolean) => {
    const end = now + ms;
    for (let fired = 0; firing && keys.deadline !== null && keys.deadline <= end; fired++) {
      if (fired > 3) {
        trouble = "the timer fires again and again";
        return;
      }
      now = keys.deadline;
      note(keys.timeout());
    }
    now = end;
  };
  for (const { bytes, pause } of chunks) {
    pass(pause, timers);
    note(keys.feed(bytes));
  }
  pass(prefixTimeout + quietReset, true);
  if (trouble !== undefined) return trouble;
  if (keys.deadline !== null) return "something is held back for ever";
  const wanted = expected(input);
  const same = numbers.length === wanted.length && numbers.every((number, i) => number === wanted[i]);
  return same ? undefined : `gave ${shown(numbers)}\n  not ${shown(wanted)}`;
}

function shown(numbers: readonly number[]): string {
  const one = (n: number) =>
    n === Event.detach ? "<detach>" : n === Event.history ? "<history>" : JSON.stringify(String.fromCharCode(n)).slice(1, -1);
  return numbers.map(one).join("");
}

/** An input, for a message. */
export function describeInput(input: KeyInput): string {
  const chunks = input.chunks.map(({ bytes, pause }) => `+${pause} ${JSON.stringify(bytes.toString("latin1"))}`);
  return `${JSON.stringify(input.policy)}${input.timers ? "" : " (timers late)"}\n  ${chunks.join("\n  ")}`;
}
