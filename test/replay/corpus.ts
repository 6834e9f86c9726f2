// Where recordings come from: the project's own, and a larger corpus beside the project where there is one.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

export interface Recording {
  name: string;
  cols: number;
  rows: number;
  data: Buffer;
}

interface Entry {
  name: string;
  file: string;
  cols: number;
  rows: number;
}

const root = path.resolve(import.meta.dirname, "../..");

/** The project's own recordings. */
export const ownFolder = path.join(root, "test/fixtures/recordings");

/** The larger corpus: `$FALCON_CORPUS`, else beside the project. */
export const corpusFolder = process.env.FALCON_CORPUS ?? path.resolve(root, "../shared/corpus");

/** A recording longer than this is cut: what a cut tests does not get better with its length. */
const longest = 160_000;

/**
 * The recordings of a folder; empty where there is none. @throws Error when the folder's index is damaged.
 */
export function recordings(folder: string): Recording[] {
  const index = path.join(folder, "index.json");
  if (!fs.existsSync(index)) return [];
  const entries = JSON.parse(fs.readFileSync(index, "utf8")) as Entry[];
  return entries.map(({ name, file, cols, rows }) => ({
    name,
    cols,
    rows,
    data: fs.readFileSync(path.join(folder, file)).subarray(0, longest),
  }));
}

/** Numbers from 0 to 1, the same ones at every run. */
export function randomNumbers(seed: string): () => number {
  let state = createHash("sha256").update(seed).digest().readUInt32LE(0);
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * Places to cut a recording at, ascending: some at fixed fractions and as many at random ones, which fall
 * into sequences and characters.
 */
export function cuts({ name, data }: Recording, fixed: number): number[] {
  const places = new Set<number>();
  const random = randomNumbers(name);
  for (let i = 0; i < fixed; i++) {
    places.add(Math.max(1, Math.floor((data.length * (i + 0.5)) / fixed)));
    places.add(1 + Math.floor(random() * (data.length - 1)));
  }
  return [...places].filter((at) => at > 0 && at < data.length).sort((a, b) => a - b);
}
