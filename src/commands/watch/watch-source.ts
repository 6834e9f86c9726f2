// What the watch is of: sessions of ours and lines of others, and what it tells of either.
import { standing } from "../../session/life/conclusion.ts";
import type { Session } from "../../session/life/session.ts";
import type { Context } from "../dispatch/call.ts";
import { jobText, type ListRow } from "../list/list-row.ts";
import { type Listing, usageOf } from "../list/session-json.ts";
import { statusWord } from "../text/status-word.ts";
import { usageCells } from "../text/usage-text.ts";
import type { Watched } from "./watch-rows.ts";

/** What is watched. */
export interface WatchSource {
  /** Asks the others again. */
  refresh(): Promise<void>;
  /** The sessions of this server to show, asked anew at each look, and what the others last said. */
  choose(): (Session | ListRow)[];
  /** The metric that stands in a column at first. */
  metric?: string | undefined;
}

export function isOwn(one: Session | ListRow): one is Session {
  return "row" in one;
}

export function watched(session: Session, { usage }: Context): Watched {
  const { id, name, directory, runDirectory, created, started, ended } = session.row;
  return {
    id,
    name,
    directory: runDirectory ?? directory,
    live: session.live,
    created,
    started,
    ended,
    status: statusWord(standing(session)),
    usage: usageCells(usageOf(session, usage), session.live),
  };
}

export function watchedRow({ id, name, place, live, created, since, status, far, listing }: ListRow): Watched {
  const { usage, job, host } = listing as { usage?: Listing["usage"]; job?: string | null; host?: string };
  return {
    ...{ id, name, directory: far === undefined ? place : `${far.host}:${place}`, live, created },
    started: live ? since : null,
    ended: live ? null : since,
    status: statusWord(status),
    usage: usageCells(usage ?? undefined, live),
    // as it is called, which is another name where it is reached through the machine that was asked
    ...(far === undefined ? {} : { host: host ?? far.host }),
    ...(job ? { job: jobText(job) } : {}),
  };
}
