// A job's session from outside of its node, which is another machine that shares the home directory:
// listed as squeue has it, attached to by a step in the job, seen to its end, and read after its node
// has lost all.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { type NodeRow, slurmNodes } from "../support/machines/slurm-nodes.ts";
import * as built from "../support/paths.ts";

describe("a job's session, from another machine", { skip: noSlurm() }, () => {
  const nodes = slurmNodes();
  before(() => {
    const bin = path.join(nodes.home.work, "bin");
    fs.mkdirSync(bin);
    fs.symlinkSync(built.falcon, path.join(bin, "falcon-sessions"));
    nodes.home.env.PATH = `${bin}:${nodes.home.env.PATH}`;
  });

  const archive = () => path.join(nodes.home.folder, "falcon-sessions", "archive");
  const row = async (name: string) => ((await nodes.home.sessions()) as NodeRow[]).filter((one) => one.name === name).at(-1);
  /** A job whose script is this program in a session, and that session once it is told here. */
  async function submitted(name: string, program: string): Promise<{ job: number; row: NodeRow }> {
    const line = `exec ${built.falcon} run --name ${name} -- /bin/sh -c '${program}'`;
    const job = await nodes.cluster.submit(name, [line], [], nodes.home.env);
    const found = await until(
      async () => {
        const one = await row(name);
        return one?.state === "running" && one.host !== "" ? one : undefined;
      },
      () => `${name} to be told${nodes.cluster.output(name)}`,
      120_000,
    );
    return { job, row: found };
  }

  test("listed where squeue has it; show, logs and send go by a step in the job; attached there when it is cancelled", async () => {
    const { job, row: found } = await submitted("live", "echo hello from $(hostname); exec cat");
    const squeue = (await nodes.cluster.run("squeue", ["-h", "-j", String(job), "-o", "%A %N %T"])).trim();
    assert.equal(`${String(found.job).slice(1)} ${found.host} ${found.state.toUpperCase()}`, squeue);
    assert.match(await nodes.home.ok(["logs", "live"]), new RegExp(`hello from ${found.host}`));
    await nodes.home.ok(["send", "live", "--text", "typed outside"]);
    await nodes.home.ok(["send", "live", "Enter"]);
    await until(async () => (await nodes.home.ok(["logs", "live"])).includes("typed outside"), "what was sent");
    const terminal = nodes.home.terminal(["attach", "live"]);
    await terminal.waitFor("typed outside");
    terminal.type("at the terminal\r");
    await terminal.waitFor(/at the terminal\s+at the terminal/);
    await until(() => fs.existsSync(path.join(archive(), found.id, "1", "part.json")), "it to be kept", 60_000);
    await nodes.cluster.run("scancel", [String(job)]);
    await terminal.waitForExit("the end", 60_000);
    // its end is told by the session's own server, where that has the time, else by Slurm
    const said = terminal.lines().join("");
    assert.match(
      said,
      new RegExp(`(live:|\\[live\\]) (killed|stopped|lost|ended)|the job on ${found.host} is over \\(srun: `),
      said,
    );
    assert.doesNotMatch(said, /goes on/);
    // the node's server could say nothing more: Slurm says that the job is over, and the archive has the rest
    const shown = async () => (JSON.parse(await nodes.home.ok(["show", "--json", "live"])) as { state: string }).state;
    const [state, listed] = await until(async () => {
      const both = [await shown(), (await row("live"))?.state] as const;
      return /^(lost|exited)$/.test(both[0]) && both[0] === both[1] && both;
    }, "both to say that it is over");
    assert.match(state, /^(lost|exited)$/);
    assert.match(await nodes.home.ok(["logs", "live"]), /typed outside/);
    assert.equal(listed, state);
  });

  test("after its end, its node without power and disk: show, logs, export and relaunch act on what was kept", async () => {
    // it runs until it was seen running; the relaunched one finds the file
    const seen = path.join(nodes.home.work, "seen");
    const program = `echo what it said; until [ -e ${seen} ]; do sleep 0.1; done; exit 3`;
    const { job, row: found } = await submitted("kept", program);
    fs.writeFileSync(seen, "");
    const archived = path.join(archive(), found.id);
    await until(
      () =>
        fs.existsSync(path.join(archived, "1", "part.json")) &&
        fs.readFileSync(path.join(archived, "1", "part.json"), "utf8").includes('"state":"exited"'),
      "its end to be kept",
      60_000,
    );
    await until(async () => (await nodes.cluster.job(job)).JobState === "FAILED", "its job to be over", 60_000);
    // all that stood on the node goes with it
    await until(() => {
      try {
        fs.rmSync(path.join(nodes.home.folder, "falcon-sessions", found.host), { recursive: true, force: true });
        return true;
      } catch {
        // the job's server says its last word
        return false;
      }
    }, "the home to go");
    assert.match(await nodes.home.ok(["show", "kept"]), /status 3|failed/);
    assert.match(await nodes.home.ok(["logs", found.id]), /what it said/);
    assert.match(await nodes.home.ok(["export", "kept", "--format", "text"]), /what it said/);
    assert.equal(((await nodes.home.sessions()) as NodeRow[]).filter(({ name }) => name === "kept").length, 1, "one line");
    const again = await nodes.home.ok(["relaunch", "-d", "kept"]);
    assert.match(await nodes.home.ok(["wait", again]).catch((error: Error) => error.message), /3|failed/);
    assert.notEqual((await row("kept"))?.host, found.host, "it was started here");
  });
});
