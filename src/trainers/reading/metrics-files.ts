// Files of metrics that a program was said to write (`falcon run --metrics`), and what stood in them before
// it.
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

/** How a file ends now; of one that is not there, or does not answer, that it is empty. */
export async function endOfFile(file: string): Promise<Before> {
  try {
    const bytes = await sizeOf(file);
    return { bytes, mark: await markAt(file, bytes) };
  } catch {
    return { bytes: 0, mark: "" };
  }
}

/** Bytes at the file's beginning that still are those of before. */
export async function oldBytes(file: string, { bytes, mark }: Before): Promise<number> {
  if (bytes === 0) return 0;
  return (await markAt(file, bytes).catch(() => "")) === mark ? bytes : 0;
}

async function markAt(file: string, end: number): Promise<string> {
  const read = await readPiece(file, Math.max(0, end - markLength), Math.min(end, markLength));
  return Buffer.from(read).toString("base64");
}
