// Which words of a command line name sessions: only those may be run directories, and lead to another server.
import type { Command } from "commander";

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

function placeOfSession(command: Command): number {
  return command.registeredArguments.findIndex((argument) => argument.name() === "session");
}
