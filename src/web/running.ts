// Where the web process of a home is reached, in <home>/web/running.json, for commands that print links.
import fs from "node:fs";
import path from "node:path";
import { startTime } from "../platform/processes.ts";

/** Where it listens. */
export interface Running {
  pid: number;
  /** When its process started (startTime of platform/processes.ts); an earlier version told none. */
  start?: number | null;
  /** The socket's path, or null. */
  socket: string | null;
  /** What a browser is given, with a slash at its end; of a socket, what stands behind a forwarded port. */
  url: string;
}

const name = "running.json";

/** Undefined where none runs. */
export function runningWeb(home: string): Running | undefined {
  try {
    const found = JSON.parse(fs.readFileSync(path.join(home, "web", name), "utf8")) as Running;
    process.kill(found.pid, 0);
    // after a power loss another process may have the number
    return found.start == null || found.start === startTime(found.pid) ? found : undefined;
  } catch {
    return undefined;
  }
}

export function tellRunning(home: string, running: Running): void {
  const folder = path.join(home, "web");
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(folder, name), JSON.stringify(running), { mode: 0o600 });
}

/** Only its own word is taken back: another one may have started meanwhile. */
export function forgetRunning(home: string, pid: number): void {
  if (runningWeb(home)?.pid === pid) fs.rmSync(path.join(home, "web", name), { force: true });
}
