// The roster's files, `roster/<home>.json` (docs/design/decisions/0004-homes.md): one small file for each
// home of the user's machines, written whole and renamed, so that a network file system needs no locks. Done
// aside (base/aside/aside.ts). What is read was written by machines that may be compromised.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../base/aside/aside.ts";
import { isTime, wall } from "../../base/clock.ts";
import { hostPattern } from "../../base/config/config.ts";
import { replaceFile } from "../../base/replace-file.ts";
import { checkFolder, readOwn } from "./own-files.ts";

/** Of the format; a reader passes over files of a later one. */
export const rosterFormat = 1;

/** A session in a roster. Times are ms since 1970 by the writer's clock. */
export interface RosterSession {
  id: string;
  name: string;
  kind: "launch" | "run";
  /** "pending": submitted to Slurm, and not begun. */
  state: string;
  /** How it ended (Outcome's kind); null while it runs. */
  outcome: string | null;
  created: number;
  started: number | null;
  ended: number | null;
  directory: string;
  runDirectory: string | null;
  viewers: number;
  /** How far it is, or how it ended, in words. */
  text: string;
}

/** What one home has. */
export interface Roster {
  format: number;
  host: string;
  job: string | null;
  version: string;
  /** Of the far command line that it understands; 0: it has no word for that. */
  contract: number;
  /** By the writer's clock; its difference from the file's time is what the clocks differ by. */
  written: number;
  /** Seconds within which it is written again while something runs. */
  every: number;
  sessions: RosterSession[];
}

/** A roster as it was found. */
export interface FoundRoster {
  name: string;
  /** Tells this file from any other of its name. */
  version: string;
  /** Undefined: the one that is known. */
  roster: Roster | undefined;
  /** How long ago (ms) it was written, by the file system's clock alone. */
  age: number;
}

export interface ReadRosters {
  found: FoundRoster[];
  /** Files that were passed over, each with the reason, in one sentence. */
  problems: string[];
}

/** Files that are read; more is something else. */
export const mostRosters = 500;
/** A longer file (bytes) was not written by us: 200 sessions of 500 bytes fit. */
export const longestRoster = 128 << 10;
/** Sessions of one file that are read. */
const mostInRoster = 200;
/**
 * A file that was not written for so long (ms) is of a machine that is gone, and is removed; what was half
 * written, sooner.
 */
const sweptAfter = 14 * 86_400_000;
const halfSweptAfter = 3_600_000;

const fileName = /^[0-9a-f]{16}\.json$/;
const halfName = /^\.[0-9a-f]{16}\.json\.\d+$|^\.now\.\d+$/;

/**
 * Writes the file of one home, and removes those of homes that are gone.
 * @param onlyAgain not where there is none yet: a home with nothing to tell makes no folder.
 * @param gone names of files whose homes this one has taken in.
 * @returns how many files there are.
 * @throws Error in one sentence where the folder must not be used; the file system's error.
 */
export const writeRoster = aside(
  "writeRoster",
  (folder: string, name: string, text: string, onlyAgain: boolean, gone: readonly string[]): number => {
    if (onlyAgain && ![name, ...gone].some((one) => fs.existsSync(path.join(folder, one)))) return 0;
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    checkFolder(folder);
    replaceFile(path.join(folder, name), text);
    const there = fs.readdirSync(folder).filter((other) => {
      if (!gone.includes(other)) return true;
      fs.rmSync(path.join(folder, other), { force: true });
      return false;
    });
    const now = fs.statSync(path.join(folder, name)).mtimeMs;
    let count = 0;
    for (const other of there.slice(0, 2 * mostRosters)) {
      if (fileName.test(other)) count++;
      else if (!halfName.test(other)) continue;
      sweep(path.join(folder, other), now - (fileName.test(other) ? sweptAfter : halfSweptAfter));
    }
    return count;
  },
  ([folder]) => folder,
);

function sweep(file: string, before: number): void {
  try {
    const stat = fs.lstatSync(file);
    if (stat.isFile() && stat.uid === process.geteuid?.() && stat.mtimeMs < before) fs.rmSync(file, { force: true });
  } catch {
    // another machine was first
  }
}

/**
 * Reads the files of all homes but one. A folder that is not there has none.
 * @param known versions by name: such a file is not read again.
 */
