// falcon export: a session as a recording, a document, a picture or a figure.

import { Failure, Status } from "../../base/failure.ts";
import { durationOf } from "../../base/text/quantity.ts";
import { localTime } from "../../base/text/zone.ts";
import { exportCsv, exportJson, npzArrays } from "../../compare/run-export.ts";
import { castOf } from "../../export/cast.ts";
import { curveCsv, curveJson } from "../../export/curve-table.ts";
import type { FigureOptions } from "../../export/figure.ts";
import { htmlEnd, htmlHead } from "../../export/html-document.ts";
import type { FigureTurn, LinesTurn, ScreenTurn } from "../../export/render.ts";
import type { Selected } from "../../logs/line-job.ts";
import { everyLine, SessionLines } from "../../logs/session-lines.ts";
import type { Session } from "../../session/life/session.ts";
import { lineSource } from "../../session/output/archive.ts";
import { offsetAt, screenAt, spanOf } from "../../session/output/screen-at.ts";
import { sessionFacts } from "../compare/run-facts.ts";
import type { Context } from "../dispatch/call.ts";
import { chooseOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { usageAlone } from "../show/usage-curves.ts";
import { idleOf, parseTime, usualIdle } from "../text/time-option.ts";
import { bytes } from "../text/wording.ts";
import { type Target, writeOut } from "./export-file.ts";
import { writeMetric } from "./export-metric.ts";
import { render } from "./render.ts";

const formats = [
  "cast",
  "cast-v3",
  "html",
  "svg",
  "png",
  "text",
  "curve-svg",
  "curve-png",
  "curve-csv",
  "curve-json",
  "csv",
  "json",
  "npz",
] as const;
type Format = (typeof formats)[number];

/**
 * Bytes of a history that are drawn at once, in whole lines: some ten milliseconds for a thread that others
 * wait for.
 */
const drawnAtOnce = 64 << 10;

interface ExportOptions {
  format?: string;
  output?: string;
  at?: string;
  history?: boolean;
  idle: string;
  log?: boolean;
  from?: string;
  lr?: boolean;
  resources?: boolean;
  metric?: string;
}

/** `export` is a word of the language. */
export const exportCommand: CommandSpec = {
  name: "export",
  group: "look",
  summary: "a session as a recording, a document, a picture or a figure",
  words: { "--format": formats },
  completes: "all",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--format <format>", formats.join(", "))
      .option("-o, --output <file>", "where to; without it, to stdout")
      .option("--at <time>", "the screen of that moment: 90s or 1h30m from the start, -10s from the end, 14:30, 2026-11-24T14:30")
      .option("--history", "html: every line of the whole history, as text has them, with its looks")
      .option("--idle <seconds>", "pauses of a recording are shortened to so many seconds; 0: none is", usualIdle)
      .option("--log", "curve-svg and curve-png: a logarithmic axis, symmetric where losses cross zero")
      .option("--from <epoch>", "curve-*: from this epoch on")
      .option("--metric <name>", "curve-*: of this metric, whichever the run writes, instead of the losses")
      .option("--resources", "curve-svg and curve-png: memory and GPU use by the same epochs, below")
      .option("--lr", "curve-svg and curve-png: the learning rate as a thin second line")
      .addHelpText(
        "after",
        `
What the formats hold:
  cast, cast-v3         the whole session as an asciicast recording (asciinema.org)
  text                  every line of the whole history; with --at the screen of that moment
  html, svg, png        the last screen, or that of --at; html with --history every
                        line of the whole history
  curve-svg, curve-png  the losses of a falcon run by epoch, a panel a node
  curve-csv, curve-json the same numbers
  csv, json, npz        everything known of a run as arrays: each metric with step, epoch, walltime, samples and
                        value, and what it used over its life (docs/guide/compare.md)

Examples:
  falcon export -o run.cast              the newest session of this directory as a recording
  falcon export myrun --format text      its whole output, without sequences
  falcon export myrun --format curve-png --log --lr -o losses.png
  falcon export myrun --format curve-csv --metric train/loss_aux`,
      );
  },
  async run(call, context, [wanted], options) {
    const { format, output, at, history, idle, log, from, lr, resources, metric } = options as ExportOptions;
    const chosen = formatOf(format, output);
    const pause = idleOf(idle);
    const ofMetrics = chosen.startsWith("curve") || ["csv", "json", "npz"].includes(chosen);
    if (at !== undefined && (chosen.startsWith("cast") || ofMetrics))
      throw new Failure(`--at chooses a screen; ${chosen} is of the whole session`, Status.usage);
    if (history === true && (chosen !== "html" || at !== undefined))
      throw new Failure(
        at === undefined
          ? `--history belongs to --format html; ${chosen} has ${chosen === "text" ? "all lines anyway" : "none"}`
          : "--history is of the whole session, --at of one screen: give one of them",
        Status.usage,
      );
    const figure: FigureOptions = { log: log === true, from: epochOf(from), learningRate: lr === true };
    if (resources && !["curve-svg", "curve-png"].includes(chosen))
      throw new Failure(`--resources belongs to a figure; ${chosen} is none: --format curve-png`, Status.usage);
    if ((log || from !== undefined || lr) && !chosen.startsWith("curve"))
      throw new Failure(`--log, --from and --lr belong to a curve; ${chosen} has none: --format curve-png`, Status.usage);
    if (output === undefined && (chosen.endsWith("png") || chosen === "npz") && call.request.terminal.stdout)
      throw new Failure(`${chosen} is no text for a terminal: give it a file with -o`, Status.usage);
    if (metric !== undefined && (!chosen.startsWith("curve") || lr || resources))
      throw new Failure(`--metric is of a curve by itself: --format curve-png, without --lr and --resources`, Status.usage);
    const session = chooseOne(call, context, wanted, true);
    if (!ofMetrics) session.checkFolder();
    const meant = at === undefined ? undefined : timeMeant(session, at, context.clock(), call.request.environment);
    const moment = meant === undefined ? undefined : offsetAt(session, meant);
    const size = await writeOut(call, context, output, async (target) => {
      const used = resources ? await resourcePanels(context, session, figure.from) : {};
      const how = { moment, history: history === true, pause, figure: { ...figure, ...used }, metric };
      await write(context, session, chosen, how, target);
    });
    if (output !== undefined) call.stderr(`[${session.row.name}] ${output}: ${bytes(size)}\n`);
    return Status.ok;
  },
};

