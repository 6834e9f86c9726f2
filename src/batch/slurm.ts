// Slurm, as its programs tell it: squeue, scontrol, sacct, sbatch and scancel with fixed formats. The one
// file that calls them.

import { setTimeout as delay } from "node:timers/promises";
import { steady } from "../base/clock.ts";
import { Failure, sentence } from "../base/failure.ts";
import { printable } from "../base/text/printable.ts";
import { processAlive, processesOf } from "../platform/processes.ts";
import { longestProgram, type RunProgram, runProgram } from "./programs.ts";
import { sbatchOption } from "./sbatch-options.ts";

/**
 * A job as `squeue` tells it. Times are ms since 1970, null where Slurm does not know them (a pending job, no
 * time limit).
 */
export interface SlurmJob {
  /**
   * The number that the job's processes have as SLURM_JOB_ID, and its control group; the master's for tasks
   * that are pending.
   */
  number: string;
  /** As people name it: "4711", or "4711_2" for a task of an array. */
  id: string;
  /**
   * PENDING, RUNNING, COMPLETING, COMPLETED, CANCELLED, TIMEOUT, PREEMPTED, NODE_FAIL, FAILED, OUT_OF_MEMORY
   * …
   */
  state: string;
  /**
   * Why it waits, or why it ended, in Slurm's word: Priority, Resources, BeginTime, TimeLimit …; "" for None.
   */
  reason: string;
  start: number | null;
  /** When its time limit ends it; of an ended job when it ended. */
  end: number | null;
  nodes: string;
}

/** One run of a job as the accounting keeps it; a job that was run again has several. */
export interface AccountedPart {
  /** TIMEOUT, CANCELLED, PREEMPTED, REQUEUED, NODE_FAIL …, without who cancelled it. */
  state: string;
  /** ms since 1970; null while it runs. */
  end: number | null;
  /** The words of its sbatch, joined by blanks; "" where Slurm is older than 21.08. */
  submitLine: string;
}

/** What sbatch tells of a job. */
export interface SubmittedJob {
  number: string;
  /** Where one was named. */
  cluster: string | undefined;
}

/** The fields of squeue's lines; the reason is last, since it may be free text of an administrator. */
const lineFormat = "%A|%i|%T|%S|%e|%N|%r";

/** Slurm prints times as seconds since 1970 instead of the local time of its machine. */
const fixedOutput = { SLURM_TIME_FORMAT: "%s", LC_ALL: "C" };

/** What people set for their own eyes would change what the programs print, or which jobs they name. */
const forPeople = /^(SQUEUE|SCONTROL|SCANCEL|SACCT)_/;

/**
 * What the caller's own job has set, which would make a new one depend on it; what leads to the cluster and
 * the user's own SBATCH_ACCOUNT, SBATCH_PARTITION … are none of that. And nobody waits here for a job's end.
 */
const notForSbatch = /^(SLURM_(?!(CONF|CONF_SERVER|CLUSTERS|JWT)$)|SLURMD_|SBATCH_(MEM|CPU)_BIND|SBATCH_WAIT$|SRUN_|SALLOC_)/;

/** What sbatch says when the controller did not answer in time; it may have taken the job. */
const unanswered = /timed out|Zero Bytes were transmitted/i;

/**
 * Slurm as one environment finds it (PATH, SLURM_CONF). Every method but `submit`, `cancel` and `requeue`
 * only asks.
 */
export class Slurm {
  readonly #environment: Record<string, string>;
  readonly #run: RunProgram;

  /** @param environment whose PATH and SLURM_CONF lead to the cluster: the caller's, or the session's. */
  constructor(environment: Record<string, string>, run: RunProgram = runProgram) {
    this.#environment = environment;
    this.#run = run;
  }

