// falcon sessions: what runs and how far it is; one line a session.
import type { OptionValues } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/printable.ts";
import { outcomeOf, postMortemOf, standing } from "../../session/life/conclusion.ts";
import type { Outcome } from "../../session/life/outcome.ts";
import { selectSession, sessionsOfRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import { type Tags, tagFilter, tagsOf } from "../../session/life/tags.ts";
import type { NeighbourSession } from "../../session/machines/neighbours.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import { deadlineText } from "../../session/run/deadline.ts";
import { failureText, runFailure } from "../../trainers/failure.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { elsewhere, named, placeOf, presentIds, serverOf } from "../dispatch/other-server.ts";
import { placeOfRemote } from "../machines/reach.ts";
import { remoteSessions } from "../machines/remote-sessions.ts";
import { parseTime } from "../output/logs.ts";
import { asOne, type Submitted, submittedElsewhere, submittedListing, submittedMeant } from "../start/submitted-session.ts";
import { redNumbers } from "../text/not-finite.ts";
import { statusWord } from "../text/status-word.ts";
import { coloursFor } from "../text/table.ts";
import { usageCells } from "../text/usage-text.ts";
import { duration } from "../text/wording.ts";
import { watch } from "../watch/watch.ts";
import type { ListRow } from "./list-row.ts";
import { type Listing, listing } from "./session-json.ts";
import { sessionTable } from "./session-list.ts";

/** Ended sessions of this last time (ms) are listed without --all. */
export const recentEnd = 86_400_000;
/** Files of other machines that cannot be read are told so many at a time: `falcon doctor` tells all. */
const mostProblems = 3;

export const sessions: CommandSpec = {
  name: "sessions",
  aliases: ["ls"],
  summary: "list what runs and how far it is",
  examples: [
    ["falcon sessions", "what runs, and what ended in the last day"],
    ["falcon sessions --watch", "a live table; Enter attaches, ? lists the keys"],
    ["falcon sessions --failed --ended 2d", "what went wrong since the day before yesterday"],
    ["falcon sessions --json", "for scripts"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      .option("--all", "all that ended too, not those of the last day alone")
      .option("--running", "only what runs")
      .option("--failed", "only what failed, was killed or lost")
      .option("--ended <since>", "only what ended since: 90m, 12h, 2d, 14:30, 2026-11-24")
      .option("--sort <by>", "started, ended, name or status")
      .option("--limit <n>", "the first n lines only")
      .option("--run-dir <dir>", "only sessions of this run directory")
      .option(
        "--tag <label>",
        "only what has this label: name, or name=value; may be given again",
        (value: string, before: string[] = []) => [...before, value],
      )
      .option("--usage", "with CPU, MEM, GPU and GPUMEM also where the terminal has no room for them by itself")
      .option("--json", "machine-readable (docs/guide/json.md)")
      .option("--watch", "keep watching")
      .option("--here", "only this machine's")
      .option("--host <name>", "only those of this machine");
  },
  async run(call, context, wanted, options) {
    const { all, runDir } = options as { all?: true; runDir?: string };
    // another server of this machine asks for what that has itself: it has no environment
    // (session/machines/neighbours.ts)
    const here = options.here === true && Object.keys(call.request.environment).length === 0;
    const labelled = tagFilter((options.tag as string[] | undefined) ?? []);
    if (options.watch) {
      const look = () => lookElsewhere(call, context, options.here === true, () => {});
      let there = await look();
      return watch(call, context, {
        refresh: async () => {
          there = await look();
        },
        choose: () => {
          const found = chosen(call, context, wanted, all === true, runDir, there).filter((one) => labelled(tagsIn(one)));
          return options.host === undefined ? found : found.filter((one) => hostOfAny(one) === options.host);
        },
      });
    }
    const filter = parseFilter(options, context.clock(), call.request.environment);
    const whole = all === true || filter.chooses || options.tag !== undefined;
    const rows = here
      ? await ownRows(context, context.table.all())
      : await chosenRows(call, context, wanted, whole, runDir, options.here === true);
    const ofHost = options.host === undefined ? rows : rows.filter((row) => hostOf(row) === options.host);
    const listed = filtered(
      ofHost.filter((row) => labelled(tagsIn(row))),
      filter,
      options.json === true,
    );
    if (options.json) {
      const listings = listed.map(({ listing, text }) => (here ? { ...listing, text } : listing));
      call.stdout(`${JSON.stringify(listings, null, 2)}\n`);
    } else print(call, context, listed, rows.length > 0, options.usage === true);
    return Status.ok;
  },
};

/** The old name of `sessions --watch`. */
export const monitor: CommandSpec = {
  name: "monitor",
  summary: "old name of: falcon sessions --watch",
  deprecated: true,
  define(command) {
    command.argument("[session...]").allowUnknownOption();
  },
  async run(call, context, wanted) {
    call.stderr("falcon: 'falcon monitor' is now 'falcon sessions --watch'\n");
    return sessions.run(call, context, wanted, { watch: true });
  },
};

/** Labels of a session of ours, or of another's line, which may be of a version without them. */
function tagsIn(one: Session | ListRow): Tags {
  return "row" in one ? tagsOf(one.row) : ((one.listing as { tags?: Tags }).tags ?? {});
}

function hostOfAny(one: Session | ListRow): string {
  return "row" in one ? one.row.host : hostOf(one);
}

function hostOf(row: ListRow): string {
  return (row.listing as { host?: string }).host ?? "";
}

function choose(call: Call, context: Context, wanted: string[], all: boolean, runDirectory: string | undefined): Session[] {
  const { directory } = call.request;
  let found = context.table.all();
  if (runDirectory !== undefined) found = sessionsOfRun(found, runDirectory, directory).reverse();
  if (wanted.length > 0) return wanted.map((w) => selectSession(found, w, directory));
  // ended ones of the last day stay visible: a run that ended overnight is what the morning asks about
  const recent = context.clock() - recentEnd;
  return all ? found : found.filter((s) => s.live || (s.row.ended ?? 0) > recent);
}

/** What came of it, why it ended where its outcome alone does not say, and how long it took. */
function endText(session: Session, summary: string): string {
  const { row } = session;
  const [first = "", ...results] = summary.split(" · ");
  const trained = /^(completed|stopped|broken off|ended)/.test(first) ? results : [];
  const failure = runFailure(postMortemOf(session));
  const error = failure === undefined ? row.facts.execError : failureText(failure);
  const outcome = outcomeOf(session);
  const ran = row.started !== null && row.ended !== null ? `ran ${duration(row.ended - row.started)}` : "";
  const why = outcome === undefined ? "" : reasonOf(outcome);
  return [outcome?.kind === "failed" ? error : undefined, ...trained, error === why ? "" : why, ran].filter(Boolean).join(" · ");
}

/** An outcome's sentence without the word that the list has beside it: "status 3, model not saved". */
function reasonOf({ kind, sentence }: Outcome): string {
  if (kind === "completed") return "";
  return sentence
    .replace(/^(lost: |ended by |ended with |killed: |stopped(, | with | )?|killed (by )?|ended, )/, "")
    .replace(/^at its time limit,? ?/, "");
}

/** How far it is, and how long it still has. */
function liveText(summary: string, deadline: string): string {
  return [summary, deadline].filter(Boolean).join(" · ");
}

/** What other servers and machines have, and what was submitted and is not here. */
interface Elsewhere {
  others: NeighbourSession[];
  waiting: Submitted[];
  remote: RemoteSession[];
}

/** @param here nothing of other machines. `problem` is told what is wrong with those. */
async function lookElsewhere(call: Call, context: Context, here: boolean, problem: (text: string) => void): Promise<Elsewhere> {
  await context.takeInJobs();
  const others = await elsewhere(context);
  const submitted = await submittedElsewhere(context, presentIds(context, others));
  const [waiting, remote] = asOne(submitted, here ? [] : await toldByOthers(call, context, others, problem));
  return { others, waiting, remote };
}

/**
 * What is meant, each a session of ours or another's line: in the order of the words that name them, else of
 * their start.
 */
function chosen(
  call: Call,
  context: Context,
  wanted: readonly string[],
  all: boolean,
  runDir: string | undefined,
  { others, waiting, remote }: Elsewhere,
): (Session | ListRow)[] {
  const { directory } = call.request;
  if (wanted.length === 0) {
    const recent = context.clock() - recentEnd;
    const ofRun = <T extends NeighbourSession>(found: readonly T[]): T[] =>
      (runDir === undefined ? found.slice() : (named(found, runDir, directory) as T[])).filter(
        (s) => all || s.live || (s.ended ?? 0) > recent,
      );
    const rows = [
      ...ofRun(others).map(otherRow),
      ...(runDir === undefined ? waiting.map(submittedRow) : []),
      ...ofRun(remote).map(remoteRow),
    ];
    const created = (one: Session | ListRow) => ("row" in one ? one.row.created : one.created);
    return [...choose(call, context, [], all, runDir), ...rows].sort((a, b) => created(a) - created(b));
  }
  return wanted.flatMap((word): (Session | ListRow)[] => {
    const other =
      placeOf(context.table.all(), others, word, directory) === undefined ? undefined : named(others, word, directory).at(-1);
    if (other !== undefined) return [otherRow(other)];
    const known = context.table.all().some((s) => s.id === word || s.row.name === word);
    if (known) return choose(call, context, [word], all, runDir);
    const meant = submittedMeant(waiting, word);
    if (meant !== undefined) return [submittedRow(meant)];
    const far = named(remote, word, directory) as RemoteSession[];
    return far.length > 0 ? far.map(remoteRow) : choose(call, context, [word], all, runDir);
  });
}

async function chosenRows(
  call: Call,
  context: Context,
  wanted: string[],
  all: boolean,
  runDir: string | undefined,
  here: boolean,
): Promise<ListRow[]> {
  const there = await lookElsewhere(call, context, here, (problem) => call.stderr(`falcon: ${problem}\n`));
  const found = chosen(call, context, wanted, all, runDir, there);
  const own = await ownRows(
    context,
    found.filter((one) => "row" in one),
  );
  const byId = new Map(own.map((row) => [row.id, row]));
  return found.map((one) => ("row" in one ? (byId.get(one.id) as ListRow) : one));
}

/** The sessions of this server, as its list has them. */
export function ownRows(context: Context, chosen: readonly Session[]): Promise<ListRow[]> {
  const now = context.clock();
  const { saveBefore } = context.config;
  return Promise.all(
    chosen.map(async (session): Promise<ListRow> => {
      const { row } = session;
      const progress = await context.progress.of(session);
      return {
        id: session.id,
        name: row.name,
        status: standing(session),
        live: session.live,
        since: session.live ? (row.started ?? row.created) : (row.ended ?? row.created),
        viewers: session.viewers.size,
        text: session.live
          ? liveText(progress?.summary ?? session.title, deadlineText(row, progress ?? null, saveBefore, now))
          : endText(session, progress?.summary ?? ""),
        place: row.runDirectory ?? row.directory,
        created: row.created,
        listing: await listing(session, context.progress, {
          saveBefore,
          now,
          job: context.neighbours.place.job,
          usage: context.usage,
        }),
      };
    }),
  );
}

function otherRow(session: NeighbourSession): ListRow {
  const { id, name, state, live, viewers, text, created, started, ended, runDirectory, directory, listing } = session;
  const { outcome } = listing as { outcome?: { kind?: string } | null };
  const status = live ? state : outcomeWord(outcome?.kind ?? state);
  const since = live ? (started ?? created) : (ended ?? created);
  const server = serverOf(session);
  return { id, name, status, live, since, viewers, text, place: runDirectory ?? directory, server, created, listing };
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

/** A machine that was not heard of is not guessed about. */
function remoteRow(session: RemoteSession): ListRow {
  const { server: _, ...known } = otherRow(session);
  const row = { ...known, far: placeOfRemote(session) };
  if (session.unheard === null) return row;
  return {
    ...row,
    status: "unknown",
    text: [`not heard of for ${duration(session.unheard)}`, row.text].filter(Boolean).join(" · "),
  };
}

function submittedRow(one: Submitted): ListRow {
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
    listing: submittedListing(one),
  };
}

/** An outcome's kind as people read it. */
function outcomeWord(kind: string): string {
  return kind === "time-limit" ? "time limit" : kind;
}

interface Filter {
  running: boolean;
  failed: boolean;
  /** Ended at or after this (ms since 1970). */
  since: number | undefined;
  sort: Sort | undefined;
  limit: number | undefined;
  /** It says itself which ended ones are wanted. */
  chooses: boolean;
}

type Sort = "started" | "ended" | "name" | "status";

/** What went wrong. */
const failures = new Set(["failed", "killed", "lost"]);

function parseFilter(options: OptionValues, now: number, environment: Readonly<Record<string, string>>): Filter {
  const { sort, limit } = options;
  if (sort !== undefined && !["started", "ended", "name", "status"].includes(sort))
    throw new Failure(`--sort ${sort}: say started, ended, name or status`, Status.usage);
  if (limit !== undefined && !(Number.isInteger(Number(limit)) && Number(limit) > 0))
    throw new Failure(`--limit ${limit}: give a number of lines from 1 on`, Status.usage);
  if (options.running && (options.failed || options.ended !== undefined))
    throw new Failure("--running goes with neither --failed nor --ended", Status.usage);
  return {
    running: options.running === true,
    failed: options.failed === true,
    since: options.ended === undefined ? undefined : parseTime("--ended", options.ended, now, environment),
    sort,
    limit: limit === undefined ? undefined : Number(limit),
    chooses: options.failed === true || options.ended !== undefined,
  };
}

/**
 * What fits, for people what runs first and then what ended last; for programs in the order of their start,
 * as ever.
 */
function filtered(rows: readonly ListRow[], filter: Filter, forPrograms: boolean): ListRow[] {
  const { running, failed, since, sort, limit } = filter;
  const found = rows.filter(
    (row) =>
      (!running || row.live) &&
      (!failed || failures.has(row.status)) &&
      (since === undefined || (!row.live && row.since >= since)),
  );
  const byTime = (a: ListRow, b: ListRow) => Number(b.live) - Number(a.live) || b.since - a.since;
  const orders: Record<Sort, (a: ListRow, b: ListRow) => number> = {
    started: (a, b) => b.created - a.created,
    ended: (a, b) => Number(a.live) - Number(b.live) || b.since - a.since,
    name: (a, b) => a.name.localeCompare(b.name),
    status: (a, b) => a.status.localeCompare(b.status) || byTime(a, b),
  };
  if (sort !== undefined) found.sort(orders[sort]);
  else if (!forPrograms) found.sort(byTime);
  return limit === undefined ? found : found.slice(0, limit);
}

/** @param hidden there are sessions that the filters left out */
function print(call: Call, context: Context, chosen: readonly ListRow[], hidden: boolean, usage: boolean): void {
  if (chosen.length === 0) {
    const none = hidden || context.table.all().length > 0;
    call.stderr(
      none ? "no session fits: 'falcon sessions --all' lists all that ended, too\n" : "no sessions: 'falcon launch' starts one\n",
    );
    return;
  }
  const now = context.clock();
  const colours = coloursFor(call.request);
  const lines = chosen.map((row) => {
    const { job, host, usage } = row.listing as { job?: string | null; host?: string; usage?: Listing["usage"] };
    return {
      status: statusWord(row.status),
      progress: redNumbers(row.text, colours),
      name: row.name,
      id: row.id,
      age: row.live ? duration(now - row.since) : `${duration(now - row.since).split(" ")[0]} ago`,
      viewers: row.viewers,
      job: jobText(job ?? null),
      host: host ?? "",
      usage: usageCells(usage ?? undefined, row.live),
      place: row.place,
    };
  });
  const { terminal, directory, environment } = call.request;
  const place = { width: terminal.stdout ? terminal.cols : 0, directory, home: environment.HOME, usage };
  call.stdout(`${sessionTable(lines, place, colours)}\n`);
}

/** The number without the letter, which one host has one of. */
function jobText(job: string | null): string {
  return job === null ? "" : job.slice(1);
}
