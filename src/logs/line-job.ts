// One bounded piece of work on lines, as a worker does it: reading on from a state, packing lines into
// blocks, choosing and marking them.

import { deflateRawSync, inflateRawSync } from "../base/endable-worker.ts";
import { withoutAttributes } from "../base/text/control-sequences.ts";
import { parseLogLine } from "../trainers/reading/python-log.ts";
import { LineReader, type LogLine, type ReaderState } from "./line-reader.ts";
import { marked, matchesIn, styledText } from "./line-text.ts";
import { trigramsOf } from "./trigram-index.ts";

/**
 * Lines of a full block: what a hit of the index unpacks. More make the index smaller and each hit dearer;
 * 128 lines unpack in about 0.2 ms.
 */
export const blockLines = 128;

/** Where reading begins when there is no state: a fresh terminal of this size, at this byte of the stream. */
export interface Beginning {
  offset: number;
  cols: number;
  rows: number;
  /**
   * A stream whose beginning is gone, of a program that draws falcon's display: the alternate screen and its
   * region are assumed.
   */
  drawn?: boolean;
  /** A file: its lines end in LF alone, and nothing wraps. */
  file?: boolean;
}

/** What is read: bytes, bytes that are missing, another size of the terminal. */
export type Fed = { bytes: Uint8Array } | { missing: number } | { cols: number; rows: number };

/** Which lines are wanted and how they look. */
export interface Selection {
  /** Lines with a smaller number are passed over. */
  from: number;
  /** So are lines with this number or a greater one. */
  to: number;
  /** Lines that were last written to before this byte of the stream are passed over. */
  since: number;
  /**
   * Lines of a file whose own time (ms since 1970) is before this are passed over, with those that continue
   * them. 0: none.
   */
  stamp: number;
  /** Lines that do not match are passed over; flags may be "" or "i". */
  pattern: { source: string; flags: string } | null;
  /** With colours, and matches marked. */
  colours: boolean;
  /** Stands before each line. */
  prefix: string;
}

export interface ReadJob {
  do: "read";
  /** A state that an earlier turn answered, or a beginning. */
  at: Uint8Array | Beginning;
  feed: Fed[];
  /**
   * What becomes of lines that stand on the screen and may still change: `keep`: nothing; `complete`: those
   * that a line feed ended are
   * shown; `show`: all are shown; `end`: they are finished.
   */
  standing: "keep" | "complete" | "show" | "end";
  select: Selection;
}

export interface PackJob {
  do: "pack";
  at: Uint8Array | Beginning;
  feed: Fed[];
  /** The stream has ended: the last block may be short. */
  end: boolean;
}

/** A block as it is stored. */
export interface StoredBlock {
  /** Number of its first line. */
  first: number;
  packed: Uint8Array;
}

export interface UnpackJob {
  do: "unpack";
  blocks: StoredBlock[];
  select: Selection;
}

export type LineJob = ReadJob | PackJob | UnpackJob;

/** Chosen lines: one text with a line feed behind each. */
export interface Selected {
  text: Uint8Array;
  /** Where each line ends in `text`, behind its line feed. */
  ends: Uint32Array;
  /** The number of each. */
  numbers: Float64Array;
}

export interface ReadAnswer {
  state: Uint8Array;
  lines: Selected;
  /** The number behind the last line that was shown or finished. */
  shown: number;
  /** The number behind the last line that there is, finished or not. */
  total: number;
}

/**
 * A block to be stored. Offsets are of the stream: where its first and its last line were last written to.
 */
export interface NewBlock {
  first: number;
  count: number;
  offset: number;
  last: number;
  packed: Uint8Array;
  /** For the index. */
  words: string;
}

export interface PackAnswer {
  state: Uint8Array;
  /** The next byte to be read. */
  offset: number;
  blocks: NewBlock[];
}

/** A line without a screen: its place in the stream and its text with looks. */
type Kept = [offset: number, text: string];

/**
 * What a state holds: the reader's own, lines that wait for their block to be full, and whether a file's
 * lines are recent enough yet.
 */
interface Held {
  version: 1;
  reader: ReaderState;
  pending: Kept[];
  file: boolean;
  late: boolean;
}

/** As long as a line may be: a file's lines never wrap. */
const fileCols = 1 << 16;

export function readLines(job: ReadJob): ReadAnswer {
  const { reader, held } = opened(job.at);
  const chosen = new Chosen(job.select, held);
  let number = reader.count - held.pending.length;
  for (const [offset, text] of held.pending) chosen.take(number++, offset, text);
  for (const line of fed(reader, job.feed, held)) chosen.take(line.number, line.offset, styledText(line.runs));
  let shown = reader.count;
  if (job.standing === "end") for (const line of reader.end()) chosen.take(line.number, line.offset, styledText(line.runs));
  else if (job.standing !== "keep") {
    for (const line of reader.open()) {
      if (job.standing === "complete" && !line.complete) break;
      chosen.take(line.number, line.offset, styledText(line.runs));
      shown = line.number + 1;
    }
  }
  const state = packedState({ ...held, late: chosen.late, reader: reader.state(), pending: [] });
  const total = reader.count + reader.open().length;
  return { state, lines: chosen.selected(), shown: Math.max(shown, reader.count), total };
}

