// Runs beside each other: what differs in their configurations, what cannot be compared, tables, figures,
// numbers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { unzipSync } from "fflate";
import picocolors from "picocolors";
import { comparisonText } from "../../../src/commands/compare/comparison-text.ts";
import { bestAndLast, type ComparedRun } from "../../../src/compare/compared-run.ts";
import { comparisonCsv, comparisonJson, comparisonOf, curvesOf } from "../../../src/compare/comparison.ts";
import { configDifferences, flatConfig } from "../../../src/compare/config-difference.ts";
import { npzOf } from "../../../src/compare/npz-writer.ts";
import { exportCsv, exportJson, npzArrays } from "../../../src/compare/run-export.ts";
import { comparisonSvg } from "../../../src/export/comparison-figure.ts";
import { readNpy } from "../../../src/trainers/falcon/run/npz.ts";
import { sampleAt } from "../../support/usage-samples.ts";

const config = (more: Record<string, unknown> = {}) =>
  flatConfig({
    buffer: { validation_samples: 512, simulate_count: 0 },
    graph: { theta: { estimator: { lr: 0.001 } } },
    ...more,
  } as never);

function run(name: string, values: number[], more: Partial<ComparedRun> = {}): ComparedRun {
  return {
    ...{ name, session: name, directory: `/runs/${name}`, host: "node1", outcome: "completed", seconds: 125 },
    ...{
      epochs: values.length,
      samples: 4096,
      gpuHours: null,
      cpuHours: 0.5,
      memoryPeak: 2.5e9,
      config: config(),
      started: 1000,
    },
    metrics: [
      {
        node: "theta",
        metric: "val_loss",
        step: values.map((_, i) => i * 16),
        epoch: values.map((_, i) => i + 1),
        time: values.map((_, i) => 1000 + i * 2000),
        samples: values.map((_, i) => 100 * i),
        value: values,
      },
    ],
    ...more,
  };
}
const compared = (runs: ComparedRun[], by: "epoch" | "time" | "samples" = "epoch", metric?: string) =>
  comparisonOf(runs, { metric, by, node: undefined });
const text = (runs: ComparedRun[], width = 100) => comparisonText(compared(runs), width, picocolors.createColors(false));

test("a run of two parts begins with the first one's losses, whatever the newest part's start is", () => {
  const night = run("night", [3, 2, 1], { started: 4000 });
  const other = run("other", [3, 2, 1]);
  assert.equal(
    comparisonCsv(compared([night, other], "time")),
    comparisonCsv(compared([run("night", [3, 2, 1]), other], "time")),
  );
  const curves = curvesOf(compared([night, other], "time"));
  assert.deepEqual(
    curves.map(({ x }) => x),
    [
      [0, 2, 4],
      [0, 2, 4],
    ],
  );
});

test("what to be careful of is broken between words at the edge of the terminal", () => {
  const validation = config({ buffer: { validation_samples: 256, simulate_count: 0 } });
  const runs = [run("one", [3, 2, 1]), run("two", [3, 2, 1], { config: validation })];
  for (const width of [60, 80, 120])
    for (const line of text(runs, width)
      .split("\n")
      .filter((line) => !/[│┤└]/.test(line)))
      assert.ok(line.length <= width, `${width}: ${line}`);
  assert.match(text(runs, 60), /^careful: .*\n {9}\S/m);
});

test("only what differs, nested keys by their dotted names; a list is one value; paths are no difference", () => {
  const one = flatConfig({ a: { b: 1, c: [1, 2] }, same: "x", paths: { graph: "/one" } });
  const two = flatConfig({ a: { b: 2, c: [1, 3] }, same: "x", d: null, paths: { graph: "/two" } });
  assert.deepEqual(configDifferences([one, two]), [
    { key: "a.b", values: ["1", "2"] },
    { key: "a.c", values: ["[1,2]", "[1,3]"] },
    { key: "d", values: [null, "null"] },
  ]);
  assert.deepEqual(configDifferences([one, null]), [], "one that could not be read says nothing");
});

