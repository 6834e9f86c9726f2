// One run, many parts: which sessions are the same run to a person, because a relaunch or a second launch in
// its directory went on with it.
import type { Session } from "../life/session.ts";

/** What a relaunched session keeps of the run that it goes on with, under `facts.part`. */
export interface PartFact {
  /** Id of the session that was the run's first part. */
  of: string;
  /** Which part this one is; the first is 1. */
  n: number;
}

/** Of a session that goes on with an earlier one; undefined for a first part. */
export function partFact({ row }: Session): PartFact | undefined {
  return row.facts.part;
}

/**
 * Where two sessions have the same answer, they are parts of one run: falcon trains one run in a directory,
 * however often it is launched there.
 */
export function runKey(session: Session, realPath: (file: string) => string): string {
  const { runDirectory } = session.row;
  return runDirectory !== null ? realPath(runDirectory) : (partFact(session)?.of ?? session.id);
}

/** One session for each run, the newest of those that are given (oldest first, as a table has them). */
export function newestParts(sessions: readonly Session[], realPath: (file: string) => string): Session[] {
  const newest = new Map<string, Session>();
  for (const session of sessions) newest.set(runKey(session, realPath), session);
  return sessions.filter((session) => newest.get(runKey(session, realPath)) === session);
}

/** All parts of the session's run, oldest first. */
export function partsOf(sessions: readonly Session[], session: Session, realPath: (file: string) => string): Session[] {
  const key = runKey(session, realPath);
  return sessions.filter((other) => runKey(other, realPath) === key);
}

/**
 * Which part comes after those that the session's run has; the first part of all may have been removed
 * meanwhile.
 */
export function nextPart(sessions: readonly Session[], session: Session, realPath: (file: string) => string): PartFact {
  const parts = partsOf(sessions, session, realPath);
  const of = partFact(session)?.of ?? parts[0]?.id ?? session.id;
  return { of, n: Math.max(parts.length, ...parts.map((part) => partFact(part)?.n ?? 1)) + 1 };
}
