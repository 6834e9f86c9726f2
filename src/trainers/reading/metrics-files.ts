// Files of metrics that a program was said to write (`falcon run --metrics`), and what stood in them before
// it.
import { Failure } from "../../base/failure.ts";
import { readPiece, sizeOf } from "./foreign-files.ts";

/**
 * What a file had in it before the session began, which is an earlier one's. JSON-friendly: kept with the
 * session.
 */
export interface Before {
  bytes: number;
  /** The last of them, base64: a file that was emptied since has others there, or none. */
  mark: string;
}

/** A file of `falcon run --metrics`, as the session's facts have it. */
export interface NamedFile {
  /** Absolute. */
  file: string;
  before: Before;
}

/** The bytes that an old end is known by. */
const markLength = 64;

/**
 * What is not there, or is no regular file, has no rows. Of any other error nothing is known: the old rows of
 * a file that does not answer for a moment would be told as the session's own, for good.
 */
const empty = new Set<unknown>(["ENOENT", "ENOTDIR", "EINVAL"]);

function isEmpty(error: unknown): boolean {
  return empty.has((error as NodeJS.ErrnoException).code);
}

/** How a file ends now. @throws Failure where that cannot be told. */
export async function endOfFile(file: string): Promise<Before> {
  try {
    const bytes = await sizeOf(file);
    return { bytes, mark: await markAt(file, bytes) };
  } catch (error) {
    if (isEmpty(error)) return { bytes: 0, mark: "" };
    throw error instanceof Failure ? error : new Failure(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** Bytes at the file's beginning that still are those of before; undefined: it cannot be told now. */
export async function oldBytes(file: string, { bytes, mark }: Before): Promise<number | undefined> {
  if (bytes === 0) return 0;
  try {
    return (await markAt(file, bytes)) === mark ? bytes : 0;
  } catch (error) {
    return isEmpty(error) ? 0 : undefined;
  }
}

async function markAt(file: string, end: number): Promise<string> {
  const read = await readPiece(file, Math.max(0, end - markLength), Math.min(end, markLength));
  return Buffer.from(read).toString("base64");
}
