// Tells one place of events, the user's own command (`on_event`) or a channel of [notify]: each until it was
// taken, through crashes of the server.
import type { Log } from "../../base/log.ts";
import type { Delivery, Queue } from "../../store/deliveries.ts";

/**
 * Runs the user's command with these variables in its environment; answers its exit status, or -1 when it
 * could not be run or was killed.
 */
export type RunCommand = (variables: Record<string, string>) => Promise<number>;

/** What became of an attempt. `problem`: why it was not taken, in words. */
export interface Attempted {
  taken: boolean;
  problem: string;
  /** It may have been taken all the same. */
  unsure?: boolean;
  /** ms that the place wants to be left alone for. */
  pause?: number;
  /** Others have it from here on: it is on its way no more. */
  handedOver?: boolean;
}

/** A place, and how it is told. */
export interface Way {
  readonly name: string;
  /** Events that one attempt may tell together. */
  readonly most: number;
  /** When the next message may go out at the earliest (ms since 1970), at this time. */
  openAt(now: number): number;
  /** @param message its name, the same at each attempt that tells the same. */
  send(message: string, events: readonly Delivery[]): Promise<Attempted>;
  /** Whether an event is given up after one more attempt. */
  isHopeless(event: Delivery, now: number): boolean;
}

/** First pause (ms) after a failed attempt, or a database that took nothing; doubled at each further one. */
const firstPause = 10_000;
const longestPause = 3_600_000;
/**
 * After so many attempts (about half a day) an event is given up: its news are old, and the command does not
 * work.
 */
const mostAttempts = 20;

/** The user's own command, which is told of one event at a time. */
export function commandWay(run: RunCommand): Way {
  return {
    name: "on_event",
    most: 1,
    openAt: () => 0,
    async send(_message, events) {
      const [delivery] = events as [Delivery];
      const status = await run({
        ...delivery.facts,
        FALCON_EVENT: delivery.event,
        FALCON_EVENT_TIME: new Date(delivery.created).toISOString(),
      });
      return { taken: status === 0, problem: status === 0 ? "" : `status ${status}` };
    },
    isHopeless: ({ attempts }) => attempts + 1 >= mostAttempts,
  };
}

/** Whether the database would refuse the same the next time, too: a value that it does not take. */
function isForGood(error: unknown): boolean {
  return /^SQLITE_CONSTRAINT_(DATATYPE|NOTNULL|CHECK|UNIQUE|PRIMARYKEY)$/.test(String((error as { code?: unknown }).code));
}

export class EventOutbox {
  readonly #queue: Queue;
  readonly #way: Way;
  #clock: () => number;
  #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #busy: Promise<void> | undefined;
  /** What the database has not taken yet (a full disk): nothing more is told before it has. */
  readonly #unwritten: (() => void)[] = [];
  /** How often in a row the database failed; it is left alone for a pause each time. */
  #failures = 0;
  #resting = false;
  #leaving = false;
  #gone = false;

  constructor(queue: Queue, way: Way, clock: () => number, log: Log) {
    this.#queue = queue;
    this.#way = way;
    this.#clock = clock;
    this.#log = log;
  }

  /** Keeps the event and tells it as soon as possible. `facts` are the variables, by name. */
  tell(session: string, event: string, facts: Record<string, string>): void {
    const now = this.#clock();
    this.#write(() => this.#queue.add(session, event, facts, now));
    this.resume();
  }

  /** Whether something is still on its way. */
  get pending(): boolean {
    return this.#unwritten.length > 0 || this.#queue.next() !== undefined;
  }

  /** Goes on with what an earlier server did not finish. */
  resume(): void {
    if (this.#busy !== undefined || this.#resting || this.#leaving || this.#gone) return;
    if (!this.#write()) return;
    clearTimeout(this.#timer);
    try {
      this.#begin();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Begins the next attempt, or waits for its time. @throws the database's error */
  #begin(): void {
    const way = this.#way;
    const next = this.#queue.next();
    if (next === undefined) return;
    const now = this.#clock();
    // no pause is longer than the longest, whatever happened to the clock since it was written down
    const wait = Math.min(longestPause, Math.max(next, way.openAt(now)) - now);
    if (wait > 0) {
      this.#timer = setTimeout(() => this.resume(), wait);
      return;
    }
    const { message, taken } = this.#queue.take(now, way.most);
    this.#failures = 0;
    if (taken.length === 0) return;
    this.#busy = this.#attempt(message, taken).finally(() => {
      this.#busy = undefined;
      this.resume();
    });
  }

  /** Begins no attempt any more; resolves when the one under way is over, and noted where it can be. */
  async leave(): Promise<void> {
    this.#leaving = true;
    clearTimeout(this.#timer);
    await this.#busy;
    this.#resting = false;
    this.#write();
  }

  async #attempt(message: string, taken: readonly Delivery[]): Promise<void> {
    const way = this.#way;
    const attempted = await way
      .send(message, taken)
      .catch((error: unknown): Attempted => ({ taken: false, problem: String(error) }));
    if (this.#gone) return;
    const now = this.#clock();
    const ended = attempted.taken ? { status: 0 } : { problem: attempted.problem };
    for (const { session, event, attempts } of taken)
      this.#log("event.attempted", { session, event, attempt: attempts + 1, channel: way.name, ...ended });
    if (attempted.handedOver === true) return;
    if (attempted.taken) return void this.#write(() => this.#queue.done(taken, now));
    const hopeless = taken.filter((event) => way.isHopeless(event, now));
    for (const { session, event } of hopeless) this.#log("event.dropped", { session, event, channel: way.name });
    if (hopeless.length > 0) this.#write(() => this.#queue.drop(hopeless, now, attempted.problem));
    const kept = taken.filter((event) => !hopeless.includes(event));
    if (kept.length === 0) return;
    const attempts = Math.max(...kept.map((event) => event.attempts));
    const pause = Math.max(attempted.pause ?? 0, Math.min(longestPause, firstPause * 2 ** attempts));
    this.#write(() => this.#queue.postpone(kept, now + pause, attempted.problem, attempted.unsure === true));
  }

  /** Writes what is to be written, in order; answers whether the database took all of it. */
  #write(...last: (() => void)[]): boolean {
    this.#unwritten.push(...last);
    if (this.#resting) return false;
    try {
      for (; this.#unwritten.length > 0; this.#unwritten.shift()) this.#unwritten[0]?.();
      return true;
    } catch (error) {
      if (isForGood(error)) this.#unwritten.shift();
      this.#failed(error);
      return false;
    }
  }

  /** The database failed: asked again at once it would fail for ever, or the same would be told for ever. */
  #failed(error: unknown): void {
    this.#log("event.store-failed", { channel: this.#way.name, reason: String(error) });
    if (this.#leaving || this.#gone) return;
    this.#resting = true;
    clearTimeout(this.#timer);
    const wake = () => {
      this.#resting = false;
      this.resume();
    };
    this.#timer = setTimeout(wake, Math.min(longestPause, firstPause * 2 ** this.#failures++));
  }

  dispose(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
  }
}
