// Which run directory a session trains into: named by its arguments, or found after the start.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { readRegular } from "../../../base/aside/regular-file.ts";
import { onDisk, textOf } from "../../../base/text/bytes.ts";
import type { FoundRun } from "../../trainer.ts";

/** The state of PROJECT/output/latest: what it points at, and when it was made (ms since 1970). */
export interface LatestLink {
  target: string;
  made: number;
}

/** What latestLink() found: no link, or that it could not be looked at, by which nothing is known of it. */
export type LinkBefore = LatestLink | undefined | "unknown";

/**
 * How much of the end of a driver log is searched for the run's "Output:" line; a start writes about 2 KB.
 */
const logTail = 256 << 10;

/**
 * Without links, as far as the path exists; the rest as it is written. Asks the file system itself: for work
 * that is done aside.
 */
export function canonicalHere(file: string): string {
  const rest: string[] = [];
  for (let at = path.resolve(file); ; at = path.dirname(at)) {
    try {
      return path.join(textOf(fs.realpathSync(onDisk(at), "buffer")), ...rest);
    } catch {
      if (at === path.dirname(at)) return path.resolve(file);
      rest.unshift(path.basename(at));
    }
  }
}

/** The same, done aside. */
export const canonical = aside("canonical", canonicalHere, ([file]) => file);

/**
 * The `output/latest` link of the project in `directory`: take it before the start, to see later that it
 * changed.
 */
export const latestLink = aside("latestLink", latestLinkHere, ([directory]) => directory);

/** Why there is no such link: nothing is there, or something else. */
const noLink = new Set<unknown>(["ENOENT", "ENOTDIR", "EINVAL"]);

function latestLinkHere(directory: string): LatestLink | undefined {
  try {
    const link = path.join(directory, "output", "latest");
    return { target: textOf(fs.readlinkSync(onDisk(link), "buffer")), made: fs.lstatSync(onDisk(link)).mtimeMs };
  } catch (error) {
    if (noLink.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

/**
 * Looks for the run directory of a run that was started in `directory` without -o. `before` is latestLink()
 * from before the
 * start; `pids` are the run's processes, the program itself first. Undefined: not to be seen yet (falcon
 * needs a few seconds).
 */
export const findRunDirectory = aside("findRunDirectory", findHere, ([directory]) => directory);

function findHere(directory: string, before: LinkBefore, pids: readonly number[]): FoundRun | undefined {
  const log = openDriverLog(pids);
  if (log !== undefined) {
    const output = outputLine(log);
    if (output !== undefined) return { run: canonicalHere(path.resolve(directory, output)), own: true };
    const run = path.resolve(log, "../../..");
    if (hasConfig(run)) return { run, own: true };
  }
  if (before === "unknown") return undefined;
  const now = latestLinkHere(directory);
  if (now && (now.target !== before?.target || now.made !== before.made)) {
    const run = canonicalHere(path.resolve(directory, "output", now.target));
    if (hasConfig(run)) return { run, own: false };
  }
  return undefined;
}

function hasConfig(run: string): boolean {
  return fs.existsSync(onDisk(path.join(run, "config.yml")));
}

/** The `…/driver/output.log` that one of these processes holds open (Linux; elsewhere undefined). */
export function openDriverLog(pids: readonly number[]): string | undefined {
  for (const pid of pids) {
    let names: string[];
    try {
      names = fs.readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue; // gone, or not ours, or not Linux
    }
    for (const name of names) {
      try {
        const target = textOf(fs.readlinkSync(`/proc/${pid}/fd/${name}`, "buffer"));
        if (target.endsWith("/driver/output.log")) return target;
      } catch {
        // closed meanwhile
      }
    }
  }
  return undefined;
}

/**
 * The last "Output: DIR" that the driver logged, as it was written (relative to the run's working directory).
 */
function outputLine(log: string): string | undefined {
  let text: string;
  try {
    const { size } = fs.statSync(onDisk(log));
    text = readRegular(log, Math.max(0, size - logTail), logTail).toString("utf8");
  } catch {
    return undefined;
  }
  // the summary at the end has "Output:  DIR" with two blanks: the start's line has one
  const found = [...text.matchAll(/^\S+ \[INFO\] Output: (\S.*)$/gm)].at(-1);
  return found?.[1];
}
