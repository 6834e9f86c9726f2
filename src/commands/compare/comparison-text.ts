// A comparison for a terminal: the table, what differs, and the curves over each other, each with its letter.

import { printable } from "../../base/text/printable.ts";
import { axisNames, type Comparison, curvesOf, tableRows } from "../../compare/comparison.ts";
import { drawChart, painted } from "../../presentation/chart.ts";
import { number } from "../../presentation/summary.ts";
import { wrapped } from "../show/show-progress.ts";
import { type Colours, cut, table } from "../text/table.ts";

const chartHeight = 16;
/** A letter stands on a curve each so many columns; those of the next curve are set off. */
const letterEach = 14;
/** Differences that are listed; JSON has all. */
const mostDifferences = 40;

const careful = "careful: ";

/** @param width columns of the terminal; 0 for none: nothing is cut, and curves are as wide as 80 columns. */
export function comparisonText(comparison: Comparison, width: number, colours: Colours): string {
  const { runs, differences, warnings, metric } = comparison;
  const columns = [{ title: "" }, ...runs.map(({ name }) => ({ title: printable(name) }))];
  const rows = tableRows(comparison, number).map(({ label, cells }) => [label, ...cells].map(printable));
  const parts = [table(columns, rows, width)];
  for (const warning of warnings) {
    const [first = "", ...more] = wrapped(careful, [warning], width);
    parts.push([colours.yellow(careful) + first.slice(careful.length), ...more].join("\n"));
  }
  if (differences.length > 0) {
    const shown = differences
      .slice(0, mostDifferences)
      .map(({ key, values }) => [key, ...values.map((value) => value ?? "-")].map(printable));
    const more =
      differences.length > shown.length ? `\n${differences.length - shown.length} more differ (--format json has all)` : "";
    parts.push(`${table([{ title: "config.yml differs in" }, ...columns.slice(1)], shown, width)}${more}`);
  } else if (runs.every(({ config }) => config !== null)) parts.push("config.yml does not differ");
  if (metric !== undefined) parts.push(chart(comparison, width === 0 ? 80 : Math.min(width, 120), colours).join("\n"));
  return `${parts.join("\n\n")}\n`;
}

/** The curves in one chart; letters on them tell them apart without colours. */
function chart(comparison: Comparison, width: number, colours: Colours): string[] {
  const curves = curvesOf(comparison).filter(({ y }) => y.length > 0);
  const title = `${comparison.metric} by ${axisNames[comparison.by]}`;
  if (curves.length === 0) return [`${title}: nothing yet`];
  const paints = [colours.blue, colours.yellow, colours.green, colours.magenta, colours.cyan, colours.red];
  const paint = (curve: number, text: string) => (paints[curve % paints.length] as (text: string) => string)(text);
  const { rows, owners } = drawChart(curves, width, chartHeight);
  // where a curve has the cell of this column, its letter stands in it, at columns of its own
  const due = curves.map((_, i) => 4 + Math.round((i * letterEach) / curves.length));
  const drawn = rows.map((row) => [...row]);
  const columns = Math.max(...drawn.map((row) => row.length));
  for (let x = 0; x < columns; x++)
    for (const [curve, next] of due.entries()) {
      const y = x >= next ? owners.findIndex((row) => row[x] === curve) : -1;
      if (y < 0) continue;
      (drawn[y] as string[])[x] = letter(curve);
      due[curve] = x + letterEach;
    }
  const legend = curves.map(({ label }, i) => paint(i, `${letter(i)} ${printable(label)}`)).join("   ");
  return [title, cut(legend, width), ...painted(drawn, owners, paint)];
}

function letter(curve: number): string {
  return String.fromCharCode(65 + (curve % 26));
}
