// A session whose holder does not answer: what is meant for its program would be lost, and taken for sent.
import { Failure } from "../../base/failure.ts";
import type { Session } from "../../session/life/session.ts";

/**
 * @param takes whether what is meant for it goes to a session's program now.
 * @throws Failure 125, before anything is sent, where one of those that run is not reached.
 */
export function refuseUnreached(sessions: readonly Session[], takes: (session: Session) => boolean): void {
  const session = sessions.find((each) => each.live && !takes(each));
  if (session === undefined) return;
  throw new Failure(
    `session ${session.id} (${session.row.name}) cannot be reached: its holder does not answer; nothing was sent`,
  );
}
