// Opening a file that somebody else made: only a regular one, since opening a device or a pipe acts, or waits
// for ever.
import fs from "node:fs";
import { onDisk } from "../text/bytes.ts";

/**
 * Linux: a descriptor that only names a file; opening it does nothing to what it names. The same number on
 * every machine that Node runs on.
 */
const namesOnly = 0o10000000;

/** What is there is no regular file. */
export class NoRegularFile extends Error {
  readonly code = "EINVAL";
}

/**
 * A descriptor for reading. @throws NoRegularFile for a pipe, a device, a socket, a folder, which are not
 * opened; what open(2) throws else.
 */
export function openRegular(file: string): number {
  const reading = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY;
  if (process.platform !== "linux") {
    if (!fs.statSync(onDisk(file)).isFile()) throw new NoRegularFile(`${file} is no regular file`);
    return fs.openSync(onDisk(file), reading);
  }
  const named = fs.openSync(onDisk(file), namesOnly);
  try {
    if (!fs.fstatSync(named).isFile()) throw new NoRegularFile(`${file} is no regular file`);
    // by its descriptor: what was looked at is what is opened
    return fs.openSync(`/proc/self/fd/${named}`, reading);
  } finally {
    fs.closeSync(named);
  }
}

/** The first `most` bytes of a regular file as text; none where it cannot be read. */
export function head(file: string, most: number): string {
  try {
    return readRegular(file, 0, most).toString("utf8");
  } catch {
    return "";
  }
}

/** Bytes of a regular file from `from` on, at most `length`. @throws as openRegular. */
export function readRegular(file: string, from: number, length: number): Buffer {
  const fd = openRegular(file);
  try {
    // the kernel's own files have none
    const size = fs.fstatSync(fd).size || Number.POSITIVE_INFINITY;
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - from)));
    let got = 0;
    while (got < buffer.length) {
      const count = fs.readSync(fd, buffer, got, buffer.length - got, from + got);
      if (count === 0) break;
      got += count;
    }
    return buffer.subarray(0, got);
  } finally {
    fs.closeSync(fd);
  }
}
