// A word that is none of our commands: a near miss of one is answered, what the Python falcon knows goes to
// it, anything else is said to be unknown.

import { Failure, Status } from "../../base/failure.ts";
import { editDistance } from "../../base/text/edit-distance.ts";
import { launcher } from "../../trainers/registry.ts";
import type { Call } from "./call.ts";
import type { CommandSpec } from "./command.ts";

/** What people call our commands who know others: git's, docker's, tmux's, Slurm's. */
const otherNames: Readonly<Record<string, string>> = {
  status: "sessions",
  list: "sessions",
  ps: "sessions",
  jobs: "sessions",
  queue: "sessions",
  session: "sessions",
  top: "sessions --watch",
  watch: "sessions --watch",
  log: "logs",
  tail: "logs -f",
  cat: "logs",
  info: "show",
  inspect: "show",
  start: "launch",
  train: "launch",
  resume: "relaunch",
  restart: "relaunch",
  reattach: "attach",
  open: "attach",
  cancel: "stop",
  delete: "remove",
  check: "doctor",
};

/** A word with fewer letters may have one typing error, not two. */
const shortWord = 5;

/** Commands of every falcon that we know: no Python is asked for them. */
const always: readonly string[] = ["sample", "graph"];

/**
 * The sentence for a word that neither we nor the Python falcon know; undefined where it goes to the Python
 * falcon, whose own usage with status 0 would
 * look like success for everything else.
 */
export async function unknownCommand(call: Call, word: string, commands: readonly CommandSpec[]): Promise<Failure | undefined> {
  if (word.startsWith("-") || always.includes(word)) return undefined;
  const meant = nearest(word, commands);
  const { environment, directory } = call.request;
  const usage = await launcher.find({ environment, directory }).then(
    (found) => launcher.usage(found, environment, directory),
    () => undefined,
  );
  if (usage !== undefined && launcher.commandsIn(usage).includes(word)) return undefined;
  if (meant !== undefined) return new Failure(`no command '${word}': did you mean 'falcon ${meant}'?`, Status.usage);
  if (usage === undefined) return undefined;
  return new Failure(
    `no command '${word}', of ours or of the Python falcon's (${launcher.commandsIn(usage).join(", ")}): 'falcon --help' lists ours`,
    Status.usage,
  );
}

/**
 * The command that was probably meant: one by another name, or with two typing errors at most (one in a short
 * word).
 */
export function nearest(word: string, commands: readonly CommandSpec[]): string | undefined {
  if (Object.hasOwn(otherNames, word)) return otherNames[word];
  const ours = commands.filter((c) => c.deprecated !== true).flatMap((c) => [c.name, ...(c.aliases ?? [])]);
  // a short word is near too many others
  const others = Object.entries(otherNames).filter(([name]) => name.length >= shortWord);
  const near = [...ours.map((name) => [name, name] as const), ...others]
    .map(([name, means]) => ({ means, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance)
    .at(0);
  return near !== undefined && near.distance <= (word.length < shortWord ? 1 : 2) ? near.means : undefined;
}
