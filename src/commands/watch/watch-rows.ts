// Which lines `falcon sessions --watch` has, and in which order: what runs first, a line a node; below it
// what ended, folded into one line.

import type { ShownNode, ShownRun } from "../../presentation/shown-run.ts";
import type { StatusWord } from "../text/status-word.ts";
import type { UsageCells } from "../text/usage-text.ts";

/** What is shown of a session. Times are ms since 1970. */
export interface Watched {
  id: string;
  name: string;
  directory: string;
  live: boolean;
  created: number;
  started: number | null;
  ended: number | null;
  /** Its state when it runs, its outcome when it is over. */
  status: StatusWord;
  usage: UsageCells;
  /** The other machine that it is on, and the number of its batch job; absent: this one, and none. */
  host?: string;
  job?: string;
}

/** A node of a run, or a session: one without nodes, or one that is over. */
export interface SessionRow {
  readonly kind: "session";
  readonly session: Watched;
  readonly progress: ShownRun | null;
  readonly node: ShownNode | undefined;
}

/** The line in front of the ended ones. */
export interface EndedRow {
  readonly kind: "ended";
  readonly folded: boolean;
  /** How many there are of each outcome, the most frequent first. */
  readonly counts: readonly { word: string; count: number }[];
}

export type WatchRow = SessionRow | EndedRow;

export const sorts = ["age", "name", "status", "loss"] as const;
export type Sort = (typeof sorts)[number];

export interface RowOptions {
  sort: Sort;
  reverse: boolean;
  folded: boolean;
  /** Text that a line has to have somewhere; "" for all. */
  filter: string;
}

/** What tells one line from all others, and stays when the table changes around it. */
export function rowKey(row: WatchRow): string {
  return row.kind === "ended" ? "ended" : `${row.session.id}/${row.node?.name ?? ""}`;
}

/** The lines of the table. */
export function watchRows(
  sessions: readonly { session: Watched; progress: ShownRun | null }[],
  { sort, reverse, folded, filter }: RowOptions,
): WatchRow[] {
  const wanted = filter.toLowerCase();
  const fits = ({ session, node }: SessionRow) =>
    wanted === "" ||
    [session.name, session.id, session.directory, session.status.word, node?.name, session.host, session.job].some((text) =>
      text?.toLowerCase().includes(wanted),
    );
  const running = sessions
    .filter(({ session }) => session.live)
    .flatMap(nodeRows)
    .filter(fits);
  const over = sessions
    .filter(({ session }) => !session.live)
    .map(endedRow)
    .filter(fits);
  const order = comparison(sort, reverse);
  running.sort(order);
  if (over.length === 0) return running;
  // the ended ones are a list by time, unless an order was asked for; so stand those that are counted
  over.sort((a, b) => (b.session.ended ?? b.session.created) - (a.session.ended ?? a.session.created));
  const ended: EndedRow = { kind: "ended", folded, counts: countsOf(over) };
  if (folded) return [...running, ended];
  if (sort !== "age" || reverse) over.sort(order);
  return [...running, ended, ...over];
}

/** Lines of what is over, which stays as it is: they are made anew only for a new picture of a session. */
const endedRows = new WeakMap<Watched, SessionRow>();

function endedRow({ session, progress }: { session: Watched; progress: ShownRun | null }): SessionRow {
  const known = endedRows.get(session);
  if (known !== undefined && known.progress === progress) return known;
  const row: SessionRow = { kind: "session", session, progress, node: furthest(progress) };
  endedRows.set(session, row);
  return row;
}

function nodeRows({ session, progress }: { session: Watched; progress: ShownRun | null }): SessionRow[] {
  const nodes = trained(progress);
  if (nodes.length === 0) return [{ kind: "session", session, progress, node: undefined }];
  return nodes.map((node) => ({ kind: "session", session, progress, node }));
}

function trained(progress: ShownRun | null): ShownNode[] {
  return progress?.nodes.filter((node) => node.status !== "idle") ?? [];
}

/** The node that was furthest from its end: it decides how far a run came. */
function furthest(progress: ShownRun | null): ShownNode | undefined {
  const nodes = trained(progress);
  return nodes.length === 0 ? undefined : nodes.reduce((a, b) => ((b.fraction ?? 0) < (a.fraction ?? 0) ? b : a));
}

function comparison(sort: Sort, reverse: boolean): (a: SessionRow, b: SessionRow) => number {
  const loss = ({ node }: SessionRow) => node?.validationLoss ?? node?.loss ?? Number.POSITIVE_INFINITY;
  const by: Record<Sort, (a: SessionRow, b: SessionRow) => number> = {
    age: (a, b) => a.session.created - b.session.created,
    name: (a, b) => a.session.name.localeCompare(b.session.name),
    status: (a, b) => statusOf(a).localeCompare(statusOf(b)),
    // two that have none: their difference would be NaN
    loss: (a, b) => (loss(a) === loss(b) ? 0 : loss(a) - loss(b)),
  };
  return reverse ? (a, b) => by[sort](b, a) : by[sort];
}

/** The word for a line: the session's when it is over or stands still, else its node's. */
export function statusOf({ session, node, progress }: SessionRow): string {
  if (!session.live) return session.status.word;
  if (node?.stalled === true || progress?.stalled === true) return "stalled";
  return node?.status ?? session.status.word;
}

function countsOf(rows: readonly SessionRow[]): { word: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { session } of rows) counts.set(session.status.word, (counts.get(session.status.word) ?? 0) + 1);
  return [...counts].map(([word, count]) => ({ word, count })).sort((a, b) => b.count - a.count);
}
