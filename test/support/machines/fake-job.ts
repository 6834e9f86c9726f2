// A batch job without a batch system and without control groups: what ours sees of one is an ancestor that is
// called slurmstepd, and a variable.
import fs from "node:fs";
import path from "node:path";
import type { RunResult, TestHome } from "../home.ts";

/** The shell that plays Slurm's step manager; its children are the job's processes. */
export function stepManager(home: TestHome): string {
  const file = path.join(home.work, "slurmstepd");
  if (!fs.existsSync(file)) fs.copyFileSync(fs.realpathSync("/bin/sh"), file);
  return file;
}

/** Runs shell commands as the script of a job, to their end. */
export function runInJob(home: TestHome, job: number, script: string): Promise<RunResult> {
  // the shell must not replace itself by its last command
  return home.run(["-c", `${script}\nexit $?`], { file: stepManager(home), env: { SLURM_JOB_ID: String(job) } });
}
