// The batch job of this home and the ends of its sessions: when it will end, what its end says of theirs, and
// whether it is to run again.
import path from "node:path";
import { steady, wall } from "../../base/clock.ts";
import { sentence } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { type JobEnd, jobEnd } from "../../batch/job-end.ts";
import { isLimitSignal } from "../../batch/limit-signal.ts";
import { Slurm } from "../../batch/slurm.ts";
import { type LimitedJob, timeLimit } from "../../batch/time-limit.ts";
import { signalNumber } from "../../platform/signals.ts";
import { outcomeOf } from "../../session/life/conclusion.ts";
import type { Session } from "../../session/life/session.ts";
import { partsOf } from "../../session/run/parts.ts";
import { whyNotAgain } from "../../session/run/requeue.ts";
import type { SessionRow } from "../../store/session-store.ts";

/** Sessions that ask for the end of their common job within this time (ms) share one answer. */
const oneAnswer = 5_000;

export interface JobEndEffects {
  all(): Session[];
  readonly log: Log;
}

export class JobEnds {
  readonly #home: string;
  readonly #job: LimitedJob | undefined;
  readonly #effects: JobEndEffects;
  /** The last question about the end of this home's job, by the steady clock. */
  #asked: { at: number; end: Promise<number | null> } | undefined;

  /** @param job undefined in a home that is no job's: then there is nothing to say. */
  constructor(home: string, job: LimitedJob | undefined, effects: JobEndEffects) {
    this.#home = home;
    this.#job = job;
    this.#effects = effects;
  }

  /** When the batch job of this home ends. All its sessions are told one answer. */
  when(): Promise<number | null> | undefined {
    const job = this.#job;
    if (job === undefined) return undefined;
    const now = steady();
    if (this.#asked === undefined || now - this.#asked.at > oneAnswer) {
      // PATH and SLURM_CONF are a session's of the job: anybody's shell may have started this server
      const { environment } = this.#effects.all().findLast(({ live }) => live)?.row ?? {};
      this.#asked = { at: now, end: timeLimit(job, environment ?? (process.env as Record<string, string>), wall) };
    }
    return this.#asked.end;
  }

  /**
   * Of a session that did not end by its own will in this home's job: what became of the job, with the time
   * of the event.
   */
  async explain({ row }: Session, vanished: boolean): Promise<void> {
    const known = row.facts.batchEnd?.what;
    // that a job or step is over, which its own process tells, does not say why
    if (this.#job?.system !== "slurm" || (known !== undefined && known !== "other" && known !== "step-end")) return;
    const stop = row.facts.stop;
    const fromOutside = stop !== undefined && ["caller", "batch", "job"].includes(stop.by);
    if (!vanished && row.waitStatus === 0 && !fromOutside) return;
    const asked = await jobEnd(path.basename(this.#home), new Slurm(row.environment), row.started ?? row.created);
    // The job is being ended, and neither its limit nor its script, which still waits for us, is why. Slurm
    // counts a restart when it preempts a job to run it again (a grace, which alone sets PreemptTime, is
    // seldom configured); else it was cancelled.
    const ending = asked.what === "other" && asked.said === "COMPLETING" && stop !== undefined;
    const again = (asked.restarts ?? 0) > runOf(row.environment);
    const end: JobEnd = ending ? { ...asked, what: again ? "preempted" : "cancelled", time: stop.time } : asked;
    if (end.what === "other" || end.what === "step-end") await this.#whetherLimit(row);
    // the job goes on: the session's own end says more
    if (end.what === "other" || (end.what === "step-end" && !vanished)) return;
    row.facts.batchEnd = end;
    if (vanished && end.time !== null && end.time >= (row.started ?? row.created) && end.time <= wall()) row.ended = end.time;
  }

  /**
   * A signal that stopped the run is the time limit's where the job's script asked Slurm for it before that.
   */
  async #whetherLimit({ facts, environment }: SessionRow): Promise<void> {
    const { outside, stop } = facts;
    if (stop?.by !== "caller" || outside === undefined || this.#job === undefined) return;
    const { signal, time } = outside;
    if (await isLimitSignal(this.#job.id, { signal, number: signalNumber(signal), time }, new Slurm(environment)))
      facts.stop = { ...stop, by: "deadline", why: `${signal} came before the time limit` };
  }

  /** `--requeue`: the job is to be run again, and its next part goes on where this one ended. */
  async runAgain(session: Session): Promise<void> {
    const { row } = session;
    const job = this.#job;
    // a part that was brought in ended elsewhere, and its job runs again: here, for one
    if (row.facts.broughtIn === true) return;
    if (row.facts.requeue !== true || row.facts.requeued !== undefined || job?.system !== "slurm") return;
    // one that an earlier run of the job left behind: it runs again already
    const run = runOf(row.environment);
    if (runOf(process.env) > run) return;
    const outcome = row.facts.outcome;
    if (outcome === undefined) return;
    const signals = row.facts.signals ?? [];
    const stop = row.facts.stop;
    const part = session.row.facts.part?.n ?? 1;
    const before = partsOf(this.#effects.all(), session).findLast((earlier) => (earlier.row.facts.part?.n ?? 1) === part - 1);
    const failedBefore = before !== undefined && outcomeOf(before)?.kind === "failed";
    const why = whyNotAgain({ outcome, stop, killed: signals.at(-1)?.by === "kill", part, failedBefore });
    const told = (words: string) => {
      session.setFact("requeued", words);
      this.#effects.log("session.requeued", { id: session.id, words });
      session.audience.tell(words);
    };
    if (why !== "") return told(`job ${job.id} is not run again: ${why}`);
    const slurm = new Slurm(row.environment);
    const fields = await slurm.show(job.id).catch(() => undefined);
    // a server that somebody's shell on the node has started has no such variable; of a job that is being
    // preempted Slurm counts the next run before it begins
    if (fields?.JobState === "RUNNING" && Number(fields.Restarts ?? 0) > run) return;
    if (fields?.Requeue === "0") return told(`job ${job.id} is not run again: Slurm was told not to`);
    try {
      // said first: Slurm ends this job's processes, ours among them, to run it again
      told(`job ${job.id} is asked to run again, and goes on with this run`);
      await slurm.requeue(job.id);
    } catch (error) {
      told(sentence(error));
    }
  }
}

/** Which run of its job an environment is of; the first is 0, of which Slurm sets nothing. */
function runOf({ SLURM_RESTART_COUNT }: Readonly<Record<string, string | undefined>>): number {
  return Number(SLURM_RESTART_COUNT ?? 0);
}
