// What may stand at the cursor of a command line: `@complete WORDS...`, asked by the shells' completion at
// each Tab.
import { Command, type Option } from "commander";
import { Status } from "../../base/failure.ts";
import type { Session } from "../../session/life/session.ts";
import { remoteSessions } from "../machines/remote-sessions.ts";
import { submittedKnown } from "../start/submitted-session.ts";
import type { Context } from "./call.ts";
import type { CommandSpec } from "./command.ts";
import { elsewhere, presentIds } from "./other-server.ts";

/** A word that fits, and one line about it. */
export interface Candidate {
  word: string;
  about: string;
}

/** What a candidate for a session needs of it. */
export interface Named {
  id: string;
  name: string;
  live: boolean;
  about: string;
}

/** The hidden command that completion asks. */
export const completeCommand = "@complete";

/** Subcommands of the Python falcon, which ours hands over. */
const pythonCommands: readonly Candidate[] = [
  { word: "sample", about: "the Python falcon's: draw samples" },
  { word: "graph", about: "the Python falcon's: show the graph" },
];

/** Options of the Python falcon's launch, which ours hands on. */
const pythonLaunchOptions: readonly Candidate[] = [
  { word: "--output", about: "run directory" },
  { word: "--config", about: "configuration file" },
  { word: "--interactive", about: "falcon's display" },
  { word: "--no-interactive", about: "plain lines" },
  { word: "--log-lines", about: "lines of log below the display" },
  { word: "--no-auto-sample", about: "no samples at the end" },
];

/**
 * Candidates for the last of `words` (which may be empty); the command's own name is none of them. Nothing
 * fits where files do, and where only a person knows what to write: the shell then offers files.
 */
export function candidates(commands: readonly CommandSpec[], words: readonly string[], sessions: readonly Named[]): Candidate[] {
  const current = words.at(-1) ?? "";
  return all(commands, words.slice(0, -1), current, sessions).filter(({ word }) => word.startsWith(current));
}

function all(
  commands: readonly CommandSpec[],
  before: readonly string[],
  current: string,
  sessions: readonly Named[],
): Candidate[] {
  const [name, ...given] = before;
  const names = commands.filter((c) => c.deprecated !== true).map((c) => ({ word: c.name, about: c.summary }));
  if (name === undefined) {
    return [
      ...names,
      ...pythonCommands,
      { word: "help", about: "about a command" },
      { word: "--help", about: "all commands" },
      { word: "--version", about: "ours and the Python falcon's" },
    ];
  }
  if (name === "help") return given.length === 0 ? names : [];
  const spec = commands.find((c) => c.name === name || c.aliases?.includes(name));
  if (spec === undefined || given.includes("--")) return [];
  const command = new Command(spec.name);
  spec.define(command);
  const valued = optionWithValue(command, given.at(-1) ?? "");
  if (valued !== undefined) return fixed(spec, valued.long ?? "");
  if (current.startsWith("-")) {
    const own = command.options.map((option) => ({ word: option.long ?? option.short ?? "", about: option.description }));
    return [
      ...own,
      ...(spec.name === "launch" ? pythonLaunchOptions : []),
      { word: "--help", about: "about this command" },
    ].filter(({ word }) => !given.includes(word));
  }
  const positional = countPositional(command, given);
  const last = command.registeredArguments.at(-1);
  const argument = command.registeredArguments[positional] ?? (last?.variadic ? last : undefined);
  if (argument === undefined) return [];
  if (argument.name() !== "session") return fixed(spec, argument.name());
  const which = spec.completes ?? "live";
  const fitting = sessions.filter((s) => which === "all" || s.live === (which === "live"));
  return sessionWords(fitting, current, given);
}

/** The option that this word is, where a value follows it. */
function optionWithValue(command: Command, word: string): Option | undefined {
  return command.options.find((o) => (o.required || o.optional) && (o.long === word || o.short === word));
}

/** How many of the words are arguments, neither options nor their values. */
function countPositional(command: Command, given: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < given.length; i++) {
    const word = given[i] as string;
    if (!word.startsWith("-")) count++;
    else if (optionWithValue(command, word) !== undefined) i++;
  }
  return count;
}

/** Sessions by name, for people; by id where a name does not tell which one is meant, or an id was begun. */
function sessionWords(sessions: readonly Named[], current: string, given: readonly string[]): Candidate[] {
  const named = new Map<string, number>();
  for (const { name } of sessions) named.set(name, (named.get(name) ?? 0) + 1);
  const words = sessions.map((s) => {
    const twice = (named.get(s.name) ?? 0) > 1;
    const byId = twice || (current !== "" && s.id.startsWith(current) && !s.name.startsWith(current));
    return { word: byId ? s.id : s.name, about: byId ? `${s.name} · ${s.about}` : s.about };
  });
  return words.filter(({ word }) => !given.includes(word));
}

function fixed(spec: CommandSpec, name: string): Candidate[] {
  return (spec.words?.[name] ?? []).map((word) => ({ word, about: "" }));
}

/** What a shell asks at each Tab. */
export function completion(commands: readonly CommandSpec[]): CommandSpec {
  return {
    name: completeCommand,
    summary: "what may stand at the cursor",
    define(command) {
      // the words are somebody's unfinished command line: nothing in them is an option of ours
      command.argument("[words...]").allowUnknownOption().helpOption(false);
    },
    async run(call, context) {
      const words = call.request.arguments.slice(1);
      const sessions = [...context.table.all().map(named), ...(await namedElsewhere(context))].reverse();
      const lines = candidates(commands, words, sessions).map(({ word, about }) => `${word}\t${oneLine(about)}\n`);
      call.stdout(lines.join(""));
      return Status.ok;
    },
  };
}

function named(session: Session): Named {
  const { row } = session;
  return { id: session.id, name: row.name, live: session.live, about: `${row.state}, ${row.runDirectory ?? row.directory}` };
}

/** Those of the other servers of this host, of the user's other machines, and what was submitted to Slurm. */
async function namedElsewhere(context: Context): Promise<Named[]> {
  const others = await elsewhere(context);
  // Slurm itself is not asked: a person waits at the cursor
  const waiting = submittedKnown(context, presentIds(context, others));
  const { sessions: far } = await remoteSessions(
    context,
    (id) => context.table.get(id) !== undefined || others.some((other) => other.id === id),
  );
  return [
    ...far.map(({ id, name, live, state, host }) => ({ id, name, live, about: `${state} on ${host}` })),
    ...others.map(({ id, name, live, state, runDirectory, directory }) => ({
      ...{ id, name, live },
      about: `${state}, ${runDirectory ?? directory}`,
    })),
    ...waiting.map(({ submission: { id, name }, state, text }) => ({
      ...{ id, name, live: state === "pending" || state === "running" },
      about: text,
    })),
  ];
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
