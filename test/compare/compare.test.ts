// falcon compare, tag and export of everything, on runs of the embedded trainer: against numpy, and plotted
// by the example.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { unzipSync } from "fflate";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt, root, trainer } from "../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

/** Columns of a picture, by its first chunk. */
const pngWidth = (file: string) => fs.readFileSync(file).readUInt32BE(16);

/** A Python that has these packages; undefined: none here. */
function pythonWith(...packages: string[]): string | undefined {
  const named = [
    process.env.FALCON_NUMPY_PYTHON ?? "",
    process.env.VIRTUAL_ENV ? `${process.env.VIRTUAL_ENV}/bin/python` : "",
    "python3",
  ];
  return named.find((file) => file !== "" && spawnSync(file, ["-c", `import ${packages.join(",")}`]).status === 0);
}

/** Reads an archive and the run's own chunks with numpy, and says what both hold. */
const check = `
import glob, json, sys
import numpy as np
archive, graph = sys.argv[1:3]
run = np.load(archive)
said = {"meta": json.loads(str(run["meta"])), "names": sorted(run.files)}
told = run["line/val/loss/value"]
chunks = [np.load(name) for name in sorted(glob.glob(graph + "/line/metrics/val/loss/chunk_*.npz"))]
for name in ("value", "step", "walltime"):
    own = np.concatenate([chunk[name].astype(float) for chunk in chunks])
    assert np.array_equal(run["line/val/loss/" + name], own, equal_nan=True), name
values = run["line/val_loss/value"]
said["best"] = float(np.nanmin(values))
said["bestEpoch"] = float(run["line/val_loss/epoch"][int(np.nanargmin(values))])
said["last"] = float(values[-1])
said["memory"] = float(np.nanmax(run["usage/memory"])) if "usage/memory" in run.files else None
print(json.dumps(said))
`;

