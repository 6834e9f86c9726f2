// Tables of columns that fit the terminal, and colours where they are wanted. The one file that knows cli-table3 and picocolors.
import Table from "cli-table3";
import picocolors from "picocolors";
import stringWidth from "string-width";
import { printableColoured } from "../base/printable.ts";
import type { Request } from "../protocol/client.ts";

export interface Column {
  title: string;
  /** Right-aligned: numbers. */
  right?: boolean;
  /** Takes what is left of the width, and is cut with an ellipsis. At most one column of a table. */
  fills?: boolean;
}

/** Colours for this caller: only on a terminal, never with NO_COLOR (no-color.org). */
export function coloursFor(request: Request): ReturnType<typeof picocolors.createColors> {
  const { NO_COLOR, TERM } = request.environment;
  return picocolors.createColors(request.terminal.stdout && !NO_COLOR && TERM !== "dumb");
}

/** @param width columns of the terminal; 0 for none: nothing is cut then. */
export function table(columns: readonly Column[], cells: readonly string[][], width: number): string {
  // names, titles and paths are what programs and people made of them
  const rows = cells.map((row) => row.map(printableColoured));
  const gap = 2;
  const natural = columns.map((column, i) =>
    Math.max(stringWidth(column.title), ...rows.map((row) => stringWidth(row[i] ?? ""))),
  );
  const widths = width === 0 ? natural : fit(columns, natural, width, gap);
  const grid = new Table({
    head: columns.map((c) => c.title),
    colWidths: widths.map((w, i) => w + (i === columns.length - 1 ? 0 : gap)),
    colAligns: columns.map((c) => (c.right ? "right" : "left")),
    chars: noLines,
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [], compact: true },
  });
  // cli-table3 pads a column to its width: the gap is inside it, behind the text of a left-aligned and in front of a right-aligned one
  grid.push(
    ...rows.map((row) =>
      row.map((cell, i) => (columns[i]?.right && i < columns.length - 1 ? `${cell}${" ".repeat(gap)}` : cell)),
    ),
  );
  if (columns.some((c) => c.right)) {
    grid.options.head = columns.map((c, i) => (c.right && i < columns.length - 1 ? `${c.title}${" ".repeat(gap)}` : c.title));
  }
  return grid
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Narrows the filling column first, then the others from the widest, so that a line fits. */
function fit(columns: readonly Column[], natural: readonly number[], width: number, gap: number): number[] {
  const widths = [...natural];
  const smallest = 4;
  const total = () => widths.reduce((sum, w) => sum + w, 0) + gap * (widths.length - 1);
  const filler = columns.findIndex((c) => c.fills);
  if (filler >= 0 && total() > width) widths[filler] = Math.max(12, (widths[filler] ?? 0) - (total() - width));
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= smallest) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const noLines = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
    "middle",
  ].map((name) => [name, ""]),
);
