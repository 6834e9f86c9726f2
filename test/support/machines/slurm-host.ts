// The set-up of tests of one host with a real Slurm: a cluster, and the home of the host that both of its
// nodes are.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { until } from "../events.ts";
import { type SessionRow, TestHome } from "../home.ts";
import { falcon, notBuilt } from "../paths.ts";
import { type ClusterOptions, SlurmCluster } from "./slurm.ts";

/** What the tests of a `describe` share; there from its first `before` on. */
export class SlurmHost {
  cluster!: SlurmCluster;
  home!: TestHome;
  readonly #options: ClusterOptions;

  /** @param options.user who submits jobs and runs all commands; undefined: who runs the tests. */
  constructor(options: ClusterOptions = {}) {
    this.#options = options;
  }

  /** The last session of this name. */
  async row(name: string): Promise<SessionRow | undefined> {
    return (await this.home.sessions()).filter((session) => session.name === name).at(-1);
  }

  /** Waits until the session runs. */
  running(name: string): Promise<SessionRow> {
    return until(
      async () => {
        const found = await this.row(name);
        return found?.state === "running" && found.pid ? found : undefined;
      },
      () => `${name} to run${this.cluster.output(name)}`,
    );
  }

  /** Submits a batch script whose programs are in this home. */
  submit(name: string, lines: string[], options: string[] = []): Promise<number> {
    return this.cluster.submit(name, lines, options, this.home.env);
  }

  /** A line of a batch script: this program in a session. */
  runLine(name: string, program: string, options: string[] = []): string {
    return [falcon, "run", "--name", name, ...options, "--", "/bin/sh", "-c", program].map(word).join(" ");
  }

  async up(): Promise<void> {
    assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first");
    const { user } = this.#options;
    this.cluster = await SlurmCluster.up("cgroup", this.#options);
    this.home = new TestHome({ SLURM_CONF: this.cluster.env.SLURM_CONF as string }, user === undefined ? {} : { user });
  }

  /** Ends all jobs; fails where a job's home stays. */
  async down(): Promise<void> {
    const jobs = path.join(this.home.folder, "j");
    const left = () => (fs.existsSync(jobs) ? fs.readdirSync(jobs) : []);
    try {
      await this.cluster.cancelAll();
      await until(
        async () => (await this.home.sessions()) && left().length === 0,
        () => `the jobs to be taken in: ${left()}${this.home.serverLog()}`,
      );
      await this.home.dispose();
    } finally {
      await this.cluster.down();
    }
  }
}

/** For the head of a `describe`: brought up before its tests, and down after them. */
export function slurmHost(options: ClusterOptions = {}): SlurmHost {
  const host = new SlurmHost(options);
  before(() => host.up());
  after(() => host.down());
  return host;
}

/** A word of a shell. */
function word(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
