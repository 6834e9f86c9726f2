// Asks each run to stop a grace before it will be ended from outside, so that a time limit never costs a
// model; and tells when that stop hangs.
import { sentence } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { span } from "../../presentation/summary.ts";
import type { RunProgress } from "../../trainers/run/run.ts";
import type { Looker } from "../events/run-tick.ts";
import type { Session } from "../life/session.ts";
import { deadlineFact, deadlineOf, deadlineText, type PlannedStop, plannedStops, stopsBefore } from "./deadline.ts";
import type { StopAnswer } from "./graceful-stop.ts";
import { type Movement, stopPatience } from "./movement.ts";

/** What the watch needs of the server. */
export interface DeadlineEffects {
  movement(session: Session): Promise<Movement>;
  /**
   * Asks the batch system when the session's job ends (ms since 1970; null: it has no limit). Undefined for a
   * session that is in no job.
   */
  jobEnd(session: Session): Promise<number | null> | undefined;
  /** The one graceful stop; what became of the order. */
  stop(session: Session): StopAnswer;
  /** Those who look at the session, and those who follow its output, are told. */
  tell(session: Session, sentence: string): void;
  /** The wall clock, ms since 1970: deadlines are told by it. */
  clock(): number;
  /** A clock that nobody sets, in ms: how long something lasts is told by it. */
  steady(): number;
  /** `save_before` of the configuration in ms; null: by the run's epochs. */
  readonly saveBefore: number | null;
  readonly log: Log;
}

/**
 * How often deadlines are looked at (ms): a look compares two numbers, and a clock that was set is noticed by
 * the next one.
 */
const lookEvery = 5_000;
/** A batch system is asked again after this time (ms) at the latest, since limits are extended and cut... */
const askEvery = 10 * 60_000;
/** ...and before its answer is acted on, where that is older than this (ms). */
const freshAnswer = 30_000;

/** What is known of one session besides its facts. Times are of the steady clock. */
interface Watched {
  /** When the batch system was asked last. */
  asked: number | undefined;
  asking: boolean;
  /** The last movement since the stop, and when it was seen. */
  mark: string | null | undefined;
  moved: number;
}

export class DeadlineWatch implements Looker {
  readonly #effects: DeadlineEffects;
  readonly #watched = new WeakMap<Session, Watched>();

  constructor(effects: DeadlineEffects) {
    this.#effects = effects;
  }

  /** One look at a session; answers how long (ms) until the next one, undefined where nothing is ever due. */
  async look(session: Session, run: () => Promise<RunProgress | null>): Promise<number | undefined> {
    try {
      const wait = await this.#lookAt(session, run);
      return wait === undefined ? undefined : Math.min(lookEvery, wait);
    } catch (error) {
      this.#effects.log("deadline.check-failed", { reason: String(error) });
      return lookEvery;
    }
  }

  async #lookAt(session: Session, run: () => Promise<RunProgress | null>): Promise<number | undefined> {
    if (session.row.state !== "running") return lookEvery;
    const watched = this.#of(session);
    const inJob = await this.#ask(session, watched, askEvery);
    if (deadlineOf(session.row) === undefined) {
      session.audience.limit = "";
      return inJob ? lookEvery : undefined;
    }
    const progress = await run();
    session.audience.limit = deadlineText(session.row, progress, this.#effects.saveBefore, this.#effects.clock());
    const { stopped } = deadlineFact(session.row);
    if (stopped !== undefined) {
      // whoever extends the limit after the stop was asked for comes too late: it cannot be taken back
      await this.#lookForHang(session, watched);
      return lookEvery;
    }
    if (!stopsBefore(session.row)) return lookEvery;
    const wait = this.#due(session, progress) - this.#effects.clock();
    if (wait > 0) return wait;
    if (await this.#ask(session, watched, freshAnswer)) {
      const later = this.#due(session, progress) - this.#effects.clock();
      if (later > 0) return later;
    }
    if (session.row.state === "running") this.#stop(session, progress);
    return lookEvery;
  }

