// The batch script that `falcon submit` writes: what Slurm is told, and one line that becomes the run.
import { Failure, Status } from "../base/failure.ts";
import { quotedIfNeeded } from "../base/text/shell-words.ts";
import { sbatchOption } from "./sbatch-options.ts";

export interface ScriptOrder {
  /** Of the session and of the job. */
  name: string;
  directory: string;
  /** So long (s) before its time limit the run is asked to save and stop. */
  grace: number;
  /**
   * The value of `--signal` where sbatch's own options have one: a run reads it from the script, which says
   * the same.
   */
  signal?: string | undefined;
  /** What becomes of the script: the falcon of this installation and its arguments. */
  command: readonly string[];
}

/** sbatch's own options go before these, and win: they are given on its command line. */
export function batchScript({ name, directory, grace, signal = `B:USR1@${grace}`, command }: ScriptOrder): string {
  return [
    "#!/bin/bash",
    `#SBATCH --job-name=${name.replace(/[^\w.+@-]+/g, "-")}`,
    `#SBATCH --signal=${signal}`,
    "#SBATCH --requeue",
    "#SBATCH --open-mode=append",
    `cd ${quotedIfNeeded(directory)} || exit`,
    "# exec: the batch system's signals reach falcon and not a shell",
    `exec ${command.map(quotedIfNeeded).join(" ")}`,
    "",
  ].join("\n");
}

/** Without a word of anybody's: long enough for an epoch of most runs. */
const usualGrace = 300;

/**
 * The grace (s): the one that was asked for, else five minutes, of a short job a quarter of its time.
 * @param limit the job's time limit in seconds; undefined: not said here.
 * @throws Failure when the grace that was asked for is as long as the limit.
 */
export function graceFor(asked: number | undefined, limit: number | undefined): number {
  if (asked === undefined) return limit === undefined ? usualGrace : Math.max(1, Math.min(usualGrace, Math.floor(limit / 4)));
  if (limit !== undefined && asked >= limit)
    throw new Failure(
      `a run that is to stop ${asked} s before its time limit of ${limit} s would stop at once: ` +
        "give a shorter --save-before, or more --time",
      Status.usage,
    );
  return asked;
}

/**
 * The time limit of sbatch's options, in seconds; undefined where they say none, or none that can be read
 * (which sbatch refuses).
 */
export function limitOf(options: readonly string[]): number | undefined {
  const text = sbatchOption(options, "--time", "-t");
  return text === undefined ? undefined : secondsOf(text);
}

/**
 * sbatch(1), --time: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
 * "days-hours:minutes", "days-hours:minutes:seconds".
 */
function secondsOf(text: string): number | undefined {
  const found = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text);
  if (found === null) return undefined;
  const [days, first = 0, second, third] = found.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  if (days !== undefined) return ((days * 24 + first) * 60 + (second ?? 0)) * 60 + (third ?? 0);
  if (third !== undefined) return (first * 60 + (second ?? 0)) * 60 + third;
  return first * 60 + (second ?? 0);
}