function formatOf(given: string | undefined, output: string | undefined): Format {
  const extension = /\.(cast|html|svg|png|txt|csv|json|npz)$/i.exec(output ?? "")?.[1]?.toLowerCase();
  const format = given ?? (extension === "txt" ? "text" : extension);
  const known = formats.find((f) => f === format);
  if (known === undefined) {
    throw new Failure(
      `${given === undefined ? "which format" : `--format ${given}`}: give one of ${formats.join(", ")}`,
      Status.usage,
    );
  }
  return known;
}

/** The epoch of `--from`; 0: all. @throws Failure 2 */
function epochOf(from: string | undefined): number {
  const epoch = Number(from ?? 0);
  if (!Number.isInteger(epoch) || epoch < 0 || from?.trim() === "")
    throw new Failure(`--from ${from}: give the number of an epoch`, Status.usage);
  return epoch;
}

/**
 * The time (ms since 1970) that a moment of `--at` means. What is counted from the start is counted from the
 * one that `falcon show` prints.
 * @param environment the caller's, for the time zone
 * @throws Failure 2 for what is no moment, or none of this session's.
 */
export function timeMeant(session: Session, text: string, now: number, environment: Readonly<Record<string, string>>): number {
  const span = spanOf(session);
  const back = text.startsWith("-");
  const distance = durationOf(back ? text.slice(1) : text);
  const end = session.live ? now : span.ends;
  const start = session.row.started ?? span.begins;
  const said = distance === undefined ? parseTime("--at", text, now, environment) : back ? end - distance : start + distance;
  // before its first output the screen was empty, as it is at the beginning of what is kept
  const time = span.from === 0 && said >= start ? Math.max(said, span.begins) : said;
  // a clock's time is as exact as it was written
  if (time < span.begins - 1000 || time > end + 1000) {
    const clock = (ms: number) => localTime(ms, environment);
    throw new Failure(
      `--at ${text}: what is kept of session ${session.id} goes from ${clock(span.begins)} to ${clock(end)}`,
      Status.usage,
    );
  }
  return time;
}

async function write(
  context: Context,
  session: Session,
  format: Format,
  {
    moment,
    history,
    pause,
    figure,
    metric,
  }: { moment: number | undefined; history: boolean; pause: number; figure: FigureOptions; metric: string | undefined },
  target: Target,
): Promise<void> {
  switch (format) {
    case "cast":
    case "cast-v3":
      return writeCast(context, session, format === "cast" ? 2 : 3, pause, target);
    case "text":
      return moment === undefined ? writeLines(context, session, target) : writeScreenText(context, session, moment, target);
    case "html":
      return history ? writeHistory(context, session, target) : writeScreen(context, session, format, moment, target);
    case "svg":
    case "png":
      return writeScreen(context, session, format, moment, target);
    case "csv":
    case "json":
    case "npz":
      return writeAll(context, session, format, target);
    case "curve-svg":
    case "curve-png":
    case "curve-csv":
    case "curve-json":
      return metric === undefined
        ? writeCurve(context, session, format, figure, target)
        : writeMetric(context, session, format, metric, figure, target);
  }
}

async function writeCast(context: Context, session: Session, version: 2 | 3, idle: number, target: Target): Promise<void> {
  const { from, to } = spanOf(session);
  // where the beginning is gone, the recording begins with the first screen that is known
  const first = from > 0 ? context.archive.keyframes.after(session.id, from) : undefined;
  let before: Uint8Array = Buffer.alloc(0);
  if (first !== undefined) {
    const screen = await screenAt(context.archive, session, first.offset, context.config.scrollback, () => target.gone);
    const snapshot = await screen.snapshot(0);
    screen.close();
    before = Buffer.concat([snapshot.first, snapshot.tail]);
  }
  const { TERM, SHELL } = session.row.environment;
  const log = session.openLog();
  try {
    const pieces = castOf(log, {
      version,
      idle,
      title: session.row.name,
      environment: { ...(TERM === undefined ? {} : { TERM }), ...(SHELL === undefined ? {} : { SHELL }) },
      before,
      from: first?.offset ?? from,
      to,
      status: session.end?.status,
    });
    for await (const piece of pieces) {
      if (target.gone) return;
      await target.write(piece);
    }
  } finally {
    log.close();
  }
}

