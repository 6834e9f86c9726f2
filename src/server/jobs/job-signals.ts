// Signals to the server of a batch job: they are the batch system's, went to every process of the job, and
// the server stays to see how the runs end.
import { wall } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Session } from "../../session/life/session.ts";
import { noteHit, orderAfterHit, orderBehind, type StopAnswer } from "../../session/run/graceful-stop.ts";
import type { RunProgresses } from "../../session/run/run-progress.ts";

/**
 * How long (ms) a falcon that got the signal to all of a job may take to end, or to say that it stops: Python
 * takes three seconds to end with Ray.
 */
const hitDoubt = 10_000;

export interface JobSignalEffects {
  live(): Session[];
  readonly progress: RunProgresses;
  ending(): boolean;
  readonly log: Log;
}

export class JobSignals {
  readonly #effects: JobSignalEffects;
  readonly #hits = new Set<string>();

  constructor(effects: JobSignalEffects) {
    this.#effects = effects;
  }

  /** Takes the first signal of each kind; false where it came before, and is for the server itself. */
  take(signal: string): boolean {
    if (this.#hits.has(signal)) return false;
    this.#hits.add(signal);
    this.#effects.log("server.terminated", { signal, runs: this.#effects.live().map(({ id }) => id) });
    for (const session of this.#effects.live()) noteHit(session, signal, wall());
    setTimeout(() => void this.#askAfterHit(), hitDoubt).unref();
    return true;
  }

  async #askAfterHit(): Promise<void> {
    for (const session of this.#effects.live()) {
      const run = await this.#effects.progress.of(session);
      if (!session.live || this.#effects.ending()) continue;
      const signal = session.row.facts.hit?.signal ?? "";
      const stopping = run?.stopping === true;
      this.#answered(session, signal, stopping, orderAfterHit(session, stopping, wall()));
    }
  }

  /** One whose holder does not answer is asked again and again, until it is over. */
  #answered(session: Session, signal: string, stopping: boolean, answer: StopAnswer): void {
    this.#effects.log("session.terminated", { id: session.id, stopping, answer });
    if (answer === "sent") session.audience.tell("it goes on: asked to stop (one Ctrl+C)");
    if (answer !== "unreached") return;
    setTimeout(() => {
      if (!this.#effects.ending()) this.#answered(session, signal, stopping, orderBehind(session, signal, wall()));
    }, hitDoubt).unref();
  }
}
