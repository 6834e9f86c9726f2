// Writes an export's file, in a helper process of its own: whatever becomes of the server, a file that is not
// whole does not stay.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { operation } from "../../base/aside/aside.ts";
import { Failure } from "../../base/failure.ts";
import { onDisk, textOf } from "../../base/text/bytes.ts";

/** A pipe that is full is tried again after so long (ms); for how long in all, aside-series.ts says. */
const fullPause = 20;

/** The file that this process writes. */
let writing:
  | { handle: fs.promises.FileHandle; wanted: string; file: string; temporary: string | undefined; mode: number }
  | undefined;

/** What the writing process is asked, in this order; after the first, pieces. */
export const exportWork = { open: "exportOpen", write: "exportWrite", finish: "exportFinish", abandon: "exportAbandon" } as const;

operation(exportWork.open, open);
operation(exportWork.write, write);
operation(exportWork.finish, finish);
operation(exportWork.abandon, abandon);

/**
 * A file: written beside its place and renamed, with the mode that the caller's umask gives it; an existing
 * file keeps its mode, a link its target. What is no plain file (a pipe, a device) is written to as it is.
 * What another user owns is refused, and so is a link of theirs: in a folder that others can write (/tmp) it
 * would lead us to whatever file of ours they chose.
 * @throws Failure when it cannot be made.
 */
async function open(wanted: string, umask: number, uid: number): Promise<void> {
  try {
    await refuseOthers(wanted, wanted, uid);
    const file = await fs.promises.realpath(onDisk(wanted), "buffer").then(textOf, () => wanted);
    if (file !== wanted) await refuseOthers(file, wanted, uid);
    const existing = await fs.promises.stat(onDisk(file)).catch(() => undefined);
    if (existing?.isDirectory()) throw new Failure(`${wanted} is a directory: name a file in it`);
    const plain = existing === undefined || existing.isFile();
    const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(4).toString("hex")}`);
    // O_NONBLOCK: a pipe without a reader is a failure, not a process that waits
    const handle = await fs.promises.open(
      onDisk(plain ? temporary : file),
      plain
        ? fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW
        : fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOFOLLOW | fs.constants.O_NOCTTY,
      existing?.mode ?? 0o666,
    );
    // our own umask is none of the caller's business
    const mode = existing === undefined ? 0o666 & ~umask : existing.mode & 0o777;
    writing = { handle, wanted, file, temporary: plain ? temporary : undefined, mode };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`cannot write ${wanted}: ${reason(error)}`);
  }
}

async function write(bytes: Uint8Array): Promise<void> {
  await orNothing(async ({ handle }) => {
    for (let at = 0; at < bytes.length; )
      at += await handle
        .write(bytes, at)
        .then(({ bytesWritten }) => bytesWritten)
        .catch(whenFull);
  });
}

/** Nothing was written to a pipe whose reader is slower; it has been waited for a little. */
async function whenFull(error: NodeJS.ErrnoException): Promise<number> {
  if (error.code !== "EAGAIN") throw error;
  await new Promise((resolve) => setTimeout(resolve, fullPause));
  return 0;
}

async function finish(): Promise<void> {
  await orNothing(async ({ handle, temporary, file, mode }) => {
    if (temporary !== undefined) {
      await handle.chmod(mode);
      await handle.sync().catch(() => {});
    }
    await handle.close();
    if (temporary !== undefined) await fs.promises.rename(onDisk(temporary), onDisk(file));
    writing = undefined;
  });
}

async function orNothing(work: (at: NonNullable<typeof writing>) => Promise<unknown>): Promise<void> {
  if (writing === undefined) throw new Failure("the export was given up");
  const { wanted, temporary } = writing;
  try {
    await work(writing);
  } catch (error) {
    await abandon();
    const left = temporary === undefined ? "a part of it was written" : "nothing was left there";
    throw new Failure(`cannot write ${wanted}: ${reason(error)}; ${left}`);
  }
}

async function abandon(): Promise<void> {
  const { handle } = writing ?? {};
  removeUnfinished();
  await handle?.close().catch(() => {});
}

/** The server has gone, or gives up: what is not whole goes. */
export function removeUnfinished(): void {
  const { temporary } = writing ?? {};
  writing = undefined;
  if (temporary === undefined) return;
  try {
    fs.rmSync(onDisk(temporary), { force: true });
  } catch {
    // its folder is gone, or takes nothing any more
  }
}

/** Devices are root's, and written to as they are; whatever else exists has to be the user's own. */
async function refuseOthers(file: string, wanted: string, uid: number): Promise<void> {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const above = await fs.promises.lstat(onDisk(folder)).catch(() => undefined);
    if (above?.isSymbolicLink() && above.uid !== uid && above.uid !== 0)
      throw new Failure(
        `${folder} is a link of another user (${above.uid}): choose another folder than ${wanted}; nothing was written`,
      );
  }
  const found = await fs.promises.lstat(onDisk(file)).catch(() => undefined);
  if (found === undefined || found.uid === uid || found.isCharacterDevice()) return;
  const what = found.isSymbolicLink() ? "is a link of another user" : "belongs to another user";
  throw new Failure(`${wanted} ${what} (${found.uid}): choose another name; nothing was written`);
}

function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const words: Record<string, string> = {
    ENOENT: "its folder does not exist",
    ENOTDIR: "its folder is no folder",
    EACCES: "permission denied",
    EPERM: "not permitted",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
    EDQUOT: "the quota is used up",
    ENXIO: "nobody reads from it",
    EPIPE: "nobody reads on",
  };
  return words[code ?? ""] ?? code ?? String(error);
}
