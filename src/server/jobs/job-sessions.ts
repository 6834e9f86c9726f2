// Sessions and batch jobs: the host's server takes in the sessions of jobs that are over; the server of a job
// ends its sessions with it where no control group does.
import { setTimeout as delay } from "node:timers/promises";
import { steady, wall, within } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { finalJobEnd, jobWords } from "../../batch/job-end.ts";
import { Slurm } from "../../batch/slurm.ts";
import { goneHomes } from "../../platform/job-homes.ts";
import { nameOf } from "../../platform/processes.ts";
import { signalNumber } from "../../platform/signals.ts";
import type { Session } from "../../session/life/session.ts";
import type { SessionTable } from "../../session/life/session-table.ts";
import { isLive } from "../../session/life/state.ts";
import { type KeptSession, type TakenIn, takeInEndedJobs, type Untold } from "../../session/machines/take-in.ts";
import { stopGracefully } from "../../session/run/graceful-stop.ts";
import { SessionEvents } from "../../store/session-events.ts";
import type { SessionStore } from "../../store/session-store.ts";
import { homeIdentity } from "../home/home-owner.ts";
import { keeperAbove, keeperFrom, watchJob } from "./job-watch.ts";

/**
 * How often (ms) it is looked for homes of batch jobs that are over: a folder is read, and one lock tried for
 * each.
 */
const jobLook = 30_000;

/**
 * So long (ms) a list, a command by name or a launch into a run directory waits for what a batch system says
 * of a job that is over: without it, less is said of its end.
 */
const longestJobQuestion = 4_000;

export interface JobSessionEffects {
  readonly home: string;
  /** The name of the job whose home this is. */
  readonly job: string | undefined;
  /** Where no control group holds the job: the process whose end is the job's. */
  readonly keeper: number | undefined;
  /** Whether this is a job's home by its path. */
  readonly inJob: boolean;
  readonly table: SessionTable;
  readonly store: SessionStore;
  readonly log: Log;
  /** Whether the server is on its way out. */
  ending(): boolean;
  /** Writes to the database; where it cannot be written, says so and goes on. */
  stored(write: () => void): void;
  /** Other machines are told of what these homes had by this one alone. @param homes their identities. */
  takeOver(homes: readonly string[]): void;
  /** Tells the end of a session that an earlier server has not told. */
  tell(session: Session): void;
  /** Looks into the end of a session that nobody saw. */
  conclude(session: Session, lost: string): void;
  /** Keeps what an ended job had still to tell; `tellUntold` begins to tell it. */
  keepUntold(untold: Untold): void;
  tellUntold(): void;
  /** The job of this home is over, and all its sessions have ended. */
  over(): void;
}

export class JobSessions {
  readonly #effects: JobSessionEffects;
  #takingIn: Promise<void> | undefined;
  #left = false;
  /** See TakeInEffects. */
  readonly #leftAlone = new Map<string, number>();
  #look: NodeJS.Timeout | undefined;
  #endWatch: () => void = () => {};
  /** What the batch system's processes are called whose end is the job's. */
  #keeperKind: string | undefined;

  constructor(effects: JobSessionEffects) {
    this.#effects = effects;
  }