  /**
   * What Slurm knows of these jobs (numbers or ids as "4711_2"; all tasks where an array is named), ended
   * ones too while it remembers them. One
   * call for all.
   * @throws Failure when Slurm does not answer, which says nothing about the jobs.
   */
  async jobs(ids: readonly string[]): Promise<SlurmJob[]> {
    if (ids.length === 0) return [];
    const args = ["-h", "-r", "-t", "all", "-o", lineFormat, "-j", ids.join(",")];
    return (await this.#told("squeue", args)).split("\n").flatMap((line) => jobFrom(line) ?? []);
  }

  /**
   * One job, or undefined where Slurm does not know it (any more). @throws Failure when Slurm does not
   * answer.
   */
  async job(id: string): Promise<SlurmJob | undefined> {
    const found = await this.jobs([id]);
    return found.find((job) => job.number === id || job.id === id) ?? found[0];
  }

  /**
   * When the job's time limit ends it (`squeue %e`; ms since 1970), asked anew each time since limits get
   * extended; null where it has none.
   * @throws Failure when Slurm does not answer, does not know the job (any more), or says what is no time.
   */
  async endTime(id: string): Promise<number | null> {
    const told = await this.#told("squeue", ["-h", "-j", id, "-o", "%e"]);
    // the components of a heterogeneous job end together: the first line speaks for all
    const word = (told.split("\n")[0] ?? "").trim();
    if (word === "") throw new Failure(`Slurm does not know job ${printable(id)} (any more): its time limit is not known`);
    if (/^(N\/A|NONE|Unknown|UNLIMITED)$/i.test(word)) return null;
    // a wrapper of the site's may drop SLURM_TIME_FORMAT: local time then
    const end = slurmTime(word) ?? (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(word) ? Date.parse(word) : Number.NaN);
    if (Number.isNaN(end)) throw new Failure(`squeue tells an end of job ${printable(id)} that is no time: '${printable(word)}'`);
    return end;
  }

  /**
   * The fields of `scontrol show job` (JobState, Reason, ExitCode, EndTime, Requeue, Restarts, BatchHost …;
   * times in seconds since 1970), or undefined
   * where the job is not known.
   * @throws Failure when Slurm does not answer.
   */
  async show(id: string): Promise<Record<string, string> | undefined> {
    const line = (await this.#told("scontrol", ["show", "job", "--oneliner", id])).split("\n")[0] ?? "";
    if (line === "") return undefined;
    return Object.fromEntries(
      [...line.trimEnd().matchAll(/(?<!\S)([^\s=]+)=(.*?)(?= [\w/:*-]+=|$)/gs)].map(([, name, value]) => [name, value]),
    );
  }

  /**
   * The runs of a job by the accounting, the oldest first; it remembers for months what scontrol forgets
   * within minutes (MinJobAge). Never rejects: empty where accounting is off, silent, or does not know the
   * job.
   */
  async accounted(id: string): Promise<AccountedPart[]> {
    const args = ["-X", "-n", "-P", "-D", "-j", id, "-o", "State,End,SubmitLine"];
    const { status, stdout } = await this.#ask("sacct", args);
    if (status !== 0) return [];
    // a line that does not begin so is the rest of a submission of several lines
    return [...stdout.matchAll(/^([A-Z_]+)(?: by \d+)?\|(\d+|Unknown|None)\|(.*)$/gm)].map(
      ([, state = "", end = "", submitLine = ""]) => ({ state, end: slurmTime(end), submitLine }),
    );
  }

  /**
   * How Slurm finds the processes of a job: "cgroup", "linuxproc", "pgid"; undefined where it does not say.
   * @throws Failure when it does not answer.
   */
  async tracking(): Promise<string | undefined> {
    return /^ProctrackType\s*=\s*proctrack\/(\w+)/m.exec(await this.#told("scontrol", ["show", "config"]))?.[1];
  }

  /**
   * The text of the job's batch script; undefined where the job has none (`salloc`, `srun`), is another
   * user's, or is not known.
   * @throws Failure when Slurm does not answer.
   */
  async batchScript(id: string): Promise<string | undefined> {
    const { status, stdout, stderr } = await this.#ask("scontrol", ["write", "batch_script", id, "-"]);
    if (status === -1) throw silent("scontrol", stderr);
    return status === 0 ? stdout : undefined;
  }

  /**
   * Submits the script of this file, whose name no other submission has: by it a job is found whose sbatch
   * could not tell its number.
   * @param again it may have been submitted before, by who could not wait for the answer.
   * @returns the job's number, and the cluster where one was named (--clusters, SLURM_CLUSTERS).
   * @throws Failure with sbatch's own words when it refuses, and where nobody can tell what became of it.
   */
  async submit(options: readonly string[], script: string, again = false): Promise<SubmittedJob> {
    const earlier = again ? await this.#jobOf(script, options, "falcon's server went meanwhile") : undefined;
    if (earlier !== undefined) return earlier;
    const ran = await this.#run("sbatch", ["--parsable", ...options, script], without(this.#environment, notForSbatch));
    const [, number, cluster] = /^(\d+)(?:;(.+))?$/.exec(ran.stdout.trim()) ?? [];
    if (ran.status === 0 && number !== undefined) return { number, cluster };
    // a site's own sbatch may say other things, or nothing
    const done = ran.status === 0;
    const why = done ? "sbatch told no number" : wordsOf("sbatch", ran.stderr || ran.stdout);
    const found = done || ran.cut || unanswered.test(ran.stderr) ? await this.#jobOf(script, options, why) : undefined;
    if (found !== undefined) return found;
    // a site's own may submit a copy of the script
    throw done ? unknown(why, "squeue lists none with its script") : new Failure(`the job was not submitted: ${why}`);
  }

  /**
   * The job that was submitted with this script; undefined: there is none.
   * @param why it is to be looked for.
   */
  async #jobOf(script: string, options: readonly string[], why: string): Promise<SubmittedJob | undefined> {
    const began = steady();
    // looked for once: nobody else has this script
    const waiting = processesOf("sbatch", script);
    while (waiting.some(processAlive)) {
      if (steady() - began > longestProgram) throw unknown(why, "its sbatch waits for Slurm");
      await delay(100);
    }
    const clusters = sbatchOption(options, "--clusters", "--cluster", "-M") ?? this.#environment.SBATCH_CLUSTERS;
    const args = ["-t", "all", "-u", String(process.getuid?.()), "-o", "%A|%o"];
    const told = await this.#told("squeue", clusters === undefined ? args : [...args, `--clusters=${clusters}`]).catch(
      (error) => {
        throw unknown(why, sentence(error));
      },
    );
    let cluster: string | undefined;
    for (const line of told.split("\n")) {
      // heads the jobs of each cluster, where some are named
      cluster = /^CLUSTER: (.+)$/.exec(line)?.[1] ?? cluster;
      const [number, command] = line.split(/\|(.*)/s);
      if (number !== undefined && command?.trimEnd() === script) return { number, cluster };
    }
    return undefined;
  }

  /**
   * Cancels a job. One that is over already is no failure. @param options of scancel, such as --state.
   * @throws Failure with scancel's words.
   */
  async cancel(id: string, options: readonly string[] = []): Promise<void> {
    const { status, stderr } = await this.#ask("scancel", [...options, id]);
    if (status !== 0 && !/Invalid job id|already completing or completed/i.test(stderr))
      throw new Failure(`job ${id} was not cancelled: ${wordsOf("scancel", stderr)}`);
  }

  /** Signals the job's batch script, and nothing else of it. @throws Failure with scancel's words. */
  signalScript(id: string, signal: string): Promise<void> {
    return this.#order("scancel", ["--batch", `--signal=${signal}`, id], `job ${id} was not signalled`);
  }

  /**
   * Asks Slurm to run the job again, with the same number; its processes on this node are ended for that.
   * @throws Failure with scontrol's words when it refuses (a job that was submitted with --no-requeue).
   */
  requeue(id: string): Promise<void> {
    return this.#order("scontrol", ["requeue", id], `Slurm does not run job ${id} again`);
  }

  /**
   * Slurm does not run the job again from now on, whoever asks for it. @throws Failure with scontrol's words.
   */
  keepFromRequeue(id: string): Promise<void> {
    return this.#order("scontrol", ["update", `JobId=${id}`, "Requeue=0"], `job ${id} may be run again`);
  }

  /** What a program says; of a job that is not known nothing. @throws Failure when Slurm does not answer. */
  async #told(program: string, args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#ask(program, args);
    if (status !== 0 && !/Invalid job id/i.test(stderr)) throw silent(program, stderr);
    return stdout;
  }

