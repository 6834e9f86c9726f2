// What the user's other machines are told of this server's sessions: what the list shows.
import { outcomeOf } from "../../session/life/conclusion.ts";
import type { RosterSession } from "../../session/machines/roster-files.ts";
import type { Context } from "../dispatch/call.ts";
import { presentIds } from "../dispatch/other-server.ts";
import { submittedKnown } from "../start/submitted-session.ts";
import { ownRows } from "./list-rows.ts";
import { recentEnd } from "./listed-sessions.ts";

/** What runs, then what waits for Slurm, then what ended in the last day, the newest first. */
export async function toldSessions(context: Context): Promise<RosterSession[]> {
  const recent = context.clock() - recentEnd;
  const chosen = context.table
    .all()
    .filter((s) => s.live || (s.row.ended ?? 0) > recent)
    .sort((a, b) => Number(b.live) - Number(a.live) || b.row.created - a.row.created);
  const rows = await ownRows(context, chosen);
  const told = chosen.map((session, i): RosterSession => {
    const { id, name, kind, created, started, ended, directory, runDirectory, facts } = session.row;
    // of a job's session whose end is known this may be the last word: before anybody here hears of it
    const end = session.live ? facts.outcome : undefined;
    const state = end === undefined ? session.row.state : end.kind === "lost" ? "lost" : "exited";
    const outcome = (end ?? outcomeOf(session))?.kind ?? null;
    const { viewers = 0 } = rows[i] ?? {};
    const text = end?.sentence ?? rows[i]?.text ?? "";
    return { id, name, kind, state, outcome, created, started, ended, directory, runDirectory, viewers, text };
  });
  const running = chosen.filter((session) => session.live).length;
  return [...told.slice(0, running), ...waiting(context), ...told.slice(running)];
}

/** What was submitted from here and has not begun, by Slurm's last word. */
function waiting(context: Context): RosterSession[] {
  return submittedKnown(context, presentIds(context, []))
    .filter(({ state }) => state === "pending")
    .map(({ submission, state, text }): RosterSession => {
      const { id, name, kind, created, directory, runDirectory } = submission;
      const none = { outcome: null, started: null, ended: null, viewers: 0 };
      return { id, name, kind, state, created, directory, runDirectory, text, ...none };
    });
}
