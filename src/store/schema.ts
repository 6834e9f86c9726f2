// The tables of the state database, and how an older file becomes a current one.
import type Database from "better-sqlite3";

/**
 * Steps from one schema version to the next; a step that has been released is never edited, a new one is
 * added.
 */
const steps: readonly string[] = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     kind TEXT NOT NULL CHECK (kind IN ('launch', 'run')),
     command TEXT NOT NULL,
     directory TEXT NOT NULL,
     environment TEXT NOT NULL,
     umask INTEGER NOT NULL,
     limits TEXT NOT NULL,
     run_directory TEXT,
     host TEXT NOT NULL,
     boot TEXT NOT NULL,
     token TEXT NOT NULL,
     holder_pid INTEGER,
     program_pid INTEGER,
     state TEXT NOT NULL,
     reason TEXT NOT NULL DEFAULT '',
     created INTEGER NOT NULL,
     started INTEGER,
     ended INTEGER,
     wait_status INTEGER,
     cols INTEGER NOT NULL,
     rows INTEGER NOT NULL,
     pinned INTEGER NOT NULL,
     interrupts INTEGER NOT NULL DEFAULT 0,
     attached INTEGER,
     facts TEXT NOT NULL DEFAULT '{}'
   ) STRICT;
   CREATE INDEX session_token ON session (token);
   CREATE TABLE snapshot (
     session TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
     offset INTEGER NOT NULL,
     cols INTEGER NOT NULL,
     rows INTEGER NOT NULL,
     replay BLOB NOT NULL
   ) STRICT;
   CREATE TABLE delivery (
     id INTEGER PRIMARY KEY,
     session TEXT NOT NULL,
     event TEXT NOT NULL,
     facts TEXT NOT NULL,
     created INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     next_attempt INTEGER NOT NULL
   ) STRICT;`,
  // lines of the logs in blocks, the index of their words, and screens along the way for seeking in a replay
  `CREATE TABLE line_progress (
     session TEXT PRIMARY KEY,
     offset INTEGER NOT NULL,
     lines INTEGER NOT NULL,
     state BLOB NOT NULL,
     complete INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE line_block (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     session TEXT NOT NULL,
     first INTEGER NOT NULL,
     "count" INTEGER NOT NULL,
     offset INTEGER NOT NULL,
     last INTEGER NOT NULL,
     packed BLOB NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX line_block_first ON line_block (session, first);
   CREATE VIRTUAL TABLE line_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii');
   CREATE TRIGGER line_block_gone AFTER DELETE ON line_block BEGIN
     DELETE FROM line_words WHERE rowid = old.id;
   END;
   CREATE TABLE keyframe (
     session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
     offset INTEGER NOT NULL,
     cols INTEGER NOT NULL,
     rows INTEGER NOT NULL,
     replay BLOB NOT NULL,
     PRIMARY KEY (session, offset)
   ) STRICT, WITHOUT ROWID;`,
];

/**
 * Tables beside the versions: a server of an earlier version knows neither them nor their number, opens the
 * file and leaves them as they are. Steps of the version would be the end of that: it sets a newer file
 * aside.
 * So `session` and the other tables above keep their columns for ever.
 */
const additions: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS session_trainer (
     session TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
     trainer TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  // the stream of events; ids are never used again, so that whoever follows knows what it has
  `CREATE TABLE IF NOT EXISTS event (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     session TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
     time INTEGER NOT NULL,
     kind TEXT NOT NULL,
     node TEXT,
     metric TEXT,
     epoch INTEGER,
     sentence TEXT NOT NULL
   ) STRICT;
   CREATE INDEX IF NOT EXISTS event_session ON event (session, id);`,
  // what a channel of [notify] is to tell or has told; `message` is the one under way that it is part of,
  // `over` when it was taken or given up
  `CREATE TABLE IF NOT EXISTS notice (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     mark TEXT NOT NULL UNIQUE,
     channel TEXT NOT NULL,
     session TEXT NOT NULL,
     event TEXT NOT NULL,
     facts TEXT NOT NULL,
     created INTEGER NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     next_attempt INTEGER NOT NULL,
     message TEXT,
     problem TEXT NOT NULL DEFAULT '',
     over INTEGER
   ) STRICT;
   CREATE INDEX IF NOT EXISTS notice_channel ON notice (channel, over, next_attempt);`,
];

/** The version that this program writes. */
export const schemaVersion = steps.length;

/**
 * Brings `db` to the current version, in one transaction.
 * @throws Error when the file was written by a newer program (its version is above ours).
 */
export function migrate(db: Database.Database): void {
  const from = Number(db.pragma("user_version", { simple: true }));
  if (from > schemaVersion) throw new Error(`the database has version ${from}, this program knows ${schemaVersion}`);
  db.transaction(() => {
    for (const step of steps.slice(from)) db.exec(step);
    for (const addition of additions) db.exec(addition);
    if (from !== schemaVersion) db.pragma(`user_version = ${schemaVersion}`);
  })();
}
