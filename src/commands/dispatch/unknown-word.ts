// A word that is none of our commands: a near miss of one is answered, what the Python falcon knows goes to
// it, anything else is said to be unknown.
import { Failure, Status } from "../../base/failure.ts";
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
  const names = commands.filter((c) => c.deprecated !== true).flatMap((c) => [c.name, ...(c.aliases ?? [])]);
  const near = names
    .map((name) => ({ name, distance: distance(word, name) }))
    .sort((a, b) => a.distance - b.distance)
    .at(0);
  return near !== undefined && near.distance <= (word.length < 5 ? 1 : 2) ? near.name : undefined;
}

/**
 * Letters to put in, leave out, change or swap with their neighbour (Damerau's distance, of adjacent letters
 * only).
 */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const before = rows[i - 1] as number[];
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j - 1] as number) + 1, (before[j] as number) + 1, (before[j - 1] as number) + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? Number.POSITIVE_INFINITY;
}
