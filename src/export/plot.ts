// The place of curves in a figure: how values become places on the page, and the axes around it.
import type { Axis } from "./axis.ts";
import { round } from "./round.ts";

export const ink = "#222222";
const grid = "#e3e3e3";

/** Its edges on the page. */
export interface Frame {
  left: number;
  right: number;
  ceiling: number;
  floor: number;
}

export interface Plot extends Frame {
  x(value: number): number;
  y(value: number): number;
}

export function plotIn(frame: Frame, xAxis: Axis, yAxis: Axis): Plot {
  const { left, right, ceiling, floor } = frame;
  return {
    ...frame,
    x: (value) => round(left + xAxis.place(value) * (right - left)),
    y: (value) => round(floor - yAxis.place(value) * (floor - ceiling)),
  };
}

/** Both axes with their numbers, and a line across for each of the upright one. */
export function axisLines(xAxis: Axis, yAxis: Axis, { left, right, ceiling, floor, x, y }: Plot): string[] {
  return [
    ...yAxis.ticks.flatMap(({ value, label }) => [
      `<line x1="${left}" x2="${right}" y1="${y(value)}" y2="${y(value)}" stroke="${grid}"/>`,
      `<text x="${left - 8}" y="${y(value) + 4}" text-anchor="end">${label}</text>`,
    ]),
    ...xAxis.ticks.map(({ value, label }) => `<text x="${x(value)}" y="${floor + 19}" text-anchor="middle">${label}</text>`),
    `<path d="M${left} ${ceiling}V${floor}H${right}" fill="none" stroke="${ink}"/>`,
  ];
}

/** The attribute of a stroke's dashes; "" of a whole line. */
export function dashed(dash: string): string {
  return dash === "" ? "" : ` stroke-dasharray="${dash}"`;
}
