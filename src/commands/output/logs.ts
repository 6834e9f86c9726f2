// falcon logs: what a session said, as lines; of one, of a node of its run, or found in all of them.
import { Failure, Status } from "../../base/failure.ts";
import { localTime } from "../../base/text/zone.ts";
import { jobNumber } from "../../batch/job-end.ts";
import type { Selection } from "../../logs/line-job.ts";
import { PatternTooSlow } from "../../logs/session-lines.ts";
import { selectRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { chooseOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { nodeLog } from "./log-node.ts";
import { type LogOptions, resumeLogs, selection, sinceOf } from "./log-options.ts";
import { searchAll } from "./log-search.ts";
import { rawLog, sessionLog } from "./log-session.ts";

export const logs: CommandSpec = {
  name: "logs",
  group: "look",
  summary: "what a session said; --all --grep searches all of them",
  examples: [
    ["falcon logs -f night", "follow it until it ends"],
    ["falcon logs night -n 50", "its last 50 lines"],
    ["falcon logs --all -i --grep 'error'", "search every session"],
    ["falcon logs night --node theta", "a node's own log"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("-f, --follow", "go on until the session ends")
      .option("-n, --lines <n>", "the last n lines only")
      .option("--since <time>", "what was said since: 90s, 12h, 2d, 14:30, 2026-11-24T14:30")
      .option("--grep <regex>", "lines that match only (a JavaScript regular expression)")
      .option("-i, --ignore-case", "letters match whatever their case")
      .option("--node <name>", "a node's own log instead; driver is the driver's")
      .option("--raw", "the bytes of the terminal, as the program wrote them")
      .option("--all", "search all sessions (with --grep)")
      .option("--color <when>", "auto, always, never", "auto");
  },
  async run(call, context, [wanted], options) {
    return logsWith(call, context, wanted, options as LogOptions);
  },
};

export const logsAgain: CommandSpec = {
  name: resumeLogs,
  summary: "go on after the server was lost",
  define(command) {
    logs.define(command);
    command.option("--after <line>").option("--byte <offset>");
  },
  run: logs.run,
};

async function logsWith(call: Call, context: Context, wanted: string | undefined, given: LogOptions): Promise<number> {
  // a wrong time is refused before anything is read
  const options = { ...given, time: sinceOf(call, context, given) };
  const select = selection(call, options);
  try {
    if (options.all) return await searchAll(call, context, wanted, options, select);
    const session = chooseOne(call, context, wanted, true);
    if (options.node !== undefined) return await nodeLog(call, context, session, options.node, options, select);
    if (options.raw) return await rawLog(call, context, session, options);
    if (options.lines === undefined && options.after === undefined)
      await earlierParts(call, context, session, wanted, options, select);
    return await sessionLog(call, context, session, options, select);
  } catch (error) {
    if (!(error instanceof PatternTooSlow)) throw error;
    throw new Failure(`--grep ${options.grep}: ${error.message}`, Status.usage);
  }
}

/**
 * The earlier parts of a run that is meant by its name or directory, each with a mark at its seam: one
 * history. An id means its part alone.
 */
async function earlierParts(
  call: Call,
  context: Context,
  session: Session,
  wanted: string | undefined,
  options: LogOptions,
  select: Selection,
): Promise<void> {
  const parts = selectRun(context.table.all(), wanted, call.request.directory, session);
  if (parts.length < 2) return;
  // what came after the part that is meant (a live one comes before an ended one) is another history
  const earlier = parts.slice(0, Math.max(0, parts.indexOf(session)));
  for (const [i, part] of earlier.entries()) {
    try {
      await sessionLog(call, context, part, { ...options, follow: false }, select, false);
    } catch (error) {
      // one part's log that was removed must not hide what the others say
      if (!(error instanceof Failure)) throw error;
      call.stderr(`falcon: part ${placeOf(part, i + 1)} (${part.id}): ${error.message}\n`);
    }
    // a search shows lines that match, and no others
    if (options.grep === undefined) call.stdout(`${seam(parts[i + 1] as Session, i + 2, call)}\n`);
  }
}

/** Which part of its run it is, of those that are here the one at this place. */
function placeOf(part: Session, place: number): number {
  return part.row.facts.part?.n ?? place;
}

/** What stands between two parts. */
function seam(part: Session, place: number, { request }: Call): string {
  const { row } = part;
  const job = row.facts.job;
  const begun = localTime(row.started ?? row.created, request.environment);
  const facts = [row.host, job === undefined ? "" : `job ${jobNumber(job)}`, begun];
  return `── part ${placeOf(part, place)} · ${facts.filter(Boolean).join(" · ")} ──`;
}
