// Whether a session's log is still where it is written: a cleaner, or somebody's rm, may have taken it from
// under a program that goes on.
import fs from "node:fs";
import path from "node:path";
import { readRecord } from "../../store/record.ts";
import { listSegments } from "../../store/segments.ts";

/** Changes that come together are looked at together, so long (ms) after the first. */
const settles = 50;

/** What was removed: all of the session's folder, its log, or what the log had before it was begun anew. */
export interface LostLog {
  what: "folder" | "log" | "beginning";
  sentence: string;
}

/** Whether a session's folder is there. */
export function isThere(folder: string): boolean {
  return fs.existsSync(folder);
}

/**
 * What was removed, in a sentence; undefined where the log is there.
 * @param offset bytes that the session has said.
 */
export function lostLog(folder: string, offset: number, live: boolean): LostLog | undefined {
  if (offset === 0) return undefined;
  if (fs.existsSync(path.join(folder, "output.log"))) {
    const { removed } = readRecord(folder);
    const sentence = `the session's log was removed; a new one goes on at its byte ${removed?.offset}`;
    return removed && { what: "beginning", sentence };
  }
  const since = live ? "; the program goes on, and what it says is kept nowhere" : "";
  if (!fs.existsSync(folder)) return { what: "folder", sentence: `the session's folder ${folder} was removed${since}` };
  // of an ended session all may be compressed
  const last = listSegments(folder).at(-1);
  if (last !== undefined && last.offset + last.length >= offset) return undefined;
  return { what: "log", sentence: `the session's log ${path.join(folder, "output.log")} was removed${since}` };
}

/**
 * Hears of changes in a session's folder while somebody looks at it; where the system tells of none, `show`
 * and `logs` do.
 */
export class LogWatch {
  #watcher: fs.FSWatcher | undefined;
  #soon: NodeJS.Timeout | undefined;

  /** @param changed entries have come or gone, the folder itself perhaps. */
  constructor(folder: string, changed: () => void) {
    try {
      this.#watcher = fs.watch(folder, { persistent: false }, (event) => {
        if (event !== "rename") return;
        this.#soon ??= setTimeout(() => {
          this.#soon = undefined;
          changed();
        }, settles);
      });
      this.#watcher.on("error", () => {});
    } catch {
      this.#watcher = undefined; // gone already, or too many watches
    }
  }

  close(): void {
    clearTimeout(this.#soon);
    this.#watcher?.close();
  }
}
