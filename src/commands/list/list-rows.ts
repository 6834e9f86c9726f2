// The lines of the list: what is told of a session of ours, of another server's, of another machine's, and of
// what was submitted.
import { outcomeOf, outcomeWord, standing } from "../../session/life/conclusion.ts";
import type { Outcome } from "../../session/life/outcome.ts";
import type { Session } from "../../session/life/session.ts";
import type { NeighbourSession } from "../../session/machines/neighbours.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import { deadlineText } from "../../session/run/deadline.ts";
import { failureText, runFailure } from "../../trainers/run/failure.ts";
import type { Context } from "../dispatch/call.ts";
import { serverOf } from "../dispatch/other-server.ts";
import { placeOfRemote } from "../machines/reach.ts";
import { type Submitted, submittedListing } from "../start/submitted-session.ts";
import { duration } from "../text/wording.ts";
import type { ListRow } from "./list-row.ts";
import { type Listing, listing } from "./session-json.ts";

/** The sessions of this server, as its list has them. */
export function ownRows(context: Context, chosen: readonly Session[]): Promise<ListRow[]> {
  const now = context.clock();
  const { saveBefore } = context.config;
  return Promise.all(
    chosen.map(async (session): Promise<ListRow> => {
      const { row } = session;
      const told = await listing(session, context);
      const { progress } = told;
      return {
        id: session.id,
        name: row.name,
        status: standing(session),
        live: session.live,
        since: session.live ? (row.started ?? row.created) : (row.ended ?? row.created),
        viewers: session.audience.viewers.size,
        text: session.live
          ? [progress?.summary ?? session.title, deadlineText(row, progress, saveBefore, now)].filter(Boolean).join(" · ")
          : endText(session, progress?.summary ?? ""),
        place: row.runDirectory ?? row.directory,
        created: row.created,
        listing: told,
      };
    }),
  );
}

export function otherRow(session: NeighbourSession): ListRow {
  const { id, name, state, live, viewers, text, created, started, ended, runDirectory, directory, listing } = session;
  const told = listing as Partial<Listing>;
  const status = live ? state : outcomeWord(told.outcome?.kind ?? state);
  const since = live ? (started ?? created) : (ended ?? created);
  const server = serverOf(session);
  return { id, name, status, live, since, viewers, text, place: runDirectory ?? directory, server, created, listing: told };
}

/** A machine that was not heard of is not guessed about. */
export function remoteRow(session: RemoteSession): ListRow {
  const { server: _, ...known } = otherRow(session);
  const row = { ...known, far: placeOfRemote(session) };
  if (session.unheard === null) return row;
  // nobody has asked Slurm there since
  if (session.state === "pending") return { ...row, text: `${row.text}, as of ${duration(session.unheard)} ago` };
  return {
    ...row,
    status: "unknown",
    text: [`not heard of for ${duration(session.unheard)}`, row.text].filter(Boolean).join(" · "),
  };
}

export function submittedRow(one: Submitted): ListRow {
  const { submission, state, text, word } = one;
  const { id, name, runDirectory, directory, created } = submission;
  const live = state === "pending" || state === "running";
  const since = (state === "pending" ? undefined : live ? word?.job?.start : word?.job?.end) ?? created;
  return {
    id,
    name,
    status: state,
    live,
    since,
    viewers: 0,
    text,
    place: runDirectory ?? directory,
    created,
    listing: submittedListing(one) as Partial<Listing>,
  };
}

/** What came of it, why it ended where its outcome alone does not say, and how long it took. */
function endText(session: Session, summary: string): string {
  const { row } = session;
  const [first = "", ...results] = summary.split(" · ");
  const trained = /^(completed|stopped|broken off|ended)/.test(first) ? results : [];
  const failure = runFailure(row.facts.postMortem);
  const error = failure === undefined ? row.facts.execError : failureText(failure);
  const outcome = outcomeOf(session);
  const ran = row.started !== null && row.ended !== null ? `ran ${duration(row.ended - row.started)}` : "";
  const why = outcome === undefined ? "" : reasonOf(outcome);
  const reason = error === why ? "" : why;
  // that the model was not saved stands before what a narrow list cuts
  const told = outcome?.saved === false ? [reason, ...trained] : [...trained, reason];
  return [outcome?.kind === "failed" ? error : undefined, ...told, ran].filter(Boolean).join(" · ");
}

/** An outcome's sentence without the word that the list has beside it: "status 3, model not saved". */
function reasonOf({ kind, sentence }: Outcome): string {
  if (kind === "completed") return "";
  return sentence
    .replace(/^(lost: |ended by |ended with |killed: |stopped(, | with | )?|killed (by )?|ended, )/, "")
    .replace(/^at its time limit,? ?/, "");
}
