// What is asked of a run's files again and again, done aside (base/aside/aside.ts): looks, and pieces of
// logs.
import fs from "node:fs";
import os from "node:os";
import { aside } from "../../base/aside/aside.ts";
import { NoRegularFile, openRegular, readRegular } from "../../base/aside/regular-file.ts";
import type { FileStat, FileToStat } from "../../base/aside/stat-files.ts";
import { onDisk } from "../../base/text/bytes.ts";
import { sharedLooks } from "./shared-looks.ts";

/** What was added to a file is read with the look up to this length (bytes). */
const readWithLook = 64 << 10;

function lookAt({ file, from, known }: FileToStat): FileStat {
  const nothing = { error: 0, regular: false, inode: 0, size: 0, modified: 0, bytes: undefined };
  try {
    // half of a run's files are not there: an error with its stack for each was a sixth of what a look costs
    const stat = fs.statSync(onDisk(file), { throwIfNoEntry: false });
    if (stat === undefined) return { ...nothing, error: os.constants.errno.ENOENT };
    const seen = { ...nothing, regular: stat.isFile(), inode: stat.ino, size: stat.size, modified: stat.mtimeMs };
    if (!seen.regular || seen.size <= known || seen.size <= from || seen.size - from > readWithLook) return seen;
    const fd = openRegular(file);
    try {
      const { ino, size } = fs.fstatSync(fd);
      if (ino !== seen.inode || size < seen.size) return seen;
      const bytes = Buffer.alloc(seen.size - from);
      return { ...seen, bytes: fs.readSync(fd, bytes, 0, bytes.length, from) === bytes.length ? bytes : undefined };
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    return { ...nothing, error: Math.abs((error as NodeJS.ErrnoException).errno ?? os.constants.errno.EINVAL) };
  }
}

/** Looks at all of them, in their order; only what does not answer throws. */
export const lookAside = aside(
  "look",
  (files: readonly FileToStat[]) => files.map(lookAt),
  ([files]) => files[0]?.file ?? "/",
);

/** The same for several runs at once. What does not answer is none of them in particular. */
const lookAtRuns = aside(
  "looks",
  (runs: readonly (readonly FileToStat[])[]) => runs.map((files) => files.map(lookAt)),
  () => "/",
);

/** Looks at a run's files, with those of others for whom that is asked in the same moment. */
export const lookTogether = sharedLooks({ one: lookAside, many: lookAtRuns });

/**
 * Bytes of a regular file from `from` on, at most `length`. @throws NoRegularFile, and what open(2) throws.
 */
export const readPiece = aside("readPiece", readRegular, ([file]) => file);

/** Bytes of a regular file. @throws NoRegularFile, and what stat(2) throws. */
export const sizeOf = aside(
  "size",
  (file: string) => {
    const stat = fs.statSync(onDisk(file));
    if (!stat.isFile()) throw new NoRegularFile(`${file} is no regular file`);
    return stat.size;
  },
  ([file]) => file,
);

/** A file as it is at one moment, in a word; undefined for what is no regular file. */
export const signatureOf = aside(
  "signature",
  (file: string) => {
    const stat = fs.statSync(onDisk(file), { throwIfNoEntry: false });
    return stat?.isFile() ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : undefined;
  },
  ([file]) => file,
);
