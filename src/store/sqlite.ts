// The only module that loads SQLite: better-sqlite3 in the version that the running Node takes
// (docs/design/decisions/0005-sqlite-by-node.md).
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type Database from "better-sqlite3";
import { Failure, userMessage } from "../base/failure.ts";

let loaded: typeof Database | undefined;

/**
 * A database in a file, or in memory (`:memory:`). Helpers have rows and no database, so SQLite is loaded
 * with the first one that is opened, and not with this file.
 * @throws Failure where SQLite would end the process; what Node says of a binary that it cannot load; what
 * SQLite says.
 */
export function openDatabase(file: string, options?: Database.Options): Database.Database {
  loaded ??= load(createRequire(sqlitePlace(import.meta.dirname)));
  return new loaded(file, options);
}

/** Loads SQLite, whatever becomes of a file. @throws Failure where this installation has none that works. */
export function loadSqlite(): void {
  try {
    openDatabase(":memory:").close();
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`this installation's SQLite cannot be loaded (${userMessage(error)}): run \`npm ci\` in its folder`);
  }
}

/** @throws Failure where it would end the process: the package was built with a newer Node. */
function load(require: NodeRequire): typeof Database {
  const { version } = require("better-sqlite3/package.json") as { version: string };
  if (Number.parseInt(version, 10) >= 13 && Number(process.versions.napi) < 10)
    throw new Failure(
      `this installation was built with a newer Node than ${process.versions.node}, whose database it has: run \`npm ci\` in its folder with this Node`,
    );
  return require("better-sqlite3");
}

/**
 * A file, which need not be there, from where the right better-sqlite3 is the nearest one: the build puts
 * version 12 beside it for an older Node, and else
 * there is the one of the package alone.
 * @param start a folder of the package.
 */
export function sqlitePlace(start: string): string {
  for (let folder = start; ; folder = path.dirname(folder))
    if (fs.existsSync(path.join(folder, "package.json")) || folder === path.dirname(folder))
      return path.join(folder, "older-node", "sqlite.cjs");
}
