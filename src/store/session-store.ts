// Sessions as they are kept: the rows of the SQLite file, which is an index over what the session folders
// say.

import fs from "node:fs";
import type Database from "better-sqlite3";
import { wall } from "../base/clock.ts";
import { Failure, userMessage } from "../base/failure.ts";
import type { Limit } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { isPlain } from "../base/text/bytes.ts";
import type { Gap } from "./record.ts";
import { migrate } from "./schema.ts";
import { loadSqlite, openDatabase } from "./sqlite.ts";
import { isCommand, isEnvironment, isTable } from "./stored-values.ts";

/** States of a session; see the transition table in session/life/state.ts. */
export type SessionState = "starting" | "running" | "exiting" | "exited" | "lost";

/** Everything that is kept of one session. Times are ms since 1970. */
export interface SessionRow {
  id: string;
  name: string;
  /** `launch`: falcon's; `run`: any other command. */
  kind: "launch" | "run";
  /** Name of its trainer (trainers/registry.ts); of a session of an earlier version what its kind says. */
  trainer: string;
  command: string[];
  directory: string;
  environment: Record<string, string>;
  umask: number;
  limits: Limit[];
  runDirectory: string | null;
  host: string;
  /** Boot id of the machine at the start: another one now means that the machine was restarted. */
  boot: string;
  /**
   * Token of the request that started it, so that a repeated request finds it instead of starting a second
   * one.
   */
  token: string;
  holderPid: number | null;
  programPid: number | null;
  state: SessionState;
  /** Why it is in this state, in words. */
  reason: string;
  created: number;
  started: number | null;
  ended: number | null;
  /** As of waitpid(2); null while it runs, -1 when nobody could know. */
  waitStatus: number | null;
  cols: number;
  rows: number;
  pinned: boolean;
  /** How many Ctrl+C the program was sent: falcon's second one drops the model. */
  interrupts: number;
  /** When somebody attached last. */
  attached: number | null;
  facts: SessionFacts;
}

/** Facts of the output, which this folder keeps; the others are declared in session/life/session-facts.ts. */
export interface SessionFacts {
  outputBytes?: number;
  /** When output came last (ms since 1970). */
  lastOutput?: number;
  /** Bytes that were written and could not be kept. */
  gaps?: Gap[];
}

/** A stored screen: opening a Screen with `restore: replay` gives the state at `offset`. */
export interface StoredSnapshot {
  offset: number;
  cols: number;
  rows: number;
  replay: Buffer;
}

/**
 * So long (ms) another process's lock on the file is waited for: a copy or a look at it is over by then. A
 * lock that stays (a shell in a
 * transaction, one that a crashed machine left on a file server) must not keep the sessions from being
 * served; clients wait meanwhile.
 */
const lockPatience = 2_000;

/** What says nothing of the file: the disk is full (an upgrade adds tables), or the system refuses. */
const wanting = /^(SQLITE_(FULL|CANTOPEN|NOMEM|IOERR_(NOMEM|WRITE|FSYNC|DIR_FSYNC|TRUNCATE))|E[A-Z]+$)/;

/** The database. One process at a time has it open. */
export class SessionStore {
  readonly database: Database.Database;
  #save: Database.Statement;
  #saveTrainer: Database.Statement;

