// The set-up of tests of a real Slurm whose nodes are machines of their own: they share the folder of homes
// with the machine that submits, and nothing else.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before } from "node:test";
import { type SessionRow, TestHome } from "../home.ts";
import { notBuilt } from "../paths.ts";
import { SlurmCluster } from "./slurm.ts";

/** A session with the machine and the job that it is told of. */
export interface NodeRow extends SessionRow {
  host: string;
  job: string | null;
}

/** What the tests of a `describe` share; there from its first `before` on. */
export class SlurmNodes {
  cluster!: SlurmCluster;
  home!: TestHome;

  /** @param environment what commands and jobs have besides. */
  async up(environment: Record<string, string> = {}): Promise<void> {
    assert.deepEqual(notBuilt(), [], "npm run build comes first");
    this.cluster = await SlurmCluster.up("cgroup", { apart: true });
    const { SLURM_CONF, PATH } = this.cluster.env;
    this.home = new TestHome({ SLURM_CONF: SLURM_CONF as string, PATH: PATH as string, ...environment });
    // each machine has its home in the folder that they share
    delete this.home.env.FALCON_SESSIONS_HOME;
    this.home.env.XDG_STATE_HOME = this.home.folder;
  }

  /** Where `up` failed, as much of it as there is. */
  async down(): Promise<void> {
    if (this.cluster === undefined) return;
    try {
      await this.cluster.cancelAll();
      if (this.home === undefined) return;
      // nobody was on the nodes to take the jobs' homes in
      for (const node of this.cluster.nodes)
        fs.rmSync(path.join(this.home.folder, "falcon-sessions", node), { recursive: true, force: true });
      await this.home.dispose();
    } finally {
      await this.cluster.down();
    }
  }
}

/** For the head of a `describe`: brought up before its tests, and down after them. */
export function slurmNodes(): SlurmNodes {
  const nodes = new SlurmNodes();
  before(() => nodes.up());
  after(() => nodes.down());
  return nodes;
}
