// How a session ended, in words: why it is lost or was never started, and of a falcon run its own summary and its traceback.
import { getSystemErrorName } from "node:util";
import type { PostMortem } from "../falcon/post-mortem.ts";
import { postMortem } from "../falcon/post-mortem.ts";
import type { RunProgress } from "../falcon/run-progress.ts";
import { cgroupOomKills, memoryCgroups } from "../platform/processes.ts";
import type { OutputLog } from "../store/output-log.ts";
import type { SessionRow } from "../store/session-store.ts";

/** The end of the output that is read: a traceback of Ray's, repeated by several workers, has about 20 KB. */
const tail = 64 << 10;

/** A control group that counts the processes that the kernel ended in it for want of memory, and what it had counted by then. */
export interface MemoryCount {
  folder: string;
  kills: number;
}

/** Of a program that runs: the group that it is in, and the groups above, for when that one is gone with its last process. */
export interface MemoryWatch extends MemoryCount {
  above?: MemoryCount[];
}

/** Begins to watch; undefined where the system does not tell. */
export function watchMemory(pid: number): MemoryWatch | undefined {
  const [own, ...above] = memoryCgroups(pid).map((folder) => ({ folder, kills: cgroupOomKills(folder) ?? 0 }));
  return own === undefined ? undefined : { ...own, above };
}

/** Whether the kernel killed for want of memory there since. A group that is gone is answered for by the next one above. */
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
  if ((signal === undefined || signal === "SIGKILL") && outOfMemory(row.facts.memory as MemoryWatch | undefined))
    return "the kernel ended processes of its group for want of memory, its holder among them";
  if (signal !== undefined) return `its holder was ended by ${signal}, and the program with it`;
  return "its holder is gone without an exit record (out of memory, a job's end or a kill)";
}

/** What is looked at of an ended session, and where its findings are kept. */
interface EndedSession {
  readonly row: SessionRow;
  readonly end: { code: number | null; signal: string | null } | undefined;
  openLog(): OutputLog;
  setFact(name: string, value: unknown): void;
}

/** Makes the post-mortem of an ended falcon run and keeps it with the session. */
export async function keepPostMortem(session: EndedSession, run: RunProgress | null): Promise<void> {
  if (session.row.kind !== "launch") return;
  const { code, signal } = session.end ?? { code: null, signal: null };
  const log = session.openLog();
  try {
    const from = Math.max(log.base, log.end - tail);
    const output = await log.read(from, log.end - from);
    const memory = outOfMemory(session.row.facts.memory as MemoryWatch | undefined);
    const lost = session.row.state === "lost";
    session.setFact(
      "postMortem",
      postMortem({
        status: code,
        signal,
        output,
        outOfMemory: memory,
        lost,
        interrupts: session.row.interrupts,
        ...(run === null ? {} : { run }),
      }),
    );
  } finally {
    log.close();
  }
}

/** The post-mortem that was kept, or undefined. */
export function postMortemOf(session: Pick<EndedSession, "row">): PostMortem | undefined {
  return session.row.facts.postMortem as PostMortem | undefined;
}

/** The last frame of falcon's display before it was left, or undefined: what a person would have seen. */
export function lastFrameOf(session: Pick<EndedSession, "row">): string[] | undefined {
  return session.row.facts.lastFrame as string[] | undefined;
}

/** What execve(2) says of a file that was found and may be executed. */
export function sentenceOfExec(file: string, errno: number): string {
  const code = getSystemErrorName(-errno);
  const why: Record<string, string> = {
    ENOENT: "the interpreter that its first line names does not exist",
    ENOEXEC: "it is neither a program of this machine nor a script with a '#!' line",
    EACCES: "it, or the interpreter that its first line names, may not be executed",
    ENOMEM: "there is not enough memory for it",
    E2BIG: "its arguments and environment are too long",
  };
  return `cannot run ${file}: ${why[code] ?? code}`;
}
