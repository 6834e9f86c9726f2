// falcon sessions: what runs and how far it is; one line a session.
import { Failure, Status } from "../../base/failure.ts";
import type { Session } from "../../session/life/session.ts";
import { type Tags, tagFilter, tagsOf } from "../../session/life/tags.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { type CommandSpec, repeated } from "../dispatch/command.ts";
import { redNumbers } from "../text/not-finite.ts";
import { statusWord } from "../text/status-word.ts";
import { coloursFor } from "../text/table.ts";
import { usageCells } from "../text/usage-text.ts";
import { duration } from "../text/wording.ts";
import { watch } from "../watch/watch.ts";
import { filtered, parseFilter } from "./list-filter.ts";
import { isOwn, jobText, type ListRow } from "./list-row.ts";
import { ownRows } from "./list-rows.ts";
import { chosen, chosenRows, lookElsewhere } from "./listed-sessions.ts";
import { sessionTable } from "./session-list.ts";

/** What is for a list that is printed once. */
const notWatched = ["running", "failed", "ended", "sort", "limit", "usage", "json"];

export const sessions: CommandSpec = {
  name: "sessions",
  group: "look",
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
      .option("--tag <label>", "only what has this label: name, or name=value; may be given again", repeated)
      .option("--usage", "with CPU, MEM, GPU and GPUMEM also where the terminal has no room for them by itself")
      .option("--json", "machine-readable (docs/guide/json.md)")
      .option("--watch", "keep watching")
      .option(
        "--metric <name>",
        "--watch: the last value of this metric, whichever the runs write, in a column; key m chooses another",
      )
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
      const other = notWatched.find((name) => options[name] !== undefined);
      if (other !== undefined)
        throw new Failure(
          `--watch takes no --${other}: it shows what runs and folds what ended, and / and s filter and sort`,
          Status.usage,
        );
      const look = () => lookElsewhere(call, context, options.here === true, () => {});
      let there = await look();
      return watch(call, context, {
        metric: options.metric as string | undefined,
        refresh: async () => {
          there = await look();
        },
        choose: (lacks) => {
          const ofWords = (words: string[]) => {
            try {
              return chosen(call, context, words, all === true, runDir, there);
            } catch (error) {
              if (!(error instanceof Failure)) throw error;
              lacks(error);
              return [];
            }
          };
          const each = wanted.length === 0 ? [[]] : wanted.map((word) => [word]);
          const found = each.flatMap(ofWords).filter((one) => labelled(tagsIn(one)));
          return options.host === undefined
            ? found
            : found.filter((one) => (isOwn(one) ? one.row : one.listing).host === options.host);
        },
      });
    }
    if (options.metric !== undefined)
      throw new Failure("--metric is a column of --watch; of one run: falcon show SESSION --metric NAME", Status.usage);
    const filter = parseFilter(options, context.clock(), call.request.environment);
    const whole = all === true || filter.chooses || options.tag !== undefined;
    const rows = here
      ? await ownRows(context, context.table.all())
      : await chosenRows(call, context, wanted, whole, runDir, options.here === true);
    const ofHost = options.host === undefined ? rows : rows.filter(({ listing }) => listing.host === options.host);
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
  group: "look",
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
  return isOwn(one) ? tagsOf(one.row) : (one.listing.tags ?? {});
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
    const { job, host, usage } = row.listing;
    return {
      status: statusWord(row.status),
      progress: redNumbers(row.text, colours),
      name: row.name,
      id: row.id,
      age: row.live ? duration(now - row.since) : `${duration(now - row.since).split(" ")[0]} ago`,
      viewers: row.viewers,
      job: jobText(job),
      host: host ?? "",
      usage: usageCells(usage ?? undefined, row.live),
      place: row.place,
    };
  });
  const { terminal, directory, environment } = call.request;
  const place = { width: terminal.stdout ? terminal.cols : 0, directory, home: environment.HOME, host: context.host, usage };
  call.stdout(`${sessionTable(lines, place, colours)}\n`);
}
