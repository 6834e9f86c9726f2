// Starts a program of the user's or of the system's. Node stands still until a new process has entered its
// directory and opened its file: where one of these, or a folder of PATH, lies on a file system that does
// not answer, a server that did so itself would stop with all its sessions. So env(1) does it, in the new
// process.
import { type ChildProcess, execFile, spawn } from "node:child_process";

/**
 * coreutils' since 8.28 (2017), or BSD's, which know `-C`; it stands on the root file system
 * everywhere.
 */
const env = "/usr/bin/env";

/** What a program is started with that the caller has named; its directory is absolute. */
interface Place {
  cwd?: string | URL | undefined;
}

/**
 * As `spawn` of node:child_process, but for two things: it never waits for a file system, and a program that
 * cannot be run is no "error" but an exit with status 126 or, where it is not there, 127; why stands on
 * stderr.
 */
export const spawnOutside = ((program: string, args: readonly string[], options: Place) =>
  spawn(env, words(program, args, options), { ...options, cwd: "/", argv0: "env" })) as typeof spawn;

/** As `execFile`, with the same two differences. */
export const execFileOutside = ((program: string, args: readonly string[], options: Place, done: () => void) =>
  execFile(env, words(program, args, options), { ...options, cwd: "/" }, done)) as unknown as typeof execFile;

/**
 * "close" of a program that has ended comes so long (ms) after its "exit" at the latest, once its standard
 * output is read: what it has left behind, a master connection of ssh's, may hold its stderr for hours.
 */
const drains = 200;

export function letGoOfStderr(child: Pick<ChildProcess, "once" | "stderr">): void {
  child.once("exit", () => setTimeout(() => child.stderr?.destroy(), drains).unref());
}

/** Whether a program that ended so was not there; another that says so of what itself did not find is it. */
export function wasMissing(status: number | null, said: string): boolean {
  return status === 127 && /^(?:\S*\/)?env: /.test(said);
}

function words(program: string, args: readonly string[], { cwd = "/" }: Place): string[] {
  const directory = cwd === "/" ? [] : ["-C", String(cwd)];
  // env takes a word with "=" for a variable
  const command = program.includes("=") ? ["/bin/sh", "-c", 'exec "$0" "$@"', program] : [program];
  return [...directory, "--", ...command, ...args];
}
