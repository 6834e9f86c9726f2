// Compressed segments of a session's log: one brotli file each, named by what it holds, so that `brotli -dc
// seg-*` alone brings the log back.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { shortageOf } from "../base/failure.ts";

/**
 * Raw bytes of a full segment: large enough for the redraws to share a window, small enough to unpack for one
 * line (about 5 ms).
 */
export const segmentBytes = 4 << 20;

/**
 * Measured on a day of falcon's footer (1.34 GB raw): gzip -6 10.0 MB and 5.0 s of CPU, -9 9.2 MB and 7.2 s;
 * brotli quality 5 with a
 * 4 MB window 2.0 MB and 3.6 s, quality 4 2.3 MB and 1.8 s; all unpack at about 1 GB/s.
 */
const quality = 5;

const compressBrotli = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);
const unpackBrotli = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);

/** One compressed range of the stream. */
export interface Segment {
  /** First byte of the stream in it. */
  offset: number;
  /** Raw bytes. */
  length: number;
  /** First 16 hex digits of the SHA-256 of the raw bytes: brotli itself has no checksum. */
  hash: string;
  /** Name in the session folder. */
  file: string;
  /** Bytes on disk. */
  size: number;
}

/** A segment that cannot be read back: its file is gone, cut, or not what its name says. */
export class DamagedSegment extends Error {
  readonly segment: Segment;
  constructor(segment: Segment, cause: unknown) {
    super(`${segment.file} is damaged`, { cause });
    this.name = "DamagedSegment";
    this.segment = segment;
  }
}

const namePattern = /^seg-(\d{15})-(\d{1,9})-([0-9a-f]{16})\.br$/;

/**
 * The segments of a folder by rising offset. Where two overlap (a crash between two tries of different length
 * cannot be ruled out for
 * ever), the one that reaches further counts.
 */
export function listSegments(folder: string): Segment[] {
  const found: Segment[] = [];
  for (const file of fs.readdirSync(folder)) {
    const match = namePattern.exec(file);
    if (!match) continue;
    let size: number;
    try {
      size = fs.statSync(path.join(folder, file)).size;
    } catch {
      continue; // retention was faster
    }
    found.push({ offset: Number(match[1]), length: Number(match[2]), hash: match[3] as string, file, size });
  }
  found.sort((a, b) => a.offset - b.offset || b.length - a.length);
  const segments: Segment[] = [];
  let end = 0;
  for (const segment of found) {
    if (segments.length && segment.offset < end) continue;
    segments.push(segment);
    end = segment.offset + segment.length;
  }
  return segments;
}

/** Removes what an interrupted `writeSegment` left. */
export function removeUnfinished(folder: string): void {
  for (const file of fs.readdirSync(folder)) {
    if (/^seg-.*\.tmp$/.test(file)) fs.rmSync(path.join(folder, file), { force: true });
  }
}

/**
 * Compresses `raw` off the main thread and puts it on disk: temporary file, fsync, read back and compared,
 * rename, fsync of the
 * folder. When the answer is there, the raw bytes are no longer needed. Throws what the file system throws;
 * nothing is left then.
 */
export async function writeSegment(folder: string, offset: number, raw: Buffer): Promise<Segment> {
  const hash = hashOf(raw);
  const file = `seg-${String(offset).padStart(15, "0")}-${raw.length}-${hash}.br`;
  const temporary = path.join(folder, `${file}.tmp`);
  const packed = await compressBrotli(raw, {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: quality,
      [zlib.constants.BROTLI_PARAM_LGWIN]: 22,
      [zlib.constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  try {
    const handle = await fs.promises.open(temporary, "w+", 0o600);
    try {
      await handle.writeFile(packed);
      await handle.sync();
      const written = Buffer.alloc(packed.length);
      await handle.read(written, 0, written.length, 0);
      const unpacked = await unpackBrotli(written, { maxOutputLength: raw.length });
      if (!unpacked.equals(raw)) throw new Error(`${file}: what was written reads back differently`);
    } finally {
      await handle.close();
    }
    await fs.promises.rename(temporary, path.join(folder, file));
  } catch (error) {
    await fs.promises.rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(folder);
  return { offset, length: raw.length, hash, file, size: packed.length };
}

/**
 * Unpacks one segment off the main thread. Throws DamagedSegment; what the machine was only short of (a
 * descriptor, memory) says nothing of the file, and is thrown as it is.
 */
export async function readSegment(folder: string, segment: Segment): Promise<Buffer> {
  try {
    const packed = await fs.promises.readFile(path.join(folder, segment.file));
    const raw = await unpackBrotli(packed, { maxOutputLength: Math.max(1, segment.length) });
    if (raw.length !== segment.length || hashOf(raw) !== segment.hash) throw new Error("its checksum is another one");
    return raw;
  } catch (error) {
    throw shortageOf(error) === undefined ? new DamagedSegment(segment, error) : error;
  }
}

function hashOf(raw: Buffer): string {
  return createHash("sha256").update(raw).digest("hex").slice(0, 16);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.promises.open(folder, "r");
  try {
    await handle.sync();
  } catch {
    // some file systems refuse to sync a folder: the rename is then as safe as they make it
  } finally {
    await handle.close();
  }
}
