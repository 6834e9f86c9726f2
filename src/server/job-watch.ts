// A batch system without control groups leaves programs of a job running that have left its process tree, and ours have. This watch ends them when
// the job is over: gracefully, and by force where that takes too long, since the node is then another job's.
import type { Log } from "../base/log.ts";
import { processAlive, startTime } from "../platform/processes.ts";
import type { Session } from "../session/session.ts";

/** How often (ms) it is looked whether the job is over. One read of /proc. */
const look = 1_000;

/** So long (ms) the runs have after the end of their job to save and end. */
export const longestAfterJob = 120_000;

export interface JobWatchEffects {
  /** Those that run. */
  live(): Session[];
  /** Asks it to end in its program's own way, once. */
  stop(session: Session): void;
  /** Ends it and all that it started. */
  kill(session: Session): void;
  /** Nothing of the job runs any more. */
  done(): void;
  clock(): number;
  readonly log: Log;
}

/** @param keeper the batch system's process whose end is the job's. Answers what ends the watch. */
export function watchJob(keeper: number, effects: JobWatchEffects): () => void {
  const started = startTime(keeper);
  let over: number | undefined;
  let killed = false;
  const timer = setInterval(() => {
    if (over === undefined && processAlive(keeper) && startTime(keeper) === started) return;
    if (over === undefined) {
      over = effects.clock();
      effects.log("job.over", { keeper, runs: effects.live().map(({ id }) => id) });
      for (const session of effects.live()) effects.stop(session);
    }
    const left = effects.live();
    if (left.length === 0) {
      clearInterval(timer);
      return effects.done();
    }
    if (killed || effects.clock() - over < longestAfterJob) return;
    killed = true;
    for (const session of left) effects.kill(session);
  }, look);
  return () => clearInterval(timer);
}
