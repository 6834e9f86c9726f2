// falcon relaunch: an ended, failed or lost session is started again, same command, directory, environment
// and run directory.
import { Failure, Status } from "../../base/failure.ts";
import { changesOf, withChanges } from "../../session/life/provenance.ts";
import { deadlineFact } from "../../session/run/deadline.ts";
import type { SessionRow } from "../../store/session-store.ts";
import { endOfFile } from "../../trainers/reading/metrics-files.ts";
import { launcher } from "../../trainers/registry.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { chooseOne, nameOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { defineDeadlineOptions } from "./deadline-options.ts";
import { plainWithout } from "./launch.ts";
import { programFile } from "./program-file.ts";
import { programEnvironment, type Starting, startAndStay, stayWith } from "./start-session.ts";

export const relaunch: CommandSpec = {
  name: "relaunch",
  group: "start",
  starts: true,
  summary: "start an ended or lost session again; a falcon run resumes in its run directory",
  examples: [
    ["falcon relaunch night", "resume it in its run directory, attached"],
    ["falcon relaunch -d night", "in the background"],
  ],
  completes: "ended",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .argument("[key=value...]", "settings for falcon, in place of config.yml's; kept for each later relaunch")
      .option("-d, --detach", "start in the background, print the session's id")
      .option("--size <COLSxROWS>", "pin the size of its terminal");
    defineDeadlineOptions(command);
  },
  async run(call, context, words, options) {
    const { wanted, settings } = wordsOf(context, words);
    const started = context.table.startedBy(call.request.token);
    if (started !== undefined) return stayWith(call, context, started, options);
    const session = wanted === undefined ? chooseOne(call, context, wanted, true) : nameOne(call, context, wanted);
    const { row, live, id } = session;
    if (live) throw new Failure(`session ${id} (${row.name}) is running: 'falcon attach ${id}' shows it`, Status.usage);
    if (settings.length > 0 && row.kind !== "launch")
      throw new Failure(`session ${id} (${row.name}) is no falcon launch: ${settings[0]} would mean nothing to it`, Status.usage);
    const { directory } = row;
    // of a part that another home had the environment is not known: it may hold secrets, and is published
    // nowhere
    const known = Object.keys(row.environment).length > 0;
    const environment = known ? row.environment : programEnvironment(call.request.environment);
    const program = await currentProgram(row);
    await programFile(program, environment, directory);
    const size = options.size ?? (row.pinned ? `${row.cols}x${row.rows}` : undefined);
    const { command, plain, notice } = await resuming(
      call,
      { ...row, command: [program, ...row.command.slice(1)] },
      options.detach === true,
      settings,
    );
    return startAndStay(
      call,
      context,
      {
        kind: row.kind,
        command,
        name: row.name,
        runDirectory: row.runDirectory,
        plain,
        earlier: session,
        words: row.facts.asked ?? row.command,
        changes: withChanges(changesOf(row), settings),
        ...(await metricsOf(row)),
        ...(row.facts.stopSignal === undefined ? {} : { stopSignal: row.facts.stopSignal }),
        again: { directory, environment },
        ...(notice === undefined ? {} : { notice }),
      },
      { ...options, saveBefore: options.saveBefore ?? earlierGrace(row), ...(size === undefined ? {} : { size }) },
    );
  },
};

/**
 * The files of metrics that the earlier part was said to write: what stands in them now is not the next
 * one's.
 */
async function metricsOf({ facts }: SessionRow): Promise<Pick<Starting, "metrics">> {
  const named = facts.metrics;
  if (named === undefined) return {};
  return { metrics: await Promise.all(named.map(async ({ file }) => ({ file, before: await endOfFile(file) }))) };
}

/**
 * The session and the settings of `relaunch [SESSION] [key=value...]`. A session's name may have a "=" in it.
 */
function wordsOf(context: Context, words: readonly string[]): { wanted: string | undefined; settings: string[] } {
  const [first, ...rest] = words;
  const isSetting = (word: string) => /^[^-=\s][^=\s]*=/.test(word);
  const isSession = context.table.all().some(({ id, row }) => id === first || row.name === first);
  const named = first !== undefined && (isSession || !isSetting(first));
  const settings = named ? rest : [...words];
  const wrong = settings.find((word) => !isSetting(word));
  if (wrong !== undefined)
    throw new Failure(`relaunch takes one session, then key=value settings: '${wrong}' is neither`, Status.usage);
  return { wanted: named ? first : undefined, settings };
}

/**
 * The program of a session as it is called now: a falcon may have become our shim since, or the Python one
 * again (trainers/falcon/launch/shim.ts).
 */
async function currentProgram(row: SessionRow): Promise<string> {
  const file = row.command[0] ?? "";
  return row.kind === "launch" ? ((await launcher.behind(file)) ?? file) : file;
}

/** What was said of the earlier part holds for the next one too. */
function earlierGrace(row: SessionRow): string | undefined {
  const { saveBefore } = deadlineFact(row);
  return saveBefore === undefined ? undefined : `${saveBefore}ms`;
}

/**
 * The command that resumes: a falcon run whose directory was not named in its arguments is told the one that
 * it made. Whether it shows its display is decided by where it is started now, unless the user's own
 * arguments say it.
 */
async function resuming(
  call: Call,
  row: SessionRow,
  detached: boolean,
  settings: readonly string[],
): Promise<{ command: string[]; plain: boolean; notice?: string }> {
  if (row.kind !== "launch") return { command: row.command, plain: false };
  const at = row.command.indexOf("launch") + 1;
  // what launch.ts added stands first
  const args = row.command.slice(row.facts.plain === true ? at + 1 : at);
  const plan = await launcher.resume(args, row.directory, row.runDirectory ?? undefined);
  const plain = plainWithout(call, detached, launcher.request(args).interactive);
  return {
    command: [...row.command.slice(0, at), ...plain, ...withChanges(plan.args, settings)],
    plain: plain.length > 0,
    notice: `[${row.name}] ${plan.sentence}\n`,
  };
}