export const readRosters = aside(
  "readRosters",
  (folder: string, except: string, known: Readonly<Record<string, string>>): ReadRosters => {
    if (!fs.existsSync(folder)) return { found: [], problems: [] };
    try {
      checkFolder(folder);
    } catch (error) {
      return { found: [], problems: [(error as Error).message] };
    }
    const names = fs.readdirSync(folder).filter((name) => fileName.test(name));
    const others = names.filter((name) => name !== except).sort();
    const problems: string[] = [];
    if (others.length > mostRosters) problems.push(`${folder} has ${others.length} files, of which ${mostRosters} are read`);
    const now = others.length > 0 ? timeOf(folder) : 0;
    const found = others.slice(0, mostRosters).flatMap((name): FoundRoster[] => {
      try {
        const { version, text, modified } = readOwn(path.join(folder, name), longestRoster, known[name]);
        return [{ name, version, roster: text === undefined ? undefined : parseRoster(text), age: Math.max(0, now - modified) }];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT")
          problems.push(`${path.join(folder, name)} is passed over: ${(error as Error).message}`);
        return [];
      }
    });
    return { found, problems };
  },
  ([folder]) => folder,
);

/**
 * Whether a file lies there, for a machine that wants to know whether the folder is the one that it sees
 * itself.
 */
export const rosterHas = aside(
  "rosterHas",
  (file: string): boolean => fs.existsSync(file),
  ([file]) => file,
);

/** Makes, or removes, the file by which another machine tells whether it sees this folder. */
export const markRoster = aside(
  "markRoster",
  (file: string, there: boolean): boolean => {
    if (!fs.existsSync(path.dirname(file))) return false;
    checkFolder(path.dirname(file));
    if (there) fs.writeFileSync(file, "", { mode: 0o600, flag: "wx" });
    else fs.rmSync(file, { force: true });
    return true;
  },
  ([file]) => file,
);

/** What time it is by the clock that the files' times are of. */
function timeOf(folder: string): number {
  const file = path.join(folder, `.now.${process.pid}`);
  try {
    fs.rmSync(file, { force: true });
    fs.writeFileSync(file, "", { mode: 0o600, flag: "wx" });
    const { mtimeMs } = fs.lstatSync(file);
    fs.rmSync(file, { force: true });
    return mtimeMs;
  } catch {
    return wall();
  }
}

const jobPattern = /^[splf][\w.-]{1,23}$/;
const idPattern = /^[a-z0-9]{1,16}$/;
const wordPattern = /^[a-z-]{1,16}$/;
/** No text in a roster is longer. */
const longestText = 500;

/** @throws Error with the reason, which completes "is passed over:". */
export function parseRoster(text: string): Roster {
  let stored: unknown;
  try {
    stored = JSON.parse(text);
  } catch {
    throw new Error("it is no JSON");
  }
  const r = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  if (r.format !== rosterFormat)
    throw new Error(`its format is ${String(r.format).slice(0, 20)}, and this version reads ${rosterFormat}`);
  const { host, job, version, contract = 0, written, every, sessions } = r;
  const known =
    matches(host, hostPattern) &&
    (job === null || matches(job, jobPattern)) &&
    isText(version) &&
    isCount(contract) &&
    isTime(written) &&
    typeof every === "number" &&
    every >= 1 &&
    every <= 86_400 &&
    Array.isArray(sessions);
  if (!known) throw new Error("it is no roster");
  return {
    format: rosterFormat,
    host,
    job,
    version,
    contract,
    written,
    every,
    sessions: sessions.slice(0, mostInRoster).filter(isSession),
  };
}

function isSession(stored: unknown): stored is RosterSession {
  const s = (typeof stored === "object" && stored !== null ? stored : {}) as Record<string, unknown>;
  return (
    matches(s.id, idPattern) &&
    [s.name, s.directory, s.text].every(isText) &&
    (s.kind === "launch" || s.kind === "run") &&
    ["pending", "starting", "running", "exiting", "exited", "lost"].includes(s.state as string) &&
    (s.outcome === null || matches(s.outcome, wordPattern)) &&
    isTime(s.created) &&
    [s.started, s.ended].every((time) => time === null || isTime(time)) &&
    (s.runDirectory === null || isText(s.runDirectory)) &&
    isCount(s.viewers)
  );
}

function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= longestText;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
