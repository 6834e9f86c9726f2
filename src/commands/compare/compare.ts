// falcon compare: several runs beside each other: what came of them, in what they differ, and their curves.
import { Failure, Status } from "../../base/failure.ts";
import type { By, ComparedRun } from "../../compare/compared-run.ts";
import { comparisonCsv, comparisonJson, comparisonOf } from "../../compare/comparison.ts";
import type { ComparisonTurn } from "../../export/render.ts";
import { selectSession } from "../../session/life/select-session.ts";
import { tagFilter, tagsOf } from "../../session/life/tags.ts";
import { callersPath } from "../../session/life/working-directory.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { type CommandSpec, repeated } from "../dispatch/command.ts";
import { writeOut } from "../output/export-file.ts";
import { render } from "../output/render.ts";
import { coloursFor } from "../text/table.ts";
import { comparisonText } from "./comparison-text.ts";
import { isRunDirectory, matchRunDirectories } from "./run-directories.ts";
import { directoryFacts, sessionFacts } from "./run-facts.ts";

const formats = ["text", "svg", "png", "csv", "json"] as const;
const axes = ["epoch", "time", "samples"] as const;

/** Runs beside each other: more columns than this are no table, and no colours are left. */
const mostRuns = 64;

interface CompareOptions {
  runDir?: string[];
  tag?: string[];
  metric?: string;
  node?: string;
  by?: string;
  format?: string;
  output?: string;
  log?: boolean;
}

export const compare: CommandSpec = {
  name: "compare",
  group: "look",
  summary: "runs beside each other: outcomes, losses, configurations",
  examples: [
    ["falcon compare first second", "two sessions"],
    ["falcon compare --run-dir 'output/*' --by time", "run directories, whether in a session or not"],
    ["falcon compare first second --metric val/loss --format png -o both.png", "their curves as a figure"],
    ["falcon compare --tag sweep=3 --format json", "what has a label, for a script"],
  ],
  completes: "all",
  goesUnnamed: true,
  words: { "--by": axes, "--format": formats },
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      .option("--run-dir <glob>", "run directories too, with * and ?; may be given again", repeated)
      .option("--tag <label>", "sessions with this label too; may be given again", repeated)
      .option("--metric <name>", "whose curves are drawn; without it the validation loss")
      .option("--node <name>", "only this node's metrics")
      .option("--by <axis>", "epoch, time or samples", "epoch")
      .option("--format <format>", "text, svg, png, csv or json", "text")
      .option("--log", "svg and png: a logarithmic axis")
      .option("-o, --output <file>", "where to; without it, to stdout");
  },
  async run(call, context, words, options) {
    const { metric, node, by = "epoch", format = "text", output, log } = options as CompareOptions;
    if (!axes.includes(by as By)) throw new Failure(`--by ${by}: say epoch, time or samples`, Status.usage);
    if (!formats.includes(format as (typeof formats)[number]))
      throw new Failure(`--format ${format}: give one of ${formats.join(", ")}`, Status.usage);
    if (format === "png" && output === undefined && call.request.terminal.stdout)
      throw new Failure("png is no text for a terminal: give it a file with -o", Status.usage);
    const runs = distinct(await chosenRuns(call, context, words, options as CompareOptions));
    if (runs.length < 2) throw new Failure("name two runs at least: sessions, run directories, --run-dir or --tag", Status.usage);
    if (runs.length > mostRuns) throw new Failure(`${runs.length} runs: at most ${mostRuns} are compared at once`, Status.usage);
    const comparison = comparisonOf(runs, { metric, by: by as By, node });
    if (metric !== undefined && !comparison.runs.some(({ metrics }) => metrics.some((series) => series.metric === metric)))
      throw new Failure(`no run has a metric ${metric}; there are ${metricNames(comparison.runs)}`, Status.noSession);
    await writeOut(call, context, output, async (target) => {
      const { stdout, cols } = call.request.terminal;
      const title = comparison.metric ?? "no metric";
      const turn: ComparisonTurn = {
        do: "comparison",
        format: format === "png" ? "png" : "svg",
        comparison: { ...comparison, runs: comparison.runs.map((run) => ({ ...run, config: null })) },
        title,
        log: log === true,
      };
      const width = stdout && output === undefined ? cols : 0;
      if (format === "text") await target.write(comparisonText(comparison, width, coloursFor(call.request)));
      else if (format === "csv") await target.write(comparisonCsv(comparison));
      else if (format === "json") await target.write(comparisonJson(comparison));
      else await target.write(await render(context, turn));
    });
    return Status.ok;
  },
};

/** In the order in which they were named. */
async function chosenRuns(
  call: Call,
  context: Context,
  words: readonly string[],
  options: CompareOptions,
): Promise<ComparedRun[]> {
  const { directory } = call.request;
  const found: ComparedRun[] = [];
  for (const word of words) {
    try {
      found.push(await sessionFacts(context, selectSession(context.table.all(), word, directory, { now: context.clock() })));
    } catch (error) {
      const folder = callersPath(directory, word);
      if (!(error instanceof Failure) || !(await isRunDirectory(folder))) throw error;
      found.push(...(await ofDirectory(context, folder)));
    }
  }
  if (options.tag !== undefined) {
    const fits = tagFilter(options.tag);
    for (const session of context.table.all()) if (fits(tagsOf(session.row))) found.push(await sessionFacts(context, session));
  }
  for (const pattern of options.runDir ?? []) {
    const folders = await matchRunDirectories(callersPath(directory, pattern));
    if (folders.length === 0) throw new Failure(`--run-dir ${pattern}: no run directory fits`, Status.noSession);
    for (const folder of folders) found.push(...(await ofDirectory(context, folder)));
  }
  return found;
}

/** The newest session that trained there knows more than the directory alone. */
async function ofDirectory(context: Context, folder: string): Promise<ComparedRun[]> {
  const session = context.table.all().findLast(({ row }) => row.runDirectory === folder);
  if (session !== undefined) return [await sessionFacts(context, session)];
  const facts = await directoryFacts(context, folder);
  return facts === undefined ? [] : [facts];
}

/** Each run once, and each with a name of its own. */
function distinct(runs: readonly ComparedRun[]): ComparedRun[] {
  const key = (run: ComparedRun) => run.session ?? run.directory ?? run.name;
  const once = runs.filter((run, i) => runs.findIndex((other) => key(other) === key(run)) === i);
  return once.map((run) =>
    once.filter(({ name }) => name === run.name).length === 1
      ? run
      : { ...run, name: `${run.name} (${run.session ?? run.directory})` },
  );
}

function metricNames(runs: readonly ComparedRun[]): string {
  const names = [...new Set(runs.flatMap(({ metrics }) => metrics.map(({ metric }) => metric)))].sort();
  return names.length === 0 ? "none" : names.join(", ");
}
