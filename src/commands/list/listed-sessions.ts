// Which sessions a list is of: ours, those of other servers and machines, and what was submitted; by the
// words that name them, or all that is of interest now.
import { printable } from "../../base/text/printable.ts";
import { selectSession, sessionsOfRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import type { NeighbourSession } from "../../session/machines/neighbours.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { elsewhere, named, placeOf, presentIds } from "../dispatch/other-server.ts";
import { remoteSessions } from "../machines/remote-sessions.ts";
import { asOne, type Submitted, submittedElsewhere, submittedMeant } from "../start/submitted-session.ts";
import { isOwn, type ListRow } from "./list-row.ts";
import { otherRow, ownRows, remoteRow, submittedRow } from "./list-rows.ts";

/** Ended sessions of this last time (ms) are listed without --all. */
export const recentEnd = 86_400_000;
/** Files of other machines that cannot be read are told so many at a time: `falcon doctor` tells all. */
const mostProblems = 3;

/** What other servers and machines have, and what was submitted and is not here. */
interface Elsewhere {
  others: NeighbourSession[];
  waiting: Submitted[];
  remote: RemoteSession[];
}

/** @param here nothing of other machines. `problem` is told what is wrong with those. */
export async function lookElsewhere(
  call: Call,
  context: Context,
  here: boolean,
  problem: (text: string) => void,
): Promise<Elsewhere> {
  await context.takeInJobs();
  const others = await elsewhere(context);
  const submitted = await submittedElsewhere(call, context, presentIds(context, others));
  const [waiting, remote] = asOne(submitted, here ? [] : await toldByOthers(call, context, others, problem));
  return { others, waiting, remote };
}

/** What the user's other machines have; what is wrong with that is said. */
async function toldByOthers(
  call: Call,
  context: Context,
  others: readonly NeighbourSession[],
  problem: (text: string) => void,
): Promise<RemoteSession[]> {
  const here = new Set(others.map(({ id }) => id));
  const known = (id: string) => here.has(id) || context.table.get(id) !== undefined;
  const { sessions, problems } = await remoteSessions(context, known, call.request.environment);
  for (const text of problems.slice(0, mostProblems)) problem(printable(text));
  return sessions;
}

/**
 * What is meant, each a session of ours or another's line: in the order of the words that name them, else of
 * their start.
 */
export function chosen(
  call: Call,
  context: Context,
  wanted: readonly string[],
  all: boolean,
  runDir: string | undefined,
  { others, waiting, remote }: Elsewhere,
): (Session | ListRow)[] {
  const { directory } = call.request;
  const here = context.table.all();
  const own = runDir === undefined ? here : sessionsOfRun(here, runDir, directory).reverse();
  if (wanted.length === 0) {
    // ended ones of the last day stay visible: a run that ended overnight is what the morning asks about
    const recent = context.clock() - recentEnd;
    const isShown = (live: boolean, ended: number | null) => all || live || (ended ?? 0) > recent;
    const ofRun = <T extends NeighbourSession>(found: readonly T[]): T[] =>
      (runDir === undefined ? found : named(found, runDir, directory)).filter((s) => isShown(s.live, s.ended));
    const rows = [
      ...ofRun(others).map(otherRow),
      ...(runDir === undefined ? waiting.map(submittedRow) : []),
      ...ofRun(remote).map(remoteRow),
    ];
    const created = (one: Session | ListRow) => (isOwn(one) ? one.row : one).created;
    return [...own.filter((s) => isShown(s.live, s.row.ended)), ...rows].sort((a, b) => created(a) - created(b));
  }
  return wanted.flatMap((word): (Session | ListRow)[] => {
    const other = placeOf(here, others, word, directory) === undefined ? undefined : named(others, word, directory).at(-1);
    if (other !== undefined) return [otherRow(other)];
    if (!here.some((s) => s.id === word || s.row.name === word)) {
      const meant = submittedMeant(waiting, word);
      if (meant !== undefined) return [submittedRow(meant)];
      const far = named(remote, word, directory);
      if (far.length > 0) return far.map(remoteRow);
    }
    return [selectSession(own, word, directory)];
  });
}

export async function chosenRows(
  call: Call,
  context: Context,
  wanted: string[],
  all: boolean,
  runDir: string | undefined,
  here: boolean,
): Promise<ListRow[]> {
  const there = await lookElsewhere(call, context, here, (problem) => call.stderr(`falcon: ${problem}\n`));
  const found = chosen(call, context, wanted, all, runDir, there);
  const own = await ownRows(context, found.filter(isOwn));
  const byId = new Map(own.map((row) => [row.id, row]));
  return found.map((one) => (isOwn(one) ? (byId.get(one.id) as ListRow) : one));
}
