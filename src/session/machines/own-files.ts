// Files that the user's machines share: read only where nobody else could have written them. Done aside
// (base/aside/aside.ts), but for the homes of this machine's jobs, which are our own (take-in.ts).
import fs from "node:fs";

/** @throws Error where others could have written what is in it. */
export function checkFolder(folder: string): void {
  const stat = fs.lstatSync(folder);
  if (!stat.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (stat.uid !== process.geteuid?.()) throw new Error(`${folder} belongs to another user (${stat.uid})`);
  if ((stat.mode & 0o077) !== 0) throw new Error(`${folder} is open to other users: chmod 700 ${folder}`);
}

interface OwnFile {
  /** Tells this file from any other of its name. */
  version: string;
  /** Undefined: that of the version that is known. */
  text: string | undefined;
  /** ms since 1970, by the file system's clock. */
  modified: number;
}

/**
 * Opening it asks a network file system anew, so that its time is no remembered one.
 * @param longest bytes. @param known such a version is not read again.
 * @throws Error with the reason, which completes "is passed over:".
 */
export function readOwn(file: string, longest: number, known?: string): OwnFile {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK);
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new Error("it is no regular file");
    if (stat.uid !== process.geteuid?.()) throw new Error("it belongs to another user");
    if ((stat.mode & 0o022) !== 0) throw new Error("others can write it");
    if (stat.size > longest) throw new Error(`it has ${stat.size} bytes, more than the ${longest} that are read`);
    const version = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    const text = version === known ? undefined : fs.readFileSync(fd, "utf8");
    return { version, text, modified: stat.mtimeMs };
  } finally {
    fs.closeSync(fd);
  }
}