  private constructor(database: Database.Database) {
    this.database = database;
    this.#save = database.prepare(
      `INSERT INTO session (id, ${fields.map(columnOf).join(", ")}) VALUES (@id, ${fields.map((field) => `@${field}`).join(", ")})
       ON CONFLICT (id) DO UPDATE SET ${fields.map((field) => `${columnOf(field)} = @${field}`).join(", ")}`,
    );
    this.#saveTrainer = database.prepare(
      `INSERT INTO session_trainer VALUES (?, ?) ON CONFLICT (session) DO UPDATE SET trainer = excluded.trainer
       WHERE trainer <> excluded.trainer`,
    );
  }

  /**
   * Opens the file, sets aside one that is broken or newer (`.broken-<time>`) or that another process keeps
   * locked (`.locked-<time>`), and begins
   * a new one: the session folders are the truth, the caller rebuilds from them. Waits for a lock for
   * `lockPatience`.
   * @throws Failure where the file may be whole and cannot be opened for want of something.
   */
  static open(path: string, log: Log): SessionStore {
    try {
      return SessionStore.#openFile(path);
    } catch (error) {
      const { code } = error as { code?: string };
      if (wanting.test(code ?? "")) throw new Failure(`the database ${path} cannot be opened: ${userMessage(error)}`);
      // an installation that has no SQLite says nothing of the file
      loadSqlite();
      // its owner notices that its file was moved, and touches neither the new one nor the new one's log
      // (sqlite.org/howtocorrupt.html, 2.4)
      const aside = `${path}.${code?.startsWith("SQLITE_BUSY") ? "locked" : "broken"}-${wall()}`;
      log("database.set-aside", { path, aside, reason: String(error) });
      for (const suffix of ["", "-wal", "-shm"]) {
        if (fs.existsSync(path + suffix)) fs.renameSync(path + suffix, aside + suffix);
      }
      return SessionStore.#openFile(path);
    }
  }

  static #openFile(path: string): SessionStore {
    if (!fs.existsSync(path)) fs.closeSync(fs.openSync(path, "wx", 0o600));
    const database = openDatabase(path, { timeout: lockPatience });
    try {
      // exclusive locking keeps WAL's shared memory in the heap, so it also works where mmap is not shared
      // (network homes)
      database.pragma("locking_mode = EXCLUSIVE");
      database.pragma("journal_mode = WAL");
      database.pragma("synchronous = NORMAL");
      database.pragma("foreign_keys = ON");
      migrate(database);
      // the lines and their index can be large, and are made again from the logs: they are not read through
      // at every start
      for (const table of checkedTables) {
        if (database.pragma(`quick_check('${table}')`, { simple: true }) !== "ok") throw new Error("the database is damaged");
      }
      const store = new SessionStore(database);
      // what the check passes over (a changed letter in a text) must not keep every later server from
      // starting
      store.all();
      return store;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  save(row: SessionRow): void {
    const { trainer, ...columns } = row;
    this.#save.run({
      ...columns,
      command: JSON.stringify(row.command),
      directory: pathToTable(row.directory),
      runDirectory: row.runDirectory === null ? null : pathToTable(row.runDirectory),
      environment: JSON.stringify(row.environment),
      limits: JSON.stringify(row.limits.map((l) => [l.resource, String(l.soft), String(l.hard)])),
      pinned: row.pinned ? 1 : 0,
      facts: JSON.stringify(row.facts),
    });
    this.#saveTrainer.run(row.id, trainer);
  }

  all(): SessionRow[] {
    return this.database
      .prepare(
        `SELECT s.id, ${fields.map((field) => `s.${columnOf(field)} AS ${field}`).join(", ")}, t.trainer
         FROM session s LEFT JOIN session_trainer t ON t.session = s.id ORDER BY s.created`,
      )
      .all()
      .map(fromTable);
  }

  /** The latest time (ms since 1970) that any row knows; undefined without a row. */
  latest(): number | undefined {
    const found = this.database
      .prepare("SELECT max(max(created, ifnull(started, 0), ifnull(ended, 0), ifnull(attached, 0))) AS latest FROM session")
      .get() as { latest: number | null };
    return found.latest ?? undefined;
  }

  remove(id: string): void {
    this.database.prepare("DELETE FROM session WHERE id = ?").run(id);
  }

  saveSnapshot(id: string, snapshot: StoredSnapshot): void {
    this.database
      .prepare("INSERT OR REPLACE INTO snapshot (session, offset, cols, rows, replay) VALUES (?, ?, ?, ?, ?)")
      .run(id, snapshot.offset, snapshot.cols, snapshot.rows, snapshot.replay);
  }

  /**
   * The stored screen of a session. Undefined once the store was closed, too: a server that goes may still
   * move a screen to another thread.
   */
  snapshot(id: string): StoredSnapshot | undefined {
    if (!this.open) return undefined;
    return this.database.prepare("SELECT offset, cols, rows, replay FROM snapshot WHERE session = ?").get(id) as
      | StoredSnapshot
      | undefined;
  }

  /**
   * Writes all that is known to a file where none of ours is any more: this one was removed, or moved. What
   * stands there is set aside (`.foreign-<time>`).
   * @throws Error where it cannot be written.
   */
  copyTo(path: string): void {
    for (const suffix of ["", "-wal", "-shm"])
      if (fs.existsSync(path + suffix)) fs.renameSync(path + suffix, `${path}.foreign-${wall()}${suffix}`);
    this.database.prepare("VACUUM INTO ?").run(path);
    fs.chmodSync(path, 0o600);
  }

  /** False once it was closed: nothing can be read or written any more. */
  get open(): boolean {
    return this.database.open;
  }

  close(): void {
    this.database.close();
  }
}