  /** When the run is to be asked to stop. */
  #due(session: Session, progress: RunProgress | null): number {
    const stop = this.#planned(session, progress);
    return stop === undefined ? Number.POSITIVE_INFINITY : stop.at - stop.grace;
  }

  /**
   * The stop that is ours to ask for, also behind falcon's own `--timeout`: falcon counts that from when Ray
   * runs, later than we do, and takes an order that comes while it stops by itself for the first one.
   */
  #planned(session: Session, progress: RunProgress | null): PlannedStop | undefined {
    return plannedStops(session.row, progress, this.#effects.saveBefore).find(({ from }) => from !== "falcon");
  }

  /**
   * Asks the batch system where its answer is older than `age`; answers whether the session is in a job at
   * all.
   */
  async #ask(session: Session, watched: Watched, age: number): Promise<boolean> {
    const { steady, log } = this.#effects;
    if (watched.asking || (watched.asked !== undefined && steady() - watched.asked < age)) return watched.asked !== undefined;
    const answer = this.#effects.jobEnd(session);
    if (answer === undefined) return false;
    watched.asking = true;
    watched.asked = steady();
    try {
      const job = await answer;
      const before = deadlineFact(session.row);
      const { problem: _, ...known } = before;
      if (before.job !== job || before.problem !== undefined) {
        log("deadline.job-ended", { id: session.id, end: job === null ? "none" : new Date(job).toISOString() });
        session.setFact("deadline", { ...known, job });
      }
    } catch (error) {
      // what was known before still holds as far as anybody knows
      const problem = sentence(error);
      if (deadlineFact(session.row).problem !== problem) {
        log("deadline.query-failed", { id: session.id, reason: problem });
        session.setFact("deadline", { ...deadlineFact(session.row), problem });
      }
    } finally {
      watched.asking = false;
    }
    return true;
  }

  #stop(session: Session, progress: RunProgress | null): void {
    const deadline = this.#planned(session, progress);
    if (deadline === undefined) return;
    const now = this.#effects.clock();
    const answer = this.#effects.stop(session);
    // the next look tries again
    if (answer === "unreached") return;
    session.setFact("deadline", { ...deadlineFact(session.row), stopped: { at: now, deadline: deadline.at } });
    const watched = this.#of(session);
    watched.mark = undefined;
    watched.moved = this.#effects.steady();
    this.#effects.log("deadline.stop-sent", {
      id: session.id,
      deadline: new Date(deadline.at).toISOString(),
      from: deadline.from,
    });
    const left = span(Math.max(0, deadline.at - now) / 1000);
    const what = session.trainer.savesModel ? " and to save its model" : "";
    const words: Readonly<Record<typeof answer, string>> = {
      sent: `asked to stop${what}`,
      already: "it was asked to stop before, and is not asked twice",
      received: "a signal to all of its job has reached it, and nothing is added",
      over: "it is over",
    };
    this.#effects.tell(session, `time limit in ${left}: ${words[answer]}`);
    session.audience.limit = deadlineText(session.row, progress, this.#effects.saveBefore, now);
  }

  async #lookForHang(session: Session, watched: Watched): Promise<void> {
    const { steady } = this.#effects;
    const seen = await this.#effects.movement(session);
    if (seen.mark === null || seen.mark !== watched.mark) {
      watched.mark = seen.mark;
      watched.moved = steady();
      const { hangs, ...known } = deadlineFact(session.row);
      if (hangs !== undefined) session.setFact("deadline", known);
      return;
    }
    const still = steady() - watched.moved;
    if (still < stopPatience || deadlineFact(session.row).hangs !== undefined || !session.live) return;
    session.setFact("deadline", { ...deadlineFact(session.row), hangs: this.#effects.clock() - still });
    this.#effects.log("deadline.stop-hung", { id: session.id, still });
    // the second Ctrl+C would drop the model for certain: it stays a person's to send
    this.#effects.tell(
      session,
      `hangs: ${seen.evidence(span(still / 1000))}; 'falcon stop --force ${session.id}' ends it at once, without saving`,
    );
  }

  #of(session: Session): Watched {
    let watched = this.#watched.get(session);
    if (watched === undefined) {
      watched = { asked: undefined, asking: false, mark: undefined, moved: this.#effects.steady() };
      this.#watched.set(session, watched);
    }
    return watched;
  }
}
