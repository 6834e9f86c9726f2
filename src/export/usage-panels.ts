// What a run used, as panels below the losses of a figure, on the same epochs.

import { drawable, greatest, least } from "../base/extremes.ts";
import type { LabelledCurve } from "../presentation/chart.ts";
import { linearAxis } from "./axis.ts";
import { round } from "./round.ts";
import { xml } from "./svg.ts";

/** Height of one panel in a figure. */
export const usagePanelHeight = 150;

const frame = { top: 24, bottom: 34 };
const ink = "#222222";

/** @param top where it begins @param left @param right of the axes, as those above it have them */
export function usagePanel({ label, x, y }: LabelledCurve, top: number, left: number, right: number): string {
  const known = y.flatMap((value, i) => (drawable(value) ? [[x[i] as number, value] as const] : []));
  const floor = top + usagePanelHeight - frame.bottom;
  const ceiling = top + frame.top;
  // from zero: what matters is how much of something is used
  const yAxis = linearAxis(0, greatest(known.map(([, value]) => value)), 3);
  const xAxis = linearAxis(least(x), greatest(x), 6);
  const px = (value: number) => round(left + xAxis.place(value) * (right - left));
  const py = (value: number) => round(floor - yAxis.place(value) * (floor - ceiling));
  return [
    `<text x="${left}" y="${ceiling - 8}" font-weight="bold">${xml(label)}</text>`,
    ...yAxis.ticks.flatMap(({ value, label: text }) => [
      `<line x1="${left}" x2="${right}" y1="${py(value)}" y2="${py(value)}" stroke="#e3e3e3"/>`,
      `<text x="${left - 8}" y="${py(value) + 4}" text-anchor="end">${text}</text>`,
    ]),
    ...xAxis.ticks.map(
      ({ value, label: text }) => `<text x="${px(value)}" y="${floor + 19}" text-anchor="middle">${text}</text>`,
    ),
    `<path d="M${left} ${ceiling}V${floor}H${right}" fill="none" stroke="${ink}"/>`,
    `<polyline points="${known.map(([at, value]) => `${px(at)},${py(value)}`).join(" ")}" fill="none" stroke="#009e73" stroke-width="1.5"/>`,
  ].join("\n");
}
