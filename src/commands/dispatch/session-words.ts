// Which words of a command line name sessions: only those may be run directories, and lead to another server.
import type { Command } from "commander";
import type { CommandSpec } from "./command.ts";
import { commandLine } from "./command-line.ts";

/** Whether a command takes sessions at all: its argument for them is called so. */
export function takesSession(command: Command): boolean {
  return placeOfSession(command) >= 0;
}

/**
 * The words of a parsed command line that name sessions, or the run directory that an option names instead;
 * none where the command takes no session, or nothing names one.
 */
export function sessionWords(command: Command): string[] {
  const { runDir } = command.opts();
  if (typeof runDir === "string") return [runDir];
  const at = placeOfSession(command);
  if (at < 0) return [];
  return command.registeredArguments[at]?.variadic ? command.args.slice(at) : command.args.slice(at, at + 1);
}

/**
 * The arguments of a command with these ids in the places of the words that name sessions. Such a word may
 * stand among them once more, as the value of an option: which of them it is the parser says.
 */
export function withSessions(spec: CommandSpec, args: readonly string[], ids: readonly string[]): string[] {
  const namedBy = (line: readonly string[]) => {
    const command = commandLine(spec).action(() => {});
    return sessionWords(command.parse(line, { from: "user" }));
  };
  // an id is no value of some options, which the parser refuses: it does not belong there then
  const names = (line: readonly string[], n: number, id: string) => {
    try {
      return namedBy(line)[n] === id;
    } catch {
      return false;
    }
  };
  const words = namedBy(args);
  let line = [...args];
  for (const [n, id] of ids.entries()) {
    const lines = line.flatMap((word, at) => (word === words[n] ? [line.with(at, id)] : []));
    line = lines.find((one) => names(one, n, id)) ?? line;
  }
  return line;
}

function placeOfSession(command: Command): number {
  return command.registeredArguments.findIndex((argument) => argument.name() === "session");
}
