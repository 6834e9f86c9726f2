// One line of the list of sessions, whoever has the session: this server, another one of this host, or Slurm,
// where it was submitted and is not here.

import type { ShownRun } from "../../presentation/shown-run.ts";
import type { Session } from "../../session/life/session.ts";
import type { FarPlace } from "../machines/reach.ts";
import type { Listing } from "./session-json.ts";

/** One line of the list, whichever server has the session. */
export interface ListRow {
  id: string;
  name: string;
  /** Its state while it runs, then its outcome. */
  status: string;
  live: boolean;
  /** Since when it runs, or is over (ms since 1970). */
  since: number;
  viewers: number;
  /** How far it is, or how it ended. */
  text: string;
  place: string;
  /** Which server has it, as `falcon @job` names it; undefined: ours, or none. */
  server?: string;
  /** On which other machine it is; undefined: on none. */
  far?: FarPlace;
  created: number;
  /** What a server of another version tells may lack some of it. */
  listing: Partial<Listing>;
}

/**
 * How far its run is, by another server's word; null where that says nothing that we understand (it may be of
 * another version).
 */
export function progressOf({ listing: { progress } }: ListRow): ShownRun | null {
  const nodes: unknown = progress?.nodes;
  if (!Array.isArray(nodes) || typeof progress?.graph !== "string") return null;
  const known = nodes.every(
    (node) =>
      typeof node?.name === "string" &&
      typeof node.status === "string" &&
      Array.isArray(node.trend) &&
      Array.isArray(node.nonFinite),
  );
  return known ? progress : null;
}

/** The number of a job without the letter, which one host has one of. */
export function jobText(job: string | null | undefined): string {
  return job?.slice(1) ?? "";
}

/** Whether it is a session of ours, and not another's line. */
export function isOwn(one: Session | ListRow): one is Session {
  return "row" in one;
}
