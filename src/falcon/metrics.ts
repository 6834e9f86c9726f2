// Reads a metric's NPZ chunks: only those that are new, and complete.
import fs from "node:fs";
import path from "node:path";
import { unzipSync } from "fflate";
import type { ByteCount } from "./byte-count.ts";

/** An array of an NPZ file, in C order. Integers beyond 2^53 lose precision. */
export interface NumpyArray {
  shape: number[];
  values: Float64Array;
}

/** One entry of a metric. A metric of vectors keeps the mean of each. */
export interface Point {
  step: number;
  value: number;
  /** Seconds since 1970. */
  time: number;
}

/** A chunk has about 3 KB (100 entries); anything this large is no chunk of a scalar. */
const largestChunk = 4 << 20;

/** Arrays that unpack to more than this together are no metric's: falcon does not even compress them. */
const largestArray = 16 << 20;

/** More entries than this are thinned to every second one: a curve on a terminal has at most a few hundred columns. */
const mostPoints = 40_000;

/** The arrays of an NPZ file by name. @throws Error when it is no NPZ, or not all of it is there yet. */
export function readNpz(bytes: Uint8Array): Map<string, NumpyArray> {
  let room = largestArray;
  // what an archive claims of its members is made room for before it is unpacked
  const files = unzipSync(bytes, {
    filter: ({ name, originalSize }) => {
      if (!name.endsWith(".npy") || originalSize > room) return false;
      room -= originalSize;
      return true;
    },
  });
  const arrays = new Map<string, NumpyArray>();
  for (const [name, data] of Object.entries(files)) arrays.set(name.slice(0, -4), readNpy(data));
  return arrays;
}

/** Bytes of the longest header that is looked at; numpy itself refuses one of more than 10,000. */
const longestHeader = 10_000;

/** One NPY array. @throws Error for what is no NPY, is cut off, or holds no numbers. */
export function readNpy(data: Uint8Array): NumpyArray {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (data.length < 12 || data[0] !== 0x93 || String.fromCharCode(...data.subarray(1, 6)) !== "NUMPY")
    throw new Error("not an NPY array");
  const wide = (data[6] as number) >= 2;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (start > longestHeader + 12) throw new Error("an NPY array with a header that is none");
  const header = new TextDecoder("latin1").decode(data.subarray(wide ? 12 : 10, start));
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(Number);
  if (type === undefined) throw new Error("an NPY array without a type");
  const read = readerOf(type);
  const size = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((n) => Number.isInteger(n) && n >= 0)) throw new Error("an NPY array without a shape");
  if (start + size * read.width > data.length) throw new Error("an NPY array that is cut off");
  const values = new Float64Array(size);
  for (let i = 0; i < size; i++) values[i] = read.at(view, start + i * read.width);
  if (/'fortran_order':\s*True/.test(header) && shape.length > 1) throw new Error("an NPY array in Fortran order");
  return { shape, values };
}

function readerOf(type: string): { width: number; at: (view: DataView, offset: number) => number } {
  const little = type[0] !== ">";
  switch (type.slice(1)) {
    case "f8":
      return { width: 8, at: (view, o) => view.getFloat64(o, little) };
    case "f4":
      return { width: 4, at: (view, o) => view.getFloat32(o, little) };
    case "i8":
      return { width: 8, at: (view, o) => Number(view.getBigInt64(o, little)) };
    case "u8":
      return { width: 8, at: (view, o) => Number(view.getBigUint64(o, little)) };
    case "i4":
      return { width: 4, at: (view, o) => view.getInt32(o, little) };
    case "i2":
      return { width: 2, at: (view, o) => view.getInt16(o, little) };
    case "u1":
    case "b1":
      return { width: 1, at: (view, o) => view.getUint8(o) };
    default:
      throw new Error(`an NPY array of type ${type}`);
  }
}

/**
 * Follows one metric. falcon numbers chunks from 0 in every launch, so a resumed run overwrites the chunks of the one before, one by
 * one: what stands behind the newest chunk may be old. Entries are told apart by their walltime.
 */
