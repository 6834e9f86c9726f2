// Reads a log that is being written: every complete line once, from wherever it stood, through truncation and
// rotation.
import os from "node:os";
import type { FileStat, FileToStat, StatFiles } from "../../base/aside/stat-files.ts";
import { readPiece } from "./foreign-files.ts";

/** A log larger than this is not read from its start: what matters now is at its end. */
const largestFirstRead = 2 << 20;

/** What is read of the end of a large log: about 1,500 epoch lines of 170 bytes. */
const tailRead = 256 << 10;

/** One refresh reads at most this much; when more was written since, the middle is skipped. */
const largestRead = 1 << 20;

/** A line longer than this is cut: no line of interest comes near it. */
const longestLine = 64 << 10;

/**
 * The last bytes that were read are read again before new ones: a log that was emptied and has grown past our
 * place since is found out.
 */
const markLength = 64;

/** What came of one look at the log. */
export interface LogNews {
  /** Complete lines, without their ends. */
  lines: string[];
  /** Where each of them ends in the file, its end included: bytes that a line no longer tells. */
  ends: number[];
  /** The log began anew (truncated, replaced): what was known of it before belongs to a file that is gone. */
  restarted: boolean;
  /** Bytes between what was read before and these lines that were passed over. */
  skipped: number;
}

/** No such file, and not one that could not be asked for in this moment. */
const gone: readonly number[] = [os.constants.errno.ENOENT, os.constants.errno.ENOTDIR];

/** Follows one file. Not reading is not an error: a log that does not exist has no news. */
export class LogReader {
  readonly file: string;
  readonly #look: StatFiles;
  readonly #whole: boolean;
  #offset = 0;
  /** Of the file that is there, and of the file that #offset belongs to. */
  #inode: number | undefined;
  #known: number | undefined;
  #rest: Buffer[] = [];
  #restLength = 0;
  /** The rest of the line that goes on here is to be passed over: its beginning was. */
  #torn = false;
  /** The last bytes before #offset. */
  #mark: Buffer = Buffer.alloc(0);
  /** When the file was last written to, ms since 1970; undefined while there is none. */
  modified: number | undefined;
  /** Its size at the last look, bytes. */
  size = 0;

  /** @param whole nothing is passed over: a long file takes several looks, of at most 1 MiB each. */
  constructor(file: string, look: StatFiles, whole = false) {
    this.#whole = whole;
    this.file = file;
    this.#look = look;
  }

  /** Bytes that another look will read. */
  get unread(): number {
    return this.exists ? Math.max(0, this.size - this.#offset) : 0;
  }

  get exists(): boolean {
    return this.#inode !== undefined;
  }

  /** What is to be looked at for it. */
  get lookedAt(): FileToStat {
    return { file: this.file, from: this.#marked, known: this.#offset };
  }

  /**
   * Takes what is new; costs one stat when nothing is. `seen`: what a look at `lookedAt` has found just now,
   * with others' files.
   */
  async read(seen?: FileStat): Promise<LogNews> {
    const news: LogNews = { lines: [], ends: [], restarted: false, skipped: 0 };
    const { error, regular, inode, size, modified, bytes } = seen ?? ((await this.#look([this.lookedAt]))[0] as FileStat);
    // a file system that does not answer well for a moment (ESTALE, EIO) has taken nothing away
    if (gone.includes(error)) this.#inode = undefined;
    if (error !== 0 || !regular) return news;
    this.modified = modified;
    this.size = size;
    if (this.#known !== undefined && (inode !== this.#known || size < this.#offset)) {
      this.#begin();
      news.restarted = true;
    }
    this.#inode = inode;
    this.#known = inode;
    if (size === this.#offset) return news;
    if (bytes !== undefined && !news.restarted) {
      if (this.#take(bytes, news)) return news;
      this.#begin();
      news.restarted = true;
    }
    await this.#readFile(size, news);
    return news;
  }

  /** For what a look does not read: a first read, a long piece, a log that began anew. */
  async #readFile(size: number, news: LogNews): Promise<void> {
    try {
      if (await this.#readOn(size, news)) return;
      this.#begin();
      news.restarted = true;
      await this.#readOn(size, news);
    } catch {
      // gone, or not to be read any more: the next look says so
    }
  }

  /**
   * Reads to the end or, where that is too much, only the end; false when what stands before our place is not
   * what we read there.
   */
  async #readOn(size: number, news: LogNews): Promise<boolean> {
    const skipped = this.#excess(size);
    if (skipped > 0) {
      if (!(await this.#bytes(this.#marked, this.#mark.length)).equals(this.#mark)) return false;
      news.skipped = skipped;
      this.#offset += skipped;
      this.#mark = Buffer.alloc(0);
      this.#drop();
      this.#torn = true;
    }
    const end = this.#whole ? Math.min(size, this.#offset + largestRead) : size;
    return this.#take(await this.#bytes(this.#marked, end - this.#marked), news);
  }

  /** Bytes of a file of `size` that are too many to be read. */
  #excess(size: number): number {
    if (this.#whole) return 0;
    const limit = this.#offset > 0 ? largestRead : size > largestFirstRead ? tailRead : largestFirstRead;
    return Math.max(0, size - this.#offset - limit);
  }

  /** Takes the lines of what was read from the mark on; false when it does not begin with the mark. */
  #take(read: Buffer, news: LogNews): boolean {
    if (!read.subarray(0, this.#mark.length).equals(this.#mark)) return false;
    const bytes = read.subarray(this.#mark.length);
    this.#offset += bytes.length;
    this.#mark = Buffer.from(read.subarray(-markLength));
    this.#split(bytes, news);
    return true;
  }

  /** Where the bytes begin that the log is known by. */
  get #marked(): number {
    return this.#offset - this.#mark.length;
  }

  /** @param bytes those before our place. */
  #split(bytes: Buffer, news: LogNews): void {
    const from = this.#offset - bytes.length;
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const part = bytes.subarray(start, end);
      start = end + 1;
      if (this.#torn) {
        this.#torn = false;
        news.skipped += part.length + 1;
        continue;
      }
      const whole = this.#rest.length > 0 ? Buffer.concat([...this.#rest, part]) : part;
      this.#drop();
      news.lines.push(whole.subarray(0, longestLine).toString("utf8").replace(/\r$/, ""));
      news.ends.push(from + start);
    }
    if (start < bytes.length && !this.#torn && this.#restLength < longestLine) {
      this.#rest.push(Buffer.from(bytes.subarray(start)));
      this.#restLength += bytes.length - start;
    }
  }

  async #bytes(from: number, length: number): Promise<Buffer> {
    // between processes a Buffer becomes a Uint8Array
    const { buffer, byteOffset, byteLength } = await readPiece(this.file, from, length);
    return Buffer.from(buffer, byteOffset, byteLength);
  }

  #drop(): void {
    this.#rest = [];
    this.#restLength = 0;
  }

  #begin(): void {
    this.#offset = 0;
    this.#torn = false;
    this.#mark = Buffer.alloc(0);
    this.#drop();
  }
}