export function packLines(job: PackJob): PackAnswer {
  const { reader, held } = opened(job.at);
  let first = reader.count - held.pending.length;
  let waiting: Kept[] = held.pending;
  const blocks: NewBlock[] = [];
  const full = () => {
    blocks.push(packedBlock(first, waiting));
    first += waiting.length;
    waiting = [];
  };
  const take = (line: LogLine) => {
    waiting.push([line.offset, styledText(line.runs)]);
    if (waiting.length === blockLines) full();
  };
  for (const line of fed(reader, job.feed, held)) take(line);
  if (job.end) {
    for (const line of reader.end()) take(line);
    if (waiting.length > 0) full();
  }
  const state = packedState({ ...held, reader: reader.state(), pending: waiting });
  return { state, offset: reader.offset, blocks };
}

export function unpackLines(job: UnpackJob): Selected {
  const chosen = new Chosen(job.select);
  for (const { first, packed } of job.blocks) {
    const { offsets, lines } = unpackedBlock(packed);
    for (let i = 0; i < lines.length; i++) chosen.take(first + i, offsets[i] as number, lines[i] as string);
  }
  return chosen.selected();
}

/** Chooses lines, in order, and gathers their text. */
class Chosen {
  readonly #select: Selection;
  readonly #pattern: RegExp | null;
  late: boolean;
  #text: string[] = [];
  #numbers: number[] = [];

  constructor(select: Selection, held?: Held) {
    this.#select = select;
    this.#pattern = select.pattern === null ? null : new RegExp(select.pattern.source, `${select.pattern.flags}g`);
    this.late = held?.late ?? true;
  }

  take(number: number, offset: number, styled: string): void {
    const { from, to, since, stamp, colours, prefix } = this.#select;
    if (number < from || number >= to || offset < since) return;
    const plain = colours && this.#pattern === null && stamp === 0 ? "" : withoutAttributes(styled);
    if (stamp > 0) {
      const time = parseLogLine(plain)?.time;
      if (time !== undefined) this.late = time >= stamp;
      if (!this.late) return;
    }
    let shown = colours ? styled : plain;
    if (this.#pattern !== null) {
      const matches = matchesIn(plain, this.#pattern);
      if (matches === undefined) return;
      if (colours) shown = marked(styled, matches);
    }
    this.#text.push(`${prefix}${shown}\n`);
    this.#numbers.push(number);
  }

  selected(): Selected {
    const ends = new Uint32Array(this.#text.length);
    let at = 0;
    for (const [i, line] of this.#text.entries()) {
      at += Buffer.byteLength(line);
      ends[i] = at;
    }
    return { text: new Uint8Array(Buffer.from(this.#text.join(""))), ends, numbers: Float64Array.from(this.#numbers) };
  }
}

function opened(at: Uint8Array | Beginning): { reader: LineReader; held: Held } {
  if (at instanceof Uint8Array) {
    const held: Held = JSON.parse(inflateRawSync(at).toString());
    if (held.version !== 1) throw new Error("a reading state of another version");
    return { reader: LineReader.from(held.reader), held };
  }
  const { offset, file = false, drawn } = at;
  const reader = file ? new LineReader(fileCols, 1) : new LineReader(at.cols, at.rows);
  // what falcon does when its display begins
  const display = `\x1b[?1049h\x1b[1;${Math.max(2, at.rows - 1)}r\x1b[${Math.max(1, at.rows - 1)};1H`;
  reader.startAt(offset, drawn ? display : "");
  return { reader, held: { version: 1, reader: reader.state(), pending: [], file, late: false } };
}

function* fed(reader: LineReader, feed: readonly Fed[], held: Held): Generator<LogLine> {
  for (const part of feed) {
    if ("bytes" in part) {
      const bytes = Buffer.from(part.bytes.buffer, part.bytes.byteOffset, part.bytes.byteLength);
      yield* reader.feed(held.file ? terminated(bytes) : bytes);
    } else if ("missing" in part) yield* reader.skip(part.missing);
    else yield* reader.resize(part.cols, part.rows);
  }
}

/** A file's line feeds as a terminal gets them. */
function terminated(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString("latin1").replace(/(?<!\r)\r*\n/g, "\r\n"), "latin1");
}

function packedState(held: Held): Uint8Array {
  return new Uint8Array(deflateRawSync(JSON.stringify(held), { level: 1 }));
}

function packedBlock(first: number, lines: readonly Kept[]): NewBlock {
  const words = trigramsOf(lines.map(([, text]) => withoutAttributes(text)));
  const offset = (lines[0] as Kept)[0];
  const last = (lines.at(-1) as Kept)[0];
  const packed = new Uint8Array(
    deflateRawSync(JSON.stringify({ offsets: lines.map(([o]) => o), lines: lines.map(([, t]) => t) })),
  );
  return {
    first,
    count: lines.length,
    offset: Math.min(offset, last),
    last: Math.max(offset, last),
    packed,
    words,
  };
}

function unpackedBlock(packed: Uint8Array): { offsets: number[]; lines: string[] } {
  return JSON.parse(inflateRawSync(packed).toString());
}
