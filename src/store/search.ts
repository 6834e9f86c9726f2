// The lines of all sessions as blocks in the database, with an index of their words (FTS5): what reads a log
// quickly and finds in all of them.
import type Database from "better-sqlite3";

/**
 * Consecutive lines of one session. Offsets are of its stream: where the first and the last line were last
 * written to.
 */
export interface LineBlock {
  /** Number of the first line; counts from 0. */
  first: number;
  count: number;
  offset: number;
  last: number;
  packed: Uint8Array;
}

export interface NewLineBlock extends LineBlock {
  /** Words of the index, separated by blanks; letters a to z and digits. */
  words: string;
}

/** How far the lines of a session have been read. */
export interface LineProgress {
  /** The next byte of the stream. */
  offset: number;
  /** Lines in blocks so far: the number of the next block's first line. */
  lines: number;
  /** The reader's state, for going on. */
  state: Buffer;
  /** Whether nothing will be added any more. */
  complete: boolean;
}

/** A block that a query found. */
export interface FoundBlock {
  session: string;
  id: number;
}

/**
 * The index merges what was added with what it has in its own time, up to 150 ms at once under a flood, in
 * which no key is passed on. So it is
 * told to leave that (`automerge`), and to do a bounded piece of it after each addition: so many pages of 4
 * KiB, some 2 ms.
 */
const mergedAtOnce = 16;
/**
 * Unmerged additions at which the index merges all at once whatever it was told: far more than ever come
 * together.
 */
const crisis = 1000;

export class LineStore {
  #database: Database.Database;
  #merge: Database.Statement;
  #progress: Database.Statement;
  #add: Database.Statement;
  #index: Database.Statement;
  #from: Database.Statement;
  #before: Database.Statement;
  #byId: Database.Statement;

  /** @param database one whose schema is current. */
  constructor(database: Database.Database) {
    this.#database = database;
    this.#progress = database.prepare("SELECT offset, lines, state, complete FROM line_progress WHERE session = ?");
    this.#add = database.prepare(
      'INSERT INTO line_block (session, first, "count", offset, last, packed) VALUES (@session, @first, @count, @offset, @last, @packed)',
    );
    this.#index = database.prepare("INSERT INTO line_words (rowid, words) VALUES (?, ?)");
    this.#merge = database.prepare("INSERT INTO line_words (line_words, rank) VALUES ('merge', ?)");
    const known = database.prepare("SELECT v FROM line_words_config WHERE k = 'automerge'").pluck().get();
    if (known !== 0) {
      const set = database.prepare("INSERT INTO line_words (line_words, rank) VALUES (?, ?)");
      database.transaction(() => {
        set.run("crisismerge", BigInt(crisis));
        set.run("automerge", 0n);
      })();
    }
    const columns = 'first, "count", offset, last, packed';
    this.#from = database.prepare(
      `SELECT ${columns} FROM line_block WHERE session = ? AND first + "count" > ? AND first >= ? ORDER BY first LIMIT ?`,
    );
    this.#before = database.prepare(
      `SELECT ${columns} FROM line_block WHERE session = ? AND first < ? ORDER BY first DESC LIMIT ?`,
    );
    this.#byId = database.prepare(`SELECT ${columns} FROM line_block WHERE id = ?`);
  }

  progress(session: string): LineProgress | undefined {
    const row = this.#progress.get(session) as (Omit<LineProgress, "complete"> & { complete: number }) | undefined;
    return row && { ...row, complete: row.complete === 1 };
  }

  /**
   * Adds what was read, and how far. A large addition comes in several calls, of which the last has the
   * progress: blocks behind it count for
   * nothing, and go with the next first call (`begins`).
   */
  add(session: string, blocks: readonly NewLineBlock[], progress?: LineProgress, begins = true): void {
    this.#database.transaction(() => {
      if (begins) {
        const known = this.progress(session)?.lines ?? 0;
        this.#database.prepare("DELETE FROM line_block WHERE session = ? AND first >= ?").run(session, known);
      }
      for (const { words, ...block } of blocks) {
        const { lastInsertRowid } = this.#add.run({ session, ...block });
        this.#index.run(lastInsertRowid, words);
      }
      if (progress === undefined) return;
      this.#database
        .prepare("INSERT OR REPLACE INTO line_progress (session, offset, lines, state, complete) VALUES (?, ?, ?, ?, ?)")
        .run(session, progress.offset, progress.lines, progress.state, progress.complete ? 1 : 0);
    })();
  }

  /** Does a piece of what keeps the index quick; to be called after `add`, in a turn of its own. */
  tidy(): void {
    this.#merge.run(BigInt(mergedAtOnce));
  }

  /** The blocks from the one that holds line `number` on, at most `limit`. */
  blocksFrom(session: string, number: number, limit: number): LineBlock[] {
    // the block that holds it begins at most one block's length earlier
    const holding = this.#database
      .prepare("SELECT max(first) AS first FROM line_block WHERE session = ? AND first <= ?")
      .get(session, number) as { first: number | null };
    return this.#from.all(session, number, holding.first ?? 0, limit) as LineBlock[];
  }

  /** The blocks that begin before line `number`, the last one first, at most `limit`. */
  blocksBefore(session: string, number: number, limit: number): LineBlock[] {
    return this.#before.all(session, number, limit) as LineBlock[];
  }

  /**
   * Number of the first line of the first block that reaches to byte `offset` or further; undefined when none
   * does.
   */
  lineAt(session: string, offset: number): number | undefined {
    const row = this.#database
      .prepare("SELECT first FROM line_block WHERE session = ? AND last >= ? ORDER BY first LIMIT 1")
      .get(session, offset) as { first: number } | undefined;
    return row?.first;
  }

  /**
   * Blocks in which all of a query's words occur, in the order in which they were stored. `session`: only its
   * blocks.
   */
  find(query: string, session?: string): FoundBlock[] {
    return this.#database
      .prepare(
        `SELECT b.session, b.id FROM line_words JOIN line_block b ON b.id = line_words.rowid
         WHERE line_words MATCH ? ${session === undefined ? "" : "AND b.session = ?"} ORDER BY line_words.rowid`,
      )
      .all(...(session === undefined ? [query] : [query, session])) as FoundBlock[];
  }

  block(id: number): LineBlock | undefined {
    return this.#byId.get(id) as LineBlock | undefined;
  }

  /**
   * Lets go of the blocks that lie before byte `offset` of the stream as a whole, at most `limit`; answers
   * how many went.
   */
  forget(session: string, offset: number, limit: number): number {
    const { changes } = this.#database
      .prepare(
        "DELETE FROM line_block WHERE id IN (SELECT id FROM line_block WHERE session = ? AND last < ? ORDER BY first LIMIT ?)",
      )
      .run(session, offset, limit);
    return changes;
  }

  /** Forgets blocks of sessions that are no more, at most `limit`; answers how many went. */
  sweep(limit: number): number {
    this.#database.prepare("DELETE FROM line_progress WHERE session NOT IN (SELECT id FROM session)").run();
    const { changes } = this.#database
      .prepare(
        "DELETE FROM line_block WHERE id IN (SELECT b.id FROM line_block b LEFT JOIN session s ON s.id = b.session WHERE s.id IS NULL LIMIT ?)",
      )
      .run(limit);
    return changes;
  }
}
