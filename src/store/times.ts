// The holder's `times` file: which byte of the stream was written when, and which size the terminal had.
import fs from "node:fs";
import path from "node:path";
import { shortageOf } from "../base/failure.ts";

const headerBytes = 16;
const entryBytes = 12;
const page = 4096;
/** Entries in the file's first page, behind the header. That page stays for ever. */
const headEntries = (page - headerBytes) / entryBytes;
/**
 * One remembered place for each so many entries: a look-up reads 12 KiB, a month of marks costs 600 KiB of
 * memory. Three pages, so that places lie on page borders.
 */
const stride = 1024;
/** Bytes read at once. */
const blockBytes = entryBytes * stride * 8;
const largest = 0xffffffff;

/** A place in the stream with the time at which it was reached. */
export interface Mark {
  offset: number;
  /** Milliseconds since 1970. */
  time: number;
}

/** The terminal was given this size when the stream had `offset` bytes. */
export interface SizeMark extends Mark {
  cols: number;
  rows: number;
}

/** A remembered place: the state after entry number `entry`. */
interface Place extends Mark {
  entry: number;
}

/** What held before entry number `entry`, the first that is retained (written by `forget`). */
interface Beginning extends SizeMark {
  entry: number;
}

/**
 * The time index of one session. Reads only what was appended since it last looked; a file that is absent,
 * too short or of another
 * version gives an empty index, and no error, because a log without times is still a log. What the machine
 * was only short of (a descriptor, memory) is thrown: it says nothing of the file.
 */
