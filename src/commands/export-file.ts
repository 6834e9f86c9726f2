// Where an export goes: the caller's stdout, or a file of theirs that is there whole or not at all.
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { onDisk, textOf } from "../base/bytes.ts";
import { Failure } from "../base/failure.ts";
import type { Call } from "./call.ts";

/** Bytes that may wait for the caller before the next are made. */
const backlogLimit = 256 << 10;

/** Takes an export piece by piece. */
export interface Target {
  write(bytes: Uint8Array | string): Promise<void>;
  /** All is written. Answers how many bytes. */
  finish(): Promise<number>;
  /** It failed: nothing of it stays. */
  abandon(): Promise<void>;
  /** Nobody takes it any more. */
  readonly gone: boolean;
}

export function toStdout(call: Call): Target {
  let gone = false;
  let written = 0;
  void call.gone.then(() => {
    gone = true;
  });
  return {
    get gone() {
      return gone;
    },
    async write(bytes) {
      written += Buffer.byteLength(bytes);
      call.stdout(bytes);
      if (call.backlog() > backlogLimit) await new Promise<void>((resolve) => call.onDrained(resolve));
    },
    finish: async () => written,
    abandon: async () => {},
  };
}

/**
 * A file: written beside its place and renamed, with the mode that the caller's umask gives it; an existing file keeps its mode, a link its
 * target. What is no plain file (a pipe, a device) is written to as it is. What another user owns is refused, and so is a link of theirs: in a folder that
 * others can write (/tmp) it would lead us to whatever file of ours they chose.
 * @throws Failure when it cannot be made.
 */
export async function toFile(call: Call, name: string, uid = process.geteuid?.() ?? -1): Promise<Target> {
  const wanted = path.resolve(call.request.directory, name);
  let gone = false;
  void call.gone.then(() => {
    gone = true;
  });
  try {
    await refuseOthers(wanted, wanted, uid);
    const file = await fs.promises.realpath(onDisk(wanted), "buffer").then(textOf, () => wanted);
    if (file !== wanted) await refuseOthers(file, wanted, uid);
    const existing = await fs.promises.stat(onDisk(file)).catch(() => undefined);
    if (existing?.isDirectory()) throw new Failure(`${wanted} is a directory: name a file in it`);
    const plain = existing === undefined || existing.isFile();
    const temporary = plain ? path.join(path.dirname(file), `.${path.basename(file)}.${randomBytes(4).toString("hex")}`) : file;
    // O_NONBLOCK: a pipe without a reader is a failure, not a server that waits
    const handle = await fs.promises.open(
      onDisk(temporary),
      plain
        ? fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_NOFOLLOW
        : fs.constants.O_WRONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOFOLLOW | fs.constants.O_NOCTTY,
      existing?.mode ?? 0o666,
    );
    let written = 0;
    const failed = async (error: unknown): Promise<never> => {
      await abandon();
      throw new Failure(`cannot write ${wanted}: ${reason(error)}; nothing was left there`);
    };
    const abandon = async () => {
      await handle.close().catch(() => {});
      if (plain) await fs.promises.rm(onDisk(temporary), { force: true }).catch(() => {});
    };
    return {
      get gone() {
        return gone;
      },
      async write(bytes) {
        const all = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
        written += all.length;
        await handle.writeFile(all).catch(failed);
      },
      async finish() {
        try {
          if (plain) {
            // our own umask is none of the caller's business
            await handle.chmod(existing === undefined ? 0o666 & ~call.request.umask : existing.mode & 0o777);
            await handle.sync().catch(() => {});
          }
          await handle.close();
          if (plain) await fs.promises.rename(onDisk(temporary), onDisk(file));
          return written;
        } catch (error) {
          return failed(error);
        }
      },
      abandon,
    };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`cannot write ${wanted}: ${reason(error)}`);
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
  };
  return words[code ?? ""] ?? code ?? String(error);
}
