// Events that the user's own command is still to be told of; they stay in the database until it has taken
// them.
import type Database from "better-sqlite3";

/** One event on its way. Times are ms since 1970. */
export interface Delivery {
  id: number;
  session: string;
  event: string;
  facts: Record<string, string>;
  created: number;
  attempts: number;
  nextAttempt: number;
}

/** What is on its way to one place, and stays until it was taken. */
export interface Queue {
  add(session: string, event: string, facts: Record<string, string>, now: number): void;
  /** When the next attempt is due (ms since 1970); undefined: nothing is on its way. */
  next(): number | undefined;
  /**
   * What is told together now, at most so many, and the name of that message: the same again where an attempt
   * was broken off.
   */
  take(now: number, most: number): { message: string; taken: Delivery[] };
  /** It was taken. */
  done(taken: readonly Delivery[], now: number): void;
  /** It is given up. */
  drop(taken: readonly Delivery[], now: number, problem: string): void;
  /** It was not taken. @param unsure it may have been: then the next attempt is the same message. */
  postpone(taken: readonly Delivery[], nextAttempt: number, problem: string, unsure: boolean): void;
}

export class Deliveries implements Queue {
  #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  add(session: string, event: string, facts: Record<string, string>, now: number): void {
    this.#database
      .prepare("INSERT INTO delivery (session, event, facts, created, next_attempt) VALUES (?, ?, ?, ?, ?)")
      .run(session, event, JSON.stringify(facts), now, now);
  }

  /** One that another home could not tell; one that is known is kept once. @param now when it is due. */
  takeIn({ session, event, facts, created }: Delivery, now: number): void {
    const text = JSON.stringify(facts);
    this.#database
      .prepare(
        `INSERT INTO delivery (session, event, facts, created, next_attempt) SELECT ?, ?, ?, ?, ?
         WHERE NOT EXISTS (SELECT 1 FROM delivery WHERE session = ? AND event = ? AND facts = ? AND created = ?)`,
      )
      .run(session, event, text, created, now, session, event, text, created);
  }

  /** All that is on its way, the most urgent first. */
  waiting(): Delivery[] {
    return this.#database
      .prepare(
        "SELECT id, session, event, facts, created, attempts, next_attempt AS nextAttempt FROM delivery ORDER BY next_attempt, id",
      )
      .all()
      .map((row) => ({ ...(row as Delivery), facts: JSON.parse((row as { facts: string }).facts) }));
  }

  next(): number | undefined {
    return this.waiting()[0]?.nextAttempt;
  }

  take(_now: number, most: number): { message: string; taken: Delivery[] } {
    const taken = this.waiting().slice(0, most);
    return { message: String(taken[0]?.id ?? ""), taken };
  }

  done(taken: readonly Delivery[]): void {
    for (const { id } of taken) this.#database.prepare("DELETE FROM delivery WHERE id = ?").run(id);
  }

  drop(taken: readonly Delivery[]): void {
    this.done(taken);
  }

  postpone(taken: readonly Delivery[], nextAttempt: number): void {
    const later = this.#database.prepare("UPDATE delivery SET attempts = attempts + 1, next_attempt = ? WHERE id = ?");
    for (const { id } of taken) later.run(nextAttempt, id);
  }
}
