// Why a session is lost or was never started, in words, and whether the kernel ended it for want of memory.
import { getSystemErrorName } from "node:util";
import { cgroupOomKills, memoryCgroups } from "../../platform/processes.ts";
import type { SessionRow } from "../../store/session-store.ts";

/**
 * A control group that counts the processes that the kernel ended in it for want of memory, and what it had
 * counted by then.
 */
export interface MemoryCount {
  folder: string;
  kills: number;
}

/**
 * Of a program that runs: the group that it is in, and the groups above, for when that one is gone with its
 * last process.
 */
export interface MemoryWatch extends MemoryCount {
  above?: MemoryCount[];
}

/** Begins to watch; undefined where the system does not tell. */
export function watchMemory(pid: number): MemoryWatch | undefined {
  const [own, ...above] = memoryCgroups(pid).map((folder) => ({ folder, kills: cgroupOomKills(folder) ?? 0 }));
  return own === undefined ? undefined : { ...own, above };
}

/**
 * Whether the kernel killed for want of memory there since. A group that is gone is answered for by the next
 * one above.
 */
export function outOfMemory(watch: MemoryWatch | undefined): boolean {
  for (const { folder, kills } of watch === undefined ? [] : [watch, ...(watch.above ?? [])]) {
    const now = cgroupOomKills(folder);
    if (now !== null) return now > kills;
  }
  return false;
}

/**
 * Why nobody holds the session's terminal any more, and no exit was recorded.
 * @param boot the boot id of now; the row has that of the start.
 * @param holder how the connection to the holder ended, in words.
 */
export function whyLost(row: Pick<SessionRow, "boot" | "started" | "facts">, boot: string, holder: string): string {
  if (row.boot !== boot) return "the machine was restarted";
  if (row.started === null) return "the server went away before the program was started";
  const signal = /by (SIG\w+)/.exec(holder)?.[1];
  // the kernel ends for want of memory by SIGKILL; how a holder ended that was no child of ours is not known
  if ((signal === undefined || signal === "SIGKILL") && outOfMemory(row.facts.memory))
    return "the kernel ended processes of its group for want of memory, its holder among them";
  if (signal !== undefined) return `its holder was ended by ${signal}, and the program with it`;
  return "its holder is gone without an exit record (out of memory, a job's end or a kill)";
}

/** What execve(2) says of a file that was found and may be executed. */
export function sentenceOfExec(file: string, errno: number): string {
  const code = getSystemErrorName(-errno);
  const why: Record<string, string> = {
    ENOENT: "the interpreter that its first line names does not exist",
    ENOEXEC: "it is neither a program of this machine nor a script with a '#!' line",
    EACCES: "it, or the interpreter that its first line names, may not be executed",
    EAGAIN: "no process can be started for it (your limit, 'ulimit -u', or the machine's is reached)",
    ENOMEM: "there is not enough memory for it",
    E2BIG: "its arguments and environment are too long",
  };
  return `cannot run ${file}: ${why[code] ?? code}`;
}
