// Draws curves as text: braille dots with axes.

import { drawable, greatest, least, usualEnd } from "../base/extremes.ts";
import type { Curve } from "../trainers/run/curve.ts";

/** A curve with what it is called. */
export interface LabelledCurve extends Curve {
  label: string;
}

/** One curve of a chart. */
interface DrawnCurve extends Curve {
  /** Drawn with gaps, so that two curves are told apart without colours. */
  dashed?: boolean;
}

/** The points of a curve that have a place. */
export function pointsOf({ x, y }: Curve): [x: number, y: number][] {
  return y.map((value, i): [number, number] => [x[i] as number, value]).filter(([x, y]) => drawable(x) && drawable(y));
}

/** Dots of a braille cell by row (4) and column (2). */
const dots = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Dots of a dash and of the gap behind it. */
const dash = 8;

/** Columns that the labels of the y axis take, with the axis itself. */
const labelWidth = 10;

/**
 * A chart of `width` × `height` character cells, y axis and x axis with their ends labelled. Returns one
 * text a row, and for each
 * cell which curve (index) it shows, so that the caller may colour it; a cell that two curves share belongs
 * to the later one.
 * An outlier does not flatten the rest: above the 98th percentile (of 50 values or more) a curve is clipped
 * to the top row.
 */
export function drawChart(
  curves: readonly DrawnCurve[],
  width: number,
  height: number,
): { rows: string[]; owners: (number | undefined)[][] } {
  const columns = Math.max(2, width - labelWidth);
  const lines = Math.max(2, height - 1);
  const points = curves.map(pointsOf);
  const all = points.flat();
  if (all.length === 0) return { rows: ["no losses yet"], owners: [[]] };
  const xs = all.map(([x]) => x);
  const [left, right] = [least(xs), greatest(xs)];
  const ys = all.map(([, y]) => y).sort((a, b) => a - b);
  const bottom = ys[0] as number;
  const top = usualEnd(ys);
  const cells = Array.from({ length: lines }, () => new Array<number>(columns).fill(0));
  const owners: (number | undefined)[][] = Array.from({ length: lines + 1 }, () => []);
  const plot = (x: number, y: number, curve: number) => {
    const row = cells[y >> 2] as number[];
    const column = x >> 1;
    row[column] = (row[column] as number) | (dots[y & 3]?.[x & 1] as number);
    (owners[y >> 2] as number[])[labelWidth + column] = curve;
  };
  points.forEach((curve, index) => {
    let before: [number, number] | undefined;
    const dashed = curves[index]?.dashed === true;
    let drawn = 0;
    for (const [x, y] of byColumn(curve, left, right, columns * 2)) {
      const height = top === bottom ? 0.5 : Math.min(1, Math.max(0, (y - bottom) / (top - bottom)));
      const at: [number, number] = [x, Math.round((1 - height) * (lines * 4 - 1))];
      connect(before ?? at, at, (px, py) => {
        if (!dashed || drawn++ % dash < dash / 2) plot(px, py, index);
      });
      before = at;
    }
  });
  const rows = cells.map((row, i) => {
    const label = i === 0 ? tick(top) : i === lines - 1 ? tick(bottom) : "";
    return `${label.padStart(labelWidth - 2)} ${label === "" ? "│" : "┤"}${row.map((bits) => (bits === 0 ? " " : String.fromCharCode(0x2800 + bits))).join("")}`;
  });
  const [from, to] = [tick(shortly(left)), tick(shortly(right))];
  rows.push(`${" ".repeat(labelWidth - 1)}└${from}${"─".repeat(Math.max(1, columns - from.length - to.length))}${to}`);
  return { rows, owners };
}

/** A chart's rows, or what was made of their characters, with each cell of a curve painted. */
export function painted(
  rows: readonly Iterable<string>[],
  owners: readonly (readonly (number | undefined)[])[],
  paint: (curve: number, cell: string) => string,
): string[] {
  return rows.map((row, y) =>
    Array.from(row, (cell, x) => {
      const owner = owners[y]?.[x];
      return owner === undefined ? cell : paint(owner, cell);
    }).join(""),
  );
}

/** One mean per dot column, so that a curve of ten thousand epochs is drawn once, not as a band. */
function byColumn(
  points: readonly (readonly [number, number])[],
  left: number,
  right: number,
  columns: number,
): [number, number][] {
  const sums = new Map<number, [number, number]>();
  for (const [x, y] of points) {
    const column = right === left ? 0 : Math.round(((x - left) / (right - left)) * (columns - 1));
    const sum = sums.get(column);
    if (sum) {
      sum[0] += y;
      sum[1]++;
    } else sums.set(column, [y, 1]);
  }
  return [...sums].sort(([a], [b]) => a - b).map(([column, [sum, count]]) => [column, sum / count]);
}

/** Every dot of the line between two dots (Bresenham). */
function connect(
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
  plot: (x: number, y: number) => void,
): void {
  const dx = Math.abs(x1 - x0);
  const dy = -Math.abs(y1 - y0);
  const [sx, sy] = [x0 < x1 ? 1 : -1, y0 < y1 ? 1 : -1];
  let [x, y, error] = [x0, y0, dx + dy];
  for (;;) {
    plot(x, y);
    if (x === x1 && y === y1) return;
    const twice = 2 * error;
    if (twice >= dy) {
      error += dy;
      x += sx;
    }
    if (twice <= dx) {
      error += dx;
      y += sy;
    }
  }
}

/** Of a time what one would say of it: 0.017, 12.5. */
function shortly(x: number): number {
  return Number(Math.abs(x) < 1 ? x.toPrecision(2) : x.toFixed(1));
}

function tick(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 0.001 || size >= 100_000)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}
