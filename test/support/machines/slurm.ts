// A test's own Slurm cluster (slurm-cluster.sh): up, down, batch scripts, and what squeue and scontrol say.
import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { readIfThere, slowness, until } from "../events.ts";
import { root } from "../paths.ts";

export type Proctrack = "cgroup" | "linuxproc";

const script = path.join(root, "test/support/machines/slurm-cluster.sh");
const execute = promisify(execFile);

/** So long (ms) one of Slurm's programs may take on a busy machine. */
const longestCommand = 30_000 * slowness;

/**
 * Why the cluster cannot run on this machine, in one line; false where it can. For `describe(..., { skip:
 * noSlurm() }, ...)`.
 */
export function noSlurm(proctrack: Proctrack | "accounting" = "cgroup"): string | false {
  const check = spawnSync(script, ["check", proctrack], { encoding: "utf8" });
  return check.status === 0 ? false : check.stdout.trim() || String(check.error ?? check.stderr);
}

export interface ClusterOptions {
  /** Who submits jobs, undefined: who runs the tests; only root can let another one do that. */
  user?: number | undefined;
  /** Each node is a machine of its own, by host name, machine-id and boot id; only root can do that. */
  apart?: boolean;
  /** With a slurmdbd and its database (see noSlurm("accounting")). */
  accounting?: boolean;
  /** Lines of slurm.conf: "KillWait=30". */
  settings?: string[];
}

export class SlurmCluster {
  /** Configuration, state, logs; scripts and outputs of the jobs too. Goes with `down`. */
  readonly folder: string;
  /** SLURM_CONF and PATH, for every program that talks to this cluster. */
  readonly env: Readonly<Record<string, string>>;
  /** The names of the two nodes; both are this machine. */
  readonly nodes: readonly [string, string];
  /** Who submits jobs; undefined: who runs the tests. */
  readonly #user: number | undefined;

  private constructor(folder: string, env: Record<string, string>, nodes: [string, string], user: number | undefined) {
    this.#user = user;
    this.folder = folder;
    this.env = env;
    this.nodes = nodes;
  }

  /**
   * Starts a cluster; takes some two seconds. Fails with the daemons' last words.
   */
  static async up(proctrack: Proctrack = "cgroup", options: ClusterOptions = {}): Promise<SlurmCluster> {
    const { user, apart = false, accounting = false, settings = [] } = options;
    const folder = fs.mkdtempSync("/tmp/fs-slurm-");
    // everybody reads the configuration, and writes the outputs of jobs beside it
    if (user !== undefined) fs.chmodSync(folder, 0o777);
    const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;
    const words = [...(apart ? ["apart"] : []), ...(accounting ? ["accounting"] : []), ...settings];
    const { stdout } = await execute(script, ["up", folder, proctrack, ...words], { env: { PATH } });
    const word = (name: string) => new RegExp(`\\b${name}=(\\S+)`).exec(stdout)?.[1] ?? "";
    const env = { PATH, SLURM_CONF: word("SLURM_CONF") };
    return new SlurmCluster(folder, env, [word("SLURM_NODE_A"), word("SLURM_NODE_B")], user);
  }

  /** Cancels every job, and waits until their processes are gone. */
  async cancelAll(limit?: number): Promise<void> {
    await this.run("scancel", ["--full", "--signal=KILL", "--state=RUNNING"]).catch(() => {});
    await this.run("scancel", [`--user=${os.userInfo().username}`]).catch(() => {});
    await until(async () => (await this.run("squeue", ["-h"])) === "", "the jobs to end", limit);
  }

  /** Ends all jobs and daemons, and removes the folder. */
  async down(): Promise<void> {
    await execute(script, ["down", this.folder], { env: { ...this.env } });
  }

  /** One of Slurm's programs; answers what it printed, trimmed. Fails with what it said. */
  async run(program: string, args: string[], env: Record<string, string | undefined> = {}): Promise<string> {
    const { stdout } = await execute(program, args, { env: { ...this.env, ...env }, cwd: this.folder, timeout: longestCommand });
    return stdout.trim();
  }

  /**
   * Submits a batch script with these lines and answers the job's number. Its output goes to
   * `<folder>/<name>.out`.
   * @param env what the job's script sees, beside Slurm's own variables.
   */
  async submit(
    name: string,
    lines: string[],
    options: string[] = [],
    env: Record<string, string | undefined> = {},
  ): Promise<number> {
    const file = path.join(this.folder, `${name}.sh`);
    fs.writeFileSync(file, `#!/bin/bash\n${lines.join("\n")}\n`);
    const args = ["--parsable", `--job-name=${name}`, `--output=${this.outputFile(name)}`, ...options, file];
    const { stdout } = await execute("sbatch", args, {
      env: { ...this.env, ...env },
      cwd: this.folder,
      timeout: longestCommand,
      ...(this.#user === undefined ? {} : { uid: this.#user, gid: this.#user }),
    });
    return Number.parseInt(stdout, 10);
  }

  outputFile(name: string): string {
    return path.join(this.folder, `${name}.out`);
  }

  /** What the job has printed so far. */
  output(name: string): string {
    return readIfThere(this.outputFile(name)) ?? "";
  }

  /**
   * The fields of `scontrol show job`, as `JobState`, `Reason`, `ExitCode`, `EndTime`, `BatchHost`,
   * `Restarts` …
   */
  async job(id: number | string): Promise<Record<string, string>> {
    const text = await this.run("scontrol", ["show", "job", "--oneliner", String(id)]);
    return Object.fromEntries([...text.matchAll(/(\S+?)=(.*?)(?= \S+=|$)/gm)].map(([, name, value]) => [name, value]));
  }

  /**
   * Waits until `scontrol` says one of these states (RUNNING, COMPLETED, CANCELLED, TIMEOUT …); answers the
   * job's fields.
   */
  untilJob(id: number | string, ...states: string[]): Promise<Record<string, string>> {
    return until(
      async () => {
        const fields = await this.job(id);
        return states.includes(fields.JobState ?? "") ? fields : undefined;
      },
      `job ${id} to be ${states.join(" or ")}`,
    );
  }

  /** Kills a node's slurmd with SIGKILL, as a node's failure begins. */
  async killNode(node: string): Promise<void> {
    await execute(script, ["node", this.folder, "kill", node], { env: { ...this.env } });
  }

  /** Starts a node's slurmd again. */
  async startNode(node: string): Promise<void> {
    await execute(script, ["node", this.folder, "up", node], { env: { ...this.env } });
  }
}
