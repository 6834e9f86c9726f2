// The curve of a run of the real falcon that was resumed, whose second launch writes over the metrics of the
// first: against what numpy reads of both launches.
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

/** All values of a metric in this folder, by their time. */
const reader = `
import glob, json, sys
import numpy as np
chunks = [np.load(file) for file in sorted(glob.glob(sys.argv[1] + "/chunk_*.npz"))]
time = np.concatenate([chunk["walltime"] for chunk in chunks])
value = np.concatenate([chunk["value"] for chunk in chunks])
print(json.dumps(value[np.argsort(time, kind="stable")].tolist()))
`;

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
    const values = (folder: string): number[] => {
      const said = spawnSync(python, ["-c", reader, path.join(folder, "val/loss")], { encoding: "utf8" });
      assert.equal(said.status, 0, said.stderr);
      return JSON.parse(said.stdout) as number[];
    };
    const words = ["launch", "-d", "--falcon", file, "-o", "run", ...small, mostEpochs(version, "theta", epochs)];
    const first = await home.ok(words, where);
    await home.ok(["wait", first], { limit: runLimit });
    const before = values(metrics);
    const second = await home.ok(["relaunch", "-d", first], where);
    await home.ok(["wait", second], { limit: runLimit });
    const after = values(metrics);
    assert.deepEqual([before.length, after.length], [epochs, epochs], "the second launch has written over the first one's");

    // what stands in the log has four digits
    fs.rmSync(path.join(project, "run/graph/theta/output.log"));
    const { nodes } = JSON.parse(await home.ok(["export", second, "--format", "curve-json"])) as {
      nodes: { node: string; epoch: number[]; validationLoss: (number | null)[] }[];
    };
    const theta = nodes.find(({ node }) => node === "theta");
    const expected = [...before, ...after];
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
