// falcon show: one session in full, what one wants first at its head.
import type { OptionValues } from "commander";
import { NoAnswer } from "../../base/aside/aside.ts";
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import { localTime } from "../../base/text/zone.ts";
import { standing } from "../../session/life/conclusion.ts";
import type { Session } from "../../session/life/session.ts";
import { deadlineText } from "../../session/run/deadline.ts";
import { partsOf } from "../../session/run/parts.ts";
import type { NodeCurves } from "../../trainers/run/curve.ts";
import { endReport } from "../attach/end-report.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { chooseOne } from "../dispatch/choose-sessions.ts";
import { type CommandSpec, repeated } from "../dispatch/command.ts";
import { type Listing, listing } from "../list/session-json.ts";
import { redNumbers } from "../text/not-finite.ts";
import { writePaged } from "../text/pager.ts";
import { paintStatus, statusWord } from "../text/status-word.ts";
import { type Colours, coloursFor } from "../text/table.ts";
import { duration, endSentence } from "../text/wording.ts";
import { environmentText, maskedEnvironment } from "./environment-text.ts";
import { lossChart, usageChart } from "./loss-chart.ts";
import { metricCharts } from "./metric-charts.ts";
import { factLines } from "./show-facts.ts";
import { progressText, wrapped } from "./show-progress.ts";
import { usageAlone, usageCurves } from "./usage-curves.ts";

export const show: CommandSpec = {
  name: "show",
  group: "look",
  summary: "one session in full",
  examples: [
    ["falcon show", "the newest session of this directory"],
    ["falcon show night --json", "for scripts"],
    ["falcon show night --metric train/loss_aux", "the curve of any metric that it writes"],
    ["falcon show night --env", "its environment"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--metric <name>", "only the curve of this metric, whichever the run writes; may be given again", repeated)
      .option("--full", "all of a traceback, not only the lines of your own files")
      .option("--screen", "its last screen too")
      .option("--no-pager", "do not show it in $PAGER where it is longer than the terminal")
      .option("--json", "machine-readable (docs/guide/json.md)")
      .option("--env", "only its environment; values that look like keys are hidden");
  },
  async run(call, context, [wanted], options) {
    const session = chooseOne(call, context, wanted, true);
    if (options.env) {
      const { environment } = session.row;
      call.stdout(options.json ? `${JSON.stringify(maskedEnvironment(environment), null, 2)}\n` : environmentText(environment));
      return Status.ok;
    }
    if (options.metric !== undefined) return await showMetrics(call, context, session, options);
    const facts = await listing(session, context);
    if (options.json) {
      call.stdout(`${JSON.stringify(facts, null, 2)}\n`);
      return Status.ok;
    }
    const text = await pageOf(call, context, session, facts, { full: options.full === true, screen: options.screen === true });
    if (options.pager === false || !(await writePaged(call, context, text))) call.stdout(text);
    return Status.ok;
  },
};

function chartWidth({ request: { terminal } }: Call): number {
  return Math.min(100, terminal.cols || 80);
}

async function showMetrics(call: Call, context: Context, session: Session, options: OptionValues): Promise<number> {
  if (options.json)
    throw new Failure("--metric goes without --json: 'falcon export --format json' has every metric as arrays", Status.usage);
  const width = chartWidth(call);
  const series = await context.progress.series(session);
  const lines = metricCharts(series, options.metric as string[], width, context.clock(), coloursFor(call.request));
  call.stdout(`${lines.join("\n").trimEnd()}\n`);
  return Status.ok;
}

/** Its losses, or the sentence that says that they are on a file system that is away. */
async function lossesOf(context: Context, session: Session): Promise<{ curves: NodeCurves[]; away?: string }> {
  try {
    return { curves: await context.progress.curves(session) };
  } catch (error) {
    return { curves: [], ...(error instanceof NoAnswer ? { away: error.message } : {}) };
  }
}

/** Outcome or progress, what to do next, why it failed, its curves; then all that is known besides. */
async function pageOf(
  call: Call,
  context: Context,
  session: Session,
  facts: Listing,
  parts: { full: boolean; screen: boolean },
): Promise<string> {
  const { request } = call;
  const { stdout, cols } = request.terminal;
  const width = stdout ? cols : 0;
  const colours = coloursFor(request);
  const now = context.clock();
  const deadline = deadlineText(session.row, facts.progress, context.config.saveBefore, now);
  const losses = await lossesOf(context, session);
  const head = [
    ...headLines(session, facts, now, width, colours),
    ...(facts.progress === null ? [] : progressText(facts.progress, width).map((line) => redNumbers(line, colours))),
    ...(losses.away === undefined ? [] : wrapped("losses    ", [losses.away], width)),
    ...wrapped("next      ", nextCommands(session, facts), width).map((line) => colours.dim(line)),
  ];
  const wide = chartWidth(call);
  const charts = losses.curves
    .filter(({ training, validation }) => training.y.length + validation.y.length >= 2)
    .map(({ node, ...curves }) => `\n${lossChart(node, curves, wide, colours).join("\n")}\n`);
  const used = losses.away === undefined ? await usageAlone(context, session) : usageCurves(context, session, []);
  const usage = used.curves.map((curve) => `\n${usageChart(curve, used.axis, wide, colours).join("\n")}\n`);
  const known = factLines(session, facts, {
    now,
    parts: partsOf(context.table.all(), session),
    deadline,
    width,
    when: (ms) => localTime(ms, request.environment),
  });
  // the summary repeats much of what stands above
  const { before, summary, after } = await endReport(session, width, parts);
  return `${head.join("\n")}\n${before}${after}${charts.join("")}${usage.join("")}\n${known.join("\n")}\n${summary}`;
}

/** Name, id, and in one sentence how it goes or how it ended. */
function headLines(session: Session, facts: Listing, now: number, width: number, colours: Colours): string[] {
  const { row, live } = session;
  const word = statusWord(standing(session));
  const first = `${paintStatus(word, colours)}  ${colours.bold(printable(row.name))}  ${session.id}`;
  const state = live ? `${row.state} for ${duration(now - (row.started ?? row.created))}` : endSentence(session);
  // a failed run's summary is its failure, which stands above
  const summary = facts.progress === null || facts.progress.phase === "failed" ? [] : facts.progress.summary.split(" · ");
  const lines = [
    ...wrapped("state     ", [state], width),
    ...(summary.length === 0 ? [] : wrapped("progress  ", summary, width)),
  ];
  return [first, ...lines.map((line) => redNumbers(line, colours))];
}

/** The commands that are of use now. */
function nextCommands({ live, trainer, id }: Session, { outcome, progress }: Listing): string[] {
  const falcon = trainer.savesModel;
  if (live) return [`falcon attach ${id}`, `falcon stop ${id}${falcon ? " saves the model and ends it" : ""}`];
  const again = `falcon relaunch ${id}`;
  const output = `falcon logs ${id}`;
  if (!falcon) return [output, again];
  if (outcome?.kind === "completed")
    return [`falcon export ${id} --format curve-png -o losses.png`, output, ...(progress === null ? [] : [`${again} trains on`])];
  return [`${again}${outcome?.saved === true ? " resumes from the saved model" : " begins again"}`, output];
}
