// How a batch job ended, or one of its steps, in the words of its batch system.
import { type Slurm, slurmTime } from "./slurm.ts";

/** Kept with a session of the job as its fact `batchEnd`. */
export interface JobEnd {
  /** For a person: "Slurm job 4711", "PBS job 123". */
  job: string;
  what: "cancelled" | "time-limit" | "preempted" | "node-failure" | "step-end" | "out-of-memory" | "other";
  /** When, by the batch system, ms since 1970; null where it does not tell. */
  time: number | null;
  /** Its own word, such as "CANCELLED". */
  said?: string;
  /** How often Slurm has run the job again, this time included where it is about to. */
  restarts?: number;
}

const systems: Readonly<Record<string, string>> = { s: "Slurm", p: "PBS", l: "LSF", f: "Flux" };

/** Slurm's states (squeue(1), JOB STATE CODES). */
const ends: Readonly<Record<string, JobEnd["what"]>> = {
  CANCELLED: "cancelled",
  REVOKED: "cancelled",
  TIMEOUT: "time-limit",
  DEADLINE: "time-limit",
  PREEMPTED: "preempted",
  NODE_FAIL: "node-failure",
  BOOT_FAIL: "node-failure",
  OUT_OF_MEMORY: "out-of-memory",
};

/**
 * Reasons under which a job that is being cleaned up (COMPLETING), or waits to run again (PENDING), stands.
 */
const reasons: Readonly<Record<string, JobEnd["what"]>> = {
  TimeLimit: "time-limit",
  NodeDown: "node-failure",
  Preempted: "preempted",
};

/** A job in words, by the name of its home: "Slurm job 4711", "Slurm job 4711, step 0". */
export function jobWords(name: string): string {
  const [number = "", step] = name.slice(1).split(".");
  const system = systems[name.charAt(0)] ?? "batch";
  return `${system} job ${number}${step === undefined ? "" : `, step ${step}`}`;
}

/** The number of a job by the name of its home: "4711" of "s4711.0". */
export function jobNumber(name: string): string {
  return name.slice(1).split(".")[0] ?? "";
}

/**
 * A job whose processes are gone is cleaned up for a moment (KillWait, an epilog) before it is said how it
 * ended: it is asked again so often (ms).
 */
const askAgain = 1_000;

/**
 * As {@link jobEnd}, of a job whose processes are gone: asked until Slurm has done with it, or `patience` ms
 * have passed.
 */
export async function finalJobEnd(
  name: string,
  slurm: Slurm | undefined,
  since: number,
  patience: number,
  wait: (ms: number) => Promise<unknown>,
): Promise<JobEnd> {
  for (let waited = 0; ; waited += askAgain) {
    const end = await jobEnd(name, slurm, since);
    if (end.said !== "COMPLETING" || end.what !== "other" || waited >= patience) return end;
    await wait(askAgain);
  }
}

/**
 * What is known of the end of a job whose home has this name. Never rejects: a silent batch system leaves
 * what the name tells.
 * @param slurm as the job's own session finds it; undefined where the job is another system's.
 * @param since when the session began (ms since 1970): a run of the job that ended earlier is not what ended
 * it.
 */
export async function jobEnd(name: string, slurm: Slurm | undefined, since: number): Promise<JobEnd> {
  const told = await toldEnd(name, slurm);
  const { what, said } = told;
  // the controller has forgotten the job, or runs it again and tells of that run
  const asks = what === "other" && (said === undefined || said === "RUNNING" || said === "PENDING" || said === "REQUEUED");
  const part = asks && name.startsWith("s") ? await lastAccounted(jobNumber(name), slurm, since) : undefined;
  if (part === undefined) return told;
  const over = part.state === "COMPLETED" || part.state === "FAILED" ? "step-end" : "other";
  return { ...told, what: ends[part.state] ?? over, time: part.end, said: part.state };
}

/** The last run of the job that has ended by the accounting, after `since`. */
async function lastAccounted(number: string, slurm: Slurm | undefined, since: number) {
  const parts = (await slurm?.accounted(number)) ?? [];
  return parts.findLast(({ end }) => end !== null && end >= Math.floor(since / 1000) * 1000);
}

/** By the controller. */
async function toldEnd(name: string, slurm: Slurm | undefined): Promise<JobEnd> {
  const job = jobWords(name);
  const fields = name.startsWith("s") ? await slurm?.show(jobNumber(name)).catch(() => undefined) : undefined;
  const word = fields?.JobState;
  if (word === undefined) return { job, what: "other", time: null };
  const restarts = Number(fields?.Restarts ?? 0);
  const preempted = slurmTime(fields?.PreemptTime);
  const waits = word === "PENDING" || word === "REQUEUED";
  const cleared = waits || word === "COMPLETING";
  const what =
    ends[word] ?? (cleared ? (reasons[fields?.Reason ?? ""] ?? (preempted === null ? undefined : "preempted")) : undefined);
  // a requeued job waits again, or runs already: how its last part ended is no more told
  const over = what !== undefined || word === "COMPLETED" || word === "FAILED";
  if (!over)
    return { job, what: name.includes(".") && word === "RUNNING" ? "step-end" : "other", time: null, said: word, restarts };
  // of a job that waits to run again the end is that of its next run; a batch script that is over took with
  // it what it had started
  const end = what === "preempted" && preempted !== null ? preempted : waits ? null : slurmTime(fields?.EndTime);
  return { job, what: what ?? "step-end", time: end, said: word };
}
