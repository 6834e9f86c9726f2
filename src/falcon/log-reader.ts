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
  #inode: number | undefined;
  #rest: Buffer[] = [];
  #restLength = 0;
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
    const stat = await fs.promises.stat(this.file).catch(() => undefined);
    if (!stat?.isFile()) {
      this.#forget();
      return news;
    }
    this.modified = stat.mtimeMs;
    this.size = stat.size;
    if (this.#inode !== undefined && (stat.ino !== this.#inode || stat.size < this.#offset)) {
      this.#begin();
      news.restarted = true;
    }
    const first = this.#inode === undefined || news.restarted;
    this.#inode = stat.ino;
    if (stat.size === this.#offset) return news;
    const limit = first ? (stat.size > largestFirstRead ? tailRead : largestFirstRead) : largestRead;
    let from = this.#offset;
    if (stat.size - from > limit) {
      news.skipped = stat.size - limit - from;
      from = stat.size - limit;
      this.#drop();
    }
    const bytes = await this.#bytes(from, stat.size - from);
    this.#offset = from + bytes.length;
    this.#split(bytes, news, news.skipped > 0);
    return news;
  }

  /** `torn`: the first line's beginning was skipped, so it is not one. */
  #split(bytes: Buffer, news: LogNews, torn: boolean): void {
    let start = 0;
    let skipLine = torn;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      const part = bytes.subarray(start, end);
      start = end + 1;
      if (skipLine) {
        skipLine = false;
        news.skipped += part.length + 1;
        continue;
      }
      const whole = this.#rest.length > 0 ? Buffer.concat([...this.#rest, part]) : part;
      this.#drop();
      news.lines.push(whole.subarray(0, longestLine).toString("utf8").replace(/\r$/, ""));
    }
    if (start < bytes.length && !skipLine && this.#restLength < longestLine) {
      this.#rest.push(Buffer.from(bytes.subarray(start)));
      this.#restLength += bytes.length - start;
    }
  }

  async #bytes(from: number, length: number): Promise<Buffer> {
    const handle = await fs.promises.open(this.file, "r").catch(() => undefined);
    if (!handle) return Buffer.alloc(0);
    try {
      const buffer = Buffer.allocUnsafe(length);
      let got = 0;
      while (got < length) {
        const { bytesRead } = await handle.read(buffer, got, length - got, from + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      this.#count.add(got);
      return buffer.subarray(0, got);
    } finally {
      await handle.close();
    }
  }

  #drop(): void {
    this.#rest = [];
    this.#restLength = 0;
  }

  #begin(): void {
    this.#offset = 0;
    this.#drop();
  }

  #forget(): void {
    this.#begin();
    this.#inode = undefined;
    this.size = 0;
  }
}
