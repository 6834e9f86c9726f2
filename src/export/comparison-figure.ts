// The curves of several runs in one figure: each has a colour, a dash and a mark of its own, so that it is
// told
// apart in grey as well.

import { greatest, least } from "../base/extremes.ts";
import { axisNames, type Comparison, curvesOf } from "../compare/comparison.ts";
import { type Axis, linearAxis, logAxis } from "./axis.ts";
import { axisLines, dashed, ink, plotIn } from "./plot.ts";
import { xml } from "./svg.ts";

const width = 720;
const frame = { left: 70, right: 20, top: 40, bottom: 52, plot: 320, legend: 18 };

/** Okabe and Ito's colours, told apart with any colour vision; dashes and marks go round in other lengths. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const dashes = ["", "6 3", "2 2", "8 3 2 3", "12 4"];
const marks = ["circle", "square", "triangle", "cross"] as const;

/** Marks of one curve. */
const marksEach = 8;
/** Points of a curve: more than the figure has columns add nothing. */
const mostPoints = 2000;

export function comparisonSvg(comparison: Comparison, title: string, log: boolean): string {
  const curves = curvesOf(comparison).filter(({ y }) => y.length > 0);
  const height = frame.top + frame.plot + frame.bottom + frame.legend * curves.length;
  const ys = curves.flatMap(({ y }) => y);
  const xs = curves.flatMap(({ x }) => x);
  const floor = frame.top + frame.plot;
  const body =
    ys.length === 0
      ? [`<text x="${width / 2}" y="${height / 2}" text-anchor="middle">nothing to compare yet</text>`]
      : drawn(curves, log ? logAxis(ys) : linearAxis(least(ys), greatest(ys), 5), linearAxis(least(xs), greatest(xs), 6));
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${xml(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<g font-family="'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="12" fill="${ink}">
<text x="${frame.left}" y="24" font-size="15" font-weight="bold">${xml(title)}</text>
<text x="${(frame.left + width - frame.right) / 2}" y="${floor + 38}" text-anchor="middle">${axisNames[comparison.by]}</text>
${body.join("\n")}
</g>
</svg>
`;
}

function drawn(
  curves: readonly { label: string; x: readonly number[]; y: readonly number[] }[],
  yAxis: Axis,
  xAxis: Axis,
): string[] {
  const { left } = frame;
  const floor = frame.top + frame.plot;
  const plot = plotIn({ left, right: width - frame.right, ceiling: frame.top, floor }, xAxis, yAxis);
  return [
    ...axisLines(xAxis, yAxis, plot),
    ...curves.flatMap(({ label, x, y }, i) => {
      const colour = colours[i % colours.length] as string;
      const dash = dashes[i % dashes.length] as string;
      const style = `fill="none" stroke="${colour}" stroke-width="1.6"${dashed(dash)}`;
      const stride = Math.max(1, Math.ceil(x.length / mostPoints));
      const points = x.flatMap((at, k) =>
        k % stride === 0 || k === x.length - 1 ? [`${plot.x(at)},${plot.y(y[k] as number)}`] : [],
      );
      const every = Math.max(1, Math.floor(x.length / marksEach));
      const legendY = floor + frame.bottom + frame.legend * i;
      return [
        `<polyline points="${points.join(" ")}" ${style}/>`,
        ...x.flatMap((at, k) => (k % every === 0 ? [mark(i, plot.x(at), plot.y(y[k] as number), colour)] : [])),
        `<line x1="${left}" x2="${left + 34}" y1="${legendY}" y2="${legendY}" ${style}/>`,
        mark(i, left + 17, legendY, colour),
        `<text x="${left + 42}" y="${legendY + 4}">${xml(label)}</text>`,
      ];
    }),
  ];
}

function mark(index: number, x: number, y: number, colour: string): string {
  const paint = `fill="#ffffff" stroke="${colour}" stroke-width="1.4"`;
  switch (marks[index % marks.length]) {
    case "square":
      return `<rect x="${x - 3.5}" y="${y - 3.5}" width="7" height="7" ${paint}/>`;
    case "triangle":
      return `<path d="M${x} ${y - 4.5}l4.5 8h-9z" ${paint}/>`;
    case "cross":
      return `<path d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8" ${paint}/>`;
    default:
      return `<circle cx="${x}" cy="${y}" r="3.8" ${paint}/>`;
  }
}
