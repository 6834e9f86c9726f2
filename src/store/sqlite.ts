// The only module that loads SQLite: better-sqlite3 in the version that the running Node takes (docs/decisions/0005-sqlite-by-node.md).
import { createRequire } from "node:module";
import type Database from "better-sqlite3";

/** Opens databases: the class of better-sqlite3. */
export const Sqlite = createRequire(import.meta.url)("#sqlite") as typeof Database;
