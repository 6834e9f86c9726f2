// Asks a program of the user's or of the system's something: bounded in time and output; it is given nothing
// to read.
import { execFileOutside, letGoOfStderr } from "./outside-program.ts";
import { usableDirectory } from "./usable-directory.ts";

/** How a program is asked. */
interface Question {
  environment: Readonly<Record<string, string>>;
  /** Where it is started; undefined: in /. */
  directory?: string;
  /** Milliseconds after which it is killed. */
  patience: number;
  /** Bytes of an answer; one that says more is killed. */
  longest: number;
}

/**
 * What it says on its standard output, and its exit status; null where it has none: it was killed, or there
 * was no process left for it. Never rejects.
 */
export async function askProgram(
  program: string,
  args: readonly string[],
  { environment, directory, patience, longest }: Question,
): Promise<{ status: number | null; said: string }> {
  const cwd = directory === undefined ? "/" : await usableDirectory(directory);
  const options = { cwd, env: { ...environment }, timeout: patience, killSignal: "SIGKILL", maxBuffer: longest } as const;
  return new Promise((done) => {
    try {
      const child = execFileOutside(program, args, options, (error, said) => {
        const status = error === null ? 0 : error.code;
        done({ status: typeof status === "number" ? status : null, said });
      });
      child.stdin?.end();
      // what it complains of counts for no bound, and nobody waits for what it leaves behind with that alone
      child.stderr?.removeAllListeners("data").resume();
      letGoOfStderr(child);
    } catch {
      done({ status: null, said: "" });
    }
  });
}
