// A submitted session on other machines: each node of the Slurm is one of its own, and shares the folder of
// homes with the one that submits. What is listed there at each step is what squeue and scontrol say, in one
// line.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { until } from "../support/events.ts";
import { noSlurm } from "../support/machines/slurm.ts";
import { type NodeRow, slurmNodes } from "../support/machines/slurm-nodes.ts";
import * as built from "../support/paths.ts";

/**
 * Long enough for a part that starts on a busy machine, and for a job that is run again, with Slurm asked
 * each 30 s.
 */
const patient = 180_000;

interface Row extends NodeRow {
  outcome: { kind: string; saved: boolean | null; by: string | null } | null;
}

describe("falcon submit to nodes that are other machines", { skip: noSlurm() }, () => {
  const nodes = slurmNodes();

  /** What is listed of the job. */
  const listed = async () => ((await nodes.home.sessions()) as Row[]).filter(({ name }) => name === "far");
  const live = async () => (await listed()).filter(({ state }) => state === "running" || state === "pending");
  /** Waits until exactly one line says that it is so, as Slurm does. */
  const untilOne = (state: "running" | "pending", job: string, restarts: number) =>
    until(
      async () => {
        const said = await nodes.cluster.job(job);
        const rows = await live();
        assert.ok(rows.length <= 1, `one line: ${JSON.stringify(rows.map(({ id, state: s, host }) => [id, s, host]))}`);
        const slurm = said.JobState === state.toUpperCase() && Number(said.Restarts) === restarts;
        const [row] = rows;
        if (!slurm || row?.state !== state) return undefined;
        if (state === "running" && row.host !== said.NodeList) return undefined;
        return { row, said };
      },
      () => `it to be ${state} for the ${restarts}th time`,
      patient,
    );
  const shown = async () =>
    (await nodes.home.ok(["sessions"])).split("\n").filter((line) => line.includes(" far ") && !line.startsWith("■"));
  const drain = (node: string) => nodes.cluster.run("scontrol", ["update", `NodeName=${node}`, "State=DRAIN", "Reason=test"]);
  const resume = (node: string) => nodes.cluster.run("scontrol", ["update", `NodeName=${node}`, "State=RESUME"]);

  test("pending, running, attached, run again on the other node, three parts, stopped: one line as Slurm has it", async () => {
    const [a, b] = nodes.cluster.nodes;
    await Promise.all([drain(a), drain(b)]);
    const words = ["launch", "--requeue", "--falcon", built.trainer, "--name", "far", "samples=256", "rate=20", "epochs=100000"];
    const id = await nodes.home.ok(["submit", "--time=30", "--", ...words]);
    const [first] = await listed();
    const job = String(first?.job).slice(1);
    const pending = await untilOne("pending", job, 0);
    assert.deepEqual([pending.row.id, pending.row.host], [id, ""]);
    await resume(b);

    const one = await untilOne("running", job, 0);
    assert.deepEqual([one.row.id, one.row.host, one.said.NodeList], [id, b, b]);
    assert.equal((await shown()).length, 1);

    // from outside of the job, by a step of its own
    const step = ["--overlap", `--jobid=${job}`, "--pty", built.falcon, "attach", "far"];
    const terminal = nodes.home.terminal(step, { file: "srun", env: nodes.cluster.env });
    await terminal.waitFor("Training started");
    terminal.type("\x1c");
    await terminal.waitForExit();
    assert.doesNotMatch(terminal.text(), /and the run with it/, "the step ends, the run does not");
    assert.equal((await nodes.cluster.job(job)).JobState, "RUNNING");

    await drain(b);
    await nodes.cluster.run("scancel", ["--batch", "--signal=USR1", job]);
    await untilOne("pending", job, 1);
    await resume(a);
    const two = await untilOne("running", job, 1);
    assert.equal(two.row.host, a);

    await drain(a);
    await nodes.cluster.run("scancel", ["--batch", "--signal=USR1", job]);
    await untilOne("pending", job, 2);
    await resume(b);
    const three = await untilOne("running", job, 2);
    assert.equal(three.row.host, b);

    // the node that runs it now knows all three as one run
    const there = { file: "srun", env: { SLURM_CONF: nodes.cluster.env.SLURM_CONF } };
    const onNode = (...args: string[]) => nodes.home.ok(["--overlap", `--jobid=${job}`, built.falcon, ...args], there);
    // Slurm may say that it runs before its session has begun, which brings in the others first
    await until(
      async () => {
        const show = JSON.parse(await onNode("show", "--json", "far")) as { part: number; run: string };
        return show.part === 3 && show.run === id;
      },
      "the third part to have begun",
      patient,
    );
    const text = await onNode("show", "far");
    for (const [n, node] of [b, a, b].entries()) assert.match(text, new RegExp(`${n + 1} .*${node}.* job ${job}`), text);

    // what Slurm can do needs no way to the node
    const stopped = await nodes.home.run(["stop", "far"]);
    assert.match(stopped.stderr, new RegExp(`asked to stop \\(SIGUSR1 to job ${job} on ${b}\\)`), stopped.stderr);
    // a person's stop is no time limit: the job is over, --requeue or not
    const over = await until(
      async () => ((now) => (/^(RUNNING|COMPLETING)$/.test(now.JobState ?? "") ? undefined : now))(await nodes.cluster.job(job)),
      "the stopped job to be over",
      patient,
    );
    assert.deepEqual([over.JobState, over.Restarts], ["COMPLETED", "2"]);
  });
});
