// Reads a log that is being written: every complete line once, from wherever it stood, through truncation and rotation.
import fs from "node:fs";
import type { ByteCount } from "./byte-count.ts";

/** A log larger than this is not read from its start: what matters now is at its end. */
const largestFirstRead = 2 << 20;

/** What is read of the end of a large log: about 1,500 epoch lines of 170 bytes. */
const tailRead = 256 << 10;

/** One refresh reads at most this much; when more was written since, the middle is skipped. */
const largestRead = 1 << 20;

/** A line longer than this is cut: no line of interest comes near it. */
const longestLine = 64 << 10;

/** The last bytes that were read are read again before new ones: a log that was emptied and has grown past our place since is found out. */
const markLength = 64;

/** What came of one look at the log. */
export interface LogNews {
  /** Complete lines, without their ends. */
  lines: string[];
  /** The log began anew (truncated, replaced): what was known of it before belongs to a file that is gone. */
  restarted: boolean;
  /** Bytes between what was read before and these lines that were passed over. */
  skipped: number;
}

/** Follows one file. Not reading is not an error: a log that does not exist has no news. */
export class LogReader {
  readonly file: string;
  readonly #count: ByteCount;
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

  constructor(file: string, count: ByteCount) {
    this.file = file;
    this.#count = count;
  }

  get exists(): boolean {
    return this.#inode !== undefined;
  }

  /** Looks for what is new; costs one stat when nothing is. */
  async read(): Promise<LogNews> {
    const news: LogNews = { lines: [], restarted: false, skipped: 0 };
    let stat: fs.Stats;
    try {
      stat = await fs.promises.stat(this.file);
    } catch (error) {
      // a file system that does not answer well for a moment (ESTALE, EIO) has taken nothing away
      if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) this.#inode = undefined;
      return news;
    }
    if (!stat.isFile()) return news;
    this.modified = stat.mtimeMs;
    this.size = stat.size;
    if (this.#known !== undefined && (stat.ino !== this.#known || stat.size < this.#offset)) {
      this.#begin();
      news.restarted = true;
    }
    this.#inode = stat.ino;
    this.#known = stat.ino;
    if (stat.size === this.#offset) return news;
    const handle = await fs.promises.open(this.file, "r").catch(() => undefined);
    if (!handle) return news;
    try {
      if (!(await this.#sameBefore(handle))) {
        this.#begin();
        news.restarted = true;
      }
      await this.#take(handle, stat.size, news);
    } finally {
      await handle.close();
    }
    return news;
  }

  async #take(handle: fs.promises.FileHandle, size: number, news: LogNews): Promise<void> {
    const limit = this.#offset > 0 ? largestRead : size > largestFirstRead ? tailRead : largestFirstRead;
    let from = this.#offset;
    if (size - from > limit) {
      news.skipped = size - limit - from;
      from = size - limit;
      this.#drop();
      this.#torn = true;
    }
    const bytes = await this.#bytes(handle, from, size - from);
    this.#offset = from + bytes.length;
    const before = news.skipped > 0 ? Buffer.alloc(0) : this.#mark;
    this.#mark = Buffer.concat([before, bytes.subarray(-markLength)]).subarray(-markLength);
    this.#split(bytes, news);
  }

  /** Whether what stands before our place is what we read there. */
  async #sameBefore(handle: fs.promises.FileHandle): Promise<boolean> {
    if (this.#mark.length === 0) return true;
    return (await this.#bytes(handle, this.#offset - this.#mark.length, this.#mark.length)).equals(this.#mark);
  }

  #split(bytes: Buffer, news: LogNews): void {
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
    }
    if (start < bytes.length && !this.#torn && this.#restLength < longestLine) {
      this.#rest.push(Buffer.from(bytes.subarray(start)));
      this.#restLength += bytes.length - start;
    }
  }

  async #bytes(handle: fs.promises.FileHandle, from: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let got = 0;
    while (got < length) {
      const { bytesRead } = await handle.read(buffer, got, length - got, from + got);
      if (bytesRead === 0) break;
      got += bytesRead;
    }
    this.#count.add(got);
    return buffer.subarray(0, got);
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
