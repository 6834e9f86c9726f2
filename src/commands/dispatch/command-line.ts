// The command line of a command, from its spec: what parses a call, explains itself in --help, and becomes
// the manual page (scripts/manual.ts).
import { Command } from "commander";
import type { Call } from "./call.ts";
import type { CommandSpec } from "./command.ts";

/**
 * A commander command with the spec's words, options and examples; it throws instead of ending the process,
 * and writes where it is told to.
 */
export function commandLine(spec: CommandSpec): Command {
  const command = new Command(`falcon ${spec.name}`);
  command
    .summary(spec.summary)
    .description(`${spec.summary.charAt(0).toUpperCase()}${spec.summary.slice(1)}.`)
    .exitOverride()
    .helpOption("-h, --help", "show this help");
  spec.define(command);
  if (spec.examples !== undefined) command.addHelpText("after", `\nExamples:\n${exampleLines(spec.examples)}`);
  return command;
}

/** The same, which tells the caller what is wrong with their words. */
export function callersLine(spec: CommandSpec, call: Call): Command {
  return commandLine(spec).configureOutput({
    writeOut: (text) => call.stdout(text),
    writeErr: (text) => call.stderr(text),
    outputError: (text, write) => write(text.replace(/^error: /, "falcon: ")),
    getOutHelpWidth: () => call.request.terminal.cols || 80,
  });
}

/** Each example with what it does beside it, or below it where it is long. */
function exampleLines(examples: Exclude<CommandSpec["examples"], undefined>): string {
  const longest = 40;
  const width = Math.min(longest, Math.max(...examples.map(([line]) => line.length)));
  return examples
    .map(([line, what]) =>
      line.length <= longest ? `  ${line.padEnd(width)}  ${what}` : `  ${line}\n  ${"".padEnd(width)}  ${what}`,
    )
    .join("\n");
}
