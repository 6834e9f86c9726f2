// Whether a batch job, or a step of it, ends when a process of it does: then a run cannot be left, since it
// ends with its job.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../base/aside/aside.ts";
import { commandLine, nameOf, parentOf } from "../platform/processes.ts";

/** What is looked up of processes. */
export interface ScriptFacts {
  /** The process that started `pid`, or null. */
  parentOf(pid: number): number | null;
  /** What it is called (comm), or "". */
  nameOf(pid: number): string;
  /** Its arguments, its program's name first. */
  commandLine(pid: number): string[];
  /**
   * Of a shell that runs the script: its text that has not been read yet; undefined where that cannot be
   * told.
   */
  unread(pid: number, script: string): string | undefined;
}

/**
 * What starts a job's script and tasks. LSF's `res` would be too common a word without a job around it, which
 * the caller has seen.
 */
const managers = new Set(["slurmstepd", "pbs_mom", "res", "flux-shell"]);

const shells = new Set(["sh", "bash", "dash", "zsh", "ksh", "ash"]);

/** Scripts that call scripts. */
const deepest = 8;

/**
 * Lines after which nothing of a script is left: blank ones, comments, the ends of what was begun before, its
 * own end.
 */
const nothing = /^\s*(?:#.*|(?:(?:fi|done|esac|\}|;|wait|exit(?:\s+\S+)?)\s*)?)$/;

/**
 * How the job or step ends with the process `pid`: it is the task that the batch system started ("task"), or
 * the last line of a script that is ("script"); undefined where something goes on after it, or that cannot be
 * told. The caller is inside of a job.
 */
export function endsWith(pid: number, facts: ScriptFacts): "task" | "script" | undefined {
  let at = facts.parentOf(pid);
  for (let n = 0; at !== null && at > 1 && n < deepest; n++, at = facts.parentOf(at)) {
    if (managers.has(facts.nameOf(at))) return n === 0 ? "task" : "script";
    const [shell = "", ...args] = facts.commandLine(at);
    if (!shells.has(path.basename(shell).replace(/^-/, ""))) return undefined;
    const script = args.find((word) => !word.startsWith("-"));
    // a shell that a person types at, or a text of which nothing is known
    if (script === undefined || args.includes("-c")) return undefined;
    const rest = facts.unread(at, script);
    if (rest === undefined || !rest.split("\n").every((line) => nothing.test(line))) return undefined;
  }
  return undefined;
}

/** `endsWith` of a process that is there: its script may lie anywhere. */
export const jobEndsWith = aside(
  "jobEndsWith",
  (pid: number) => endsWith(pid, { parentOf, nameOf, commandLine, unread: unreadOf }),
  ([pid]) => `/proc/${pid}`,
);

/** The longest rest of a script that is looked at (bytes): what is longer goes on. */
const longestRest = 64 << 10;

/**
 * The text behind the place up to which the shell has read its script: bash puts the file's offset there
 * before it starts a program. Others read ahead: of those it can be told only that the program is in the last
 * line.
 */
export function unreadOf(pid: number, script: string): string | undefined {
  try {
    const folder = `/proc/${pid}/fd`;
    const name = path.basename(script);
    const fd = fs.readdirSync(folder).find((n) => Number(n) > 2 && path.basename(linkOf(`${folder}/${n}`)) === name);
    if (fd === undefined) return undefined;
    const text = fs.readFileSync(`${folder}/${fd}`, "utf8");
    if (path.basename(fs.readlinkSync(`/proc/${pid}/exe`)) !== "bash") return afterLastProgram(text);
    const offset = Number(/^pos:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"))?.[1]);
    const rest = Buffer.from(text).subarray(offset);
    return Number.isInteger(offset) && rest.length <= longestRest ? rest.toString() : undefined;
  } catch {
    return undefined;
  }
}

/** Nothing, where the last line that does anything starts a run in the background; else unknown. */
function afterLastProgram(text: string): string | undefined {
  const last = text.split("\n").findLast((line) => !nothing.test(line)) ?? "";
  return /\b(launch|run)\b.*\s(-d|--detach)\b/.test(last) ? "" : undefined;
}

function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}
