// A session's output as one stream with offsets: compressed segments first, then the holder's sparse
// output.log; what is missing is told.
// Long: reading, compressing and freeing share one view of where each byte is.
import fs from "node:fs";
import path from "node:path";
import { looksPunched, RawLog } from "./raw-log.ts";
import { type Gap, readRecord, type SessionRecord } from "./record.ts";
import {
  DamagedSegment,
  listSegments,
  readSegment,
  removeUnfinished,
  type Segment,
  segmentBytes,
  writeSegment,
} from "./segments.ts";
import { lastAtMost, type SizeMark, Times } from "./times.ts";

/** Raw bytes that stay uncompressed at the end, so that a viewer or a restarted server finds them at once. */
const keptRaw = segmentBytes;
/**
 * Unpacked segments that are remembered, over all logs: reading backwards through two of them must not unpack
 * each twice.
 */
const cachedSegments = 4;

/** A range that is not in the log, and why. */
export interface Hole extends Gap {
  /**
   * `disk`: could not be written then. `retention`: let go of since. `removed`: with the log, by somebody.
   * `damaged`: its segment cannot be read.
   */
  reason: "disk" | "retention" | "removed" | "damaged";
}

/** A stretch of the stream in order: bytes, or a hole. */
export type Piece = { offset: number; bytes: Buffer } | { offset: number; hole: Hole };

/** punchHole of src/platform/native.ts: frees a range of a file; false where the file system cannot. */
export type PunchHole = (fd: number, offset: number, length: number) => boolean;

export interface CompressOptions {
  punchHole: PunchHole;
  /** The run has ended and its holder was released: compress the rest as well. */
  ended?: boolean;
  /** Byte of the stream that is not to be compressed yet, with what follows it; default: none. */
  until?: number;
  /** Segments to make at most; default: all that can be made. */
  most?: number;
}

const cache = new Map<string, Buffer>();

function remember(key: string, raw: Buffer): Buffer {
  cache.delete(key);
  cache.set(key, raw);
  for (const oldest of cache.keys()) {
    if (cache.size <= cachedSegments) break;
    cache.delete(oldest);
  }
  return raw;
}

/**
 * The log of one session folder. Reading needs no holder and no other server: it works on running, ended and
 * lost sessions.
 * All users within one process share one instance for a folder, so that a reader never meets a range that is
 * being punched out.
 */
export class OutputLog {
  static readonly #shared = new Map<string, OutputLog>();

