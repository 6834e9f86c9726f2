// Every field that is shown of a finished run of the real falcon, against what a Python script computes from
// its files with numpy.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { ShownRun } from "../../src/presentation/shown-run.ts";
import type { PostMortem } from "../../src/trainers/run/ending.ts";
import { until } from "../support/events.ts";
import { type SessionRow, TestHome } from "../support/home.ts";
import { notBuilt, root } from "../support/paths.ts";
import { fitTo, isGrouped, mostEpochs } from "./old-configuration.ts";
import { type PythonFalcon, pythonFalcon } from "./python.ts";

/**
 * Ray's start, some thousand simulations, some thousand steps: under a minute alone, minutes on a busy
 * machine.
 */
const runLimit = 600_000;

/**
 * The examples with fewer samples and epochs; of `gaussian` more epochs than a rate's window and a trend's
 * points.
 */
const small = ["buffer.min_samples=2048", "buffer.max_samples=4096", "buffer.validation_samples=128", "sample.posterior.n=2"];
const runs = {
  gaussian: { theta: 90 },
  "two-nodes": { line: 45, wave: 30 },
  flow: { theta: 12 },
} as const;

const arrays = `
import glob, json, math, os, sys
import numpy as np
told = {}
for first in glob.glob(sys.argv[1] + "/**/chunk_000000.npz", recursive=True):
    folder = os.path.dirname(first)
    values = [np.load(file)["value"] for file in sorted(glob.glob(glob.escape(folder) + "/chunk_*.npz"))]
    if values[0].ndim == 1:
        value = np.concatenate(values)
        told[os.path.relpath(folder, sys.argv[1])] = [len(value), float(value[-1]) if math.isfinite(value[-1]) else None]
print(json.dumps(told))
`;

interface Computed {
  progress: Omit<ShownRun, "silence">;
  summary: string[];
  shown: string[];
}

interface Shown extends SessionRow {
  progress: ShownRun;
  postMortem: PostMortem;
}

const found = await pythonFalcon();

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("the fields of a finished run are what numpy finds in its files", {
  skip: typeof found === "string" ? found : false,
}, () => {
  const { file, python, version } = found as PythonFalcon;
  const home = new TestHome();
  after(() => home.dispose());

  /** Every metric of a node as numpy has it: entries and the last value (null: not finite). */
  function arraysOf(project: string, node: string): Record<string, [number, number | null]> {
    const said = spawnSync(python, ["-c", arrays, path.join(project, "run/graph", node, "metrics")], { encoding: "utf8" });
    assert.equal(said.status, 0, said.stderr);
    return JSON.parse(said.stdout);
  }

  /** The same as we export it; what the log tells of each epoch is no folder. */
  async function shownMetrics(id: string, node: string): Promise<Record<string, [number, number | null]>> {
    const { metrics } = JSON.parse(await home.ok(["export", id, "--format", "json"])) as {
      metrics: { node: string; metric: string; value: (number | null)[] }[];
    };
    const own = metrics.filter((one) => one.node === node && one.metric !== "train_loss" && one.metric !== "val_loss");
    return Object.fromEntries(own.map(({ metric, value }) => [metric, [value.length, value.at(-1) ?? null]]));
  }

  for (const [example, epochs] of Object.entries(runs)) {
    const lacks = example === "flow" && (isGrouped(version) || spawnSync(python, ["-c", "import sbi"]).status !== 0);
    test(`examples/${example}`, { skip: lacks ? "a Flow needs sbi, and falcon 0.5" : false }, async () => {
      const project = path.join(home.work, example);
      fs.cpSync(path.join(root, "examples", example), project, { recursive: true, filter: (from) => !from.includes("output") });
      fitTo(version, path.join(project, "config.yml"));
      const settings = Object.entries(epochs).map(([node, most]) => mostEpochs(version, node, most));
      const id = await home.ok(["launch", "-d", "--falcon", file, "-o", "run", ...small, ...settings], {
        cwd: project,
        env: { PYTHONDONTWRITEBYTECODE: "1" },
      });
      await home.ok(["wait", id], { limit: runLimit });
      const row = await until(
        async () => (await home.sessions()).find((session) => session.id === id && session.postMortem !== null),
        "the end to be told",
      );
      const listed = row as Shown;
      const said = spawnSync(python, [path.join(import.meta.dirname, "cross_check.py"), "run", project], { encoding: "utf8" });
      assert.equal(said.status, 0, said.stderr);
      const computed = JSON.parse(said.stdout) as Computed;

      const { silence, ...progress } = listed.progress;
      assert.ok(listed.progress.nodes.some((node) => node.status === "done"));
      assertClose(progress, computed.progress, "progress");
      assert.ok(
        silence !== null && silence >= 0 && (progress.lastSign as number) + silence * 1000 <= Date.now(),
        `silence ${silence}`,
      );

      assert.deepEqual(listed.postMortem, {
        ending: "completed",
        sentence: "completed",
        summary: computed.summary,
        traceback: null,
        error: null,
        saved: true,
      });
      assert.deepEqual(
        [listed.name, listed.state, listed.exitCode, listed.signal, listed.interrupts, listed.runDirectory],
        ["run", "exited", 0, null, 0, computed.progress.directory],
      );

      const shownJson = JSON.parse(await home.ok(["show", id, "--json"])) as Shown;
      assert.deepEqual(shownJson, listed, "show --json is what sessions --json lists");
      const shown = await home.ok(["show", id]);
      for (const line of computed.shown) assert.ok(shown.split("\n").includes(line), `${line}\nis not in\n${shown}`);
      assert.ok(shown.includes(`progress  ${computed.progress.summary}`), shown);
      for (const node of Object.keys(epochs)) assert.deepEqual(await shownMetrics(id, node), arraysOf(project, node), node);
      const table = await home.ok(["sessions", "--all"]);
      assert.ok(table.includes(computed.progress.summary.replace(/^completed · /, "")), table);
    });
  }
});

/** Equal in shape and value; numbers to twelve digits, since means may be summed in another order. */
function assertClose(actual: unknown, expected: unknown, where: string): void {
  if (typeof actual === "number" && typeof expected === "number") {
    assert.ok(
      Math.abs(actual - expected) <= 1e-12 * Math.max(1, Math.abs(expected)),
      `${where}: ${actual}, by numpy ${expected}`,
    );
  } else if (typeof actual === "object" && actual !== null && typeof expected === "object" && expected !== null) {
    assert.deepEqual(Object.keys(actual).sort(), Object.keys(expected).sort(), `${where}: the fields`);
    for (const [key, value] of Object.entries(actual))
      assertClose(value, (expected as Record<string, unknown>)[key], `${where}.${key}`);
  } else assert.deepEqual(actual, expected, where);
}
