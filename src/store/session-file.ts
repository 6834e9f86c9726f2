// The file `session.json` of a session folder: what was started and how, so that a lost database is rebuilt and a run started again.
import fs from "node:fs";
import path from "node:path";
import { type Limit, limitsFrom, type SessionRow } from "./session-store.ts";

/** Facts that never change after the start. */
export type SessionFile = Pick<
  SessionRow,
  | "id"
  | "name"
  | "kind"
  | "command"
  | "directory"
  | "environment"
  | "umask"
  | "limits"
  | "runDirectory"
  | "host"
  | "boot"
  | "token"
  | "created"
  | "cols"
  | "rows"
  | "pinned"
>;

const fileName = "session.json";

/**
 * Writes the file (mode 0600: it holds the environment) so that it is there whole or not at all.
 * @throws the file system's error; the caller then starts nothing.
 */
export function writeSessionFile(folder: string, row: SessionFile): void {
  const { id, name, kind, command, directory, environment, umask, runDirectory, host, boot, token, created, cols, rows, pinned } =
    row;
  const limits = row.limits.map((l: Limit) => [l.resource, String(l.soft), String(l.hard)]);
  const text = JSON.stringify({
    id,
    name,
    kind,
    command,
    directory,
    environment,
    umask,
    limits,
    runDirectory,
    host,
    boot,
    token,
    created,
    cols,
    rows,
    pinned,
  });
  const temporary = path.join(folder, `.${fileName}`);
  fs.writeFileSync(temporary, text, { mode: 0o600, flag: "w" });
  fs.renameSync(temporary, path.join(folder, fileName));
}

/** What the file says, or undefined where it is missing or not ours to understand. */
export function readSessionFile(folder: string): SessionFile | undefined {
  try {
    const stored = JSON.parse(fs.readFileSync(path.join(folder, fileName), "utf8"));
    if (typeof stored.id !== "string" || !Array.isArray(stored.command) || typeof stored.directory !== "string") return undefined;
    return { ...stored, limits: limitsFrom(stored.limits ?? []) };
  } catch {
    return undefined;
  }
}
