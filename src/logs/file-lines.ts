// The lines of a plain log file, such as a node's own: read in turns, from wherever reading stands, through
// truncation.
import { readPiece, sizeOf } from "../trainers/reading/foreign-files.ts";
import type { ReadAnswer, Selected, Selection } from "./line-job.ts";
import { type After, type Place, runLineJob, type Standing, turnBytes } from "./session-lines.ts";
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
  let place = isAnew ? fileStart : from;
  for (;;) {
    const bytes = await readPiece(file, place.offset, Math.min(turnBytes, size - place.offset));
    const offset = place.offset + bytes.length;
    const done = offset >= size || bytes.length === 0;
    const feed = bytes.length === 0 ? [] : [{ bytes: Uint8Array.from(bytes) }];
    const answer = await runLineJob<ReadAnswer>(workers, {
      do: "read",
      at: place.at,
      feed,
      standing: done ? standing : "keep",
      select: isAnew ? { ...select, from: 0 } : select,
    });
    place = { at: answer.state, offset };
    if (done) after?.(place, answer);
    if (answer.lines.ends.length > 0) yield answer.lines;
    if (done) return;
  }
}
