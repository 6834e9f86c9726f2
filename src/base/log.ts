// The server's log: one line an event, with its facts, appended to a file that is cut when it grows too long.

import fs from "node:fs";
import { wall } from "./clock.ts";

/** What an event of the log is about. */
type Subject =
  | "aside"
  | "command"
  | "config"
  | "database"
  | "deadline"
  | "event"
  | "follow"
  | "gpu"
  | "holder"
  | "home"
  | "job"
  | "listener"
  | "notice"
  | "part"
  | "peer"
  | "replay"
  | "retention"
  | "roster"
  | "scope"
  | "screen"
  | "screens"
  | "search"
  | "server"
  | "session"
  | "slurm"
  | "store"
  | "usage"
  | "viewer"
  | "web";

/** `noun.verb`: what happened to what. */
export type LogEvent = `${Subject}.${string}`;

/** Facts of events: a name means one thing in all of them. Values of secrets never belong here. */
export interface LogFacts {
  /** Of the session that the event is about, or of what else has an id of its own. */
  id?: string | undefined;
  /** The session of what has no id of its own; null: all of them. */
  session?: string | null;
  pid?: number;
  /** Why it came to that, as an error or the kernel says it. */
  reason?: string;
  stack?: string | undefined;
  problem?: string;
  /** Places in an output log. */
  offset?: number;
  length?: number;
  /** Numbers of what the event is about. */
  count?: number;
  sessions?: number;
  screens?: number;
  cols?: number;
  rows?: number;
  signal?: string | number;
  status?: number;
  job?: string | number;
  file?: string;
  folder?: string;
  path?: string;
  version?: string;
  channel?: string;
  sentence?: string;
  [other: string]: unknown;
}

/** Where events go. `facts` are written as key=value. */
export type Log = (event: LogEvent, facts?: LogFacts) => void;

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
        // first, so that one that was removed meanwhile costs this line and not each that comes
        size = 0;
        fs.renameSync(path, `${path}.old`);
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
