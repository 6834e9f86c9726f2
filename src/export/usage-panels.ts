// What a run used, as panels below the losses of a figure, on the same epochs.

import { drawable, greatest, least } from "../base/extremes.ts";
import type { LabelledCurve } from "../presentation/chart.ts";
import { linearAxis } from "./axis.ts";
import { axisLines, plotIn } from "./plot.ts";
import { xml } from "./svg.ts";

/** Height of one panel in a figure. */
export const usagePanelHeight = 150;

const frame = { top: 24, bottom: 34 };

/** @param top where it begins @param left @param right of the axes, as those above it have them */
export function usagePanel({ label, x, y }: LabelledCurve, top: number, left: number, right: number): string {
  const known = y.flatMap((value, i) => (drawable(value) ? [[x[i] as number, value] as const] : []));
  const floor = top + usagePanelHeight - frame.bottom;
  const ceiling = top + frame.top;
  // from zero: what matters is how much of something is used
  const yAxis = linearAxis(0, greatest(known.map(([, value]) => value)), 3);
  const xAxis = linearAxis(least(x), greatest(x), 6);
  const plot = plotIn({ left, right, ceiling, floor }, xAxis, yAxis);
  return [
    `<text x="${left}" y="${ceiling - 8}" font-weight="bold">${xml(label)}</text>`,
    ...axisLines(xAxis, yAxis, plot),
    `<polyline points="${known.map(([at, value]) => `${plot.x(at)},${plot.y(value)}`).join(" ")}" fill="none" stroke="#009e73" stroke-width="1.5"/>`,
  ].join("\n");
}