  readonly folder: string;
  #users = 0;
  readonly #raw: RawLog;
  #segments: Segment[];
  #times: Times | null = null;
  #record: SessionRecord;
  #damaged: Gap[] = [];
  #rawBase = 0;
  #cannotPunch = false;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(folder: string) {
    this.folder = folder;
    this.#raw = new RawLog(folder);
    this.#segments = listSegments(folder);
    this.#record = readRecord(folder);
  }

  /**
   * Opens the log of a session folder. Throws when the folder is not there; an absent output.log is an empty
   * log.
   */
  static open(folder: string): OutputLog {
    const key = path.resolve(folder);
    const log = OutputLog.#shared.get(key) ?? new OutputLog(key);
    try {
      log.refresh();
    } catch (error) {
      // whoever gets no log closes none: without a descriptor for the record, that of output.log would stay
      if (log.#users === 0) log.#raw.close();
      throw error;
    }
    OutputLog.#shared.set(key, log);
    log.#users++;
    return log;
  }

  /** Lets go of it; the last user's close gives the file back. */
  close(): void {
    if (--this.#users > 0) return;
    OutputLog.#shared.delete(this.folder);
    for (const key of cache.keys()) if (key.startsWith(`${this.folder}/`)) cache.delete(key);
    this.#raw.close();
  }

  /** First byte of the stream that is retained. */
  get base(): number {
    return this.#segments[0]?.offset ?? this.#rawBase;
  }

  /** Bytes of the stream so far, as of the last `refresh` (every read refreshes). */
  get end(): number {
    const gap = this.#record.gaps.at(-1);
    // where the file could not even be lengthened (ulimit -f), what is missing reaches further than it
    const missing = gap === undefined ? 0 : gap.offset + gap.length;
    return Math.max(this.#raw.size, this.#mark, missing, this.#record.exit?.end ?? 0);
  }

  /** Where the compressed part ends: the holder's file is empty below. A SUBSCRIBE must not ask for less. */
  get #mark(): number {
    const last = this.#segments.at(-1);
    return last ? last.offset + last.length : 0;
  }

  /**
   * First byte that the holder's own file still has: what is before it is read from here, never by SUBSCRIBE.
   */
  get rawBase(): number {
    return Math.max(this.#mark, this.#rawBase);
  }

  get times(): Times {
    this.#times ??= new Times(this.folder);
    return this.#times;
  }

  /** The sizes that the terminal had, oldest first. */
  sizes(): readonly SizeMark[] {
    this.times.refresh();
    return this.times.sizes();
  }

  /** How long the stream was at `time` (ms since 1970), between `base` and `end`. */
  offsetAt(time: number): number {
    this.times.refresh();
    const offset = this.times.offsetAt(time) ?? this.end;
    return Math.min(Math.max(offset, this.base), this.end);
  }

  /** Bytes on disk: segments, and what is not compressed yet. */
  get diskBytes(): number {
    return this.#segments.reduce((sum, s) => sum + s.size, 0) + Math.max(0, this.#raw.size - this.rawBase);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** What is missing between 0 and `end`, in order, none overlapping another. */
  holes(): Hole[] {
    const found: Hole[] = [];
    if (this.base > 0) found.push({ offset: 0, length: this.base, reason: "retention" });
    let at = this.base;
    for (const segment of this.#segments) {
      if (segment.offset > at) found.push({ offset: at, length: segment.offset - at, reason: "damaged" });
      at = segment.offset + segment.length;
    }
    if (this.#rawBase > at) found.push({ offset: at, length: this.#rawBase - at, reason: "retention" });
    for (const gap of this.#damaged) found.push({ ...gap, reason: "damaged" });
    const { gaps, removed } = this.#record;
    for (const gap of gaps)
      found.push({
        ...gap,
        reason: removed && gap.offset < removed.offset && removed.offset <= gap.offset + gap.length ? "removed" : "disk",
      });
    const holes: Hole[] = [];
    let covered = 0;
    for (const hole of found.sort((a, b) => a.offset - b.offset)) {
      const offset = Math.max(hole.offset, covered);
      const end = Math.min(hole.offset + hole.length, this.end);
      if (end > offset) holes.push({ offset, length: end - offset, reason: hole.reason });
      covered = Math.max(covered, end);
    }
    return holes;
  }

  /**
   * Looks what the holder has appended since. Cheap: one fstat, and the record when it changed size of the
   * log.
   */
  refresh(): void {
    const found = this.#raw.refresh();
    if (found === "absent") return;
    if (found === "renewed") {
      this.#times = null;
      this.#segments = listSegments(this.folder);
    }
    this.#record = readRecord(this.folder);
    this.#findRawBase();
  }

  /**
   * The bytes at `offset`, at most `length`; fewer where a hole or the end comes first, none when `offset`
   * lies in a hole or at the
   * end. Unpacks off the main thread.
   */
  async read(offset: number, length: number): Promise<Buffer> {
    const out: Buffer[] = [];
    for await (const piece of this.pieces(offset, offset + length)) {
      if ("hole" in piece) break;
      out.push(piece.bytes);
    }
    return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
  }

  /**
   * The stream from `from` to `to` (default: as it stands) in pieces of at most one segment, holes included,
   * in order.
   * @param most bytes in a piece at most; a hole is told whole.
   */
  async *pieces(
    from: number,
    to: number = Number.POSITIVE_INFINITY,
    most: number = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<Piece> {
    this.refresh();
    let at = Math.max(0, from);
    const end = Math.min(to, this.end);
    while (at < end) {
      const hole = this.#holeAfter(at);
      if (hole && hole.offset <= at) {
        const length = Math.min(hole.offset + hole.length, end) - at;
        yield { offset: at, hole: { offset: at, length, reason: hole.reason } };
        at += length;
        continue;
      }
      const bytes = await this.#piece(at, Math.min(end, hole?.offset ?? end, at + most));
      if (!bytes) continue; // it is a hole from here on
      if (!bytes.length) return;
      yield { offset: at, bytes };
      at += bytes.length;
    }
  }

  /**
   * Compresses every complete segment that lies far enough from the end, one after the other, and frees its
   * range of output.log. A crash at
   * any step loses nothing: the range is freed only after the segment was written, synced, read back,
   * compared and renamed. Answers how many were made.
   * Where the file system cannot punch holes, a running session is left as it is.
   */
  compress(options: CompressOptions): Promise<number> {
    return this.#serially(() => this.#compress(options));
  }

  /** Lets go of the oldest segments until `bytes` on disk are enough for the rest. Answers what was freed. */
  retain(bytes: number, punchHole: PunchHole): Promise<number> {
    return this.#serially(async () => {
      let freed = 0;
      for (let oldest = this.#segments[0]; oldest !== undefined && this.diskBytes > bytes; oldest = this.#segments[0]) {
        await fs.promises.rm(path.join(this.folder, oldest.file), { force: true });
        this.#rawBase = Math.max(this.#rawBase, oldest.offset + oldest.length);
        this.#segments = this.#segments.slice(1);
        cache.delete(`${this.folder}/${oldest.file}`);
        freed += oldest.size;
      }
      if (freed) this.times.forget(this.base, punchHole);
      return freed;
    });
  }

  async #compress({ punchHole, ended = false, most = Infinity, until = Infinity }: CompressOptions): Promise<number> {
    removeUnfinished(this.folder);
    this.refresh();
    if (!this.#raw.opened || (this.#cannotPunch && !ended)) return 0;
    const writable = this.#raw.openWritable();
    let made = 0;
    try {
      // a crash between rename and punch left this range twice
      if (this.#mark > 0) this.#free(writable, punchHole, this.#mark, ended);
      while (made < most) {
        this.refresh();
        const from = this.rawBase;
        const left = this.#raw.size - from;
        const length = Math.min(left, segmentBytes);
        if (length <= 0 || from + length > until || (!ended && left < segmentBytes + keptRaw)) break;
        const raw = await this.#raw.readWhole(from, length);
        this.refresh();
        // the holder's own retention overtook us, or the file was cut: what was read may be half a hole
        if (raw.length < length || this.rawBase !== from) continue;
        this.#segments = [...this.#segments, await writeSegment(this.folder, from, raw)];
        made++;
        if (!this.#free(writable, punchHole, from + length, ended)) break;
      }
    } finally {
      fs.closeSync(writable);
    }
    return made;
  }

  /** Frees output.log up to `to`. False where that cannot be done now. */
  #free(fd: number, punchHole: PunchHole, to: number, ended: boolean): boolean {
    if (punchHole(fd, 0, to)) return true;
    this.#cannotPunch = true;
    // nobody appends any more: the file may go as a whole once all of it is compressed
    if (ended && to >= this.#raw.size) {
      fs.ftruncateSync(fd, 0);
      this.refresh();
    }
    return ended;
  }

  /** One piece of [at, limit), which holds no known hole; null where there turned out to be one. */
  async #piece(at: number, limit: number): Promise<Buffer | null> {
    const segment = this.#segmentAt(at);
    if (segment) {
      const key = `${this.folder}/${segment.file}`;
      try {
        const raw = cache.get(key) ?? remember(key, await readSegment(this.folder, segment));
        return raw.subarray(at - segment.offset, Math.min(limit, segment.offset + segment.length) - segment.offset);
      } catch (error) {
        this.#noteDamage(error);
        return null;
      }
    }
    if (!this.#raw.opened) return Buffer.alloc(0);
    const bytes = await this.#raw.read(at, limit);
    const punched = looksPunched(bytes);
    // compressed and punched out while it was being read, here or elsewhere: take it from the segment
    if (this.#segmentAt(at) || (punched && this.#compressedElsewhere(at))) return this.#piece(at, limit);
    // or the holder's own retention freed it
    if (punched) this.refresh();
    return at < this.rawBase ? null : bytes;
  }

  /**
   * Whether another thread or process has made a segment of what is at `at`, and freed it, since the segments
   * were listed.
   */
  #compressedElsewhere(at: number): boolean {
    this.#segments = listSegments(this.folder);
    return this.#segmentAt(at) !== null;
  }

  #segmentAt(offset: number): Segment | null {
    const segment = this.#segments[lastAtMost(this.#segments, (each) => each.offset, offset)];
    return segment && offset < segment.offset + segment.length ? segment : null;
  }

  /** The hole at or after `offset`. */
  #holeAfter(offset: number): Hole | null {
    return this.holes().find((hole) => hole.offset + hole.length > offset) ?? null;
  }

  #noteDamage(error: unknown): void {
    if (!(error instanceof DamagedSegment)) throw error;
    const { offset, length } = error.segment;
    // gone since by retention is no damage
    if (this.#segments.includes(error.segment)) this.#damaged.push({ offset, length });
  }

  /** Where the holder's own retention (a hole at the head of output.log) has got to. */
  #findRawBase(): void {
    const { gaps } = this.#record;
    let from = this.rawBase;
    // a hole that the record knows is none of retention's
    for (const gap of gaps) if (gap.offset <= from && from < gap.offset + gap.length) from = gap.offset + gap.length;
    const base = this.#raw.endOfHole(from, gaps);
    if (base <= from) return;
    // freed because another thread or process has made a segment of it?
    const mark = this.#mark;
    this.#segments = listSegments(this.folder);
    if (this.#mark > mark) this.#findRawBase();
    else this.#rawBase = base;
  }

  /** One change of the folder at a time. */
  #serially<T>(work: () => Promise<T>): Promise<T> {
    const next = this.#work.then(work, work);
    this.#work = next.catch(() => {});
    return next;
  }
}
