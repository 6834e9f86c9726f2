// What may stand at the cursor of a command line: `@complete WORDS...`, asked by the shells' completion at each Tab.
import { Command } from "commander";
import { Status } from "../base/failure.ts";
import type { Session } from "../session/session.ts";
import type { CommandSpec } from "./dispatch.ts";

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

/** Fixed words that an argument or an option takes, by its name in the command's definition. */
const fixedWords: Readonly<Record<string, readonly string[]>> = {
  "server action": ["status", "stop", "upgrade"],
  "init shell": ["bash", "zsh", "fish"],
  "--format": ["cast", "html", "svg", "png", "text"],
  "--signal": ["TERM", "INT", "KILL", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"],
};

/** Commands for which an ended session is as good as one that runs. */
const alsoEnded = new Set(["show", "logs", "export", "remove", "relaunch", "sessions", "ls", "rename", "wait"]);
/** Commands that only an ended session suits. */
const onlyEnded = new Set(["remove", "relaunch"]);

/**
 * Candidates for the last of `words` (which may be empty); the command's own name is none of them. Nothing fits where files do, and where
 * only a person knows what to write: the shell then offers files.
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
  // monitor is an old name that is only kept for those who know it
  const names = commands.filter((c) => c.name !== "monitor").map((c) => ({ word: c.name, about: c.summary }));
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
  const valued = command.options.find(
    (option) => (option.required || option.optional) && [option.long, option.short].includes(given.at(-1) ?? ""),
  );
  if (valued !== undefined) return fixed(valued.long ?? "");
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
  if (argument.name() !== "session") return fixed(`${spec.name} ${argument.name()}`);
  const fitting = sessions.filter((s) => (s.live ? !onlyEnded.has(spec.name) : alsoEnded.has(spec.name)));
  return sessionWords(fitting, current, given);
}

/** How many of the words are arguments, neither options nor their values. */
function countPositional(command: Command, given: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < given.length; i++) {
    const word = given[i] as string;
    if (!word.startsWith("-")) count++;
    else if (command.options.some((o) => (o.required || o.optional) && (o.long === word || o.short === word))) i++;
  }
  return count;
}

/** Sessions by name, for people; by id where a name does not tell which one is meant, or an id was begun. */
function sessionWords(sessions: readonly Named[], current: string, given: readonly string[]): Candidate[] {
  const words = sessions.map((s) => {
    const twice = sessions.some((other) => other !== s && other.name === s.name);
    const byId = twice || (current !== "" && s.id.startsWith(current) && !s.name.startsWith(current));
    return { word: byId ? s.id : s.name, about: byId ? `${s.name} · ${s.about}` : s.about };
  });
  return words.filter(({ word }) => !given.includes(word));
}

function fixed(name: string): Candidate[] {
  return (fixedWords[name] ?? []).map((word) => ({ word, about: "" }));
}

/** @param commands asked at each call, since the list of commands holds this one too. */
export function completion(commands: () => readonly CommandSpec[]): CommandSpec {
  return {
    name: completeCommand,
    summary: "what may stand at the cursor",
    define(command) {
      // the words are somebody's unfinished command line: nothing in them is an option of ours
      command.argument("[words...]").allowUnknownOption().helpOption(false);
    },
    async run(call, context) {
      const words = call.request.arguments.slice(1);
      const sessions = context.table.all().reverse().map(named);
      const lines = candidates(commands(), words, sessions).map(({ word, about }) => `${word}\t${oneLine(about)}\n`);
      call.stdout(lines.join(""));
      return Status.ok;
    },
  };
}

function named(session: Session): Named {
  const { row } = session;
  return { id: session.id, name: row.name, live: session.live, about: `${row.state}, ${row.runDirectory ?? row.directory}` };
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}
