// Chunks of a metric, read aside (base/aside/aside.ts).
import { aside } from "../../../base/aside/aside.ts";
import { readRegular } from "../../../base/aside/regular-file.ts";
import { type Point, pointsOf, readNpz, unpackedSize } from "./npz.ts";

/** A chunk has about 3 KB (100 entries); anything this large is no chunk of a scalar. */
const largestChunk = 4 << 20;

/** Entries of one chunk: falcon writes 100; an archive that claims millions is none of its. */
const mostInChunk = 20_000;

/**
 * The entries of one chunk of a metric, and its bytes unpacked. No entries for what cannot be one. @throws
 * Error while it is half written.
 */
export const readChunk = aside(
  "chunk",
  (file: string): { points: Point[]; unpacked: number } => {
    const bytes = readRegular(file, 0, largestChunk + 1);
    if (bytes.length > largestChunk) return { points: [], unpacked: 0 };
    const arrays = readNpz(bytes);
    const entries = arrays.get("step")?.values.length ?? 0;
    return { points: entries > mostInChunk ? [] : pointsOf(arrays), unpacked: unpackedSize(arrays) };
  },
  ([file]) => file,
);
