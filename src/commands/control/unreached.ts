// A session whose holder does not answer: what is meant for its program would be lost, and taken for sent.
import { Failure } from "../../base/failure.ts";
import type { Session } from "../../session/life/session.ts";

/** @throws Failure 125, before anything is sent, where one of those that run cannot be sent anything now. */
export function refuseUnreached(sessions: readonly Session[]): void {
  const session = sessions.find(({ live, program }) => live && !program.reached);
  if (session === undefined) return;
  throw new Failure(
    `session ${session.id} (${session.row.name}) cannot be reached: its holder does not answer; nothing was sent`,
  );
}
