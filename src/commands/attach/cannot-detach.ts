// A run that cannot be left, since its job or step ends with whoever leaves it: how that is said.
import { jobWords } from "../../batch/job-end.ts";
import { jobEndsWith } from "../../batch/leaving.ts";
import type { Call, Context } from "../dispatch/call.ts";

/** What ends with the caller ("Slurm job 4711, step 0"), and how; undefined where leaving is safe. */
async function endingWith(call: Call, context: Context): Promise<{ job: string; how: "task" | "script" } | undefined> {
  const { job } = context.neighbours.place;
  if (job === null) return undefined;
  const how = await jobEndsWith(call.request.pid);
  return how === undefined ? undefined : { job: jobWords(job), how };
}

/** What a viewer is asked before leaving; undefined where it is not asked. */
export async function askBeforeLeaving(call: Call, context: Context): Promise<string | undefined> {
  const ending = await endingWith(call, context);
  return ending === undefined ? undefined : `${ending.job}, ends with this terminal, and the run with it. Leave?`;
}

/** Why a start in the background waits for the end instead; undefined where it does not. */
export async function whyItWaits(call: Call, context: Context): Promise<string | undefined> {
  const ending = await endingWith(call, context);
  if (ending === undefined) return undefined;
  const what = ending.how === "task" ? "this is all that it runs" : "this is the last line of its script";
  return `${ending.job}, would end now and the run with it (${what}): waiting for the run instead of leaving it`;
}
