// The holder's `record` file: when the program began, what the log lacks, and how it ended.
import fs from "node:fs";
import path from "node:path";

/** The file is 4096 bytes, allocated at the start; nothing past that is a record. */
const recordBytes = 4096;

/** A range of the stream that is not in the log. Offsets and lengths are bytes of the stream. */
export interface Gap {
  offset: number;
  length: number;
}

/** How the program ended, as the holder wrote it down. */
export interface ExitRecord {
  /** wait(2) status; -1 when nobody could reap the program (its holder was replaced). */
  status: number;
  /** Bytes of output in all. */
  end: number;
  /** Milliseconds since 1970. */
  time: number;
}

/** What a session folder's `record` says, as far as a server asks; what it does not say is absent. */
export interface SessionRecord {
  /** Milliseconds since 1970. */
  start?: number;
  pid?: number;
  /** Ordered by offset, joined where they touch. */
  gaps: Gap[];
  exit?: ExitRecord;
  /** When the log was removed last, and the offset at which it begins anew. */
  removed?: { time: number; offset: number };
}

/**
 * Parses the text lines up to the first NUL. A line that is unknown or half written is skipped: the next
 * version may add some.
 */
export function parseRecord(bytes: Uint8Array): SessionRecord {
  const nul = bytes.indexOf(0);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, nul < 0 ? bytes.length : nul).toString("latin1");
  const record: SessionRecord = { gaps: [] };
  // what follows the last line feed was cut off in mid-write
  for (const line of text.slice(0, text.lastIndexOf("\n") + 1).split("\n")) {
    const [word, ...rest] = line.split(" ");
    const n = rest.map(integer);
    if (n.some(Number.isNaN)) continue;
    const [a, b, c] = n;
    if (word === "start" && a !== undefined && b !== undefined) {
      record.start = a;
      record.pid = b;
    } else if (word === "gap" && a !== undefined && b !== undefined && a >= 0 && b > 0) {
      record.gaps.push({ offset: a, length: b });
    } else if (word === "exit" && a !== undefined && b !== undefined && c !== undefined) {
      record.exit = { status: a, end: b, time: c };
    } else if (word === "removed" && a !== undefined && b !== undefined) {
      record.removed = { time: a, offset: b };
    }
  }
  record.gaps = joined(record.gaps);
  return record;
}

/**
 * The record of a session folder; an empty one where there is none (a holder that never got GO). Throws what
 * reading throws otherwise.
 */
export function readRecord(folder: string): SessionRecord {
  const buffer = Buffer.alloc(recordBytes);
  let fd: number;
  try {
    fd = fs.openSync(path.join(folder, "record"), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { gaps: [] };
    throw error;
  }
  try {
    const length = fs.readSync(fd, buffer, 0, recordBytes, 0);
    return parseRecord(buffer.subarray(0, length));
  } finally {
    fs.closeSync(fd);
  }
}

/** The same; of one that cannot be read, as on a broken disk, nothing is known. */
export function knownRecord(folder: string): SessionRecord {
  try {
    return readRecord(folder);
  } catch {
    return { gaps: [] };
  }
}

/** Orders gaps and joins those that touch or overlap. */
export function joined(gaps: readonly Gap[]): Gap[] {
  const out: Gap[] = [];
  for (const gap of [...gaps].sort((x, y) => x.offset - y.offset)) {
    const last = out.at(-1);
    if (last && gap.offset <= last.offset + last.length) {
      last.length = Math.max(last.length, gap.offset + gap.length - last.offset);
    } else out.push({ ...gap });
  }
  return out;
}

function integer(text: string): number {
  return /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
}
