// When a batch job ends by its time limit: what Slurm, PBS and LSF say of it, asked of their programs in
// formats that they document.
import { Failure } from "../base/failure.ts";
import { type RunProgram, runProgram } from "./programs.ts";
import { Slurm } from "./slurm.ts";

/** A job as its batch system numbers it. */
export interface LimitedJob {
  system: "slurm" | "pbs" | "lsf";
  id: string;
}

const systems: Readonly<Record<string, LimitedJob["system"]>> = { s: "slurm", p: "pbs", l: "lsf" };

/**
 * The job whose home this is (`…/j/s4711`, docs/design/decisions/0004-homes.md) and whose end can be asked
 * for; undefined for any other home.
 */
export function jobOfHome(home: string): LimitedJob | undefined {
  // "s4711.0" is a step of its own, and the job's limit is its too
  const [, letter, id] = /\/j\/([a-z])([^/]+?)(?:\.\d+)?$/.exec(home) ?? [];
  const system = systems[letter ?? ""];
  if (system === undefined || id === undefined) return undefined;
  return { system, id };
}

/** The program is asked nothing about an id that is none: it would be an option, or a list of jobs. */
const jobId = /^[A-Za-z0-9_][A-Za-z0-9_.+[\]@-]{0,63}$/;

/** Words of an answer that are shown. */
const longestWords = 160;

/**
 * When the job ends by its limit (ms since 1970), null where it has none. `environment`: whose PATH leads to
 * the batch system's programs; `now`:
 * the wall clock, since LSF tells what is left.
 * @throws Failure, in one sentence, where the batch system is not there, refuses, does not know the job, or
 * says what is no time.
 */
export async function timeLimit(
  { system, id }: LimitedJob,
  environment: Record<string, string>,
  now: () => number,
  run: RunProgram = runProgram,
): Promise<number | null> {
  if (!jobId.test(id)) throw new Failure(`'${id.slice(0, longestWords)}' is no job's number: its time limit is not known`);
  if (system === "slurm") return new Slurm(environment, run).endTime(id);
  const ask = async (file: string, args: string[]) => {
    const { status, stdout, stderr } = await run(file, args, { ...environment, LC_ALL: "C" });
    if (status !== 0)
      throw new Failure(
        `${file} does not tell when job ${id} ends: ${firstLine(stderr) || firstLine(stdout) || `status ${status}`}`,
      );
    if (stdout.trim() === "") throw new Failure(`${file} does not know job ${id} any more: its time limit is not known`);
    return stdout;
  };
  if (system === "pbs") return pbsEnd(await ask("qstat", ["-f", id]));
  return lsfEnd(await ask("bjobs", ["-noheader", "-o", "time_left", id]), now());
}

/**
 * `qstat -f` of OpenPBS and PBS Professional (stime and Resource_List.walltime) and of Torque
 * (Walltime.Remaining, start_time).
 */
function pbsEnd(text: string): number | null {
  const field = (name: string) => new RegExp(`^[^\\S\\n]*${name.replace(/\./g, "\\.")} = (.+)$`, "m").exec(text)?.[1]?.trim();
  const limit = field("Resource_List.walltime");
  if (limit === undefined) return null;
  const length = clockLength(limit);
  if (length === undefined) throw new Failure(`qstat tells a time limit that is none: '${limit.slice(0, longestWords)}'`);
  const begun = field("stime") ?? field("start_time");
  // a job that does not run yet
  if (begun === undefined) return null;
  return localTime(begun) + length;
}

/**
 * `bjobs -o time_left`: hours and minutes, and what they are reckoned from: L the run limit, E an estimate, X
 * that the estimate is over.
 */
function lsfEnd(text: string, now: number): number | null {
  const word = firstLine(text);
  if (word === "-" || /^\d+:\d+ [EX]$/.test(word)) return null;
  const found = /^(\d{1,6}):(\d{1,2}) L$/.exec(word);
  if (found === null) throw new Failure(`bjobs tells a time that is none: '${word.slice(0, longestWords)}'`);
  return now + (Number(found[1]) * 60 + Number(found[2])) * 60_000;
}

/** A time without a zone is this machine's. */
function localTime(word: string): number {
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$|^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(word)
    ? Date.parse(word)
    : Number.NaN;
  if (Number.isNaN(time)) throw new Failure(`qstat tells an end time that is none: '${word.slice(0, longestWords)}'`);
  return time;
}

/** ms of "01:00:00", "1:00:00:00" (days first) or "3600". */
function clockLength(text: string): number | undefined {
  if (!/^\d{1,9}(:\d{1,2}){0,3}$/.test(text)) return undefined;
  const [seconds = 0, minutes = 0, hours = 0, days = 0] = text.split(":").map(Number).reverse();
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

function firstLine(text: string): string {
  return (text.trim().split("\n")[0] ?? "").trim().slice(0, longestWords);
}
