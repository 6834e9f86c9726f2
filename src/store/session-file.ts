// The file `session.json` of a session folder: what was started and how, so that a lost database is rebuilt
// and a run started again.
import fs from "node:fs";
import path from "node:path";
import { replaceFile } from "../base/replace-file.ts";
import { limitsFrom, type SessionFacts, type SessionRow, trainerOf } from "./session-store.ts";
import { isCommand, isEnvironment, isTable, isText } from "./stored-values.ts";

/** Facts that never change after the start. */
export type SessionFile = Pick<
  SessionRow,
  | "id"
  | "name"
  | "kind"
  | "trainer"
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
> & {
  /** Those of the facts that a later database, home or machine needs (keptFacts). */
  facts?: SessionFacts;
};

/** Facts by name that do not change after the start, or are told by nothing else. */
const keptFacts: readonly string[] = [
  ...["part", "job", "asked", "requeue", "requeued", "deadline", "named", "tags", "broughtIn", "provenance", "changes"],
  // a stop by another signal than was chosen, or a second one, would cost the model
  ...["stopSignal", "stop", "metrics", "plain", "scheduling", "fileLimit"],
];

/** Whether a session's file is to be written when this fact changes. */
export function isFiled(fact: string): boolean {
  return keptFacts.includes(fact);
}

/** What is written as it is: what the session was started with. */
const storedFields = [
  ...(["id", "name", "kind", "trainer", "command", "directory", "environment", "umask", "runDirectory"] as const),
  ...(["host", "boot", "token", "created", "cols", "rows", "pinned"] as const),
];

const fileName = "session.json";

/**
 * Writes the file (mode 0600: it holds the environment) so that it is there whole or not at all.
 * @throws the file system's error; the caller then starts nothing.
 */
export function writeSessionFile(folder: string, row: SessionFile): void {
  const text = JSON.stringify({
    ...Object.fromEntries(storedFields.map((field) => [field, row[field]])),
    limits: row.limits.map((l) => [l.resource, String(l.soft), String(l.hard)]),
    facts: Object.fromEntries(Object.entries(row.facts ?? {}).filter(([fact]) => isFiled(fact))),
  });
  replaceFile(path.join(folder, fileName), text);
}

/** What the file says, or undefined where it is missing or not ours to understand. */
export function readSessionFile(folder: string): SessionFile | undefined {
  try {
    const stored: unknown = JSON.parse(fs.readFileSync(path.join(folder, fileName), "utf8"));
    // a session is what its folder is called, also where the folder was copied
    if (!isSessionFile(stored) || stored.id !== path.basename(folder)) return undefined;
    const trainer = trainerOf(stored.kind, stored.trainer);
    return { ...stored, trainer, limits: limitsFrom(stored.limits) };
  } catch {
    return undefined;
  }
}

/** The file as JSON has it: bigint has no JSON form. */
type Stored = Omit<SessionFile, "limits"> & { limits: [number, string, string][] };

/** Every field of its kind: what a crash or a hand left there must not reach a running server. */
export function isSessionFile(s: unknown): s is Stored {
  if (!isTable(s)) return false;
  const texts = [s.id, s.name, s.directory, s.host, s.boot, s.token];
  const numbers = [s.umask, s.created, s.cols, s.rows];
  return (
    texts.every(isText) &&
    (s.kind === "launch" || s.kind === "run") &&
    isCommand(s.command) &&
    isEnvironment(s.environment) &&
    (s.runDirectory === null || isText(s.runDirectory)) &&
    numbers.every((n) => Number.isSafeInteger(n) && (n as number) >= 0) &&
    typeof s.pinned === "boolean" &&
    (s.facts === undefined || isTable(s.facts)) &&
    Array.isArray(s.limits) &&
    s.limits.every((l) => Array.isArray(l) && Number.isSafeInteger(l[0]) && isWhole(l[1]) && isWhole(l[2]))
  );
}

function isWhole(value: unknown): boolean {
  return typeof value === "string" && /^\d{1,20}$/.test(value);
}
