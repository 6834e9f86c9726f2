// Runs a batch system's program: bounded in time and output, its words kept for the person who is told.
import type { ChildProcess } from "node:child_process";
import { execFileOutside, wasMissing } from "../base/aside/outside-program.ts";

/** What a program said, and how it ended. */
export interface Ran {
  /** Exit status; -1 when it was not there, or was ended after the time limit. */
  status: number;
  stdout: string;
  /** What it said on stderr; where it could not be run, why, in words. */
  stderr: string;
  /** It was ended before it was done: what it asked for may have been taken. */
  cut?: true;
}

/** Runs a program to its end; never rejects. */
export type RunProgram = (program: string, args: readonly string[], environment: Record<string, string>) => Promise<Ran>;

/**
 * A controller that does not answer within this time (ms) counts as silent; Slurm's own programs give up
 * after 10 s to 100 s.
 */
export const longestProgram = 20_000;

/** So much output (bytes) is taken: of 20,000 jobs, which is more than a controller keeps of one user. */
export const mostOutput = 4 << 20;

/** Those that run now: a server that ends does not leave them to their own patience. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export const runProgram: RunProgram = (program, args, environment) =>
  new Promise((resolve) => {
    const options = {
      env: environment,
      cwd: "/",
      timeout: longestProgram,
      maxBuffer: mostOutput,
      killSignal: "SIGKILL" as const,
    };
    const child = execFileOutside(program, [...args], options, (error, stdout, stderr) => {
      running.delete(child);
      if (error === null) return resolve({ status: 0, stdout, stderr });
      const status = typeof error.code === "number" ? error.code : -1;
      if (wasMissing(status, stderr)) return resolve({ status: -1, stdout, stderr: `${program} is not on PATH` });
      if (status >= 0) return resolve({ status, stdout, stderr });
      const late = `${program} did not answer within ${longestProgram / 1000} s`;
      const cut = error.killed || error.signal ? { cut: true as const } : {};
      resolve({ status, stdout, stderr: error.killed ? late : error.message, ...cut });
    });
    running.add(child);
    child.stdin?.end();
  });
