// Moves a session's folder to another place, which may be on another file system: holes stay holes, and
// nobody waits for the copying.
import fs from "node:fs";
import path from "node:path";
import { firstData } from "../../platform/native.ts";

/** Copied by one read. */
const pieceBytes = 1 << 20;

/** A folder could not be copied, or kept there (a full disk, a quota): nothing of the copy is left. */
export class NotCopied extends Error {}

/**
 * Moves a folder, which nobody writes to meanwhile: it is at one of the two places whole, whatever fails.
 * @param arrived called once it is at its place, before an original goes that was copied. Where it throws
 *   all is as before, for which no disk needs room.
 * @throws NotCopied where it had to be copied; else what `arrived` throws.
 */
export async function moveFolder(from: string, to: string, arrived: () => void): Promise<void> {
  if (renamed(from, to)) return arrivedOr(arrived, () => fs.renameSync(to, from));
  const copy = `${to}.copy`;
  // of a server that was killed
  fs.rmSync(copy, { recursive: true, force: true });
  try {
    await fs.promises.cp(from, copy, { recursive: true, preserveTimestamps: true, filter: copiesItself });
    fs.renameSync(copy, to);
    arrivedOr(arrived, () => fs.renameSync(to, copy));
  } catch (error) {
    fs.rmSync(copy, { recursive: true, force: true });
    throw new NotCopied(`${from} is not copied: ${(error as Error).message}`);
  }
  fs.rmSync(from, { recursive: true, force: true });
}

/** False: the new place is on another file system. */
function renamed(from: string, to: string): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    return false;
  }
}

function arrivedOr(arrived: () => void, back: () => void): void {
  try {
    arrived();
  } catch (error) {
    back();
    throw error;
  }
}

/**
 * Whether Node is to copy what is in a folder. It knows no holes: of a log whose head was freed it would
 * write zeros of the whole stream's length, a gigabyte for a day.
 */
async function copiesItself(file: string, copy: string): Promise<boolean> {
  const stat = await fs.promises.lstat(file);
  if (!stat.isFile() || stat.blocks * 512 >= stat.size) return path.basename(file) !== "sock";
  await copyData(file, copy, stat);
  return false;
}

async function copyData(file: string, copy: string, { size, mode, atime, mtime }: fs.Stats): Promise<void> {
  const source = await fs.promises.open(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    const target = await fs.promises.open(copy, "wx", mode & 0o777);
    try {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, size));
      for (let at = firstData(source.fd, 0); at < size; at = firstData(source.fd, at)) {
        const { bytesRead } = await source.read(piece, 0, piece.length, at);
        if (bytesRead === 0) break;
        at += (await target.write(piece, 0, bytesRead, at)).bytesWritten;
      }
      await target.truncate(size);
      await target.utimes(atime, mtime);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
