// A session of another machine, as that told it: in a file of the roster, or over ssh.
import { bareSessionJson } from "./bare-session-json.ts";
import type { NeighbourSession } from "./neighbours.ts";
import type { Roster, RosterSession } from "./roster-files.ts";

/** A session of another machine, as that told it last. */
export interface RemoteSession extends NeighbourSession {
  /** As it calls itself, or as the user calls a machine that is asked. */
  host: string;
  /** ms since its machine was heard of, where that is longer than it should be; null: it is on time. */
  unheard: number | null;
  /** What the far side of a command line understands there (RosterEffects); 0: it is older. */
  contract: number;
  /**
   * The machine that was asked over ssh, by whose name this one is reached; null: one that shares our
   * roster.
   */
  via: string | null;
  /** It is not the asked machine's own, but one of those that share a roster with that. */
  behind: boolean;
}

/** How a session's machine is known. */
export interface Known {
  via: string;
  behind: boolean;
}

/** A machine is late after so many of its own intervals, and this much (ms) for a slow disk. */
const lateAfter = 2;
const slack = 15_000;

/**
 * What one roster tells.
 * @param age ms since it was written, by no clock of its writer's.
 * @param now ms since 1970.
 * @param known undefined: the roster is a file in the folder that we share.
 */
export function sessionsOf(roster: Roster, age: number, now: number, known?: Known): RemoteSession[] {
  // its clock may be minutes off: what it calls now is when its file was written
  const shift = now - age - roster.written;
  const late = age > lateAfter * roster.every * 1000 + slack ? age : null;
  return roster.sessions.map((session) => remote(session, roster, shift, late, known));
}

/**
 * Of each id one: who saw it end knows more than who had it running, and anybody more than who only knows
 * that its job waits.
 */
export function onceEach(sessions: readonly RemoteSession[]): RemoteSession[] {
  const byId = new Map<string, RemoteSession>();
  for (const session of sessions) {
    const known = byId.get(session.id);
    const knowsMore = known === undefined || known.state === "pending" || (known.live && session.state !== "pending");
    if (knowsMore) byId.set(session.id, session);
  }
  return [...byId.values()];
}

function remote(s: RosterSession, roster: Roster, shift: number, late: number | null, known: Known | undefined): RemoteSession {
  const { job, contract } = roster;
  const host = known === undefined || known.behind ? roster.host : known.via;
  const time = (ms: number | null) => (ms === null ? null : Math.round(ms + shift));
  const live = s.state !== "exited" && s.state !== "lost";
  const { id, name, kind, state, directory, runDirectory, viewers, text } = s;
  const [created, started, ended] = [time(s.created) as number, time(s.started), time(s.ended)];
  const unheard = live ? late : null;
  // what waits is on none yet
  const runsOn = state === "pending" ? "" : host;
  const facts = {
    id,
    name,
    kind,
    state,
    reason: state === "pending" ? text : "",
    command: [],
    directory,
    runDirectory,
    host: runsOn,
    created,
    started,
    ended,
  };
  const outcome = s.outcome === null ? null : { kind: s.outcome };
  // thousands may be listed, and seldom for programs
  const toJSON = () => ({
    ...bareSessionJson({ ...facts, job: job ?? "" }),
    job,
    outcome,
    notHeardFor: unheard === null ? null : Math.round(unheard / 1000),
  });
  const listing = { host, job, outcome, toJSON };
  return {
    id,
    name,
    state,
    live,
    created,
    started,
    ended,
    runDirectory,
    directory,
    viewers,
    text,
    job,
    host,
    unheard,
    contract,
    via: known?.via ?? null,
    behind: known?.behind ?? false,
    listing,
  };
}
