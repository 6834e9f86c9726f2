// A session as `falcon sessions` and `falcon show` give it out: the documented JSON shape (docs/json.md), and nothing secret.
import type { PostMortem } from "../falcon/post-mortem.ts";
import type { RunProgress } from "../falcon/run-progress.ts";
import { outcomeOf, postMortemOf } from "../session/conclusion.ts";
import type { Outcome } from "../session/outcome.ts";
import type { RunProgresses } from "../session/run-progress.ts";
import type { Session } from "../session/session.ts";
import type { SessionState } from "../store/session-store.ts";

/** One session, for machines. Times are ISO 8601 in UTC, or null. */
export interface Listing {
  id: string;
  name: string;
  kind: "launch" | "run";
  state: SessionState;
  reason: string;
  command: string[];
  directory: string;
  runDirectory: string | null;
  host: string;
  pid: number | null;
  created: string;
  started: string | null;
  ended: string | null;
  lastOutput: string | null;
  exitCode: number | null;
  signal: string | null;
  cols: number;
  rows: number;
  pinned: boolean;
  /** Ctrl+C that the program was sent. */
  interrupts: number;
  viewers: { pid: number; readOnly: boolean; since: string }[];
  /** Bytes of output so far. */
  outputBytes: number;
  /** Output that no one can have any more. */
  gaps: { offset: number; length: number }[];
  /** How far a falcon run is (falcon/progress.ts); null for other commands, and while the run directory is not known. */
  progress: RunProgress | null;
  /** How a falcon run ended (falcon/post-mortem.ts); null while it runs and for other commands. */
  postMortem: PostMortem | null;
  /** How it ended, in one statement (session/outcome.ts); null while it runs. `time` as the times of a session. */
  outcome: (Omit<Outcome, "time"> & { time: string | null }) | null;
}

export async function listing(session: Session, progresses: RunProgresses): Promise<Listing> {
  const { row } = session;
  const end = session.end;
  const outcome = outcomeOf(session);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    state: row.state,
    reason: row.reason,
    command: row.command,
    directory: row.directory,
    runDirectory: row.runDirectory,
    host: row.host,
    pid: row.programPid,
    created: time(row.created) ?? "",
    started: time(row.started),
    ended: time(row.ended),
    lastOutput: time(session.lastOutput || null),
    exitCode: end?.code ?? null,
    signal: end?.signal ?? null,
    cols: row.cols,
    rows: row.rows,
    pinned: row.pinned,
    interrupts: row.interrupts,
    viewers: [...session.viewers.values()].map((v) => ({ pid: v.pid, readOnly: v.readOnly, since: time(v.since) ?? "" })),
    outputBytes: session.offset,
    gaps: session.gaps,
    progress: await progresses.of(session),
    postMortem: postMortemOf(session) ?? null,
    outcome: outcome === undefined ? null : { ...outcome, time: time(outcome.time) },
  };
}

function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
