// The losses of a run as a figure for a paper or a slide: one panel a node, training and validation by epoch.

import { drawable, greatest, least, usualEnd } from "../base/extremes.ts";
import { type LabelledCurve, pointsOf } from "../presentation/chart.ts";
import type { Curve, NodeCurves } from "../trainers/run/curve.ts";
import { type Axis, linearAxis, logAxis } from "./axis.ts";
import { type Dot, dotsOf } from "./figure-label.ts";
import { bestMark, cutMarks, notFiniteSpans, type Point, seams } from "./figure-marks.ts";
import { axisLines, dashed, ink, type Plot, plotIn } from "./plot.ts";
import { xml } from "./svg.ts";
import { usagePanel, usagePanelHeight } from "./usage-panels.ts";

export interface FigureOptions {
  /** A logarithmic axis; symmetric where losses are not all above zero. */
  log: boolean;
  /** The first epoch that is drawn; of a metric, by what its curves begin with. */
  from: number;
  /** The learning rate, on an axis of its own. */
  learningRate: boolean;
  /** One metric instead of the losses: its name, and what it is drawn by. */
  metric?: { name: string; axis: string };
  /** What was used, by the same epochs: a low panel each. */
  resources?: readonly LabelledCurve[];
}

const width = 720;
const panelHeight = 300;
const headHeight = 34;
const frame = { left: 70, right: 20, rightWithRate: 70, top: 44, bottom: 52 };
/**
 * Colours that people with any colour vision tell apart (Okabe and Ito). Training is dark and dashed,
 * validation light and whole: printed in grey
 * they differ in both.
 */
const styles = {
  training: { colour: "#0072b2", dash: "5 3", width: 1.5 },
  validation: { colour: "#d55e00", dash: "", width: 1.8 },
  "learning rate": { colour: "#777777", dash: "1 2", width: 1 },
};
/**
 * More points than this of one curve are thinned, by the least and the greatest of equal stretches: the
 * picture is the same.
 */
