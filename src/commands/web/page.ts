// @page: what only the web page asks for (src/web/server): lines with their numbers and times, what
// happened when, the run's configuration; and @audit, a line for server.log.
import path from "node:path";
import { Failure, Status } from "../../base/failure.ts";
import type { Selected, Selection } from "../../logs/line-job.ts";
import { everyLine, linesOf, PatternTooSlow, SessionLines } from "../../logs/session-lines.ts";
import type { Session } from "../../session/life/session.ts";
import { lineSource } from "../../session/output/archive.ts";
import { spanOf } from "../../session/output/screen-at.ts";
import { marksOf } from "../../session/run/marks.ts";
import { partsOf } from "../../session/run/parts.ts";
import type { OutputLog } from "../../store/output-log.ts";
import { readPiece } from "../../trainers/reading/foreign-files.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { beside } from "./beside.ts";

/** Lines that one answer has at most. */
const mostLines = 2_000;
/** A configuration has a few KB; of more only the beginning is shown. */
const longestConfig = 256 << 10;
/** Facts of an event of the web process, characters. */
const longestFacts = 2_000;

export const page: CommandSpec = {
  name: "@page",
  summary: "what the web page asks for",
  define(command) {
    command
      .argument("<what>", "lines, span, beside or config")
      .argument("<session>", "its id")
      .option("--from <line>")
      .option("--count <lines>", "", "200")
      .option("--grep <regex>")
      .option("--metric <name>")
      .option("--all <metrics>");
  },
  async run(call, context, [what, id = ""], options) {
    const session = context.table.get(id);
    if (session === undefined) throw new Failure(`session ${id} is not here`, Status.noSession);
    if (what === "lines") await lines(call, context, session, options as LineOptions).catch(told);
    else if (what === "span") span(call, context, session);
    else if (what === "beside") {
      const { metric, all } = options as { metric?: string; all?: string };
      call.stdout(`${JSON.stringify(await beside(context, session, metric, Number(all) || 0))}\n`);
    } else if (what === "config") await config(call, session);
    else throw new Failure(`@page ${what}: there is no such thing`, Status.usage);
    return Status.ok;
  },
};

/** @audit: what the web process did, as a line of server.log. */
export const audit: CommandSpec = {
  name: "@audit",
  summary: "what the web page did",
  define(command) {
    command.argument("<event>").argument("<facts>");
  },
  async run(_call, context, [event = "", facts = ""]) {
    context.log(`web.${event.replaceAll(/[^a-z-]/g, "")}`, factsOf(facts));
    return Status.ok;
  },
};

function factsOf(text: string): Record<string, unknown> {
  if (text.length > longestFacts) return { facts: "too long" };
  try {
    const facts: unknown = JSON.parse(text);
    return typeof facts === "object" && facts !== null ? (facts as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

interface LineOptions {
  from?: string;
  count: string;
  grep?: string;
}

/** The lines from a number on; without one the last ones; with a pattern the last ones that match. */
async function lines(call: Call, context: Context, session: Session, options: LineOptions): Promise<void> {
  session.checkFolder();
  const count = Math.min(mostLines, Math.max(0, Number(options.count) || 0));
  const from = options.from === undefined ? undefined : Math.max(0, Number(options.from) || 0);
  const pattern = patternOf(options.grep);
  const whole: Selection = {
    ...everyLine,
    pattern,
    ...(from === undefined ? {} : { from, to: from + count }),
  };
  const reader = new SessionLines(lineSource(session), context.archive);
  const standing = session.live ? "show" : "end";
  let total = context.archive.store.progress(session.id)?.lines ?? 0;
  const after = (_place: unknown, answer: { total: number }) => {
    total = Math.max(total, answer.total);
  };
  // one more than is shown tells that there are more
  const wanted = pattern === null ? count : count + 1;
  const chunks: Selected[] = [];
  if (from === undefined) chunks.push(...(await reader.last(wanted, whole, standing, after)));
  else for await (const selected of reader.forward(whole, standing, after)) chunks.push(selected);
  const found = chunks.flatMap(linesOf);
  const shown = from === undefined ? found.slice(-count) : found.slice(0, count);
  const timeOf = timesOf(context, session, total);
  const lines = shown.map(({ number, text }) => ({ n: number, text, at: timeOf(number) }));
  call.stdout(`${JSON.stringify({ total, more: found.length > shown.length, lines })}\n`);
}

/** A pattern that takes too long is what was asked, and no defect. */
function told(error: unknown): never {
  throw error instanceof PatternTooSlow ? new Failure(error.message, Status.usage) : error;
}

function patternOf(source: string | undefined): Selection["pattern"] {
  if (source === undefined || source === "") return null;
  try {
    new RegExp(source, "i");
  } catch {
    throw new Failure("this is no regular expression", Status.usage);
  }
  return { source, flags: "i" };
}

/** About when a line was written: between what is known of its block, as its place in it says. */
function timesOf(context: Context, session: Session, total: number): (line: number) => number | null {
  const { store } = context.archive;
  const progress = store.progress(session.id);
  const { times, base, end } = knownTimes(session);
  const known = new Map<number, number | null>();
  const offsetOf = (line: number): number => {
    const stored = progress?.lines ?? 0;
    if (line >= stored) {
      const begins = progress?.offset ?? base;
      return begins + ((end - begins) * (line - stored + 1)) / Math.max(1, total - stored);
    }
    const [block] = store.blocksFrom(session.id, line, 1);
    if (block === undefined) return base;
    return block.offset + ((block.last - block.offset) * (line - block.first)) / Math.max(1, block.count - 1);
  };
  const timeOf = (line: number) => {
    if (!known.has(line)) known.set(line, times.timeAt(Math.min(end, Math.max(base, Math.round(offsetOf(line))))));
    return known.get(line) ?? null;
  };
  return timeOf;
}

/** The times of a session's output, which are in memory: the log's file is not needed any more. */
function knownTimes(session: Session): Pick<OutputLog, "times" | "base" | "end"> {
  const log = session.openLog();
  try {
    log.times.refresh();
    const { times, base, end } = log;
    return { times, base, end };
  } finally {
    log.close();
  }
}

function span(call: Call, context: Context, session: Session): void {
  const { begins, ends } = spanOf(session);
  const parts = partsOf(context.table.all(), session);
  const last = session.live ? context.clock() : ends;
  call.stdout(`${JSON.stringify({ begins, ends: Math.max(begins, last), marks: marksOf(session, parts) })}\n`);
}

async function config(call: Call, session: Session): Promise<void> {
  const { runDirectory } = session.row;
  if (runDirectory === null) throw new Failure("this session has no run directory", Status.noSession);
  try {
    const bytes = await readPiece(path.join(runDirectory, "config.yml"), 0, longestConfig);
    call.stdout(`${JSON.stringify({ text: Buffer.from(bytes).toString("utf8") })}\n`);
  } catch {
    throw new Failure("there is no config.yml that could be read", Status.noSession);
  }
}
