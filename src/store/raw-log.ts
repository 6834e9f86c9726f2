// The holder's own file, the sparse output.log: how long it is, what stands in it, and how far its head was
// freed.
import fs from "node:fs";
import path from "node:path";
import type { Gap } from "./record.ts";

/** One read of the file; a longer range comes in several pieces. */
const readBytes = 256 << 10;
/** The granularity of holes on every file system that we meet. */
const page = 4096;
const emptyPage = Buffer.alloc(page);

export class RawLog {
  readonly #file: string;
  #fd = -1;
  #size = 0;
  /** Bytes that the file takes on its disk. */
  #allocated = 0;

  constructor(folder: string) {
    this.#file = path.join(folder, "output.log");
  }

  /** Bytes of the stream that it holds, holes included, as of the last `refresh`. */
  get size(): number {
    return this.#size;
  }

  /** Whether the file was ever there. */
  get opened(): boolean {
    return this.#fd >= 0;
  }

  /** Looks how long it is. `renewed`: it was removed, and another one was begun since. */
  refresh(): "absent" | "same" | "renewed" {
    if (this.#fd < 0) {
      try {
        this.#fd = this.#open(fs.constants.O_RDONLY);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        return "absent";
      }
    }
    let stat = fs.fstatSync(this.#fd);
    const renewed = stat.nlink === 0 && this.#openAgain();
    if (renewed) stat = fs.fstatSync(this.#fd);
    this.#size = stat.size;
    this.#allocated = stat.blocks * 512;
    return renewed ? "renewed" : "same";
  }

  #openAgain(): boolean {
    let fd: number;
    try {
      fd = this.#open(fs.constants.O_RDONLY);
    } catch {
      return false;
    }
    fs.closeSync(this.#fd);
    this.#fd = fd;
    return true;
  }

  #open(flags: number): number {
    return fs.openSync(this.#file, flags | fs.constants.O_NOFOLLOW);
  }

  /** A descriptor by which it can be freed; whoever asks closes it. */
  openWritable(): number {
    return this.#open(fs.constants.O_RDWR);
  }

  close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  /** What one read gives of [at, limit). */
  async read(at: number, limit: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(Math.min(readBytes, limit - at));
    return buffer.subarray(0, await readFile(this.#fd, buffer, 0, buffer.length, at));
  }

  /** All of a range, or what there is of it. */
  async readWhole(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let at = 0;
    while (at < length) {
      const read = await readFile(this.#fd, buffer, at, length - at, offset + at);
      if (!read) break;
      at += read;
    }
    return buffer.subarray(0, at);
  }

  /**
   * Where the hole ends that begins at `from`; `from` where there is none.
   * @param gaps holes that the record knows, which tell nothing of what was freed.
   */
  endOfHole(from: number, gaps: readonly Gap[]): number {
    const size = this.#size;
    if (size - from < page || !this.#isHole(from) || this.#allocated >= size - from) return from;
    let low = from; // a hole
    let high = size;
    while (high - low > page) {
      let middle = low + Math.floor((high - low) / 2 / page) * page;
      const gap = gaps.find((g) => middle >= g.offset && middle < g.offset + g.length);
      if (gap && gap.offset > low + page) middle = Math.max(low + page, Math.floor((gap.offset - page) / page) * page);
      if (middle <= low) break;
      if (this.#isHole(middle)) low = middle;
      else high = middle;
    }
    return Math.floor(high / page) * page;
  }

  #isHole(offset: number): boolean {
    const aligned = Math.ceil(offset / page) * page;
    const bytes = Buffer.alloc(page);
    const read = fs.readSync(this.#fd, bytes, 0, page, aligned);
    return read > 0 && bytes.subarray(0, read).equals(emptyPage.subarray(0, read));
  }
}

/**
 * Whether the bytes may come from a range that was freed: a page of zeros, or nothing. Programs that write
 * such are rare, and cost a look into the folder.
 */
export function looksPunched(bytes: Buffer): boolean {
  return bytes.length < page ? bytes.equals(emptyPage.subarray(0, bytes.length)) : bytes.includes(emptyPage);
}

function readFile(fd: number, buffer: Buffer, at: number, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, at, length, position, (error, read) => (error ? reject(error) : resolve(read)));
  });
}
