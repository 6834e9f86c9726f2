// The end of a node's log under the table of `falcon sessions --watch`: read once, then only what was added.
import { stripVTControlCharacters } from "node:util";
import type { FileStat } from "../../base/aside/stat-files.ts";
import { printable } from "../../base/text/printable.ts";
import { lookTogether, readPiece } from "../../trainers/reading/foreign-files.ts";
import { lastWritten } from "../../trainers/reading/plain-text.ts";

/** Bytes of a log's end that are kept: some hundred lines, more than a terminal is high. */
export const keptTail = 16 << 10;

/** Follows the end of one file at a time. */
export class LogTail {
  #file: string | undefined;
  #there = false;
  #inode = 0;
  #offset = 0;
  #tail = Buffer.alloc(0);
  /** Bytes that were read so far. */
  read = 0;

  /** The last `count` lines of `file` as they were read last, without what would move a cursor. */
  lines(file: string, count: number): string[] {
    if (count <= 0) return [];
    if (file !== this.#file) return [""]; // it is about to be read
    if (!this.#there) return ["no log yet"];
    const lines = stripVTControlCharacters(this.#tail.toString("utf8")).trimEnd().split("\n").slice(-count);
    // a progress bar is one line, as it was drawn last; what a tab keeps apart stays apart
    const shown = lines.map((line) => lastWritten(line).replaceAll("\t", "  "));
    return shown.map((line) => printable(line.replace(/\p{Cc}/gu, "")));
  }

  /** Reads what is new in `file`. Costs a look when nothing was added; never throws. */
  async follow(file: string): Promise<void> {
    const offset = file === this.#file ? this.#offset : 0;
    const news = await this.#news(file, offset).catch(() => undefined);
    this.#there = news !== undefined;
    if (news === undefined) this.#tail = Buffer.alloc(0);
    else {
      this.read += news.bytes.length;
      this.#tail = Buffer.concat([news.goesOn ? this.#tail : Buffer.alloc(0), news.bytes]).subarray(-keptTail);
    }
    [this.#file, this.#inode, this.#offset] = [file, news?.inode ?? 0, news?.end ?? 0];
  }

  async #news(file: string, offset: number): Promise<{ bytes: Buffer; goesOn: boolean; inode: number; end: number } | undefined> {
    const [seen] = (await lookTogether([{ file, from: offset, known: offset }])) as [FileStat];
    if (seen.error !== 0 || !seen.regular) return undefined;
    const { size, inode } = seen;
    const goesOn = file === this.#file && this.#there && inode === this.#inode && size >= offset && size - offset <= keptTail;
    const from = goesOn ? offset : Math.max(0, size - keptTail);
    if (size === from) return { bytes: Buffer.alloc(0), goesOn, inode, end: size };
    const bytes = Buffer.from(goesOn && seen.bytes !== undefined ? seen.bytes : await readPiece(file, from, size - from));
    return { bytes, goesOn, inode, end: from + bytes.length };
  }
}
