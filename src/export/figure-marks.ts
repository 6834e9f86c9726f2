// What stands in a panel of the losses' figure beside its curves: where the run was resumed, where a loss is
// no number, what the axis cuts off, and the best epoch.
import { drawable } from "../base/extremes.ts";
import type { NodeCurves } from "../trainers/run/curve.ts";
import type { Axis } from "./axis.ts";
import { type Dot, label } from "./figure-label.ts";
import { ink, type Plot } from "./plot.ts";
import { round } from "./round.ts";

const shade = "#f3d6d6";

/** A point of a curve. */
export type Point = [epoch: number, value: number];

/** From the mark of the best value down to its label: near ones first. */
const bestDistances = [-8, 16, -24, 32, -40, 48, -60, 64];

/** A mark at the upper edge over each stretch of epochs whose loss is above it. */
export function cutMarks(points: readonly Point[], axis: Axis, plot: Plot, dots: readonly Dot[]): string[] {
  const epochs = [...new Set(points.filter(([, y]) => axis.place(y) > 1).map(([x]) => x))].sort((a, b) => a - b);
  if (epochs.length === 0) return [];
  const highest = points.reduce((a, b) => (b[1] > a[1] ? b : a));
  const [from, to] = [plot.x(epochs[0] as number), plot.x(epochs.at(-1) as number)];
  const y = plot.ceiling;
  return [
    `<path d="M${from - 5} ${y + 6}l5 -6l5 6" fill="none" stroke="${ink}"/>`,
    ...(to > from + 12 ? [`<path d="M${to - 5} ${y + 6}l5 -6l5 6" fill="none" stroke="${ink}"/>`] : []),
    label(
      `up to ${number(highest[1])} (--log shows all)`,
      10,
      [9, 22, 35].flatMap((down) => [
        { x: Math.max(from, plot.left) + 9, y: y + down, anchor: "start" as const },
        { x: Math.min(to, plot.right) + 9, y: y + down, anchor: "start" as const },
        { x: from - 9, y: y + down, anchor: "end" as const },
      ]),
      dots,
      plot,
    ),
  ];
}

/** Where the run was resumed. */
export function seams(epochs: readonly number[], plot: Plot): string[] {
  return epochs.map((epoch) => {
    const x = plot.x(epoch - 0.5);
    return `<line x1="${x}" x2="${x}" y1="${plot.ceiling}" y2="${plot.floor}" stroke="${ink}" stroke-dasharray="2 4"><title>resumed at epoch ${epoch}</title></line>`;
  });
}

/** Stretches of epochs with a loss that is no number. */
export function notFiniteSpans({ training, validation }: NodeCurves, plot: Plot, dots: readonly Dot[]): string[] {
  const epochs = [training, validation].flatMap(({ x, y }) => x.filter((_, i) => !drawable(y[i])));
  const spans: Point[] = [];
  for (const epoch of [...new Set(epochs)].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && epoch <= last[1] + 1) last[1] = epoch;
    else spans.push([epoch, epoch]);
  }
  return spans.flatMap(([from, to]) => {
    const [x0, x1] = [Math.max(plot.left, plot.x(from - 0.5)), Math.min(plot.right, plot.x(to + 0.5))];
    return [
      `<rect x="${x0}" y="${plot.ceiling}" width="${round(Math.max(1, x1 - x0))}" height="${plot.floor - plot.ceiling}" fill="${shade}"><title>no number from epoch ${from} to ${to}</title></rect>`,
      label(
        "NaN",
        10,
        [plot.floor - 6, plot.ceiling + 12, (plot.floor + plot.ceiling) / 2].map((y) => ({
          x: round((x0 + x1) / 2),
          y,
          anchor: "middle" as const,
        })),
        dots,
        plot,
      ),
    ];
  });
}

/** The lowest loss, of the validation where there is one. */
export function bestMark(points: readonly Point[], plot: Plot, dots: readonly Dot[]): string[] {
  if (points.length < 2) return [];
  const [epoch, loss] = points.reduce((a, b) => (b[1] < a[1] ? b : a));
  const [x, y] = [plot.x(epoch), plot.y(loss)];
  const atRight = x > (plot.left + plot.right) / 2;
  const sides = [
    { x: x - 8, anchor: "end" as const },
    { x: x + 8, anchor: "start" as const },
  ];
  const places = bestDistances.flatMap((down) =>
    (atRight ? sides : sides.toReversed()).map((side) => ({ ...side, y: Math.max(plot.ceiling + 12, y + down) })),
  );
  return [
    `<circle cx="${x}" cy="${y}" r="4" fill="#ffffff" stroke="${ink}" stroke-width="1.3"/>`,
    label(`best ${number(loss)} at ${epoch}`, 11, places, dots, plot),
  ];
}

/** Three significant digits with a real minus. */
function number(value: number): string {
  const size = Math.abs(value);
  const text = value !== 0 && (size < 0.001 || size >= 100_000) ? value.toExponential(2) : String(Number(value.toPrecision(3)));
  return text.replaceAll("-", "\u2212");
}
