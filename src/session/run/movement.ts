// Whether a run that was asked to stop moves: what tells it, and what tells that it hangs.

import type { ShownRun } from "../../presentation/shown-run.ts";
import { span } from "../../presentation/summary.ts";
import type { Session } from "../life/session.ts";
import type { RunProgresses } from "./run-progress.ts";

/**
 * How long (ms) nothing may move before a stop is said to hang. Saving a large model to a slow disk takes a
 * minute.
 */
export const stopPatience = 120_000;

/** What a stopping run does. */
export interface Movement {
  /** Changes when something moved; null where it does what tells no movement, however long it takes. */
  mark: string | null;
  /** For a person; "" where nothing is known. */
  sentence: string;
  /** Why it is held to hang, after `time` without a movement. */
  evidence(time: string): string;
}

/**
 * falcon's display draws itself once a second, and its nodes train on, while the handler of the Ctrl+C is
 * stuck (falcon's first handler can
 * deadlock). So what counts before the driver has said that it stops is that alone, and after it any sign in
 * the run's logs.
 */
export async function movement(session: Session, progresses: RunProgresses): Promise<Movement> {
  const silent = () =>
    session.quiet === undefined ? "it never said anything" : `its last output is ${span(session.quiet / 1000)} old`;
  const run = await progresses.of(session);
  if (run === null || !run.localLogs)
    return { mark: String(session.offset), sentence: "", evidence: (time) => `nothing moved for ${time}, ${silent()}` };
  // falcon tells nothing while it draws its samples, and has saved its model before: whether the stop was
  // asked for before that or meanwhile, what is left to end by force is the samples
  const sampling = run.phase === "sampling";
  const told = run.stopping || sampling || run.phase === "interrupted" || run.phase === "completed" || run.phase === "failed";
  return {
    mark: sampling ? null : told ? `${run.phase} ${run.saved} ${run.lastSign}` : "not told",
    sentence: told ? stoppingText(run) : "",
    evidence: (time) =>
      told
        ? `it said that it stops, then none of its logs moved for ${time}, ${silent()}`
        : `the driver has not answered the Ctrl+C for ${time} (${run.summary}), ${silent()}`,
  };
}

/**
 * "stopping: 91/300 · val loss -0.408", then "stopped · 92/300, best val loss -0.666 · the model is saved".
 */
export function stoppingText({ summary, saved }: Pick<ShownRun, "summary" | "saved">): string {
  const facts = /^(.*) · stopping$/.exec(summary)?.[1];
  return `${facts === undefined ? summary : `stopping: ${facts}`}${saved ? " · the model is saved" : ""}`;
}