  /** The sessions of batch jobs that are over become ours. Nothing is done inside of a job. */
  takeIn(): Promise<void> {
    if (this.#effects.inJob || this.#effects.ending()) return Promise.resolve();
    this.#takingIn ??= this.#takeInAll().finally(() => {
      this.#takingIn = undefined;
    });
    return this.#takingIn;
  }

  /** Whether sessions are being taken in: the server does not go by itself meanwhile. */
  get busy(): boolean {
    return this.#takingIn !== undefined;
  }

  async #takeInAll(): Promise<void> {
    let untold = 0;
    const gone: string[] = [];
    const taken = await takeInEndedJobs(this.#effects.home, {
      log: this.#effects.log,
      known: (id) => this.#effects.table.get(id)?.row,
      rowOf: (folder) => this.#effects.table.rowOf(folder),
      untold: (kept) => {
        this.#effects.keepUntold(kept);
        untold += kept.deliveries.length + kept.notices.length;
      },
      goes: (home) => void gone.push(homeIdentity(home)),
      keep: (session) => this.#keep(session),
      ending: () => this.#effects.ending(),
      leftAlone: this.#leftAlone,
    });
    await Promise.all(taken.map((one) => this.#takeInOne(one)));
    // not before the sessions are here: their environments have the secrets
    if (untold > 0 && !this.#effects.ending()) this.#effects.tellUntold();
    // a server on its way out, too, as long as it has the sessions: the next one knows nothing of these homes
    if (gone.length > 0 && !this.#left) this.#effects.takeOver(gone);
  }

  /** A session as its job's database knew it; what fails here leaves that database where it is. */
  #keep({ row, snapshot, events }: KeptSession): void {
    const { store } = this.#effects;
    const ours = new SessionEvents(store.database);
    store.database.transaction(() => {
      store.save(row);
      if (snapshot !== undefined) store.saveSnapshot(row.id, snapshot);
      for (const event of events) ours.add(event);
    })();
  }

  async #takeInOne({ row, job, written }: TakenIn): Promise<void> {
    // its own server may have seen the holder go before Slurm said why
    const unexplained = row.state === "lost" && row.facts.batchEnd === undefined && row.facts.broughtIn !== true;
    if (isLive(row.state) || unexplained) {
      const pause = (ms: number) => delay(ms, undefined, { ref: false });
      const asked = finalJobEnd(job, new Slurm(row.environment), row.started ?? row.created, longestJobQuestion, pause);
      const end = await Promise.race([asked, pause(longestJobQuestion)]);
      if (end !== undefined) row.facts.batchEnd = end;
      row.ended ??= end?.time ?? written;
      if (unexplained) delete row.facts.outcome;
    }
    // the next server has the row as it was kept
    if (this.#left) return;
    this.#effects.stored(() => this.#effects.store.save(row));
    const session = await this.#effects.table.takeIn(row);
    if (session.row.facts.untold === true) this.#effects.tell(session);
    else if (unexplained) this.#effects.conclude(session, row.reason);
  }

  /** Looks for jobs that are over, at once and from time to time; in a job, for its end. */
  watch(): void {
    const { keeper, job } = this.#effects;
    if (job === undefined) {
      const look = () => {
        void this.takeIn().catch((error) => this.#effects.log("job.import-failed", { reason: String(error) }));
      };
      this.#look = setInterval(look, jobLook).unref();
      look();
      // what an earlier server was killed before it had told
      const { home, table } = this.#effects;
      const gone = goneHomes(home, new Set(table.all().flatMap(({ row }) => row.facts.job ?? [])));
      if (gone.length > 0) this.#effects.takeOver(gone.map(homeIdentity));
    }
    if (keeper === undefined || job === undefined) return;
    this.#keeperKind = nameOf(keeper);
    this.#endWatch = watchJob(keeperFrom(keeper), {
      live: () => this.#effects.table.live(),
      stop: (session) => {
        session.setFact("batchEnd", { job: jobWords(job), what: job.includes(".") ? "step-end" : "other", time: wall() });
        stopGracefully(session, { by: "job", why: "its job is over" }, wall());
      },
      kill: (session) => session.program.signal(signalNumber("SIGKILL") ?? 9, 2, "job"),
      // a client that asks now is of the job's next run (Slurm ran it again) or step: it starts their server
      done: () => this.#effects.over(),
      steady: () => steady(),
      log: this.#effects.log,
    });
  }

  /** What is kept of a start for the end of its job, where no control group ends it. */
  jobFacts(caller: number): Record<string, unknown> {
    const keeper = this.#keeperKind === undefined ? undefined : keeperAbove(caller, this.#keeperKind);
    return keeper === undefined ? {} : { keeper };
  }

  /** The server goes: what Slurm says of sessions that are being taken in is waited for, as at a start. */
  async leave(): Promise<void> {
    clearInterval(this.#look);
    this.#endWatch();
    await within(longestJobQuestion, this.#takingIn?.catch(() => {}) ?? Promise.resolve());
    this.#left = true;
  }
}
