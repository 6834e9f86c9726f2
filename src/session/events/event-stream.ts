// The stream of events: each is kept, told to those who follow, and given to the user's own command.
import type { Log } from "../../base/log.ts";
import type { ShownRun } from "../../presentation/shown-run.ts";
import type { SessionEvents, StoredEvent } from "../../store/session-events.ts";
import type { Session } from "../life/session.ts";
import { eventFacts } from "./event-facts.ts";
import { nothingTold, type RunEvent, runEvents } from "./run-events.ts";

/** An event as whoever noticed it tells it. */
export type NewEvent = Omit<RunEvent, "kind"> & { kind: string };

export interface StreamEffects {
  /** The user's own command and the channels are told; what cannot be kept for them yet is no error. */
  tell(session: string, event: string, facts: Record<string, string>): void;
  /** ms since 1970. */
  clock(): number;
  readonly log: Log;
}

export class EventStream {
  readonly #events: SessionEvents;
  readonly #effects: StreamEffects;
  readonly #followers = new Set<(event: StoredEvent) => void>();

  constructor(events: SessionEvents, effects: StreamEffects) {
    this.#events = events;
    this.#effects = effects;
  }

  /** @param summary what the user's command gets as the summary. */
  add(session: Session, event: NewEvent, summary: string): void {
    const { node, metric, epoch, sentence } = event;
    this.#effects.tell(session.id, event.kind, {
      ...eventFacts(session, summary),
      FALCON_EVENT_NODE: node ?? "",
      FALCON_EVENT_METRIC: metric ?? "",
      FALCON_EVENT_EPOCH: epoch === null ? "" : String(epoch),
      FALCON_EVENT_SENTENCE: sentence,
    });
    try {
      const stored = this.#events.add({ session: session.id, time: this.#effects.clock(), ...event });
      for (const follower of [...this.#followers]) follower(stored);
    } catch (error) {
      // a full disk: the user's command was told all the same
      this.#effects.log("event.lost", { id: session.id, kind: event.kind, reason: String(error) });
    }
  }

  /** What is new in a run since it was looked at last. */
  look(session: Session, run: ShownRun): RunEvent[] {
    const before = session.row.facts.told ?? nothingTold;
    const { events, told } = runEvents(before, run);
    for (const event of events) this.add(session, event, run.summary);
    // behind it: a server that is killed in between leaves it to the next one to tell
    if (JSON.stringify(told) !== JSON.stringify(before)) session.setFact("told", told);
    return events;
  }

  /** Those after an id, of one session or of all. */
  after(id: number, session?: string): StoredEvent[] {
    return this.#events.after(id, session);
  }

  /** Tells of each new one until the answer is called. */
  follow(follower: (event: StoredEvent) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }
}
