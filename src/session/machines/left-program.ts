// What the folder of a session whose server is gone says of its program: whether it runs, and when it wrote
// something last.
import fs from "node:fs";
import path from "node:path";
import { wall } from "../../base/clock.ts";
import { ageOf, bootId, commandLine, parentOf, processAlive } from "../../platform/processes.ts";
import type { SessionRecord } from "../../store/record.ts";
import { readSessionFile } from "../../store/session-file.ts";

/**
 * A clock that was set makes no other process of the program: of one whose holder is gone, only one that is
 * younger by more than this (ms) has its number from somebody else.
 */
const clockSlack = 86_400_000;

/** @param record what the folder's `record` says. @param now ms since 1970. */
export function programRuns(folder: string, { start, pid, exit }: Partial<SessionRecord>, now = wall()): boolean {
  if (exit !== undefined || pid === undefined || !processAlive(pid)) return false;
  // a number of before the machine's start is anybody's
  const boot = readSessionFile(folder)?.boot ?? "";
  if (boot !== "" && boot !== bootId()) return false;
  // who is below this folder's holder is the program, whatever happened to the clock
  if (commandLine(parentOf(pid) ?? 0)[1] === folder) return true;
  const age = ageOf(pid);
  return age === null || start === undefined || now - start - age <= clockSlack;
}

/** When it wrote its last output (ms since 1970); null where it has none. */
export function lastWrite(folder: string): number | null {
  try {
    return Math.round(fs.statSync(path.join(folder, "output.log")).mtimeMs);
  } catch {
    return null;
  }
}
