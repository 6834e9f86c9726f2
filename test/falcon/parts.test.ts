// The metrics and the curve of a run of the real falcon that was resumed, whose second launch writes over
// what the first one wrote: against what numpy reads of both launches, and of the copies.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { before, test } from "node:test";
import { TestHome } from "../support/home.ts";
import { notBuilt, root } from "../support/paths.ts";
import { fitTo, mostEpochs } from "./old-configuration.ts";
import { pythonFalcon } from "./python.ts";

/** Twice Ray's start and more than a chunk of epochs: a minute alone, minutes on a busy machine. */
const runLimit = 600_000;

/** More than one chunk has: of the first launch its first hundred would be gone. */
const epochs = 110;

const small = ["buffer.min_samples=1024", "buffer.max_samples=2048", "buffer.validation_samples=128", "sample.posterior.n=2"];

/** All entries of each metric below this folder, as time, step and value. */
const reader = `
import glob, json, math, os, sys
import numpy as np
told = {}
for first in glob.glob(sys.argv[1] + "/**/chunk_000000.npz", recursive=True):
    folder = os.path.dirname(first)
    chunks = [np.load(file) for file in sorted(glob.glob(glob.escape(folder) + "/chunk_*.npz"))]
    time, step, value = (np.concatenate([chunk[name] for chunk in chunks]).tolist() for name in ("walltime", "step", "value"))
    if any(isinstance(one, list) for one in value): continue
    told[os.path.relpath(folder, sys.argv[1])] = [[t, s, v if math.isfinite(v) else None] for t, s, v in zip(time, step, value)]
print(json.dumps(told))
`;

type Entry = [time: number, step: number, value: number | null];
type Entries = Record<string, Entry[]>;

/** The entries of both, each once, by their time. */
function joined(before: Entry[] = [], after: Entry[] = []): Entry[] {
  const all = new Map([...before, ...after].map((entry) => [JSON.stringify(entry), entry]));
  return [...all.values()].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

const found = await pythonFalcon();

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

test("a resumed run's curve has every epoch of both launches, as numpy reads them", {
  skip: typeof found === "string" ? found : false,
}, async () => {
  if (typeof found === "string") return;
  const { file, python, version } = found;
  const home = new TestHome();
  try {
    const project = path.join(home.work, "project");
    fs.cpSync(path.join(root, "examples/gaussian"), project, { recursive: true, filter: (from) => !from.includes("output") });
    fitTo(version, path.join(project, "config.yml"));
    const where = { cwd: project, env: { PYTHONDONTWRITEBYTECODE: "1" } };
    const metrics = path.join(project, "run/graph/theta/metrics");
    const entries = (folder: string): Entries => {
      const said = spawnSync(python, ["-c", reader, folder], { encoding: "utf8" });
      assert.equal(said.status, 0, said.stderr);
      return JSON.parse(said.stdout) as Entries;
    };
    const words = ["launch", "-d", "--falcon", file, "-o", "run", ...small, mostEpochs(version, "theta", epochs)];
    const first = await home.ok(words, where);
    await home.ok(["wait", first], { limit: runLimit });
    const before = entries(metrics);
    const second = await home.ok(["relaunch", "-d", first], where);
    await home.ok(["wait", second], { limit: runLimit });
    const after = entries(metrics);
    const lengths = [before, after].map(({ "val/loss": losses }) => losses?.length);
    assert.deepEqual(lengths, [epochs, epochs], "the second launch has written over the first one's");
    const kept = entries(path.join(home.folder, "archive", first, "1", "graph", "theta", "metrics"));
    assert.deepEqual(kept, before, "the copy of the first launch");

    const { metrics: all } = JSON.parse(await home.ok(["export", second, "--format", "json"])) as {
      metrics: { node: string; metric: string; epoch: (number | null)[]; value: (number | null)[] }[];
    };
    const shownOf = (metric: string) => all.find((one) => one.node === "theta" && one.metric === metric);
    for (const metric of Object.keys({ ...before, ...after }))
      assert.deepEqual(
        shownOf(metric)?.value,
        joined(before[metric], after[metric]).map(([, , value]) => value),
        metric,
      );
    const numbers = Array.from({ length: 2 * epochs }, (_, i) => i + 1);
    assert.deepEqual(shownOf("val/loss")?.epoch, numbers);
    assert.deepEqual(shownOf("epoch")?.value, numbers);

    // what stands in the log has four digits
    fs.rmSync(path.join(project, "run/graph/theta/output.log"));
    const { nodes } = JSON.parse(await home.ok(["export", second, "--format", "curve-json"])) as {
      nodes: { node: string; epoch: number[]; validationLoss: (number | null)[] }[];
    };
    const theta = nodes.find(({ node }) => node === "theta");
    const expected = joined(before["val/loss"], after["val/loss"]).map(([, , value]) => value as number);
    const shown =
      theta?.epoch.flatMap((epoch, i) => (theta.validationLoss[i] == null ? [] : [[epoch, theta.validationLoss[i]]])) ?? [];
    assert.equal(shown.length, 2 * epochs);
    for (const [i, [epoch, loss]] of shown.entries()) {
      assert.equal(epoch, i + 1);
      const exact = expected[i] as number;
      assert.ok(Math.abs((loss as number) - exact) <= 6e-4 * Math.abs(exact) + 1e-9, `epoch ${epoch}: ${loss} for ${exact}`);
    }
  } finally {
    await home.dispose();
  }
});
