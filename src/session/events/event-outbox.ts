// Tells the user's own command (`on_event`) of ends, failures and stalls: each event until it was taken,
// through crashes of the server.
import type { Disposable } from "../../base/disposable.ts";
import type { Log } from "../../base/log.ts";
import type { Deliveries, Delivery } from "../../store/deliveries.ts";

/**
 * Runs the user's command with these variables in its environment; answers its exit status, or -1 when it
 * could not be run or was killed.
 */
export type RunCommand = (variables: Record<string, string>) => Promise<number>;

/** First pause after a failed attempt (ms); doubled at each further one. */
const firstPause = 10_000;
const longestPause = 3_600_000;
/**
 * After so many attempts (about half a day) an event is given up: its news are old, and the command does not
 * work.
 */
const mostAttempts = 20;

export class EventOutbox implements Disposable {
  #deliveries: Deliveries;
  #run: RunCommand | undefined;
  #clock: () => number;
  #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #gone = false;

  /** @param run undefined where the user has no `on_event`: then nothing is told, and nothing kept. */
  constructor(deliveries: Deliveries, run: RunCommand | undefined, clock: () => number, log: Log) {
    this.#deliveries = deliveries;
    this.#run = run;
    this.#clock = clock;
    this.#log = log;
  }

  /** Keeps the event and tells it as soon as possible. `facts` are the variables, by name. */
  tell(session: string, event: string, facts: Record<string, string>): void {
    if (this.#run === undefined) return;
    this.#deliveries.add(session, event, facts, this.#clock());
    this.resume();
  }

  /** Whether something is still on its way. */
  get pending(): boolean {
    return this.#run !== undefined && this.#deliveries.waiting().length > 0;
  }

  /** Goes on with what an earlier server did not finish. */
  resume(): void {
    if (this.#busy || this.#gone || this.#run === undefined) return;
    const [next] = this.#deliveries.waiting();
    if (next === undefined) return;
    clearTimeout(this.#timer);
    // no pause is longer than the longest, whatever happened to the clock since it was written down
    const wait = Math.min(longestPause, next.nextAttempt - this.#clock());
    if (wait > 0) {
      this.#timer = setTimeout(() => this.resume(), wait);
      return;
    }
    this.#busy = true;
    void this.#attempt(next, this.#run).finally(() => {
      this.#busy = false;
      this.resume();
    });
  }

  async #attempt(delivery: Delivery, run: RunCommand): Promise<void> {
    const status = await run({
      ...delivery.facts,
      FALCON_EVENT: delivery.event,
      FALCON_EVENT_TIME: new Date(delivery.created).toISOString(),
    });
    if (this.#gone) return;
    this.#log("event.attempted", { session: delivery.session, event: delivery.event, attempt: delivery.attempts + 1, status });
    if (status === 0) this.#deliveries.done(delivery.id);
    else if (delivery.attempts + 1 >= mostAttempts) {
      this.#log("event.dropped", { session: delivery.session, event: delivery.event });
      this.#deliveries.done(delivery.id);
    } else this.#deliveries.postpone(delivery.id, this.#clock() + Math.min(longestPause, firstPause * 2 ** delivery.attempts));
  }

  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
  }
}
