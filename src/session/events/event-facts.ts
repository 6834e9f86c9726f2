// What the user's command is told of an event: environment variables, each documented in
// docs/guide/configuration.md.
import { isoTime } from "../../base/clock.ts";
import { outcomeOf } from "../life/conclusion.ts";
import type { Session } from "../life/session.ts";
import { tagsOf, tagsText } from "../life/tags.ts";

/** What an event says that is about no node in particular. */
export const aboutAll = { node: null, metric: null, epoch: null };

/** Events that an end is: it completed, or it ended otherwise (status, signal, lost). */
export type SessionEvent = "ended" | "failed";

/** The event that the end of a session is. */
export function endEvent(session: Session): SessionEvent {
  return session.row.state === "exited" && session.end?.status === 0 ? "ended" : "failed";
}

/** @param summary the best line about its progress, or "". */
export function eventFacts(session: Session, summary: string): Record<string, string> {
  const { row } = session;
  const outcome = outcomeOf(session);
  const { code, signal, status } = session.end ?? { code: null, signal: null, status: null };
  return {
    FALCON_SESSION_ID: row.id,
    FALCON_SESSION_NAME: row.name,
    FALCON_SESSION_STATE: row.state,
    FALCON_SESSION_REASON: row.reason,
    FALCON_SESSION_DIRECTORY: row.directory,
    FALCON_SESSION_RUN_DIRECTORY: row.runDirectory ?? "",
    FALCON_SESSION_HOST: row.host,
    FALCON_SESSION_SUMMARY: summary,
    FALCON_SESSION_STARTED: isoTime(row.started) ?? "",
    FALCON_SESSION_ENDED: isoTime(row.ended) ?? "",
    FALCON_SESSION_EXIT_CODE: code === null ? "" : String(code),
    FALCON_SESSION_SIGNAL: signal ?? "",
    FALCON_SESSION_STATUS: status === null ? "" : String(status),
    FALCON_SESSION_OUTCOME: outcome?.kind ?? "",
    FALCON_SESSION_OUTCOME_SENTENCE: outcome?.sentence ?? "",
    FALCON_SESSION_TAGS: tagsText(tagsOf(row)),
    FALCON_SESSION_SAVED: outcome?.saved === true ? "yes" : outcome?.saved === false ? "no" : "",
  };
}
