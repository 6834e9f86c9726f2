// A run that goes on: which earlier part, of this home or another one's, a launch is the next part of; and
// what `--requeue` needs.
import type { OptionValues } from "commander";
import { Failure, Status, sentence } from "../../base/failure.ts";
import { Slurm } from "../../batch/slurm.ts";
import { timeLimit } from "../../batch/time-limit.ts";
import { sessionsOfRun } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import { type Tags, tagsOf } from "../../session/life/tags.ts";
import { refuseLongGrace } from "../../session/run/deadline.ts";
import { nextPart, type PartFact } from "../../session/run/parts.ts";
import type { Context } from "../dispatch/call.ts";

/** What is to be started. */
interface Order {
  kind: "launch" | "run";
  directory: string;
  /** The words of the command as they were typed. */
  words: readonly string[];
  environment: Readonly<Record<string, string>>;
}

/**
 * The part of a run with which this very script began when Slurm ran its job the last time; brought in where
 * it was in another home. Undefined in
 * a job that runs for the first time, and outside of jobs.
 */
export async function earlierOfJob(
  context: Context,
  { kind, directory, words, environment }: Order,
): Promise<Session | undefined> {
  // the number alone is not enough: Slurm's numbers come round
  if (!(Number(environment.SLURM_RESTART_COUNT) > 0)) return undefined;
  const part = await context.parts.ofSameJob({ kind, directory, words });
  if (part === undefined) return undefined;
  await context.parts.bringIn(part.run);
  return context.table.get(part.row.id);
}

/** Brings in what other homes know of the run in this directory: a job that resumes it is its next part. */
export async function bringInRun(context: Context, runDirectory: string, directory: string): Promise<void> {
  // those of a job that is over may be on their way, and are not to be brought in a second time
  await context.takeInJobs();
  if (sessionsOfRun(context.table.all(), runDirectory, directory).length > 0) return;
  const run = await context.parts.runOfDirectory(runDirectory);
  if (run !== undefined) await context.parts.bringIn(run);
}

/**
 * What a session that is started now has of the run it goes on with: which part it is, and the run's labels;
 * nothing where it is a first part. What the next part writes over (falcon begins its metrics anew) is kept
 * before.
 * @param earlier the session that it goes on with; undefined: by its run directory, where that is known.
 */
export async function factsOfRun(
  context: Context,
  earlier: Session | undefined,
  runDirectory: string | null,
  directory: string,
): Promise<{ part?: PartFact; tags?: Tags }> {
  const all = context.table.all();
  const before = earlier ?? (runDirectory === null ? undefined : sessionsOfRun(all, runDirectory, directory)[0]);
  if (before === undefined) return {};
  // an imported part is in the archive already, and what its run's files say now is the newest part's
  if (!before.live && before.row.host === context.host) await context.parts.publish(before);
  // behind it: where another machine's part has its number, it has another one by now
  return { part: nextPart(all, before), tags: tagsOf(before.row) };
}

/**
 * A grace that was asked for is checked against the job's own limit, as far as the batch system tells it now.
 * @throws Failure 2 where it leaves no time at all; nothing is started then.
 */
export async function refuseGraceBeyondJob(
  context: Context,
  saveBefore: number | undefined,
  environment: Record<string, string>,
): Promise<void> {
  const { job } = context;
  if (job === undefined || saveBefore === undefined) return;
  // a batch system that is silent now is asked again while the session runs, and `show` says why it is not
  // known
  const end = await timeLimit(job, environment, () => context.clock()).catch(() => null);
  if (end !== null) refuseLongGrace(saveBefore, end, context.clock());
}

/**
 * Whether the job is to be run again when the session ends. @throws Failure 2 where that cannot be; nothing
 * is started then.
 */
export async function requeueOption(
  context: Context,
  options: OptionValues,
  environment: Record<string, string>,
): Promise<boolean> {
  if (options.requeue !== true) return false;
  const refuse = (why: string) => new Failure(`--requeue: ${why}; nothing was started`, Status.usage);
  const { job } = context;
  if (job === undefined) throw refuse("this is no batch job");
  if (job.system !== "slurm") throw refuse("only Slurm's jobs can be run again by us");
  const fields = await new Slurm(environment).show(job.id).catch((error) => {
    throw refuse(sentence(error));
  });
  if (fields === undefined) throw refuse(`Slurm does not know job ${job.id} any more`);
  if (fields.BatchFlag === "0") throw refuse(`job ${job.id} has no batch script that could be run again`);
  if (fields.Requeue === "0") throw refuse(`job ${job.id} was submitted with --no-requeue`);
  return true;
}
