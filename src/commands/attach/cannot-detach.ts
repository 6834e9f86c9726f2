// A run that cannot be left, since its job or step ends with whoever leaves it: how that is said.
import { jobWords } from "../../batch/job-end.ts";
import { jobEndsWith } from "../../batch/leaving.ts";
import { jobOf } from "../../platform/native.ts";
import { controlGroups } from "../../platform/processes.ts";
import type { Call, Context } from "../dispatch/call.ts";

/** What ends with the caller ("Slurm job 4711, step 0"), and how; undefined where leaving is safe. */
async function endingWith(call: Call, context: Context): Promise<{ job: string; how: "task" | "script" } | undefined> {
  const { job } = context.neighbours.place;
  if (job === null) return undefined;
  const how = await jobEndsWith(call.request.pid);
  if (how === undefined || isVisitor(call, job, how)) return undefined;
  return { job: jobWords(job), how };
}

/**
 * Whether the caller came to the run from a step of its own (`srun --overlap --jobid=4711 falcon attach`):
 * that ends with it, and the run's job does not.
 */
function isVisitor({ request: { pid, arguments: words } }: Call, job: string, how: "task" | "script"): boolean {
  const own = jobOf(controlGroups(pid));
  if (own !== null) return own !== job;
  // without control groups: a step that is nothing but this command began after the run
  return how === "task" && words.includes("attach");
}

/** What a viewer is asked before leaving; undefined where it is not asked. */
export async function askBeforeLeaving(call: Call, context: Context): Promise<string | undefined> {
  const ending = await endingWith(call, context);
  return ending === undefined ? undefined : `${subject(ending.job)} ends with this terminal, and the run with it. Leave?`;
}

/** Why a start in the background waits for the end instead; undefined where it does not. */
export async function whyItWaits(call: Call, context: Context): Promise<string | undefined> {
  const ending = await endingWith(call, context);
  if (ending === undefined) return undefined;
  const what = ending.how === "task" ? "this is all that it runs" : "this is the last line of its script";
  return `${subject(ending.job)} would end now and the run with it (${what}): waiting for the run instead of leaving it`;
}

/** "Slurm job 4711", "Slurm job 4711, step 0,": what a sentence is about. */
function subject(job: string): string {
  return job.includes(",") ? `${job},` : job;
}
