// Lists the moments of a session (start, stop, deadline, end) for the time line of the web page.
import type { Session } from "../life/session.ts";
import { readLog } from "../output/feed-log.ts";
import { deadlineFact, deadlineOf } from "./deadline.ts";

/** Something that happened to a session. */
export interface Mark {
  /** ms since 1970. */
  at: number;
  kind: "part" | "started" | "stop" | "deadline" | "hole" | "ended";
  text: string;
}

/** Oldest first. @param parts of its run, itself among them. */
export function marksOf(session: Session, parts: readonly Session[]): Mark[] {
  const { row } = session;
  const marks: Mark[] = [];
  const add = (at: number | null | undefined, kind: Mark["kind"], text: string) => {
    if (at != null) marks.push({ at, kind, text });
  };
  for (const [i, part] of parts.entries()) {
    if (part !== session) add(part.row.started, "part", `part ${part.row.facts.part?.n ?? i + 1} began`);
  }
  add(row.started, "started", "started");
  const deadline = deadlineOf(row);
  if (deadline !== undefined) add(deadline.at, "deadline", "time limit");
  add(deadlineFact(row).stopped?.at, "stop", "asked to stop because of the time limit");
  if (session.gaps.length > 0)
    readLog(session, (log) => {
      for (const { offset, length } of session.gaps) add(log.times.timeAt(offset), "hole", `${length} bytes are missing`);
    });
  add(row.ended, "ended", session.end === undefined ? "lost" : "ended");
  return marks.sort((a, b) => a.at - b.at);
}