test("which value is the best is the metric's own", () => {
  const best = (metric: string, value: number[]) => {
    const none = value.map(() => null);
    const { best, bestEpoch } = bestAndLast({
      ...{ node: "n", metric, value, step: none, time: none, samples: none },
      epoch: value.map((_, i) => i + 1),
    });
    return [best, bestEpoch];
  };
  assert.deepEqual(best("val_loss", [3, Number.NaN, 1, 2]), [1, 3]);
  for (const name of ["val/accuracy", "Valid Accuracy", "train_acc_epoch", "val_f1", "log_likelihood"])
    assert.deepEqual(best(name, [0.1, 0.9, Number.POSITIVE_INFINITY, 0.5]), [0.9, 2], name);
  for (const name of ["val/nll_aux", "train_rmse", "kl_loss", "error_rate", "neg_log_likelihood", "something"])
    assert.deepEqual(best(name, [2, 1, 3]), [1, 2], name);
  for (const name of ["lr", "learning_rate", "n_samples", "epoch"]) assert.deepEqual(best(name, [2, 1, 3]), [null, null], name);
});

test("the table has best and last, and where the best was; NaN is last as it is, never best", () => {
  const shown = text([run("first", [3, 1, 2]), run("second", [2, 0.5, Number.NaN], { outcome: "killed" })]);
  assert.match(shown, /^ +first +second$/m);
  assert.match(shown, /^outcome +completed +killed$/m);
  assert.match(shown, /^val_loss, best +1 at 2 +0\.5 at 2$/m);
  assert.match(shown, /^val_loss, last +2 +NaN$/m);
  assert.match(shown, /^time +2m 05s +2m 05s$/m);
  assert.match(shown, /^memory, most +2\.50 GB/m);
  assert.doesNotMatch(shown, /GPU hours/, "what nobody knows has no row");
  assert.match(shown, /config\.yml does not differ/);
  assert.match(text([run("small", [1], { memoryPeak: 46.7e6 }), run("large", [1])]), /^memory, most +46\.7 MB +2\.50 GB$/m);
  assert.match(shown, /^A first {3}B second$/m);
  assert.ok(shown.split("\n").some((line) => /│.*A|┤.*A/.test(line)) && shown.split("\n").some((line) => /[│┤].*B/.test(line)));
});

test("what cannot be compared is said: validation sets, rounds, losses, nodes, metrics; changing validation data", () => {
  const other = (more: Record<string, unknown>) =>
    compared([run("a", [1]), run("b", [1], { config: config(more) })]).warnings.join("\n");
  assert.match(
    other({ buffer: { validation_samples: 64, simulate_count: 0 } }),
    /validation sets differ \(buffer\.validation_samples\)/,
  );
  assert.match(other({ rounds: 3 }), /rounds differ \(rounds\)/);
  assert.match(other({ graph: { theta: { estimator: { _target_: "x", lr: 0.001 } } } }), /what is minimised differs/);
  assert.match(other({ buffer: { validation_samples: 512, simulate_count: 128 } }), /without rounds the validation data changes/);
  assert.doesNotMatch(other({ rounds: 1 }), /without rounds/);
  assert.deepEqual(compared([run("a", [1]), run("b", [2])]).warnings, []);
  const odd = run("b", [1], { metrics: [{ ...(run("x", [1]).metrics[0] as ComparedRun["metrics"][0]), node: "wave" }] });
  assert.match(compared([run("a", [1]), odd]).warnings.join("\n"), /not in all of them: nodes theta, wave/);
  assert.match(
    compared([run("a", [1]), run("b", [1], { metrics: [], config: null })]).warnings.join("\n"),
    /b has no metric val_loss/,
  );
  assert.match(
    compared([run("a", [1]), run("b", [1], { config: null })]).warnings.join("\n"),
    /b: no configuration could be read/,
  );
});

