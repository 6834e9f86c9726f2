// The server's log: one line an event, with its facts, appended to a file that is cut when it grows too long.

import fs from "node:fs";
import { wall } from "./clock.ts";

/** Where events go. `facts` are written as key=value; values of secrets never belong here. */
export type Log = (event: string, facts?: Record<string, unknown>) => void;

/**
 * Past this size the file is renamed to `.old` and begun anew, so that a server of weeks never fills a disk.
 */
const longestFile = 4 << 20;

/** A log that appends to `path` (mode 0600). A log that cannot be written never stops the server. */
export function fileLog(path: string, clock: () => Date = () => new Date(wall())): Log {
  let size = sizeOf(path);
  return (event, facts = {}) => {
    const line = `${clock().toISOString()} ${event}${Object.entries(facts)
      .map(([k, v]) => ` ${k}=${value(v)}`)
      .join("")}\n`;
    try {
      if (size > longestFile) {
        fs.renameSync(path, `${path}.old`);
        size = 0;
      }
      fs.appendFileSync(path, line, { mode: 0o600 });
      size += line.length;
    } catch {
      // a full disk or a folder that vanished: the runs matter, not this line
    }
  };
}

function sizeOf(path: string): number {
  try {
    return fs.statSync(path).size;
  } catch {
    return 0;
  }
}

function value(v: unknown): string {
  const text = typeof v === "string" ? v : (JSON.stringify(v) ?? "undefined");
  return /^[\w./:@+-]*$/.test(text) ? text : JSON.stringify(text);
}
