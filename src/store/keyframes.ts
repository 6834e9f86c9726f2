// Screens along a session's output, so that a replay can begin anywhere without parsing all that came before.
import type Database from "better-sqlite3";
import type { StoredSnapshot } from "./session-store.ts";

/** Between two keyframes lies at least this much output (bytes): parsing it takes a fraction of a second. */
const spacing = 4 << 20;
/**
 * Of more than so many of one session the one goes that leaves the smallest gap: after a day of 1.3 GB they
 * are 20 to 40 MB apart, a second of parsing.
 */
const most = 64;

export class Keyframes {
  #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Keeps a screen where the last one kept is far enough back. */
  add(session: string, { offset, cols, rows, replay }: StoredSnapshot): void {
    const { last, count } = this.#database
      .prepare("SELECT max(offset) AS last, count(*) AS count FROM keyframe WHERE session = ?")
      .get(session) as { last: number | null; count: number };
    if (offset - (last ?? 0) < spacing) return;
    this.#database.transaction(() => {
      this.#database
        .prepare("INSERT INTO keyframe (session, offset, cols, rows, replay) VALUES (?, ?, ?, ?, ?)")
        .run(session, offset, cols, rows, replay);
      if (count >= most) this.#thin(session);
    })();
  }

  #thin(session: string): void {
    this.#database
      .prepare(
        `DELETE FROM keyframe WHERE session = ? AND offset = (
           SELECT offset FROM (
             SELECT offset, lead(offset) OVER (ORDER BY offset) - lag(offset, 1, 0) OVER (ORDER BY offset) AS span
             FROM keyframe WHERE session = ?
           ) WHERE span IS NOT NULL ORDER BY span, offset LIMIT 1)`,
      )
      .run(session, session);
  }

  /** The last one at or before a place. */
  before(session: string, offset: number): StoredSnapshot | undefined {
    return this.#database
      .prepare("SELECT offset, cols, rows, replay FROM keyframe WHERE session = ? AND offset <= ? ORDER BY offset DESC LIMIT 1")
      .get(session, offset) as StoredSnapshot | undefined;
  }

  /** The first one at or after a place. */
  after(session: string, offset: number): StoredSnapshot | undefined {
    return this.#database
      .prepare("SELECT offset, cols, rows, replay FROM keyframe WHERE session = ? AND offset >= ? ORDER BY offset LIMIT 1")
      .get(session, offset) as StoredSnapshot | undefined;
  }
}