/**
 * SQLite keeps UTF-8 only: a path that is none is kept as JSON's text of it, which begins with a quotation
 * mark and not with a slash.
 */
function pathToTable(path: string): string {
  return isPlain(path) ? path : JSON.stringify(path);
}

function pathFromTable(kept: string): string {
  return kept.startsWith('"') ? (JSON.parse(kept) as string) : kept;
}

/** A session's trainer: earlier versions kept none, and had falcon's launches and anything else. */
export function trainerOf(kind: SessionRow["kind"], kept: unknown): string {
  if (typeof kept === "string" && kept !== "") return kept;
  return kind === "launch" ? "falcon" : "none";
}

/** Tables that are checked at the start. */
const checkedTables = ["session", "delivery"];

/** What a row has in the table of sessions beside its id: all but its trainer. */
const fields = (
  "name kind command directory environment umask limits runDirectory host boot token holderPid programPid state reason created " +
  "started ended waitStatus cols rows pinned interrupts attached facts"
).split(" ");

/** runDirectory is the column run_directory. */
function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What the table has as text, or as a number, of a row that has something else. */
type Kept = "command" | "environment" | "limits" | "pinned" | "facts" | "trainer";
type TableRow = Omit<SessionRow, Kept> &
  Record<"command" | "environment" | "limits" | "facts", string> & { pinned: number; trainer: string | null };

/** @throws Error for a row that no server of ours wrote. */
function fromTable(raw: unknown): SessionRow {
  const kept = raw as TableRow;
  const row: SessionRow = {
    ...kept,
    trainer: trainerOf(kept.kind, kept.trainer),
    command: JSON.parse(kept.command),
    directory: pathFromTable(kept.directory),
    environment: JSON.parse(kept.environment),
    limits: limitsFrom(JSON.parse(kept.limits)),
    runDirectory: kept.runDirectory === null ? null : pathFromTable(kept.runDirectory),
    pinned: kept.pinned === 1,
    facts: JSON.parse(kept.facts),
  };
  if (!isRight(row)) throw new Error(`the row of session ${row.id} makes no sense`);
  return row;
}

const states: readonly unknown[] = ["starting", "running", "exiting", "exited", "lost"] satisfies SessionState[];

export function isState(value: unknown): value is SessionState {
  return states.includes(value);
}

/** What the tables' own types leave open. */
function isRight({ id, command, environment, state, cols, rows, facts }: SessionRow): boolean {
  return (
    // an id is the name of a folder, which is removed with the session
    /^[a-z0-9]+$/.test(id) &&
    isCommand(command) &&
    isEnvironment(environment) &&
    isTable(facts) &&
    isState(state) &&
    cols >= 0 &&
    rows >= 0
  );
}

/** Limits as JSON keeps them: bigint has no JSON form. */
export function limitsFrom(stored: [number, string, string][]): Limit[] {
  return stored.map(([resource, soft, hard]) => ({ resource, soft: BigInt(soft), hard: BigInt(hard) }));
}
