// What a terminal is sent of a program's output: native/filter/stream_filter.c by its JavaScript name. Every
// way from a program to a person's terminal goes through one.
import { type ProgramSequences, sequenceKinds } from "../base/config/config.ts";
import { showable, type TerminalBytes } from "../base/text/terminal-bytes.ts";
import { createFilter, feedFilter, type NativeFilter, takeAsked } from "./native.ts";

/** SEQUENCE_RULES_VERSION: a client with another one filters by rules that are not these. */
export const sequenceRulesVersion = 3;

/** In the order of `enum passage`. */
const passages = ["block", "pass", "ask"];

/** The rules as the filter in C reads them: a byte for each kind. */
export function encodeRules(rules: ProgramSequences): Buffer {
  return Buffer.from(sequenceKinds.map((kind) => passages.indexOf(rules[kind])));
}

export interface FilterOptions {
  /** Whose bytes these are: a program's questions are taken out; a screen that we draw has none. */
  of: "program" | "screen";
  /** Given a whole sequence that a person is to be asked about; without it such a sequence is blocked. */
  ask?: (sequence: Buffer) => void;
}

export class StreamFilter {
  readonly #filter: NativeFilter;
  readonly #ask: ((sequence: Buffer) => void) | undefined;

  constructor(rules: ProgramSequences, options: FilterOptions) {
    this.#ask = options.ask;
    this.#filter = createFilter(encodeRules(rules), options.of === "program", options.ask !== undefined);
  }

  /**
   * What may go to the terminal; the same buffer where that is all of it. A sequence of which it is not known
   * yet what it does waits. What is passed ends between two sequences and two characters, but within images,
   * so that something of our own can stand there.
   */
  feed(chunk: Buffer): Buffer & TerminalBytes {
    const passed = feedFilter(this.#filter, chunk);
    if (this.#ask !== undefined) for (const sequence of asked(takeAsked(this.#filter))) this.#ask(sequence);
    return showable(passed) as Buffer & TerminalBytes;
  }
}

/** Each sequence stands behind its length. */
function asked(bytes: Buffer | undefined): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length; ) {
    const end = at + 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
    found.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return found;
}
