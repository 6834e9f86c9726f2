// What the user's other machines are told of this server's sessions: what the list shows.
import { outcomeOf } from "../../session/life/conclusion.ts";
import type { RosterSession } from "../../session/machines/roster-files.ts";
import type { Context } from "../dispatch/call.ts";
import { ownRows } from "./list-rows.ts";
import { recentEnd } from "./listed-sessions.ts";

/** What runs, then what ended in the last day, the newest first. */
export async function toldSessions(context: Context): Promise<RosterSession[]> {
  const recent = context.clock() - recentEnd;
  const chosen = context.table
    .all()
    .filter((s) => s.live || (s.row.ended ?? 0) > recent)
    .sort((a, b) => Number(b.live) - Number(a.live) || b.row.created - a.row.created);
  const rows = await ownRows(context, chosen);
  return chosen.map((session, i): RosterSession => {
    const { id, name, kind, state, created, started, ended, directory, runDirectory } = session.row;
    const outcome = outcomeOf(session)?.kind ?? null;
    const { viewers = 0, text = "" } = rows[i] ?? {};
    return { id, name, kind, state, outcome, created, started, ended, directory, runDirectory, viewers, text };
  });
}
