// What a command is to those who run it, list it, explain it and complete it.
import type { Command, OptionValues } from "commander";
import type { Call, Context } from "./call.ts";

/** Where --help lists a command, in its order, and under which words. */
export const groups = {
  start: "Start a run, leave it and come back",
  look: "Look at runs",
  act: "Act on runs",
  "set up": "Set up",
} as const;

/** Of an option that may be given again: all its values. */
export function repeated(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** One command: what it is called, what it takes, what it does. */
export interface CommandSpec {
  readonly name: string;
  /** Where --help lists it; what only programs ask for (a client that lost its server, say) is in none. */
  readonly group?: keyof typeof groups;
  readonly aliases?: readonly string[];
  /** One line for the list of commands; starts with a small letter. */
  readonly summary: string;
  /** Declares arguments and options. */
  define(command: Command): void;
  /** Does it; answers the exit status, or undefined when the client was told what to become. */
  run(call: Call, context: Context, args: string[], options: OptionValues): Promise<number | undefined>;
  /** Command lines as they are typed, each with what it does: for its help and its manual page. */
  readonly examples?: readonly (readonly [line: string, what: string])[];
  /** What stands below its help and has to be asked for first; "": nothing. */
  helpAfter?(call: Call): Promise<string>;
  /** Which sessions its SESSION argument completes; without a word those that run. */
  readonly completes?: "live" | "ended" | "all";
  /** Without a name no one session is meant: it is about all that its server has, or about none. */
  readonly goesUnnamed?: true;
  /** Fixed words that an argument (by its name) or an option (`--name`) takes, for completion. */
  readonly words?: Readonly<Record<string, readonly string[]>>;
  /** It starts a session. */
  readonly starts?: boolean;
  /** Kept for those who know it, and not offered to anybody else. */
  readonly deprecated?: boolean;
}
