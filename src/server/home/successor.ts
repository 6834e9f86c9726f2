// The server that follows one whose home is not the one that it opened.
import { spawn } from "node:child_process";

/**
 * Starts the server of this home that takes over where no client is there who would; it asks for nothing, and
 * a client may be faster.
 */
export function startSuccessor(): void {
  // our own arguments without --ready FD and --for COMMAND, which are about a client that waits: none does
  const words = process.argv.slice(1).filter((word, i, all) => ![word, all[i - 1]].some((w) => w === "--ready" || w === "--for"));
  spawn(process.execPath, words, { detached: true, stdio: "ignore", cwd: "/" }).unref();
}
