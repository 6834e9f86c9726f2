// falcon sessions: what runs and how far it is; one line a session.
import { Option } from "commander";
import { Status } from "../base/failure.ts";
import { deadlineText } from "../session/deadline.ts";
import type { NeighbourSession } from "../session/neighbours.ts";
import { selectSession, sessionsOfRun } from "../session/select.ts";
import type { Session } from "../session/session.ts";
import type { Call, Context } from "./call.ts";
import type { CommandSpec } from "./command.ts";
import { elsewhere, named, placeOf } from "./elsewhere.ts";
import { listing } from "./listing.ts";
import { coloursFor, table } from "./table.ts";
import { watch } from "./watch.ts";
import { duration, endSentence } from "./wording.ts";

/** Ended sessions of this last time (ms) are listed without --all. */
const recentEnd = 86_400_000;

export const sessions: CommandSpec = {
  name: "sessions",
  aliases: ["ls"],
  summary: "list what runs and how far it is",
  completes: "all",
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      .option("--all", "ended sessions too")
      .option("--run-dir <dir>", "only sessions of this run directory")
      .option("--json", "machine-readable (docs/json.md)")
      .option("--watch", "keep watching")
      // for the other servers of this host
      .addOption(new Option("--here", "only this server's").hideHelp());
  },
  async run(call, context, wanted, options) {
    const { here, all, runDir } = options as { here?: true; all?: true; runDir?: string };
    if (options.watch) return watch(call, context, () => choose(call, context, wanted, all === true, runDir));
    const rows =
      here === true ? await ownRows(context, context.table.all()) : await chosenRows(call, context, wanted, all === true, runDir);
    if (options.json) {
      const listings = rows.map(({ listing, text }) => (here === true ? { ...listing, text } : listing));
      call.stdout(`${JSON.stringify(listings, null, 2)}\n`);
    } else print(call, context, rows);
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

function choose(call: Call, context: Context, wanted: string[], all: boolean, runDirectory: string | undefined): Session[] {
  const { directory } = call.request;
  let found = context.table.all();
  if (runDirectory !== undefined) found = sessionsOfRun(found, runDirectory, directory).reverse();
  if (wanted.length > 0) return wanted.map((w) => selectSession(found, w, directory));
  // ended ones of the last day stay visible: a run that ended overnight is what the morning asks about
  const recent = context.clock() - recentEnd;
  return all ? found : found.filter((s) => s.live || (s.row.ended ?? 0) > recent);
}

/** How it ended and what came of it, each said once: "stopped after 4m 10s · 187/300, best -2.91". */
function endAndResults(end: string, summary: string): string {
  const [outcome = "", ...results] = summary.split(" · ");
  const said = /^(completed|stopped|broken off)/.test(outcome) ? results.join(" · ") : summary;
  return [end, said].filter(Boolean).join(" · ");
}

/** How far it is, and how long it still has. */
function liveText(summary: string, deadline: string): string {
  return [summary, deadline].filter(Boolean).join(" · ");
}

/** One line of the list, whichever server has the session. */
interface Row {
  id: string;
  name: string;
  state: string;
  /** It runs, or has ended well, or not. */
  looks: "runs" | "well" | "ill";
  /** How long it runs or ran (ms). */
  age: number;
  viewers: number;
  /** How far it is, or how it ended. */
  text: string;
  place: string;
  created: number;
  listing: object;
}

async function chosenRows(
  call: Call,
  context: Context,
  wanted: string[],
  all: boolean,
  runDir: string | undefined,
): Promise<Row[]> {
  await context.takeInJobs();
  const { directory } = call.request;
  const others = await elsewhere(context);
  if (wanted.length === 0) {
    const own = await ownRows(context, choose(call, context, [], all, runDir));
    const recent = context.clock() - recentEnd;
    const theirs = others.filter((s) => all || s.live || (s.ended ?? 0) > recent);
    const ofRun = runDir === undefined ? theirs : named(others, runDir, directory);
    return [...own, ...ofRun.map((s) => otherRow(s, context.clock()))].sort((a, b) => a.created - b.created);
  }
  const rows = wanted.map(async (word) => {
    const other =
      placeOf(context.table.all(), others, word, directory) === undefined ? undefined : named(others, word, directory).at(-1);
    if (other !== undefined) return [otherRow(other, context.clock())];
    return ownRows(context, choose(call, context, [word], all, runDir));
  });
  return (await Promise.all(rows)).flat();
}

function ownRows(context: Context, chosen: readonly Session[]): Promise<Row[]> {
  const now = context.clock();
  const { saveBefore } = context.config;
  return Promise.all(
    chosen.map(async (session): Promise<Row> => {
      const { row } = session;
      const progress = await context.progress.of(session);
      return {
        id: session.id,
        name: row.name,
        state: row.state,
        looks: row.state === "running" ? "runs" : row.state === "exited" && session.end?.status === 0 ? "well" : "ill",
        age: (row.ended ?? now) - (row.started ?? row.created),
        viewers: session.viewers.size,
        text: session.live
          ? liveText(progress?.summary ?? session.title, deadlineText(row, progress ?? null, saveBefore, now))
          : endAndResults(endSentence(session), progress?.summary ?? ""),
        place: row.runDirectory ?? row.directory,
        created: row.created,
        listing: await listing(session, context.progress, { saveBefore, now, job: context.neighbours.place.job }),
      };
    }),
  );
}

function otherRow(session: NeighbourSession, now: number): Row {
  const { id, name, state, viewers, text, created, started, ended, runDirectory, directory, listing } = session;
  const looks = state === "running" ? "runs" : state === "exited" && listing.exitCode === 0 ? "well" : "ill";
  const age = (ended ?? now) - (started ?? created);
  return { id, name, state, looks, age, viewers, text, place: runDirectory ?? directory, created, listing };
}

function print(call: Call, context: Context, chosen: readonly Row[]): void {
  if (chosen.length === 0) {
    call.stderr(
      context.table.all().length > 0
        ? "no session runs ('falcon sessions --all' lists ended ones)\n"
        : "no sessions: 'falcon launch' starts one\n",
    );
    return;
  }
  const colours = coloursFor(call.request);
  const paint = { runs: colours.green, well: colours.dim, ill: colours.red };
  // which job it is in is said where there are several places
  const jobs = chosen.some(({ listing }) => (listing as { job?: unknown }).job);
  const rows = chosen.map((row) => [
    row.id,
    row.name,
    paint[row.looks](row.state),
    ...(jobs ? [jobText((row.listing as { job?: string | null }).job ?? null)] : []),
    duration(row.age),
    String(row.viewers),
    row.text,
    row.place,
  ]);
  call.stdout(
    `${table(
      [
        { title: "ID" },
        { title: "NAME" },
        { title: "STATE" },
        ...(jobs ? [{ title: "JOB" }] : []),
        { title: "AGE", right: true },
        { title: "VIEWERS", right: true },
        { title: "PROGRESS" },
        { title: "RUN", fills: true },
      ],
      rows,
      call.request.terminal.stdout ? call.request.terminal.cols : 0,
    )}\n`,
  );
}

/** The number without the letter, which one host has one of. */
function jobText(job: string | null): string {
  return job === null ? "" : job.slice(1);
}
