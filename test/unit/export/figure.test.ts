// The loss figure and its table of numbers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { linearAxis, logAxis } from "../../../src/export/axis.ts";
import { curveCsv, curveJson } from "../../../src/export/curve-table.ts";
import { type FigureOptions, figureSvg } from "../../../src/export/figure.ts";
import { renderFigure } from "../../../src/export/render.ts";
import type { NodeCurves } from "../../../src/trainers/run/curve.ts";
import { readPng } from "../../support/installs/foreign.ts";

const plain: FigureOptions = { log: false, from: 0, learningRate: false };

function curves(node: string, training: number[], validation: number[] = [], more: Partial<NodeCurves> = {}): NodeCurves {
  const curve = (y: number[]) => ({ x: y.map((_, i) => i + 1), y });
  return {
    node,
    training: curve(training),
    validation: curve(validation),
    learningRate: curve([]),
    seams: [],
    ...more,
  };
}

const labels = (svg: string) =>
  [...svg.matchAll(/y="[^"]*" text-anchor="end">([^<]+)</g)].map(([, text]) => Number((text as string).replace("\u2212", "-")));

test("a figure has a panel for each node that has losses, and axes with round numbers", () => {
  const svg = figureSvg(
    [curves("z<1>", [3, 2, 1], [1, 2, 2]), curves("idle", [], [Number.NaN]), curves("one", [4])],
    "run & more",
    plain,
  );
  assert.match(svg, />z&#60;1&#62;</);
  assert.doesNotMatch(svg, />idle</);
  assert.equal((svg.match(/<polyline /g) ?? []).length, 2);
  assert.match(svg, /run &#38; more/);
});

test("an outlier does not flatten the rest, and is marked where it is cut; on a logarithmic axis nothing is", () => {
  const losses = Array.from({ length: 200 }, (_, i) => (i === 0 ? 5000 : 3 - i / 100));
  const svg = figureSvg([curves("a", losses)], "t", plain);
  assert.ok(Math.max(...labels(svg)) < 10, labels(svg).join(" "));
  assert.match(svg, /up to 5000 \(--log shows all\)/);
  const positive = losses.map((loss) => loss + 2);
  const log = figureSvg([curves("a", positive)], "t", { ...plain, log: true });
  assert.doesNotMatch(log, /up to/);
  assert.ok(Math.max(...labels(log)) >= 1000, labels(log).join(" "));
});

test("a logarithmic axis of losses that cross zero is symmetric, and linear around zero", () => {
  const axis = logAxis([-100, -1, 0, 1, 100]);
  assert.ok(Math.abs(axis.place(-100)) < 1e-9 && Math.abs(axis.place(100) - 1) < 1e-9);
  assert.ok(Math.abs(axis.place(0) - 0.5) < 1e-9);
  const places = [-100, -10, -1, 0, 1, 10, 100].map((value) => axis.place(value));
  assert.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  assert.ok(axis.ticks.some(({ label }) => label === "0"));
  assert.ok(axis.ticks.some(({ value }) => value === -10) && axis.ticks.some(({ value }) => value === 10));
  assert.deepEqual(
    logAxis([0.01, 10]).ticks.map(({ value }) => Number(value.toPrecision(1))),
    [0.01, 0.1, 1, 10],
  );
});

test("axes of one value, of equal values and of huge ones are finite", () => {
  for (const axis of [
    linearAxis(3, 3, 5),
    linearAxis(0, 0, 5),
    logAxis([0]),
    logAxis([5]),
    logAxis([-3, -3]),
    logAxis([1e-300, 1e300]),
  ]) {
    assert.ok(axis.ticks.length < 40);
    for (const { value } of axis.ticks) assert.ok(Number.isFinite(axis.place(value)));
  }
});

test("the best epoch, the seam of a resumed run, NaN and the learning rate stand in the figure", () => {
  const node = curves("a", [5, 4, 3, 2], [4, 2, Number.NaN, Number.NaN], {
    seams: [3],
    learningRate: { x: [1, 2, 3, 4], y: [0.01, 0.01, 0.001, 0.001] },
  });
  const svg = figureSvg([node], "t", { ...plain, learningRate: true });
  assert.match(svg, />best 2 at 2</);
  assert.match(svg, /<title>resumed at epoch 3<\/title>/);
  assert.match(svg, /<title>no number from epoch 3 to 4<\/title>/);
  assert.match(svg, />learning rate</);
  assert.equal((svg.match(/<polyline /g) ?? []).length, 3);
  assert.doesNotMatch(svg.replace(/>NaN</g, "><"), /NaN|Infinity/, "no place is one");
  assert.doesNotMatch(figureSvg([node], "t", plain), />learning rate</);
});

test("printed in grey the two losses differ: one is dashed", () => {
  const lines = [...figureSvg([curves("a", [3, 2], [2, 1])], "t", plain).matchAll(/<polyline [^>]*>/g)].map(String);
  assert.equal(lines.filter((line) => line.includes("stroke-dasharray")).length, 1);
});

test("--from leaves earlier epochs out, in the figure and in the table", () => {
  const node = curves("a", [100, 3, 2], [90, 2, 1]);
  assert.ok(Math.max(...labels(figureSvg([node], "t", { ...plain, from: 2 }))) <= 4);
  assert.match(figureSvg([node], "t", { ...plain, from: 9 }), /no losses since epoch 9/);
  assert.equal(curveCsv([node], 2), "node,epoch,training_loss,validation_loss,learning_rate\na,2,3,2,\na,3,2,1,\n");
});

test("the table holds the figure's numbers; NaN is nan in CSV, null and named in JSON", () => {
  const node = curves('n,"1"', [1.5, Number.NaN], [Number.POSITIVE_INFINITY]);
  assert.equal(
    curveCsv([node], 0),
    'node,epoch,training_loss,validation_loss,learning_rate\n"n,""1""",1,1.5,inf,\n"n,""1""",2,nan,,\n',
  );
  const { nodes } = JSON.parse(curveJson([node], 0));
  assert.deepEqual(nodes[0].trainingLoss, [1.5, null]);
  assert.deepEqual(nodes[0].validationLoss, [null, null]);
  assert.deepEqual(nodes[0].nonFinite, [
    { metric: "validationLoss", epoch: 1, value: "Infinity" },
    { metric: "trainingLoss", epoch: 2, value: "NaN" },
  ]);
});

test("as PNG it has twice the pixels of the SVG; without losses it says so", async () => {
  const turn = { do: "figure", format: "png", curves: [curves("a", [3, 2, 1])], title: "t", options: plain } as const;
  const png = readPng(Buffer.from(await renderFigure({ ...turn, curves: [...turn.curves] })));
  assert.deepEqual([png.width, png.height], [1440, 668]);
  assert.match(figureSvg([], "t", plain), /no losses yet/);
});

test("the label of the best epoch stands beside the curves, as far as there is room", () => {
  // the curve comes from the upper left: above and left of its best value it stands in the way
  const falling = Array.from({ length: 60 }, (_, i) => Math.exp(-i / 20) + 0.05 * Math.sin(i * 2));
  const svg = figureSvg([curves("a", falling)], "t", plain);
  const label = /<text x="([\d.]+)" y="([\d.]+)" font-size="11"( text-anchor="end")?[^>]*>best /.exec(svg);
  assert.ok(label, svg);
  const [, x, y, anchor] = label;
  const right = anchor === undefined ? Number(x) + 11 * 0.6 * 15 : Number(x);
  const left = anchor === undefined ? Number(x) : Number(x) - 11 * 0.6 * 15;
  const points = (/<polyline points="([^"]+)"/.exec(svg)?.[1] ?? "").split(" ").map((pair) => pair.split(",").map(Number));
  assert.equal(points.length, 60);
  const below = points.filter(([px = 0, py = 0]) => px > left && px < right && py > Number(y) - 9 && py < Number(y) + 2);
  assert.deepEqual(below, [], svg);
});

test("numbers without a range between them, and the least that there are, leave a figure as it would be without", () => {
  for (const log of [false, true]) {
    const svg = figureSvg([curves("a", [1.7e308, 3, 2, 1, -1.7e308]), curves("b", [1.7e308])], "t", { ...plain, log });
    assert.doesNotMatch(svg, /NaN,|"NaN|Infinity/);
    assert.doesNotMatch(svg, />b</);
    assert.match(figureSvg([curves("a", [0, 1e-150, 5e-324])], "t", { ...plain, log }), /<polyline/);
    assert.match(figureSvg([curves("a", [2, 5e-324])], "t", { ...plain, log }), /<polyline/);
  }
});
