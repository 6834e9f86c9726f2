// Sessions that were submitted to Slurm: kept as files of the host's home from the submission on until the
// session itself is there, or its job is over. Slurm is asked for all of them together.
import fs from "node:fs";
import path from "node:path";
import { within } from "../../base/clock.ts";
import { Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { namesIn } from "../../base/names-in.ts";
import { replaceFile } from "../../base/replace-file.ts";
import { askedBy, Slurm, type SlurmJob } from "../../batch/slurm.ts";

/** One submission, as its file has it. Times are ms since 1970. */
export interface Submission {
  /** The session's id, fixed before it runs. */
  id: string;
  name: string;
  kind: "launch" | "run";
  /** The job's number. */
  job: string;
  /** What was asked to be run: "launch", its words. */
  command: string[];
  directory: string;
  runDirectory: string | null;
  created: number;
  /** How Slurm is found: PATH, SLURM_CONF …; SLURM_CLUSTERS where the job is in a cluster that was named. */
  environment: Record<string, string>;
}

/** What Slurm said of a job last. */
export interface JobWord {
  /** undefined: it does not know the job (any more). */
  job: SlurmJob | undefined;
  asked: number;
}

/** Slurm is asked at most this often (ms), for all jobs together: its controller serves a whole cluster. */
export const leastPause = 30_000;

/**
 * A list waits so long (ms) for Slurm, whose controller answers within a tenth of that unless something is
 * wrong.
 */
const longestWait = 3_000;

/** A job that is over stays listed so long (ms), where its session is on another node. */
export const keptAfterEnd = 86_400_000;

/** States in which a job can still run: squeue(1). All others are ends. */
const unended =
  /^(PENDING|CONFIGURING|RUNNING|COMPLETING|SUSPENDED|STOPPED|REQUEUED|REQUEUE_HOLD|REQUEUE_FED|SPECIAL_EXIT|RESIZING|SIGNALING|STAGE_OUT)$/;

const waiting = /^(PENDING|CONFIGURING|REQUEUED|REQUEUE_HOLD|REQUEUE_FED|SPECIAL_EXIT)$/;

/** Whether the job waits for its start (again). */
export function waits(word: JobWord | undefined): boolean {
  return word === undefined || (word.job !== undefined && waiting.test(word.job.state));
}

/** Whether the job can still run. */
export function lives(word: JobWord | undefined): boolean {
  return word === undefined || (word.job !== undefined && unended.test(word.job.state));
}

export class Submissions {
  readonly folder: string;
  readonly #log: Log;
  readonly #clock: () => number;
  readonly #slurm: (environment: Record<string, string>) => Pick<Slurm, "jobs">;
  #words = new Map<string, JobWord>();
  #asked = Number.NEGATIVE_INFINITY;
  #asking: Promise<unknown> | undefined;
  readonly #longest: number;
  /** What a caller brought last, if any did: who lists without a token (the web page) sees by it, too. */
  #token: Record<string, string> = {};
  /** The one with which Slurm did not answer last: it has its turn as all others have. */
  #helpless: string | undefined;

  /** @param home the host's home; the files are in its folder `submitted`. */
  constructor(
    home: string,
    clock: () => number,
    log: Log,
    slurm: (environment: Record<string, string>) => Pick<Slurm, "jobs"> = (environment) => new Slurm(environment),
    longest = longestWait,
  ) {
    this.#longest = longest;
    this.folder = path.join(home, "submitted");
    this.#clock = clock;
    this.#log = log;
    this.#slurm = slurm;
  }

  /** All submissions, oldest first. */
  all(): Submission[] {
    return namesIn(this.folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => readSubmission(path.join(this.folder, name)) ?? [])
      .sort((a, b) => a.created - b.created);
  }

  /** Keeps a submission, whole or not at all. @throws the file system's error */
  add(submission: Submission): void {
    fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    replaceFile(this.#file(submission.id), JSON.stringify(submission));
  }

  has(id: string): boolean {
    return fs.existsSync(this.#file(id));
  }

  remove(id: string): void {
    fs.rmSync(this.#file(id), { force: true });
    this.#words.delete(id);
  }

  /** What Slurm said last; undefined: nothing yet. */
  word(id: string): JobWord | undefined {
    return this.#words.get(id);
  }

  /**
   * Asks Slurm about all submissions unless that was done a moment ago. Never rejects: where Slurm is silent,
   * its last word stays. Whoever waits for it waits a moment only; the next one has the answer.
   * @param caller the environment of who asks, whose token may be needed.
   */
  async refresh(caller: Record<string, string> = {}): Promise<void> {
    this.#bring(caller);
    if (this.#asking === undefined) {
      const all = this.all();
      if (all.length === 0 || this.#clock() - this.#asked < leastPause) return;
      this.#asked = this.#clock();
      this.#asking = this.#ask(all).finally(() => {
        this.#asking = undefined;
      });
    }
    await within(this.#longest, this.#asking);
  }

  /**
   * Asks about one that has just been submitted or is to be stopped, besides the others' turn. Answers why
   * its last word stays, in words; undefined: Slurm has answered.
   */
  async ask(submission: Submission, caller: Record<string, string>): Promise<string | undefined> {
    this.#bring(caller);
    const [silence] = await this.#ask([submission]);
    return silence;
  }

  #bring(caller: Record<string, string>): void {
    const before = this.#token.SLURM_JWT;
    this.#token = askedBy(caller, this.#token);
    const { SLURM_JWT } = this.#token;
    // what was asked with another token, or none, was no turn of this one's
    if (SLURM_JWT !== before && SLURM_JWT !== this.#helpless) this.#asked = Number.NEGATIVE_INFINITY;
  }

  /** Why each cluster that did not answer did not. */
  async #ask(all: readonly Submission[]): Promise<string[]> {
    const clusters = new Map<string, Submission[]>();
    for (const submission of all) {
      const { SLURM_CONF, SLURM_CONF_SERVER, SLURM_CLUSTERS } = submission.environment;
      const key = JSON.stringify([SLURM_CONF, SLURM_CONF_SERVER, SLURM_CLUSTERS]);
      clusters.set(key, [...(clusters.get(key) ?? []), submission]);
    }
    const silences = await Promise.all(
      [...clusters.values()].map(async (ofOne) => {
        try {
          const found = await this.#slurm({ ...ofOne[0]?.environment, ...this.#token }).jobs(ofOne.map(({ job }) => job));
          for (const { id, job } of ofOne)
            this.#words.set(id, { job: found.find((one) => one.number === job || one.id === job), asked: this.#clock() });
          return [];
        } catch (error) {
          const reason = error instanceof Failure ? error.message : String(error);
          this.#log("slurm.query-failed", { reason });
          return [reason];
        }
      }),
    );
    const silent = silences.flat();
    if (silent.length === clusters.size) {
      // it may have expired, and who brings none is asked for without it from now on
      this.#helpless = this.#token.SLURM_JWT;
      this.#token = {};
    }
    return silent;
  }

  #file(id: string): string {
    return path.join(this.folder, `${id}.json`);
  }
}

function readSubmission(file: string): Submission | undefined {
  try {
    const read = JSON.parse(fs.readFileSync(file, "utf8")) as Submission;
    const texts = [read.id, read.name, read.job, read.directory];
    const right =
      texts.every((text) => typeof text === "string") &&
      /^[a-z0-9]+$/.test(read.id) &&
      path.basename(file) === `${read.id}.json` &&
      /^\d+$/.test(read.job) &&
      (read.kind === "launch" || read.kind === "run") &&
      Array.isArray(read.command) &&
      Number.isFinite(read.created) &&
      (read.runDirectory === null || typeof read.runDirectory === "string") &&
      typeof read.environment === "object" &&
      read.environment !== null;
    return right ? read : undefined;
  } catch {
    return undefined;
  }
}