const mostPoints = 2000;
/** @param title stands above the panels. */
export function figureSvg(curves: readonly NodeCurves[], title: string, options: FigureOptions): string {
  // a metric's curves may count steps, and are cut already
  const shown = options.metric === undefined ? curves.map((panel) => sinceEpoch(panel, options.from)) : curves;
  const panels = shown.filter(({ training, validation }) => [...training.y, ...validation.y].some(drawable));
  const resources = options.resources ?? [];
  const losses = Math.max(1, panels.length) * panelHeight + headHeight;
  const height = losses + resources.length * usagePanelHeight;
  const drawn =
    panels.length > 0
      ? panels.map((panel, i) => panelSvg(panel, headHeight + i * panelHeight, options))
      : [
          `<text x="${width / 2}" y="${losses / 2}" text-anchor="middle">no ${xml(options.metric?.name ?? "losses")}${options.from > 0 ? ` since epoch ${options.from}` : " yet"}</text>`,
        ];
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${xml(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<g font-family="'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="12" fill="${ink}">
<text x="${frame.left}" y="26" font-size="15" font-weight="bold">${xml(title)}</text>
${[...drawn, ...resources.map((curve, i) => usagePanel(curve, losses + i * usagePanelHeight, frame.left, width - frame.right))].join("\n")}
</g>
</svg>
`;
}

function sinceEpoch(curves: NodeCurves, from: number): NodeCurves {
  const cut = ({ x, y }: Curve): Curve => {
    const kept = x.flatMap((epoch, i) => (epoch >= from ? [i] : []));
    return { x: kept.map((i) => x[i] as number), y: kept.map((i) => y[i] as number) };
  };
  return {
    node: curves.node,
    training: cut(curves.training),
    validation: cut(curves.validation),
    learningRate: cut(curves.learningRate),
    seams: curves.seams.filter((epoch) => epoch > from),
  };
}

function panelSvg(curves: NodeCurves, top: number, options: FigureOptions): string {
  const training = pointsOf(curves.training);
  const validation = pointsOf(curves.validation);
  const rates = options.learningRate ? pointsOf(curves.learningRate) : [];
  const losses = [...training, ...validation];
  const values = losses.map(([, y]) => y).sort((a, b) => a - b);
  const epochs = [...curves.training.x, ...curves.validation.x].filter(drawable);
  const xAxis = linearAxis(least(epochs), greatest(epochs), 6);
  // a first epoch may lose a thousand times as much as all others: what is cut is marked at the edge
  const yAxis = options.log ? logAxis(values) : linearAxis(values[0] as number, usualEnd(values), 5);
  const left = frame.left;
  const right = width - (rates.length > 0 ? frame.rightWithRate : frame.right);
  const ceiling = top + frame.top - 20;
  const floor = top + panelHeight - frame.bottom;
  const plot = plotIn({ left, right, ceiling, floor }, xAxis, yAxis);
  const clip = `panel-${top}`;
  const series = [
    { name: "training" as const, curve: curves.training },
    { name: "validation" as const, curve: curves.validation },
  ].filter(({ curve }) => curve.y.some(drawable));
  const named = [...series.map(({ name }) => name), ...(rates.length > 0 ? (["learning rate"] as const) : [])];
  const dots = dotsOf(series.flatMap(({ curve }) => stretches(curve).map((points) => placed(points, plot))));
  return [
    `<clipPath id="${clip}"><rect x="${left}" y="${ceiling}" width="${right - left}" height="${floor - ceiling}"/></clipPath>`,
    `<text x="${left}" y="${ceiling - 8}" font-weight="bold">${xml(curves.node)}</text>`,
    ...notFiniteSpans(curves, plot, dots),
    ...axes(xAxis, yAxis, plot, options.metric),
    ...seams(curves.seams, plot),
    ...(rates.length > 0 ? rateLine(rates, plot, clip) : []),
    ...series.flatMap(({ name, curve }) => stretches(curve).map((points) => line(points, name, plot, clip))),
    ...(options.log ? [] : cutMarks(losses, yAxis, plot, dots)),
    ...(options.metric === undefined ? bestMark(validation.length > 0 ? validation : training, plot, dots) : []),
    ...(options.metric === undefined ? legend(named, plot) : []),
  ].join("\n");
}

function axes(xAxis: Axis, yAxis: Axis, plot: Plot, metric: FigureOptions["metric"]): string[] {
  const { left, right, ceiling, floor } = plot;
  const middle = (ceiling + floor) / 2;
  return [
    ...axisLines(xAxis, yAxis, plot),
    ...xAxis.ticks.map(
      ({ value }) => `<line x1="${plot.x(value)}" x2="${plot.x(value)}" y1="${floor}" y2="${floor + 5}" stroke="${ink}"/>`,
    ),
    `<text x="${(left + right) / 2}" y="${floor + 38}" text-anchor="middle">${metric?.axis ?? "epoch"}</text>`,
    `<text x="18" y="${middle}" text-anchor="middle" transform="rotate(-90 18 ${middle})">${metric === undefined ? "loss (nats)" : xml(metric.name)}</text>`,
  ];
}

function line(points: readonly Point[], name: keyof typeof styles, plot: Plot, clip: string): string {
  const { colour, dash, width: thickness } = styles[name];
  const [first] = points as [Point];
  if (points.length === 1)
    return `<circle cx="${plot.x(first[0])}" cy="${plot.y(first[1])}" r="3" fill="${colour}" clip-path="url(#${clip})"/>`;
  const places = placed(points, plot).map(([x, y]) => `${x},${y}`);
  return `<polyline points="${places.join(" ")}" fill="none" stroke="${colour}" stroke-width="${thickness}"${dashed(dash)} stroke-linejoin="round" clip-path="url(#${clip})"/>`;
}

/** The learning rate by an axis of its own on the right, logarithmic: it falls by factors. */
function rateLine(points: readonly Point[], plot: Plot, clip: string): string[] {
  const axis = logAxis(points.map(([, y]) => y));
  const own = { ...plot, y: plotIn(plot, axis, axis).y };
  const colour = styles["learning rate"].colour;
  return [
    ...axis.ticks.map(
      ({ value, label }) => `<text x="${plot.right + 8}" y="${own.y(value) + 4}" fill="${colour}">${label}</text>`,
    ),
    line(points, "learning rate", own, clip),
  ];
}

function legend(names: readonly (keyof typeof styles)[], plot: Plot): string[] {
  let x = plot.right;
  const y = plot.ceiling - 12;
  return [...names].reverse().flatMap((name) => {
    const { colour, dash, width: thickness } = styles[name];
    x -= name.length * 7 + 34;
    return [
      `<line x1="${x}" x2="${x + 20}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="${thickness + 0.5}"${dashed(dash)}/>`,
      `<text x="${x + 25}" y="${y + 4}">${name}</text>`,
    ];
  });
}

/** Where the points of a line stand on the page. */
function placed(points: readonly Point[], plot: Plot): Dot[] {
  return thinned(points).map(([x, y]): Dot => [plot.x(x), plot.y(y)]);
}

/** The parts of a curve between values that have no place: nothing is drawn through those. */
function stretches(curve: Curve): Point[][] {
  const parts: Point[][] = [[]];
  for (const [i, y] of curve.y.entries()) {
    const x = curve.x[i] as number;
    if (drawable(x) && drawable(y)) parts.at(-1)?.push([x, y]);
    else if (parts.at(-1)?.length !== 0) parts.push([]);
  }
  return parts.filter((part) => part.length > 0);
}

function thinned(points: readonly Point[]): Point[] {
  if (points.length <= mostPoints) return [...points];
  const out: Point[] = [];
  const stretch = Math.ceil(points.length / (mostPoints / 2));
  for (let i = 0; i < points.length; i += stretch) {
    const part = points.slice(i, i + stretch);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    out.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return out;
}
