// What the Python falcon says of itself: the commands that it knows and its options, from its bare usage,
// remembered while its file stays the same. Never from `falcon launch --help`, which 0.5.1 does not know: it
// launches.

import { askProgram } from "../../../base/aside/ask-program.ts";
import { withoutAttributes } from "../../../base/text/control-sequences.ts";
import { signatureOf } from "../../reading/foreign-files.ts";
import type { FoundProgram } from "../../trainer.ts";

/** Milliseconds that it may take to say its usage: Python's start from a cold, slow disk. */
const usagePatience = 10_000;

/** Its usage is 800 bytes; more than this is no usage. */
const longestUsage = 64 << 10;

/** Usages that are remembered: users have a handful of environments. */
const mostUsages = 16;

const remembered = new Map<string, string>();

/** Its bare usage without colours; undefined where it says none. */
export async function falconUsage(
  found: FoundProgram,
  environment: Readonly<Record<string, string>>,
  directory: string,
): Promise<string | undefined> {
  const [file, ...args] = found.command as [string, ...string[]];
  const key = JSON.stringify([found.command, await signatureOf(file)]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const asking = { environment, directory, patience: usagePatience, longest: longestUsage };
  const said = withoutAttributes((await askProgram(file, args, asking)).said);
  if (!/^[^\S\n]+falcon\s+[a-z]/m.test(said)) return undefined;
  for (const oldest of remembered.keys()) if (remembered.size >= mostUsages) remembered.delete(oldest);
  remembered.set(key, said);
  return said;
}

/** The commands that a usage names: `falcon launch [--output DIR] …`. */
export function commandsIn(usage: string): string[] {
  return [...new Set([...usage.matchAll(/^[^\S\n]+falcon\s+([a-z][\w-]*)/gm)].map((found) => found[1] as string))];
}
