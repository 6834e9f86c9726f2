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

export class Deliveries {
  #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  add(session: string, event: string, facts: Record<string, string>, now: number): void {
    this.#database
      .prepare("INSERT INTO delivery (session, event, facts, created, next_attempt) VALUES (?, ?, ?, ?, ?)")
      .run(session, event, JSON.stringify(facts), now, now);
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

  /** It was taken, or is given up. */
  done(id: number): void {
    this.#database.prepare("DELETE FROM delivery WHERE id = ?").run(id);
  }

  /** It was not taken: the next attempt is at `nextAttempt`. */
  postpone(id: number, nextAttempt: number): void {
    this.#database.prepare("UPDATE delivery SET attempts = attempts + 1, next_attempt = ? WHERE id = ?").run(nextAttempt, id);
  }
}
