// What a look at several files at once is asked and answers: whether they are there, and what was added to
// them. trainers/reading/foreign-files.ts does the look, aside.

/** A file that is looked at. */
export interface FileToStat {
  file: string;
  /** Byte that reading begins at. */
  from: number;
  /** It is read only when it is larger than this (bytes). Infinity: never. */
  known: number;
}

/** What there is of it. */
export interface FileStat {
  /** Why there is nothing: an errno (os.constants.errno); 0 when there is. All else is 0 or false then. */
  error: number;
  /** A regular file: only those are opened. */
  regular: boolean;
  inode: number;
  /** Bytes. */
  size: number;
  /** When it was last written to, ms since 1970. */
  modified: number;
  /** From `from` to the end, where that is at most 64 KiB, there is something new and it could be read. */
  bytes: Buffer | undefined;
}

/** Looks at them in their order; never fails because of a file. */
export type StatFiles = (files: readonly FileToStat[]) => Promise<FileStat[]>;
