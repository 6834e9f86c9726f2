// Whether a session's log is still where it is written: a cleaner, or somebody's rm, may have taken it from
// under a program that goes on.
import fs from "node:fs";
import path from "node:path";
import { knownRecord } from "../../store/record.ts";
import { listSegments } from "../../store/segments.ts";

/** How often the log is looked at (ms). */
const lookEvery = 1000;

/** What was removed: all of the session's folder, its log, or what the log had before it was begun anew. */
export interface LostLog {
  what: "folder" | "log" | "beginning";
  sentence: string;
}

/** Whether a session's folder is there. */
export function isThere(folder: string): boolean {
  return fs.existsSync(folder);
}

/** What is said of a session whose folder is gone. */
export function folderRemoved(folder: string, live: boolean): string {
  return `the session's folder ${folder} was removed${keptNowhere(live)}`;
}

function keptNowhere(live: boolean): string {
  return live ? "; the program goes on, and what it says is kept nowhere" : "";
}

/**
 * What was removed, in a sentence; undefined where the log is there.
 * @param offset bytes that the session has said.
 */
export function lostLog(folder: string, offset: number, live: boolean): LostLog | undefined {
  if (offset === 0) return undefined;
  if (fs.existsSync(path.join(folder, "output.log"))) {
    const { removed } = knownRecord(folder);
    const sentence = `the session's log was removed; a new one goes on at its byte ${removed?.offset}`;
    return removed && { what: "beginning", sentence };
  }
  if (!isThere(folder)) return { what: "folder", sentence: folderRemoved(folder, live) };
  // of an ended session all may be compressed
  const last = listSegments(folder).at(-1);
  if (last !== undefined && last.offset + last.length >= offset) return undefined;
  return { what: "log", sentence: `the session's log ${path.join(folder, "output.log")} was removed${keptNowhere(live)}` };
}

/**
 * Looks each second whether a session's log is another file, or none, while somebody looks at the session; at
 * other times `show` and `logs` do. It is not asked of the system to tell of changes: that would wake this
 * thread at each piece of output that the holder appends, in the midst of a key's echo.
 */
export class LogWatch {
  readonly #log: string;
  readonly #timer: NodeJS.Timeout;
  /** The file that was there last; undefined for none. */
  #seen: number | undefined;

  /** @param changed the log, or its folder, has come, gone, or been made anew. */
  constructor(folder: string, changed: () => void) {
    this.#log = path.join(folder, "output.log");
    this.#seen = this.#inode();
    this.#timer = setInterval(() => {
      const found = this.#inode();
      if (found === this.#seen) return;
      this.#seen = found;
      changed();
    }, lookEvery);
    this.#timer.unref();
  }

  #inode(): number | undefined {
    try {
      return fs.statSync(this.#log, { throwIfNoEntry: false })?.ino;
    } catch {
      return undefined; // what stands in its way is as good as gone
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
