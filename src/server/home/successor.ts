// The server that follows one whose home is not the one that it opened.
import { spawn } from "node:child_process";
import type { Log } from "../../base/log.ts";

/**
 * Starts the server of this home that takes over where no client is there who would; it asks for nothing, and
 * a client may be faster.
 */
export function startSuccessor(log: Log): void {
  // our own arguments without --ready FD and --for COMMAND, which are about a client that waits: none does
  const words = process.argv.slice(1).filter((word, i, all) => ![word, all[i - 1]].some((w) => w === "--ready" || w === "--for"));
  // no process is to be had: the next command starts one
  const failed = (error: unknown) => log("server.successor-failed", { reason: String(error) });
  try {
    spawn(process.execPath, words, { detached: true, stdio: "ignore", cwd: "/" }).on("error", failed).unref();
  } catch (error) {
    failed(error); // thrown, where there is no memory
  }
}
