// Whether the signals of the batch system reach a process that waits for a run: Slurm's reach the first
// process of a step, not a line of a script.
import type { Slurm } from "./slurm.ts";

/** Slurm's manager of a step: what it starts itself is what it signals. */
const stepManager = "slurmstepd";

/** Further up there is no job. */
const deepest = 64;

/** What is looked up of processes. */
export interface ProcessFacts {
  /** The process that started `pid`, or null. */
  parentOf(pid: number): number | null;
  /** What it is called (comm), or "". */
  nameOf(pid: number): string;
  /** Whether it has a handler of its own for one of these signals: a script with a trap passes them on. */
  catches(pid: number, signals: readonly NodeJS.Signals[]): boolean;
}

/** What a job is signalled with. */
const jobSignals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGUSR1", "SIGUSR2"];

/**
 * A sentence with the remedy where no signal of Slurm's reaches the process, else undefined. Under
 * proctrack/cgroup slurmstepd signals its own
 * children only: at scancel the script's shell dies, and all else is killed. Under proctrack/linuxproc
 * everything in its process tree gets it.
 * @param command what stands in the script, such as "falcon launch".
 */
export async function unreached(
  pid: number,
  command: string,
  processes: ProcessFacts,
  slurm: Pick<Slurm, "tracking">,
): Promise<string | undefined> {
  const parent = processes.parentOf(pid);
  if (parent === null || !isInStep(parent, processes)) return undefined;
  if (processes.nameOf(parent) === stepManager || processes.catches(parent, jobSignals)) return undefined;
  if ((await slurm.tracking().catch(() => undefined)) === "linuxproc") return undefined;
  return (
    "no signal of Slurm reaches this line of its script: after scancel or a preemption the run is killed without saving. " +
    `End the script with 'exec ${command} …'; '#SBATCH --signal=B:USR1@300' then has it save 5 minutes before the time limit`
  );
}

function isInStep(pid: number, { parentOf, nameOf }: ProcessFacts): boolean {
  let at: number | null = pid;
  for (let n = 0; at !== null && at > 1 && n < deepest; n++) {
    if (nameOf(at) === stepManager) return true;
    at = parentOf(at);
  }
  return false;
}
