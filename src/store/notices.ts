// What the channels of [notify] are to tell, and what they have told lately: in the database, through deaths
// of the server.
import { randomUUID } from "node:crypto";
import type Database from "better-sqlite3";
import type { Delivery, Queue } from "./deliveries.ts";

/**
 * One notice, for a person. `over`: when it was taken, or given up because of `problem`; null: it waits.
 * Times are ms since 1970.
 */
export interface Notice extends Delivery {
  /** The same wherever it goes. */
  mark: string;
  channel: string;
  problem: string;
  over: number | null;
}

/**
 * That wait for one channel: of a farm of runs that fail at once while the network is away; the oldest are
 * given up.
 */
export const mostWaiting = 1_000;
/** Of one channel that are over and still listed. */
export const mostOver = 100;

const columns =
  "id, mark, channel, session, event, facts, created, attempts, next_attempt AS nextAttempt, message, problem, over FROM notice";

type Row = Omit<Notice, "facts"> & { facts: string; message: string | null };

/** One that waits, with the message that an attempt under way has; null: none. */
export type UntoldNotice = Notice & { message: string | null };

/** What waits for any channel, oldest first. */
export function untoldNotices(database: Database.Database): UntoldNotice[] {
  return database
    .prepare(`SELECT ${columns} WHERE over IS NULL ORDER BY id`)
    .all()
    .map((row) => noticeOf(row as Row));
}

/** Of one channel. */
export class Notices implements Queue {
  readonly #database: Database.Database;
  readonly #channel: string;

  constructor(database: Database.Database, channel: string) {
    this.#database = database;
    this.#channel = channel;
  }

  add(session: string, event: string, facts: Record<string, string>, now: number): void {
    this.takeIn({ mark: randomUUID(), session, event, facts, created: now }, now);
  }

  /**
   * One that another home could not send. @param now when it is due; one that is known is kept once.
   * `message`: that which it was part of, where nobody knows whether it was taken: it is told as the same.
   */
  takeIn(
    {
      mark,
      session,
      event,
      facts,
      created,
      message = null,
    }: Pick<Notice, "mark" | "session" | "event" | "facts" | "created"> & Partial<Pick<UntoldNotice, "message">>,
    now: number,
  ): void {
    this.#database
      .prepare(
        `INSERT OR IGNORE INTO notice (mark, channel, session, event, facts, created, next_attempt, message)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(mark, this.#channel, session, event, JSON.stringify(facts), created, now, message);
    this.#database
      .prepare(
        `UPDATE notice SET over = ?, problem = 'too many waited' WHERE channel = ? AND over IS NULL AND id <=
         (SELECT id FROM notice WHERE channel = ? AND over IS NULL ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(now, this.#channel, this.#channel, mostWaiting);
  }

  next(): number | undefined {
    return this.#rows("over IS NULL ORDER BY next_attempt, id LIMIT 1")[0]?.nextAttempt;
  }

  take(now: number, most: number): { message: string; taken: Delivery[] } {
    const begun = this.#rows(
      "over IS NULL AND message IS NOT NULL AND next_attempt <= ? ORDER BY next_attempt, id LIMIT 1",
      now,
    )[0];
    if (begun?.message != null)
      return { message: begun.message, taken: this.#rows("over IS NULL AND message = ? ORDER BY id", begun.message) };
    const message = randomUUID();
    const taken = this.#rows("over IS NULL AND message IS NULL AND next_attempt <= ? ORDER BY id LIMIT ?", now, most);
    const begin = this.#database.prepare("UPDATE notice SET message = ? WHERE id = ?");
    this.#database.transaction(() => {
      for (const { id } of taken) begin.run(message, id);
    })();
    return { message, taken };
  }

  done(taken: readonly Delivery[], now: number): void {
    this.#over(taken, now, "");
    // the way is open: what waits for a later attempt need not
    this.#database
      .prepare("UPDATE notice SET next_attempt = min(next_attempt, ?) WHERE channel = ? AND over IS NULL")
      .run(now, this.#channel);
  }

  drop(taken: readonly Delivery[], now: number, problem: string): void {
    this.#over(taken, now, problem);
  }

  postpone(taken: readonly Delivery[], nextAttempt: number, problem: string, unsure: boolean): void {
    const later = this.#database.prepare(
      `UPDATE notice SET attempts = attempts + 1, next_attempt = ?, problem = ?${unsure ? "" : ", message = NULL"} WHERE id = ?`,
    );
    this.#database.transaction(() => {
      for (const { id } of taken) later.run(nextAttempt, problem, id);
    })();
  }

  /** Those of these that are to be left for another machine, and what is known of each. */
  of(taken: readonly Delivery[]): Notice[] {
    return taken.flatMap(({ id }) => this.#rows("id = ?", id));
  }

  /** Takes them out: another place has them. */
  remove(taken: readonly Delivery[]): void {
    for (const { id } of taken) this.#database.prepare("DELETE FROM notice WHERE id = ?").run(id);
  }

  /** When the last message went out; undefined: none of those that are known. */
  lastSent(): number | undefined {
    return this.#rows("over IS NOT NULL AND problem = '' ORDER BY over DESC LIMIT 1")[0]?.over ?? undefined;
  }

  /** What waits, and what was over lately, oldest first. */
  all(): Notice[] {
    return this.#rows("1 ORDER BY id");
  }

  #over(taken: readonly Delivery[], now: number, problem: string): void {
    const end = this.#database.prepare("UPDATE notice SET attempts = attempts + 1, over = ?, problem = ? WHERE id = ?");
    this.#database.transaction(() => {
      for (const { id } of taken) end.run(now, problem, id);
      this.#database
        .prepare(
          `DELETE FROM notice WHERE channel = ? AND over IS NOT NULL AND id <=
           (SELECT id FROM notice WHERE channel = ? AND over IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?)`,
        )
        .run(this.#channel, this.#channel, mostOver);
    })();
  }

  #rows(where: string, ...values: unknown[]): UntoldNotice[] {
    return this.#database
      .prepare(`SELECT ${columns} WHERE channel = ? AND ${where}`)
      .all(this.#channel, ...values)
      .map((row) => noticeOf(row as Row));
  }
}

function noticeOf(row: Row): UntoldNotice {
  return { ...row, facts: JSON.parse(row.facts) };
}
