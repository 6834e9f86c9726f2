// One run, many parts: which sessions are the same run to a person, because a relaunch or a second launch in
// its directory went on with it.
import { realPath } from "../life/real-paths.ts";
import type { Session } from "../life/session.ts";

/** What a relaunched session keeps of the run that it goes on with, under `facts.part`. */
export interface PartFact {
  /** Id of the session that was the run's first part. */
  of: string;
  /** Which part this one is; the first is 1. */
  n: number;
}

/**
 * Where two sessions have the same answer, they are parts of one run: falcon trains one run in a directory,
 * however often it is launched there.
 */
export function runKey(session: Session): string {
  const { runDirectory } = session.row;
  return runDirectory !== null ? realPath(runDirectory) : (session.row.facts.part?.of ?? session.id);
}

/** One session for each run, the newest of those that are given (oldest first, as a table has them). */
export function newestParts(sessions: readonly Session[]): Session[] {
  const newest = new Map<string, Session>();
  for (const session of sessions) newest.set(runKey(session), session);
  return sessions.filter((session) => newest.get(runKey(session)) === session);
}

/** All parts of the session's run, oldest first. */
export function partsOf(sessions: readonly Session[], session: Session): Session[] {
  const key = runKey(session);
  return sessions.filter((other) => runKey(other) === key);
}

/**
 * Which part comes after those that the session's run has; the first part of all may have been removed
 * meanwhile.
 */
export function nextPart(sessions: readonly Session[], session: Session): PartFact {
  const parts = partsOf(sessions, session);
  const of = session.row.facts.part?.of ?? parts[0]?.id ?? session.id;
  return { of, n: Math.max(parts.length, ...parts.map((part) => part.row.facts.part?.n ?? 1)) + 1 };
}
