// The signal that a job's script asks Slurm for before its time limit (`#SBATCH --signal=B:USR1@300`), and
// whether one that came was that.
import { sbatchOption } from "./sbatch-options.ts";
import type { Slurm } from "./slurm.ts";

/** What `--signal` asks for. */
export interface LimitSignal {
  /** "SIGUSR1", or "10": Slurm takes numbers too. */
  signal: string;
  /** So long (s) before the time limit. */
  before: number;
}

/** sbatch(1): without a time it comes this long (s) before the limit. */
const usualBefore = 60;

/**
 * sbatch(1): "due to the resolution of event handling by Slurm, the signal may be sent up to 60 seconds
 * earlier than specified" (s).
 */
const earlier = 60;

/** The clocks of a node and of the controller, and the signal's way (s). */
const slack = 5;

/** `[{R|B}:]<sig_num>[@sig_time]`; undefined where there is none, or it is none, which sbatch refuses. */
export function limitSignalFrom(text = ""): LimitSignal | undefined {
  const [, name = "", before] = /^(?:[RB]{1,2}:)?(?:SIG)?([A-Z][A-Z0-9]*|\d{1,2})(?:@(\d{1,5}))?$/i.exec(text) ?? [];
  if (name === "") return undefined;
  return {
    signal: /^\d/.test(name) ? name : `SIG${name.toUpperCase()}`,
    before: before === undefined ? usualBefore : Number(before),
  };
}

/** What the `#SBATCH` lines of a batch script ask for: sbatch reads them up to the script's first command. */
export function limitSignalOf(script: string): LimitSignal | undefined {
  const options: string[] = [];
  for (const line of script.split("\n")) {
    if (!/^\s*(#|$)/.test(line)) break;
    if (line.startsWith("#SBATCH")) options.push(...line.slice("#SBATCH".length).replace(/\s#.*/, "").split(/\s+/));
  }
  return limitSignalFrom(sbatchOption(options.filter(Boolean), "--signal")?.replace(/^(["'])(.*)\1$/, "$2"));
}

/**
 * Whether the signal is the one that the job's submission or script asked for before its time limit: by its
 * number or name, and by the time that was left when it came, of the limit as Slurm has it now. A signal of
 * the same name that somebody sends earlier is not. Never rejects: where Slurm does not tell, it is not known
 * to be that.
 * @param signal "SIGUSR1", with its number.
 * @param time ms since 1970.
 */
export async function isLimitSignal(
  job: string,
  { signal, number, time }: { signal: string; number: number | undefined; time: number },
  slurm: Slurm,
): Promise<boolean> {
  try {
    // the submission's words (`sbatch --signal=USR1@300 job.sh`) count before the script's
    const submission = (await slurm.accounted(job)).at(-1)?.submitLine.split(/\s+/) ?? [];
    const asked = limitSignalFrom(sbatchOption(submission, "--signal")) ?? limitSignalOf((await slurm.batchScript(job)) ?? "");
    if (asked === undefined || (asked.signal !== signal && asked.signal !== String(number))) return false;
    const end = await slurm.endTime(job);
    return end !== null && end - time <= (asked.before + earlier + slack) * 1000;
  } catch {
    return false;
  }
}