test("a figure tells curves apart by dashes and marks; names are escaped; nothing to draw is said", () => {
  const svg = comparisonSvg(compared([run("<a>", [3, 2, 1]), run("b", [2, 1, 0.5])], "time"), "val_loss", false);
  assert.match(svg, /seconds since its start/);
  assert.match(svg, /&#60;a&#62;/);
  assert.equal(svg.match(/<polyline/g)?.length, 2);
  assert.equal(svg.match(/<polyline[^>]*stroke-dasharray/g)?.length, 1);
  assert.ok(svg.includes("<circle") && svg.includes("<rect x="));
  assert.match(comparisonSvg(compared([run("a", []), run("b", [])]), "x", true), /nothing to compare yet/);
});

test("numbers for programs: CSV with nan, JSON with null", () => {
  const both = compared([run("a,b", [1, Number.NaN]), run("c", [Number.POSITIVE_INFINITY])]);
  assert.deepEqual(comparisonCsv(both).split("\n").slice(0, 4), [
    "run,node,metric,step,epoch,walltime,samples,value",
    '"a,b",theta,val_loss,0,1,1,0,1',
    '"a,b",theta,val_loss,16,2,3,100,nan',
    "c,theta,val_loss,0,1,1,0,inf",
  ]);
  const json = JSON.parse(comparisonJson(both));
  assert.deepEqual(json.runs[0].metrics[0].value, [1, null]);
  assert.deepEqual([json.runs[0].metrics[0].best, json.runs[0].metrics[0].bestEpoch, json.metric], [1, 1, "val_loss"]);
});

test("everything of a run: CSV, JSON, and an archive whose arrays are those of numpy's format", async () => {
  const all = { run: run("nacht é", [1.5, Number.NaN, -2]), usage: [sampleAt(5000), sampleAt(10_000, { memory: null })] };
  const files = unzipSync(npzOf(await npzArrays(all)));
  const values = readNpy(files["theta/val_loss/value.npy"] as Uint8Array);
  assert.deepEqual([...values.values], [1.5, Number.NaN, -2]);
  assert.deepEqual([...readNpy(files["theta/val_loss/walltime.npy"] as Uint8Array).values], [1, 3, 5]);
  assert.deepEqual([...readNpy(files["usage/memory.npy"] as Uint8Array).values], [1e9, Number.NaN]);
  for (const [name, bytes] of Object.entries(files)) {
    const header = (bytes[8] as number) + 256 * (bytes[9] as number);
    assert.equal((10 + header) % 64, 0, `${name}: the header ends where numpy wants it`);
  }
  const csv = [...exportCsv(all)].join("").split("\n");
  assert.ok(csv.includes("metric,theta,val_loss,16,2,3,100,nan"));
  assert.ok(csv.includes("usage,,memory,,,5,,1000000000"));
  const json = JSON.parse(exportJson(all));
  assert.deepEqual(
    [json.name, json.metrics[0].value, json.metrics[0].nonFinite],
    ["nacht é", [1.5, null, -2], [{ index: 1, value: "NaN" }]],
  );
  assert.equal(json.config["buffer.validation_samples"], 512);
});

test("what a CSV is made of is read once for each value: a long run takes no square of its length", () => {
  const long = run("night", Array.from({ length: 50 }, Math.random));
  const [series] = long.metrics;
  let reads = 0;
  const time = new Proxy(series?.time ?? [], {
    get(array, key, self) {
      if (/^\d+$/.test(String(key))) reads++;
      return Reflect.get(array, key, self);
    },
  });
  const pieces = [...exportCsv({ run: { ...long, metrics: long.metrics.map((one) => ({ ...one, time })) }, usage: [] })];
  assert.equal(reads, 50);
  assert.deepEqual(
    pieces.map((piece) => piece.split("\n").length - 1),
    [1, 50],
    "a piece for each metric",
  );
});
