// Runs the user's `on_event` command: in the session's directory and environment, bounded in time, its output
// nowhere.
import { spawnOutside } from "../../base/aside/outside-program.ts";
import { usableDirectory } from "../../base/aside/usable-directory.ts";

/**
 * A command that is not done after this (ms) is ended; a mail server that does not answer takes two minutes.
 */
const longestRun = 300_000;

/** Answers the exit status, 126 or 127 where it cannot be run, or -1 when it was ended. */
export async function runEventCommand(
  command: readonly string[],
  environment: Record<string, string>,
  directory: string,
  limit = longestRun,
): Promise<number> {
  const [file, ...args] = command as [string, ...string[]];
  const cwd = await usableDirectory(directory);
  return new Promise((resolve) => {
    const child = spawnOutside(file, args, {
      env: environment,
      cwd,
      stdio: "ignore",
      timeout: limit,
      killSignal: "SIGKILL",
    });
    child.once("error", () => resolve(-1));
    child.once("exit", (code) => resolve(code ?? -1));
  });
}