export class MetricReader {
  readonly folder: string;
  readonly #count: ByteCount;
  #points: Point[] = [];
  #seen: string[] = [];
  #next = 0;
  #stride = 1;
  #phase = 0;
  #newest = Number.NEGATIVE_INFINITY;
  /** The chunk that was found half written. */
  #torn: string | undefined;
  /** When the newest chunk that was read was written, ms since 1970. */
  modified: number | undefined;

  /** `folder` is `<graph>/<node>/metrics/<group>/<metric>`. */
  constructor(folder: string, count: ByteCount) {
    this.folder = folder;
    this.#count = count;
  }

  /** All entries so far by walltime, those of earlier launches first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /** Reads the chunks that were added or written anew since; the answer says whether there were any. Costs two stats when not. */
  async read(): Promise<boolean> {
    let found = false;
    const first = await this.#signature(0);
    if (first !== undefined && this.#seen.length > 0 && first !== this.#seen[0] && this.#next > 0) this.#next = 0; // a new launch has begun
    for (;;) {
      const signature = await this.#signature(this.#next);
      if (signature === undefined || signature === this.#seen[this.#next]) break;
      if (signature === this.#torn && (await this.#signature(this.#next + 1)) === undefined) break;
      const points = await this.#chunk(this.#next);
      if (!points) {
        // half written: it is looked at again when it has changed; where another one follows, nobody will complete it
        this.#torn = signature;
        if ((await this.#signature(this.#next + 1)) === undefined) break;
        this.#seen[this.#next++] = signature;
        continue;
      }
      this.#seen[this.#next] = signature;
      this.#next++;
      this.modified = Math.max(this.modified ?? 0, Number(signature.split(" ")[0]));
      found = true;
      this.#add(points);
    }
    if (found) this.#settle();
    return found;
  }

  #add(points: readonly Point[]): void {
    for (const point of points) if (this.#phase++ % this.#stride === 0) this.#points.push(point);
    if (this.#points.length <= mostPoints) return;
    this.#points = this.#points.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  /** Sorts by walltime, and finds where the launch that wrote last will go on. */
  #settle(): void {
    const last = this.#points.at(-1);
    if (last && last.time >= this.#newest) {
      this.#newest = last.time;
      let sorted = true;
      for (let i = 1; i < this.#points.length && sorted; i++)
        sorted = (this.#points[i - 1] as Point).time <= (this.#points[i] as Point).time;
      if (sorted) return;
    }
    this.#points.sort((a, b) => a.time - b.time);
    this.#newest = this.#points.at(-1)?.time ?? this.#newest;
    this.#next = this.#behindNewest();
  }

  /** The chunk after the one that was written last: what a resumed run overwrites next. */
  #behindNewest(): number {
    let at = this.#seen.length;
    let newest = Number.NEGATIVE_INFINITY;
    this.#seen.forEach((signature, index) => {
      const modified = Number(signature.split(" ")[0]);
      if (modified >= newest) {
        newest = modified;
        at = index + 1;
      }
    });
    return at;
  }

  #file(index: number): string {
    return path.join(this.folder, `chunk_${String(index).padStart(6, "0")}.npz`);
  }

  async #signature(index: number): Promise<string | undefined> {
    const stat = await fs.promises.stat(this.#file(index)).catch(() => undefined);
    return stat?.isFile() ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : undefined;
  }

  async #chunk(index: number): Promise<Point[] | undefined> {
    try {
      const file = this.#file(index);
      if ((await fs.promises.stat(file)).size > largestChunk) return [];
      const bytes = await fs.promises.readFile(file);
      this.#count.add(bytes.length);
      return pointsOf(readNpz(bytes));
    } catch {
      return undefined;
    }
  }
}

/** The entries of one chunk. @throws Error when an array is missing. */
export function pointsOf(arrays: ReadonlyMap<string, NumpyArray>): Point[] {
  const [step, value, time] = ["step", "value", "walltime"].map((name) => arrays.get(name));
  if (!step || !value || !time) throw new Error("a chunk without step, value and walltime");
  const count = step.values.length;
  const width = count === 0 ? 1 : value.values.length / count;
  return Array.from(step.values, (s, i) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += value.values[i * width + k] as number;
    return { step: s, value: sum / width, time: time.values[i] as number };
  });
}
