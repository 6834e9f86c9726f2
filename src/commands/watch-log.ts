// The end of a node's log under the table of `falcon sessions --watch`: read once, then only what was added.
import fs from "node:fs";
import { stripVTControlCharacters } from "node:util";

/** Bytes of a log's end that are kept: some hundred lines, more than a terminal is high. */
export const keptTail = 16 << 10;

/** Follows the end of one file at a time. */
export class LogTail {
  #file: string | undefined;
  #inode = 0;
  #offset = 0;
  #tail = Buffer.alloc(0);
  /** Bytes that were read so far. */
  read = 0;

  /** The last `count` lines of `file`, without what would move a cursor. Costs a stat when nothing was added. */
  lines(file: string, count: number): string[] {
    if (count <= 0) return [];
    if (!this.#look(file)) return ["no log yet"];
    const plain = stripVTControlCharacters(this.#tail.toString("utf8")).replace(/[^\P{Cc}\n]/gu, "");
    return plain.trimEnd().split("\n").slice(-count);
  }

  /** Whether there is such a file; reads what is new in it. */
  #look(file: string): boolean {
    let fd: number;
    try {
      fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    } catch {
      this.#file = undefined;
      return false;
    }
    try {
      const { size, ino } = fs.fstatSync(fd);
      const goesOn = file === this.#file && ino === this.#inode && size >= this.#offset && size - this.#offset <= keptTail;
      const from = goesOn ? this.#offset : Math.max(0, size - keptTail);
      const news = Buffer.alloc(size - from);
      const length = size > from ? fs.readSync(fd, news, 0, news.length, from) : 0;
      this.read += length;
      this.#tail = Buffer.concat([goesOn ? this.#tail : Buffer.alloc(0), news.subarray(0, length)]).subarray(-keptTail);
      [this.#file, this.#inode, this.#offset] = [file, ino, from + length];
      return true;
    } catch {
      this.#file = undefined;
      return false; // a folder, or a file system that does not answer
    } finally {
      fs.closeSync(fd);
    }
  }
}
