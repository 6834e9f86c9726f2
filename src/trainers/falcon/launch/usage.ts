// What the Python falcon says of itself: the commands that it knows and its options, from its bare usage,
// remembered while its file stays the same. Never from `falcon launch --help`, which 0.5.1 does not know: it
// launches.

import { spawnOutside } from "../../../base/aside/outside-program.ts";
import { usableDirectory } from "../../../base/aside/usable-directory.ts";
import { withoutAttributes } from "../../../base/text/control-sequences.ts";
import type { FoundProgram } from "../../trainer.ts";
import { changes } from "./python-probe.ts";

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
  const [file] = found.command as [string, ...string[]];
  const changed = (await changes([file])).get(file) ?? 0;
  const key = JSON.stringify([found.command, changed]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const said = await ask(found.command, environment, directory);
  if (!/^[^\S\n]+falcon\s+[a-z]/m.test(said)) return undefined;
  for (const oldest of remembered.keys()) if (remembered.size >= mostUsages) remembered.delete(oldest);
  remembered.set(key, said);
  return said;
}

/** The commands that a usage names: `falcon launch [--output DIR] …`. */
export function commandsIn(usage: string): string[] {
  return [...new Set([...usage.matchAll(/^[^\S\n]+falcon\s+([a-z][\w-]*)/gm)].map((found) => found[1] as string))];
}

async function ask(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  directory: string,
): Promise<string> {
  const [file, ...args] = command as [string, ...string[]];
  const cwd = await usableDirectory(directory);
  return new Promise((done) => {
    let said = "";
    const child = spawnOutside(file, args, {
      cwd,
      env: { ...environment },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: usagePatience,
    });
    child.stdout?.on("data", (piece: Buffer) => {
      if (said.length < longestUsage) said += piece.toString();
    });
    child.on("error", () => done(""));
    child.on("close", () => done(withoutAttributes(said)));
  });
}
