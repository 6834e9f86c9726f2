// Follows a metric's NPZ chunks: only those that are new, and complete.
import path from "node:path";
import { NoAnswer } from "../../../base/aside/aside.ts";
import { signatureOf } from "../../reading/foreign-files.ts";
import { readChunk } from "./chunks.ts";
import type { Point } from "./npz.ts";

/** Chunks that unpack to more than this together are no metric's: a million entries take a third of it. */
const largestMetric = 64 << 20;

/**
 * More entries than this are thinned to every second one: a curve on a terminal has at most a few hundred
 * columns.
 */
export const mostPoints = 40_000;

/**
 * The entries of a run's parts by walltime, thinned to `mostPoints`. What a later part has not written over
 * yet stands in both: an entry of one time and step is one.
 */
export function joinPoints(parts: readonly (readonly Point[])[]): readonly Point[] {
  const filled = parts.filter((part) => part.length > 0);
  if (filled.length <= 1) return filled[0] ?? [];
  const sorted = filled.flat().sort((a, b) => a.time - b.time || a.step - b.step);
  const points = sorted.filter(({ time, step }, i) => i === 0 || time !== sorted[i - 1]?.time || step !== sorted[i - 1]?.step);
  return sampled(points, mostPoints);
}

/** Every n-th entry, the last among them, so that at most `most` are left. */
export function sampled(points: readonly Point[], most: number): readonly Point[] {
  const every = Math.ceil(points.length / most);
  return every <= 1 ? points : points.filter((_, i) => (points.length - 1 - i) % every === 0);
}

/**
 * Follows one metric. falcon numbers chunks from 0 in every launch, so a resumed run overwrites the chunks of
 * the one before, one by
 * one: what stands behind the newest chunk may be old. Entries are told apart by their walltime.
 */
export class MetricReader {
  readonly #folder: string;
  #points: Point[] = [];
  #seen: string[] = [];
  #next = 0;
  #stride = 1;
  #phase = 0;
  #newest = Number.NEGATIVE_INFINITY;
  /** Bytes of arrays in all chunks that were read. */
  #unpacked = 0;
  /** The chunk that was found half written. */
  #torn: string | undefined;
  #reading: Promise<boolean> | undefined;
  /** When the newest chunk that was read was written, ms since 1970. */
  modified: number | undefined;
  /** How many reads have found something. */
  revision = 0;
  /** Whether the last read was stopped by files that did not answer: the next one goes on from there. */
  unanswered = false;

  /** `folder` is `<graph>/<node>/metrics/<group>/<metric>`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All entries so far by walltime, those of earlier launches first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /**
   * Reads the chunks that were added or written anew since; the answer says whether there were any. Costs two
   * stats when not. Who asks while it reads gets the same answer.
   */
  read(): Promise<boolean> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<boolean> {
    let found = false;
    this.unanswered = false;
    const first = await this.#signature(0);
    if (first !== undefined && first !== this.#seen[0]) this.#next = 0; // a new launch has begun
    for (;;) {
      const signature = await this.#signature(this.#next);
      if (signature === undefined || signature === this.#seen[this.#next]) break;
      if (this.#unpacked > largestMetric) break;
      if (signature === this.#torn && (await this.#signature(this.#next + 1)) === undefined) break;
      const points = await this.#chunk(this.#next);
      if (this.unanswered) break;
      if (!points) {
        // half written: it is looked at again when it has changed; where another one follows, nobody will
        // complete it
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
    if (found) {
      this.#settle();
      this.revision++;
    }
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
    return path.join(this.#folder, `chunk_${String(index).padStart(6, "0")}.npz`);
  }

  #signature(index: number): Promise<string | undefined> {
    return signatureOf(this.#file(index)).catch((error) => this.#failed(error));
  }

  /** What cannot be read is as good as not there, and is read another time where it only did not answer. */
  #failed(error: unknown): undefined {
    if (error instanceof NoAnswer) this.unanswered = true;
  }

  async #chunk(index: number): Promise<Point[] | undefined> {
    try {
      const { points, unpacked } = await readChunk(this.#file(index));
      this.#unpacked += unpacked;
      return points;
    } catch (error) {
      return this.#failed(error);
    }
  }
}

/** Metrics of a node that tell how far it is. */
const telling = ["epoch", "val/loss", "train/loss", "lr", "n_samples"] as const;
export type Metrics = Record<(typeof telling)[number], MetricReader>;

/** @param folder has `metrics` in it */
export function metricsIn(folder: string): Metrics {
  const readers = telling.map((name) => [name, new MetricReader(path.join(folder, "metrics", name))] as const);
  return Object.fromEntries(readers) as Metrics;
}