  /** @param refused what is said where it is refused, before the program's words. */
  async #order(program: string, args: readonly string[], refused: string): Promise<void> {
    const { status, stderr } = await this.#ask(program, args);
    if (status !== 0) throw new Failure(`${refused}: ${wordsOf(program, stderr)}`);
  }

  #ask(program: string, args: readonly string[]) {
    return this.#run(program, args, { ...without(this.#environment, forPeople), ...fixedOutput });
  }
}

/**
 * What leads to a job's cluster, with the token of who asks where one is: it is no longer valid when a job
 * that waited runs, and stands in no file.
 */
export function askedBy(caller: Record<string, string>, ways: Record<string, string>): Record<string, string> {
  const { SLURM_JWT } = caller;
  return SLURM_JWT === undefined ? ways : { ...ways, SLURM_JWT };
}

function without(environment: Record<string, string>, names: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.test(name)));
}

function silent(program: string, words: string): Failure {
  return new Failure(`Slurm does not answer: ${wordsOf(program, words)}`);
}

function unknown(why: string, reason: string): Failure {
  return new Failure(`whether the job was submitted is not known (squeue --me lists yours): ${why}; ${reason}`);
}

/** The last line that says something, without the program's own name before it. */
function wordsOf(program: string, text: string): string {
  const lines = text.split("\n").map((line) => line.replace(/^(\w+: )?(error|fatal): /, "").trim());
  return printable(lines.filter(Boolean).at(-1) ?? `${program} failed without a word`);
}

function jobFrom(line: string): SlurmJob | undefined {
  const [number, id, state, start, end, nodes, ...reason] = line.split("|");
  if (number === undefined || id === undefined || state === undefined || nodes === undefined || !/^\d+$/.test(number))
    return undefined;
  const why = reason.join("|");
  return {
    number,
    id,
    state,
    reason: why === "None" ? "" : why,
    start: slurmTime(start),
    end: slurmTime(end),
    nodes,
  };
}

/** ms since 1970 of a time as Slurm prints it; null for NONE, N/A, Unknown, 0 and whatever is no time. */
export function slurmTime(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,11}$/.test(text) ? Number(text) * 1000 : null;
}
