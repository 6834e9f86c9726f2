// The losses of a run as a figure for a paper or a slide: one panel a node, training and validation by epoch.
import type { Curve } from "../falcon/curve.ts";
import { xml } from "./svg.ts";

/** Losses of one node by epoch, in nats. */
export interface LossCurves {
  node: string;
  training: Curve;
  validation: Curve;
}

const width = 720;
const panelHeight = 300;
const frame = { left: 70, right: 20, top: 44, bottom: 52 };
/** Colours that people with any colour vision tell apart (Okabe and Ito). */
const colours = { training: "#0072b2", validation: "#d55e00" };
const ink = "#222222";
const grid = "#e3e3e3";
/** More points than this of one curve are thinned, by the least and the greatest of equal stretches: the picture is the same. */
const mostPoints = 2000;
/** Of fifty values or more, those above this part do not stretch the axis: a first epoch may lose a thousand times as much as all others. */
const usualPart = 0.98;

/** @param title stands above the panels. */
export function figureSvg(curves: readonly LossCurves[], title: string): string {
  const panels = curves.filter(({ training, validation }) => [...training.y, ...validation.y].some(Number.isFinite));
  const height = Math.max(1, panels.length) * panelHeight + 34;
  const drawn =
    panels.length > 0
      ? panels.map((panel, i) => panelSvg(panel, 34 + i * panelHeight))
      : [`<text x="${width / 2}" y="${height / 2}" text-anchor="middle">no losses yet</text>`];
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${xml(title)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<g font-family="'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="12" fill="${ink}">
<text x="${frame.left}" y="26" font-size="15" font-weight="bold">${xml(title)}</text>
${drawn.join("\n")}
</g>
</svg>
`;
}

function panelSvg({ node, training, validation }: LossCurves, top: number): string {
  const series = [
    { name: "training", points: pointsOf(training) },
    { name: "validation", points: pointsOf(validation) },
  ].filter(({ points }) => points.length > 0) as { name: keyof typeof colours; points: [number, number][] }[];
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const ys = series.flatMap(({ points }) => points.map(([, y]) => y)).sort((a, b) => a - b);
  const xAxis = axis(least(xs), greatest(xs), 6);
  const highest = ys[ys.length < 50 ? ys.length - 1 : Math.ceil(ys.length * usualPart) - 1] as number;
  const yAxis = axis(ys[0] as number, highest, 5);
  const left = frame.left;
  const right = width - frame.right;
  const ceiling = top + frame.top - 20;
  const floor = top + panelHeight - frame.bottom;
  const px = (x: number) => round(left + ((x - xAxis.from) / (xAxis.to - xAxis.from)) * (right - left));
  const py = (y: number) => round(floor - ((y - yAxis.from) / (yAxis.to - yAxis.from)) * (floor - ceiling));
  const clip = `panel-${top}`;
  const parts: string[] = [
    `<clipPath id="${clip}"><rect x="${left}" y="${ceiling}" width="${right - left}" height="${floor - ceiling}"/></clipPath>`,
    `<text x="${left}" y="${ceiling - 8}" font-weight="bold">${xml(node)}</text>`,
  ];
  for (const tick of yAxis.ticks) {
    parts.push(`<line x1="${left}" x2="${right}" y1="${py(tick)}" y2="${py(tick)}" stroke="${grid}"/>`);
    parts.push(`<text x="${left - 8}" y="${py(tick) + 4}" text-anchor="end">${label(tick, yAxis.step)}</text>`);
  }
  for (const tick of xAxis.ticks) {
    parts.push(`<line x1="${px(tick)}" x2="${px(tick)}" y1="${floor}" y2="${floor + 5}" stroke="${ink}"/>`);
    parts.push(`<text x="${px(tick)}" y="${floor + 19}" text-anchor="middle">${label(tick, xAxis.step)}</text>`);
  }
  parts.push(`<path d="M${left} ${ceiling}V${floor}H${right}" fill="none" stroke="${ink}"/>`);
  parts.push(`<text x="${(left + right) / 2}" y="${floor + 38}" text-anchor="middle">epoch</text>`);
  const middle = (ceiling + floor) / 2;
  parts.push(`<text x="18" y="${middle}" text-anchor="middle" transform="rotate(-90 18 ${middle})">loss (nats)</text>`);
  let legend = right;
  for (const { name, points } of [...series].reverse()) {
    legend -= name.length * 7 + 34;
    parts.push(
      `<line x1="${legend}" x2="${legend + 20}" y1="${ceiling - 12}" y2="${ceiling - 12}" stroke="${colours[name]}" stroke-width="2"/>`,
    );
    parts.push(`<text x="${legend + 25}" y="${ceiling - 8}">${name}</text>`);
    const places = thinned(points).map(([x, y]) => `${px(x)},${py(y)}`);
    parts.push(
      points.length === 1
        ? `<circle cx="${px((points[0] as [number, number])[0])}" cy="${py((points[0] as [number, number])[1])}" r="3" fill="${colours[name]}" clip-path="url(#${clip})"/>`
        : `<polyline points="${places.join(" ")}" fill="none" stroke="${colours[name]}" stroke-width="1.5" stroke-linejoin="round" clip-path="url(#${clip})"/>`,
    );
  }
  return parts.join("\n");
}

function pointsOf(curve: Curve): [number, number][] {
  return curve.y
    .map((y, i): [number, number] => [curve.x[i] as number, y])
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
}

function thinned(points: readonly [number, number][]): [number, number][] {
  if (points.length <= mostPoints) return [...points];
  const out: [number, number][] = [];
  const stretch = Math.ceil(points.length / (mostPoints / 2));
  for (let i = 0; i < points.length; i += stretch) {
    const part = points.slice(i, i + stretch);
    const low = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const high = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    out.push(...(low[0] <= high[0] ? [low, high] : [high, low]));
  }
  return out;
}

interface Axis {
  from: number;
  to: number;
  step: number;
  ticks: number[];
}

/** An axis that holds `low` to `high`, with about `count` ticks at 1, 2 or 5 times a power of ten. */
function axis(low: number, high: number, count: number): Axis {
  const span = high > low ? high - low : Math.max(1, Math.abs(low));
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10);
  const from = Math.floor((high > low ? low : low - span / 2) / step) * step;
  const to = Math.ceil((high > low ? high : high + span / 2) / step) * step;
  const ticks: number[] = [];
  for (let i = 0; from + i * step <= to + step / 1e6; i++) ticks.push(from + i * step);
  return { from, to, step, ticks };
}

function label(value: number, step: number): string {
  if (Math.abs(value) >= 1e6 || (step < 1e-4 && value !== 0)) return value.toExponential(1);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value
    .toFixed(digits)
    .replace(/^-(0(?:\.0*)?)$/, "$1")
    .replace("-", "\u2212");
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function greatest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

function round(n: number): number {
  return Math.round(n * 100) / 100;
}