/** All lines of the log, as `falcon logs` gives them to a pipe. */
async function writeLines(context: Context, session: Session, target: Target): Promise<void> {
  for await (const { text } of allLines(context, session, false)) {
    if (target.gone) return;
    await target.write(text);
  }
}

function allLines(context: Context, session: Session, colours: boolean): AsyncIterable<Selected> {
  const lines = new SessionLines(lineSource(session), context.archive);
  return lines.forward({ ...everyLine, colours }, session.live ? "show" : "end");
}

/** The same as an HTML document, with their looks. */
async function writeHistory(context: Context, session: Session, target: Target): Promise<void> {
  await target.write(`${htmlHead(titleOf(session))}<div class="screen">\n`);
  for await (const { text, ends } of allLines(context, session, true)) {
    if (target.gone) return;
    let from = 0;
    for (const [line, end] of ends.entries()) {
      if (line + 1 < ends.length && (ends[line + 1] as number) - from <= drawnAtOnce) continue;
      const turn: LinesTurn = { do: "lines", text: text.slice(from, end) };
      await target.write(await render(context, turn));
      from = end;
    }
  }
  await target.write(`</div>\n${htmlEnd}`);
}

async function writeScreenText(context: Context, session: Session, moment: number, target: Target): Promise<void> {
  const screen = await screenAt(context.archive, session, moment, 0, () => target.gone);
  try {
    const { lines } = await screen.text();
    const last = lines.findLastIndex((line) => line.trim() !== "");
    await target.write(
      lines
        .slice(0, last + 1)
        .map((line) => `${line.trimEnd()}\n`)
        .join(""),
    );
  } finally {
    screen.close();
  }
}

async function writeScreen(
  context: Context,
  session: Session,
  format: ScreenTurn["format"],
  moment: number | undefined,
  target: Target,
): Promise<void> {
  const screen = await screenAt(context.archive, session, moment ?? spanOf(session).to, 0, () => target.gone);
  try {
    const { first, cols, rows } = await screen.snapshot(0);
    const replay = new Uint8Array(first);
    const turn: ScreenTurn = { do: "screen", format, cols, rows, replay, title: titleOf(session) };
    await target.write(await render(context, turn, [replay.buffer]));
  } finally {
    screen.close();
  }
}

async function writeCurve(
  context: Context,
  session: Session,
  format: Extract<Format, `curve-${string}`>,
  options: FigureOptions,
  target: Target,
): Promise<void> {
  const curves = await context.progress.curves(session);
  if (!curves.some(({ training, validation }) => training.y.length + validation.y.length > 0)) {
    throw new Failure(
      session.row.runDirectory === null
        ? `session ${session.id} (${session.row.name}) has no run directory${session.live ? " yet" : ""}, so no losses are known`
        : `${session.row.runDirectory} has no losses${session.live ? " yet" : ""}`,
      Status.noSession,
    );
  }
  if (format === "curve-csv") return target.write(curveCsv(curves, options.from));
  if (format === "curve-json") return target.write(curveJson(curves, options.from));
  const turn: FigureTurn = {
    do: "figure",
    format: format === "curve-svg" ? "svg" : "png",
    curves,
    title: session.row.name,
    options,
  };
  await target.write(await render(context, turn));
}

/** What it used by its epochs, from this one on. */
async function resourcePanels(context: Context, session: Session, from: number): Promise<Pick<FigureOptions, "resources">> {
  const { axis, curves } = await usageAlone(context, session);
  if (axis !== "epoch") return {};
  const since = curves.map(({ label, x, y }) => {
    const kept = x.flatMap((epoch, i) => (epoch >= from ? [i] : []));
    return { label, x: kept.map((i) => x[i] as number), y: kept.map((i) => y[i] as number) };
  });
  return { resources: since.filter(({ y }) => y.some(Number.isFinite)) };
}

/** Everything known of a run, as arrays. */
async function writeAll(context: Context, session: Session, format: "csv" | "json" | "npz", target: Target): Promise<void> {
  const all = { run: await sessionFacts(context, session), usage: context.usage.series(session) };
  if (format === "json") return target.write(exportJson(all));
  if (format === "npz") {
    const arrays = await npzArrays(all);
    const handedOver = [...arrays.values()].flatMap((array) => (typeof array === "string" ? [] : array.buffer));
    return target.write(await render(context, { do: "arrays", arrays }, handedOver));
  }
  for (const piece of exportCsv(all)) {
    if (target.gone) return;
    await target.write(piece);
  }
}

function titleOf({ row }: Session): string {
  return `${row.name}: ${row.command.join(" ")}`.slice(0, 200);
}
