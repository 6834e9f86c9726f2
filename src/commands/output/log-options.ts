// The options of falcon logs, checked, and what they ask for.
import { Failure, Status } from "../../base/failure.ts";
import type { Selection } from "../../logs/line-job.ts";
import { everyLine } from "../../logs/session-lines.ts";
import type { Session } from "../../session/life/session.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { coloursFor } from "../text/table.ts";
import { parseTime } from "../text/time-option.ts";

/**
 * The hidden command by which a client goes on after its server was lost or replaced: the same options, and
 * the line or byte to go on from.
 */
export const resumeLogs = "@logs";

/** Lines that -n gives at most: they are gathered before the first one is written. */
const mostLast = 100_000;

export interface LogOptions {
  follow?: boolean;
  lines?: string;
  since?: string;
  /** The moment of `since` (ms since 1970), one for all parts of a run. */
  time?: number | undefined;
  grep?: string;
  ignoreCase?: boolean;
  node?: string;
  raw?: boolean;
  all?: boolean;
  color: string;
  after?: string;
  byte?: string;
}

/** Checks the options and makes of them what is looked for. @throws Failure 2 */
export function selection(call: Call, options: LogOptions): Selection {
  const when = options.color;
  if (when !== "auto" && when !== "always" && when !== "never")
    throw new Failure(`--color ${when}: give auto, always or never`, Status.usage);
  let pattern: Selection["pattern"] = null;
  if (options.grep !== undefined) {
    const flags = options.ignoreCase ? "i" : "";
    try {
      new RegExp(options.grep, flags);
    } catch (error) {
      const reason = (error as Error).message.replace(/^Invalid regular expression: \/.*\/\w*: /s, "");
      throw new Failure(`--grep ${options.grep}: not a regular expression (${reason})`, Status.usage);
    }
    pattern = { source: options.grep, flags };
  }
  const { raw, lines, grep, all, node, follow } = options;
  const wrong =
    raw && (lines !== undefined || grep !== undefined)
      ? "--raw gives bytes: it goes with neither -n nor --grep"
      : raw && node !== undefined && follow
        ? "--raw with --node gives what the file has now: without --raw, -f follows its lines"
        : all && grep === undefined
          ? "--all searches: give it a --grep"
          : all && (raw || node !== undefined || follow)
            ? "--all goes with neither --raw, --node nor -f"
            : undefined;
  if (wrong !== undefined) throw new Failure(wrong, Status.usage);
  const colours = when === "always" || (when === "auto" && coloursFor(call.request).isColorSupported);
  return { ...everyLine, from: Number(options.after ?? 0), pattern, colours };
}

export function lastOf(options: LogOptions): number | undefined {
  if (options.lines === undefined || options.after !== undefined) return undefined;
  const count = Number(options.lines);
  if (!Number.isInteger(count) || count < 0 || count > mostLast)
    throw new Failure(`-n ${options.lines}: give a number of lines from 0 to ${mostLast}`, Status.usage);
  return count;
}

/** The moment of `--since` (ms since 1970); undefined: none is asked for. @throws Failure 2 */
export function sinceOf(call: Call, context: Context, { since }: LogOptions): number | undefined {
  return since === undefined ? undefined : parseTime("--since", since, context.clock(), call.request.environment);
}

/** What the next server is asked for: the same, from the next line on. */
export function resumption(session: Session, options: LogOptions, after: number): string[] {
  return [
    resumeLogs,
    session.id,
    ...(options.node === undefined ? [] : [`--node=${options.node}`]),
    ...(options.follow ? ["--follow"] : []),
    "--color",
    options.color,
    ...(options.grep === undefined ? [] : [`--grep=${options.grep}`]),
    ...(options.ignoreCase ? ["--ignore-case"] : []),
    "--after",
    String(after),
  ];
}