export class Times {
  readonly #folder: string;
  #start = 0;
  #entries = 0;
  #first: Beginning | null = null;
  #time = 0;
  #offset = 0;
  /** The first retained entry, and each that begins a page of every third. */
  readonly #marks: Place[] = [];
  #sizes: SizeMark[] = [];
  #cache: { index: number; marks: Mark[] } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
    this.refresh();
  }

  /** The last mark of the file; null where there is none. */
  get last(): Mark | null {
    return this.#marks.length ? { offset: this.#offset, time: this.#time } : null;
  }

  /**
   * Every size that the terminal was given, oldest first; the first is the one at the start (or where the
   * retained log begins).
   */
  sizes(): readonly SizeMark[] {
    return this.#sizes;
  }

  /** The size at a place of the stream: the last one given at or before it. */
  sizeAt(offset: number): SizeMark | null {
    return this.#sizes[holding(this.#sizes, offsetOf, offset)] ?? null;
  }

  /** When byte `offset` was written: the last mark at or before it (ms since 1970); null without marks. */
  timeAt(offset: number): number | null {
    if (!this.#marks.length) return null;
    const block = this.#block(holding(this.#marks, offsetOf, offset));
    return block[holding(block, offsetOf, offset)]?.time ?? null;
  }

  /**
   * How long the stream was at `time` (ms since 1970): the offset of the first mark after it. Null when no
   * mark is later, that is,
   * when everything had been written by then.
   */
  offsetAt(time: number): number | null {
    if (!this.#marks.length) return null;
    const index = holding(this.#marks, timeOf, time);
    const block = this.#block(index);
    const next = block[lastAtMost(block, timeOf, time) + 1] ?? this.#marks[index + 1];
    return next?.offset ?? null;
  }

  /** All marks from the one that holds for `from`, in order. */
  *marks(from = 0): Generator<Mark> {
    const first = holding(this.#marks, offsetOf, from);
    for (let i = first; i < this.#marks.length; i++) {
      const block = this.#block(i);
      yield* i === first ? block.slice(holding(block, offsetOf, from)) : block;
    }
  }

  /** Reads what was appended since the last time. */
  refresh(): void {
    const fd = this.#openFile();
    if (fd < 0) return;
    try {
      if (!this.#start && !this.#readHeader(fd)) return;
      const buffer = Buffer.alloc(blockBytes);
      for (;;) {
        const length = fs.readSync(fd, buffer, 0, blockBytes, this.#position(this.#entries));
        const whole = length - (length % entryBytes);
        for (let i = 0; i < whole; i += entryBytes) this.#add(buffer, i);
        if (length < blockBytes) return;
      }
    } finally {
      fs.closeSync(fd);
    }
  }

  /**
   * Lets go of the marks before `offset`. First it is written down what holds there; then the entries of the
   * first page are replaced by their
   * sum with all that follow up to there (a holder's successor adds up the whole file), and the pages between
   * are punched out. A
   * crash between two steps costs nothing: what was written down counts, and the next call repeats the rest.
   */
  forget(offset: number, punchHole: (fd: number, offset: number, length: number) => boolean): void {
    // the last place on a page border at or before it, and what held before its entry
    const at = lastAtMost(this.#marks, offsetOf, offset);
    const place = this.#marks[at];
    if (place && place.entry >= headEntries && at > 0) {
      const { entry } = place;
      const { time, offset: reached } = this.#block(at - 1).at(-1) as Mark;
      const { cols, rows } = this.sizeAt(reached) ?? { cols: 0, rows: 0 };
      writeWhole(path.join(this.#folder, "times.base"), `${entry} ${time} ${reached} ${cols} ${rows}\n`);
      this.#first = { entry, time, offset: reached, cols, rows };
      this.#marks.splice(0, at);
      this.#sizes = [{ offset: reached, time, cols, rows }, ...this.#sizes.filter((size) => size.offset > reached)];
      this.#cache = null;
    }
    if (!this.#first) return;
    const fd = fs.openSync(path.join(this.#folder, "times"), fs.constants.O_RDWR | fs.constants.O_NOFOLLOW);
    try {
      fs.writeSync(fd, summed(this.#first, this.#start), 0, page - headerBytes, headerBytes);
      const freed = this.#position(this.#first.entry) - page;
      if (freed > 0) punchHole(fd, page, freed);
    } finally {
      fs.closeSync(fd);
    }
  }

  #openFile(): number {
    try {
      return fs.openSync(path.join(this.#folder, "times"), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
    } catch (error) {
      if (shortageOf(error) !== undefined) throw error;
      return -1;
    }
  }

  #readHeader(fd: number): boolean {
    const header = Buffer.alloc(headerBytes);
    if (fs.readSync(fd, header, 0, headerBytes, 0) < headerBytes) return false;
    if (header.toString("latin1", 0, 4) !== "FTIM" || header.readUInt32LE(4) !== 1) return false;
    this.#first = readBeginning(this.#folder);
    this.#start = Number(header.readBigUInt64LE(8));
    this.#time = this.#start;
    if (!this.#first) return true;
    const { entry, time, offset, cols, rows } = this.#first;
    this.#time = time;
    this.#offset = offset;
    this.#entries = entry;
    if (cols && rows) this.#sizes.push({ offset, time, cols, rows });
    return true;
  }

  #position(entry: number): number {
    return headerBytes + entry * entryBytes;
  }

  #add(buffer: Buffer, i: number): void {
    this.#time += buffer.readUInt32LE(i);
    this.#offset += buffer.readUInt32LE(i + 4);
    const cols = buffer.readUInt16LE(i + 8);
    const rows = buffer.readUInt16LE(i + 10);
    if (cols && rows) this.#sizes.push({ offset: this.#offset, time: this.#time, cols, rows });
    const entry = this.#entries++;
    if (!this.#marks.length || entry % stride === headEntries)
      this.#marks.push({ entry, offset: this.#offset, time: this.#time });
  }

  /** The marks of one stride, its first included. */
  #block(index: number): Mark[] {
    const following = this.#marks[index + 1];
    if (this.#cache?.index === index && following) return this.#cache.marks;
    const head = this.#marks[index] as Place;
    const count = (following?.entry ?? this.#entries) - head.entry;
    const marks: Mark[] = [head];
    const fd = this.#openFile();
    if (fd >= 0) {
      try {
        const buffer = Buffer.alloc((count - 1) * entryBytes);
        const length = count > 1 ? fs.readSync(fd, buffer, 0, buffer.length, this.#position(head.entry + 1)) : 0;
        let { time, offset } = head;
        for (let i = 0; i + entryBytes <= length; i += entryBytes) {
          time += buffer.readUInt32LE(i);
          offset += buffer.readUInt32LE(i + 4);
          marks.push({ offset, time });
        }
      } finally {
        fs.closeSync(fd);
      }
    }
    this.#cache = following ? { index, marks } : null;
    return marks;
  }
}

/**
 * Index of the last item whose key is at most `limit`; -1 when none is. Items are in rising order of their
 * key.
 */
export function lastAtMost<T>(items: readonly T[], key: (item: T) => number, limit: number): number {
  let low = -1;
  let high = items.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (key(items[middle] as T) <= limit) low = middle;
    else high = middle;
  }
  return low;
}

/** Index of the item that holds at `limit`: the last one at or before it, else the first. */
function holding<T>(items: readonly T[], key: (item: T) => number, limit: number): number {
  return Math.max(0, lastAtMost(items, key, limit));
}

const offsetOf = ({ offset }: Mark): number => offset;
const timeOf = ({ time }: Mark): number => time;

/**
 * The first page's entries when they stand for all before `first`: its time and offset in as few entries as
 * 32 bits allow.
 */
function summed(first: Beginning, start: number): Buffer {
  const entries = Buffer.alloc(page - headerBytes);
  let ms = Math.max(0, first.time - start);
  let bytes = first.offset;
  for (let i = 0; i < entries.length; i += entryBytes) {
    const last = ms <= largest && bytes <= largest;
    entries.writeUInt32LE(Math.min(ms, largest), i);
    entries.writeUInt32LE(Math.min(bytes, largest), i + 4);
    entries.writeUInt16LE(last ? first.cols : 0, i + 8);
    entries.writeUInt16LE(last ? first.rows : 0, i + 10);
    if (last) break;
    ms -= Math.min(ms, largest);
    bytes -= Math.min(bytes, largest);
  }
  return entries;
}

/** Writes a small file whole or not at all: temporary file, fsync, rename. */
function writeWhole(file: string, text: string): void {
  const fd = fs.openSync(`${file}.tmp`, "w", 0o600);
  try {
    fs.writeSync(fd, text);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(`${file}.tmp`, file);
}

function readBeginning(folder: string): Beginning | null {
  let text: string;
  try {
    text = fs.readFileSync(path.join(folder, "times.base"), "latin1");
  } catch (error) {
    if (shortageOf(error) !== undefined) throw error;
    return null;
  }
  const match = /^(\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,5}) (\d{1,5})\n$/.exec(text);
  if (!match) return null;
  const [entry, time, offset, cols, rows] = match.slice(1).map(Number) as [number, number, number, number, number];
  return { entry, time, offset, cols, rows };
}
