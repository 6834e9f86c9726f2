// The lines of a plain log file, such as a node's own: read in turns, from wherever reading stands, through
// truncation.
import { readPiece, sizeOf } from "../trainers/reading/foreign-files.ts";
import type { Selected, Selection } from "./line-job.ts";
import { type After, linesInTurns, type Place, type Standing } from "./session-lines.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Where a file's first line begins. */
export const fileStart: Place = { at: { offset: 0, cols: 0, rows: 0, file: true }, offset: 0 };

/**
 * The chosen lines from a place to the file's end as it is now. A file that has become shorter was begun
 * anew: it is read from its start.
 * @throws what opening and reading the file throws.
 */
export async function* fileLines(
  workers: WorkerPool,
  file: string,
  from: Place,
  select: Selection,
  standing: Standing,
  after?: After,
): AsyncGenerator<Selected> {
  const size = await sizeOf(file);
  const isAnew = size < from.offset;
  const fed = async (begin: number, end: number) => {
    const bytes = await readPiece(file, begin, end - begin);
    return { feed: [{ bytes: Uint8Array.from(bytes) }], offset: begin + bytes.length };
  };
  const chosen = isAnew ? { ...select, from: 0 } : select;
  yield* linesInTurns(workers, isAnew ? fileStart : from, size, fed, chosen, standing, after);
}
