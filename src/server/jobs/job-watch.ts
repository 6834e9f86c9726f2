// A batch system without control groups leaves programs of a job running that have left its process tree, and
// ours have. This watch ends them when the job is over: gracefully, and by force where that takes too long,
// since the node is then another job's.
import type { Log } from "../../base/log.ts";
import { nameOf, parentOf, processAlive, startTime } from "../../platform/processes.ts";
import type { Session } from "../../session/life/session.ts";
import type { Keeper } from "../../session/life/session-facts.ts";
import { takesStop } from "../../session/run/graceful-stop.ts";

/** How often (ms) it is looked whether the jobs are over. A read of /proc for each run. */
const look = 1_000;

/** So long (ms) a run has after the end of its job to save and end. */
export const longestAfterJob = 120_000;

export function keeperFrom(pid: number): Keeper {
  return { pid, start: startTime(pid) };
}

/**
 * The ancestor of a caller that has the name of `keeper`'s kind: a job that was requeued has another one than
 * its first part had.
 */
export function keeperAbove(caller: number, kind: string): Keeper | undefined {
  for (let pid = parentOf(caller); pid !== null && pid > 1; pid = parentOf(pid)) if (nameOf(pid) === kind) return keeperFrom(pid);
  return undefined;
}

/** What could not be read, then or now (no descriptor was left), is no evidence. */
function gone({ pid, start }: Keeper): boolean {
  const now = startTime(pid);
  return !processAlive(pid) || (start !== null && now !== null && now !== start);
}

export interface JobWatchEffects {
  /** Those that run, each with the fact `keeper`. */
  live(): Session[];
  /** Asks it to end in its program's own way, once. */
  stop(session: Session): void;
  /** Ends it and all that it started. */
  kill(session: Session): void;
  /** Nothing of the job runs any more. */
  done(): void;
  /** ms, monotonic. */
  steady(): number;
  readonly log: Log;
}

/** @param own the keeper of the client that started this server. Answers what ends the watch. */
export function watchJob(own: Keeper, effects: JobWatchEffects): () => void {
  const over = new Map<string, number>();
  const killed = new Set<string>();
  const timer = setInterval(() => {
    const live = effects.live();
    if (live.length === 0 && gone(own)) {
      clearInterval(timer);
      return effects.done();
    }
    for (const session of live) {
      if (!gone(session.row.facts.keeper ?? own)) continue;
      const since = over.get(session.id);
      // one whose holder does not answer has its turn once it does
      const reached = since === undefined ? takesStop(session) : session.program.reached;
      if (!reached) continue;
      if (since === undefined) {
        over.set(session.id, effects.steady());
        effects.log("job.ended", { id: session.id });
        effects.stop(session);
      } else if (effects.steady() - since >= longestAfterJob && !killed.has(session.id)) {
        killed.add(session.id);
        effects.kill(session);
      }
    }
  }, look);
  return () => clearInterval(timer);
}
