// What happened to the sessions, one stream in the order in which it was noticed.
import type Database from "better-sqlite3";

/** One event. `null`: it does not apply. JSON-friendly; docs/guide/json.md describes it. */
export interface StoredEvent {
  /** Grows; never given twice. */
  id: number;
  session: string;
  /** When it was noticed, ms since 1970. */
  time: number;
  kind: string;
  node: string | null;
  metric: string | null;
  epoch: number | null;
  /** For a person. */
  sentence: string;
}

/** Events of one session that are kept: the oldest go. A run of a week that is told of each hour has 170. */
export const mostEvents = 2_000;

export class SessionEvents {
  #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  add(event: Omit<StoredEvent, "id">): StoredEvent {
    const { session, time, kind, node, metric, epoch, sentence } = event;
    const { lastInsertRowid } = this.#database
      .prepare("INSERT INTO event (session, time, kind, node, metric, epoch, sentence) VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(session, time, kind, node, metric, epoch, sentence);
    this.#database
      .prepare(
        `DELETE FROM event WHERE session = ? AND id <=
         (SELECT id FROM event WHERE session = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(session, session, mostEvents);
    return { id: Number(lastInsertRowid), ...event };
  }

  /** Those after an id, oldest first; of one session, or of all. */
  after(id: number, session?: string): StoredEvent[] {
    const chosen = session === undefined ? "" : "AND session = ?";
    return this.#database
      .prepare(`SELECT * FROM event WHERE id > ? ${chosen} ORDER BY id`)
      .all(id, ...(session === undefined ? [] : [session])) as StoredEvent[];
  }
}