describe("two runs", () => {
  const home = new TestHome();
  const at = (name: string) => path.join(home.work, name);
  after(() => home.dispose());

  before(async () => {
    for (const [name, seed] of [
      ["first", 1],
      ["second", 2],
    ] as const)
      await home.ok([
        "launch",
        "--falcon",
        trainer,
        "-o",
        name,
        "--name",
        name,
        "samples=256",
        "epochs=30",
        "rate=8",
        `seed=${seed}`,
      ]);
  });

  test("are compared: a table, the difference of their configurations, curves with letters", async () => {
    const text = await home.ok(["compare", "first", "second"]);
    assert.match(text, /^ *first +second$/m);
    assert.match(text, /^outcome +completed +completed$/m);
    assert.match(text, /^line val_loss, best +-?[\d.]+ at \d+ +-?[\d.]+ at \d+$/m);
    assert.match(text, /^config\.yml differs in +first +second$/m);
    assert.match(text, /seed +1 +2$/m);
    assert.match(text, /^A first line {3}B first wave {3}C second line {3}D second wave$/m);
    for (const by of ["time", "samples"])
      assert.match(await home.ok(["compare", "first", "second", "--by", by]), new RegExp(`by .*(${by}|seconds|simulations)`));
  });

  test("plain run directories that never were in a session compare as their sessions do", async () => {
    fs.cpSync(at("first"), at("copies/one"), { recursive: true });
    fs.cpSync(at("second"), at("copies/two"), { recursive: true });
    const plain = JSON.parse(await home.ok(["compare", "--run-dir", "copies/*", "--format", "json"]));
    const sessions = JSON.parse(await home.ok(["compare", "first", "second", "--format", "json"]));
    assert.deepEqual(
      plain.runs.map(({ name }: { name: string }) => name),
      ["one", "two"],
    );
    const numbers = ({ metrics }: { metrics: { value: number[]; best: number; epoch: number[] }[] }) =>
      metrics.map(({ value, best, epoch }) => ({ value, best, epoch }));
    assert.deepEqual(plain.runs.map(numbers), sessions.runs.map(numbers));
    assert.ok(plain.runs.every(({ session }: { session: unknown }) => session === null));
    assert.match(await home.ok(["compare", "copies/one", "second"]), /one +second/, "one of each");
  });

  test("figures, and what cannot be: a metric that none has, one run, a pattern that nothing fits", async () => {
    await home.ok(["compare", "first", "second", "--format", "png", "-o", "both.png"]);
    assert.equal(pngWidth(at("both.png")), 2 * 720);
    assert.match(
      await home.ok(["compare", "first", "second", "--format", "svg", "--metric", "val/loss"]),
      /<svg [\s\S]*val\/loss/,
    );
    // what was used stands on the same epochs, in the figure and in show
    assert.match(await home.ok(["export", "first", "--format", "curve-svg", "--resources"]), />memory \([GM]B\)</);
    assert.match(await home.ok(["show", "first"]), /^memory \([GM]B\) by epoch$/m);
    for (const [args, code, said] of [
      [["compare", "first"], 2, /two runs at least/],
      [["compare", "first", "first"], 2, /two runs at least/],
      [["compare", "first", "second", "--metric", "nope"], 1, /no run has a metric nope; there are .*val\/loss/],
      [["compare", "--run-dir", "none/*"], 1, /no run directory fits/],
      [["compare", "first", "nobody"], 1, /no session 'nobody'/],
      [["compare", "first", "second", "--by", "moon"], 2, /epoch, time or samples/],
      [["tag", "first", "1x"], 2, /label/],
    ] as const) {
      const { code: status, stderr } = await home.run([...args]);
      assert.equal(status, code, stderr);
      assert.match(stderr, said);
    }
  });

  test("labels filter the list, the comparison and JSON, and are taken away", async () => {
    await home.ok(["tag", "first", "lr=0.1", "good"]);
    await home.ok(["tag", "second", "lr=0.1"]);
    assert.deepEqual((await home.ok(["tag", "first"])).split("\n"), ["lr=0.1", "good"]);
    assert.match(await home.ok(["sessions", "--tag", "good"]), /first/);
    assert.doesNotMatch(await home.ok(["sessions", "--tag", "good"]), /second/);
    assert.equal(JSON.parse(await home.ok(["sessions", "--tag", "lr=0.1", "--json"])).length, 2);
    assert.match(await home.ok(["compare", "--tag", "lr=0.1"]), /first +second/);
    assert.match(await home.ok(["show", "first"]), /^labels +lr=0\.1 good$/m);
    const events = await home.ok(["events", "--tag", "good"]);
    assert.ok(/ first /.test(events) && !/ second /.test(events), events);
    await home.ok(["tag", "first", "good="]);
    assert.equal(await home.ok(["tag", "first"]), "lr=0.1");
  });

  test("everything as arrays: numpy opens them, and finds what the run's own files hold and compare says", async (context) => {
    await home.ok(["export", "first", "-o", "first.npz"]);
    await home.ok(["export", "second", "--format", "npz", "-o", "second.npz"]);
    assert.ok("line/val_loss/value.npy" in unzipSync(fs.readFileSync(at("first.npz"))));
    assert.match(await home.ok(["export", "first", "--format", "csv"]), /^kind,node,metric.*\nmetric,line,train_loss,/);
    assert.equal(JSON.parse(await home.ok(["export", "first", "--format", "json"])).name, "first");
    const python = pythonWith("numpy");
    if (python === undefined) return context.skip("no Python with numpy here (FALCON_NUMPY_PYTHON names one)");
    const run = spawnSync(python, ["-c", check, at("first.npz"), at("first/graph")], { encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    const said = JSON.parse(run.stdout);
    assert.equal(said.meta.name, "first");
    const [first] = JSON.parse(await home.ok(["compare", "first", "second", "--format", "json"])).runs;
    const { best, bestEpoch, last } = first.metrics.find(({ node }: { node: string }) => node === "line");
    assert.deepEqual([best, bestEpoch, last], [said.best, said.bestEpoch, said.last]);
  });

  test("the example plots both", async (context) => {
    const python = pythonWith("numpy", "matplotlib");
    if (python === undefined) return context.skip("no Python with matplotlib here (FALCON_NUMPY_PYTHON names one)");
    const script = path.join(root, "examples/notebook/plot_two.py");
    const run = spawnSync(python, [script, at("first.npz"), at("second.npz"), at("plot.png")], { encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(pngWidth(at("plot.png")), 800);
  });
});
