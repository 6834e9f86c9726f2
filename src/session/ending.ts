// What is kept of a falcon run's end: how it ended and why, its own summary, its traceback.
import type { PostMortem } from "../falcon/post-mortem.ts";
import { postMortem } from "../falcon/post-mortem.ts";
import type { RunProgress } from "../falcon/progress.ts";
import { cgroupOomKills, memoryCgroup } from "../platform/processes.ts";
import type { Session } from "./session.ts";

/** The end of the output that is read: a traceback of Ray's, repeated by several workers, has about 20 KB. */
const tail = 64 << 10;

/** Of a program that runs: where the kernel would count its death for want of memory, and what is counted there so far. */
export interface MemoryWatch {
  folder: string;
  kills: number;
}

/** Begins to watch; undefined where the system does not tell. */
export function watchMemory(pid: number): MemoryWatch | undefined {
  const folder = memoryCgroup(pid);
  const kills = folder === null ? null : cgroupOomKills(folder);
  return folder === null || kills === null ? undefined : { folder, kills };
}

/** Whether the kernel killed for want of memory there since. */
export function outOfMemory(watch: MemoryWatch | undefined): boolean {
  return watch !== undefined && (cgroupOomKills(watch.folder) ?? watch.kills) > watch.kills;
}

/** Makes the post-mortem of an ended falcon run and keeps it with the session. */
export async function keepPostMortem(session: Session, run: RunProgress | null): Promise<void> {
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
export function postMortemOf(session: Session): PostMortem | undefined {
  return session.row.facts.postMortem as PostMortem | undefined;
}

/** The last frame of falcon's display before it was left, or undefined: what a person would have seen. */
export function lastFrameOf(session: Session): string[] | undefined {
  return session.row.facts.lastFrame as string[] | undefined;
}
