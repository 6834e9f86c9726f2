// The end of a session: what its files, its holder and its batch job say of it is kept, once, and whoever
// wants to know is told, once.
import { within } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { ShownRun } from "../presentation/shown-run.ts";
import type { UsageSampler } from "../resources/sampler.ts";
import { aboutAll, endEvent } from "../session/events/event-facts.ts";
import type { EventStream } from "../session/events/event-stream.ts";
import { conclude, outcomeOf } from "../session/life/conclusion.ts";
import type { Session } from "../session/life/session.ts";
import type { PartKeeper } from "../session/run/part-keeper.ts";
import type { RunProgresses } from "../session/run/run-progress.ts";
import type { JobEnds } from "./jobs/job-ends.ts";
import { sampled } from "./usage.ts";

/**
 * So long (ms) an end waits for the last look at what the run used: it takes milliseconds, unless the
 * kernel's own files hang.
 */
const longestUsage = 1_000;

export interface SessionEndEffects {
  readonly progress: RunProgresses;
  readonly parts: PartKeeper;
  readonly usage: UsageSampler;
  readonly events: EventStream;
  readonly jobs: JobEnds;
  readonly log: Log;
  /** Where this home may go with its job: the user's other machines are told now. Never rejects. */
  tellMachines(): Promise<unknown>;
  /** Whether the server is on its way out: what is told no more now, the next one tells. */
  ending(): boolean;
  /** Tells what is new in a run. */
  lookAt(session: Session, run: ShownRun): void;
  /** An end was told. */
  told(): void;
}

export class SessionEnds {
  readonly #effects: SessionEndEffects;
  /** Sessions whose end this server has told, or is about to. */
  readonly #told = new WeakSet<Session>();
  /** Ends that are being looked into, or have been. */
  readonly #conclusions = new WeakMap<Session, Promise<void>>();

  constructor(effects: SessionEndEffects) {
    this.#effects = effects;
  }

  /** The end of a session: how far it came is kept, and whoever wants to know is told. */
  async tell(session: Session): Promise<void> {
    if (this.#told.has(session)) return;
    this.#told.add(session);
    await this.conclude(session, session.row.state === "lost" ? session.row.reason : undefined);
    if (this.#effects.ending()) return;
    const progress = await this.#effects.progress.of(session);
    // what it did since the last tick comes before its end
    if (progress !== null) this.#effects.lookAt(session, progress);
    const sentence = outcomeOf(session)?.sentence ?? session.row.reason;
    this.#effects.events.add(session, { kind: endEvent(session), ...aboutAll, sentence }, progress?.summary ?? "");
    session.setFact("untold", false);
    this.#effects.told();
  }

  /** What is kept of an end: how far the run came, what its files say, and the outcome. Done once. */
  async conclude(session: Session, lost: string | undefined): Promise<void> {
    if (session.row.facts.outcome !== undefined) return;
    const before = this.#conclusions.get(session);
    if (before !== undefined) return before;
    const conclusion = this.#makeConclusion(session, lost);
    this.#conclusions.set(session, conclusion);
    return conclusion;
  }

  async #makeConclusion(session: Session, lost: string | undefined): Promise<void> {
    try {
      await this.#lastUsage(session);
      await this.#effects.jobs.explain(session, lost !== undefined);
      await conclude(session, await this.#effects.progress.last(session), lost);
      this.#effects.log("session.concluded", { id: session.id, ...(session.row.facts.outcome ?? {}) });
    } catch (error) {
      this.#effects.log("session.conclude-failed", { id: session.id, reason: String(error) });
    }
    await this.#effects.parts.ended(session, lost);
    await this.#effects.tellMachines();
    await this.#effects.jobs.runAgain(session);
  }

  /** What it used, while its holder still knows. What another server measured at its end stays. */
  async #lastUsage(session: Session): Promise<void> {
    const usage = await within(longestUsage, this.#effects.usage.finish(sampled(session)));
    if (usage !== undefined) session.row.facts.usage ??= usage;
  }
}
