// From the arguments of a call to the command that they name; what is not ours goes to the Python falcon.
import path from "node:path";
import { type Command, CommanderError } from "commander";
import { Failure, Status, sentence, shortageOf } from "../../base/failure.ts";
import { learnRealPaths } from "../../session/life/real-paths.ts";
import { runDirectoriesOf } from "../../session/life/select-session.ts";
import { sentHere, sentToSite } from "../machines/reach.ts";
import type { Call, Context } from "./call.ts";
import { type CommandSpec, groups } from "./command.ts";
import { callersLine } from "./command-line.ts";
import * as specs from "./commands.ts";
import { completion } from "./completion.ts";
import { handOver } from "./hand-over.ts";
import { help, versionText } from "./help.ts";
import { doneElsewhere } from "./other-server.ts";
import { sessionWords } from "./session-words.ts";
import { unknownCommand } from "./unknown-word.ts";

const all: readonly CommandSpec[] = Object.values(specs);

/** The commands of people, in the order of the help: by group, then by name. */
export const commands: readonly CommandSpec[] = Object.keys(groups).flatMap((group) =>
  all.filter((spec) => spec.group === group).sort((one, other) => (one.name < other.name ? -1 : 1)),
);

/** Every command that a call can name. */
const known: readonly CommandSpec[] = [...all, completion(commands)];

/** Runs the call's command and answers its exit status; every failure is one sentence on stderr. */
export async function runCommand(call: Call, context: Context): Promise<number | undefined> {
  try {
    return await dispatch(call, context);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? Status.ok : Status.usage;
    if (error instanceof Failure) {
      call.stderr(`falcon: ${error.message}\n`);
      return error.status;
    }
    if (context.handingOver) return undefined;
    const shortage = shortageOf(error);
    if (shortage !== undefined) {
      context.log("command.resources-exhausted", { reason: String(error) });
      call.stderr(`falcon: ${shortage}\n`);
      return Status.ours;
    }
    context.log("command.crashed", { reason: String(error), stack: error instanceof Error ? error.stack : undefined });
    call.stderr(`falcon: something went wrong on our side: ${sentence(error)} (more in ${context.home}/server.log)\n`);
    return Status.ours;
  }
}

async function dispatch(call: Call, context: Context): Promise<number | undefined> {
  const given = call.request.arguments;
  const [name, ...rest] = given[0] === sentHere || given[0] === sentToSite ? given.slice(1) : given;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const about = commands.find((c) => c.name === rest[0]);
    if (name === "help" && about !== undefined) return parse(about, ["--help"], call, context);
    await help(call, commands);
    return name === undefined ? Status.usage : Status.ok;
  }
  if (name === "--version" || name === "-V") {
    call.stdout(await versionText(call, context));
    return Status.ok;
  }
  const spec = known.find((c) => c.name === name || c.aliases?.includes(name));
  if (spec === undefined) {
    const unknown = await unknownCommand(call, name, commands);
    if (unknown !== undefined) throw unknown;
    return handOver(call);
  }
  return parse(spec, rest, call, context);
}

async function parse(spec: CommandSpec, args: string[], call: Call, context: Context): Promise<number | undefined> {
  const command = callersLine(spec, call);
  if (spec.helpAfter !== undefined && args.some((word) => word === "--help" || word === "-h"))
    command.addHelpText("after", await spec.helpAfter(call));
  let outcome: Promise<number | undefined> | undefined;
  command.action(() => {
    outcome = runHere(spec, command, call, context);
  });
  await command.parseAsync(args, { from: "user" });
  return outcome;
}

/** Where a run directory that a word may be leads, before sessions are chosen by it. */
async function learnPaths(call: Call, context: Context, words: readonly string[]): Promise<void> {
  const sessions = context.table.all();
  const isSession = (word: string) => sessions.some((s) => s.id.startsWith(word) || s.row.name === word);
  const wanted = words
    .filter((word) => word !== "" && !isSession(word))
    .map((word) => path.resolve(call.request.directory, word));
  // of one name there may be several runs, or parts of one; nobody else's path is compared with anything then
  const compared = wanted.length > 0 ? sessions : sessions.filter(({ row }) => words.includes(row.name));
  const directories = new Set(runDirectoriesOf(compared));
  if (wanted.length > 0 || directories.size > 1) await learnRealPaths(wanted, [...directories]);
}

/** Here, or by another server of this host that has the session. */
async function runHere(spec: CommandSpec, command: Command, call: Call, context: Context): Promise<number | undefined> {
  // while the rest is looked into
  if (spec.starts === true) context.table.prepare();
  await learnPaths(call, context, sessionWords(command));
  const elsewhere = await doneElsewhere(call, context, spec, command);
  if (elsewhere !== undefined) return elsewhere === "sent-on" ? undefined : elsewhere;
  return spec.run(call, context, command.args, command.opts());
}
