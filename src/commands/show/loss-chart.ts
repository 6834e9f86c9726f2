// The loss curves of a node for a terminal: two lines that are told apart without colours, and what each
// means.

import { drawable } from "../../base/extremes.ts";
import { drawChart, type LabelledCurve, painted } from "../../presentation/chart.ts";
import type { Curve } from "../../trainers/run/curve.ts";
import { type Colours, widthOf } from "../text/table.ts";

const between = "   ";

/** Rows of a loss chart: enough to see a plateau, few enough that two nodes fit a screen. */
const chartHeight = 10;

/** The training loss, dashed, and the validation loss, in two colours; with a legend. */
export function lossChart(
  node: string,
  { training, validation, unit = "epoch" }: { training: Curve; validation: Curve; unit?: string },
  width: number,
  colours: Colours,
): string[] {
  const { rows, owners } = drawChart([{ ...training, dashed: true }, validation], width, chartHeight);
  const drawn = painted(rows, owners, (curve, cell) => (curve === 0 ? colours.yellow(cell) : colours.blue(cell)));
  const key = (label: string, curve: Curve, sample: string, colour: (text: string) => string) =>
    curve.y.length === 0 ? "" : `${colour(sample)} ${label}${lostText(curve)}`;
  const head = [
    `loss of ${node} by ${unit}`,
    key("training", training, "⠒ ⠒", colours.yellow),
    key("validation", validation, "⠒⠒⠒", colours.blue),
  ].filter(Boolean);
  // a legend that tells of lost epochs as well takes a line for each curve where it is longer than the chart
  return [...(widthOf(head.join(between)) <= width ? [head.join(between)] : head), ...drawn];
}

/** Rows of a chart of what was used: enough to see that it grows, or rests. */
const usageHeight = 6;

/** What was used, below the losses: on the same axis. */
export function usageChart(curve: LabelledCurve, axis: string, width: number, colours: Colours): string[] {
  const { rows } = drawChart([curve], width, usageHeight);
  return [`${curve.label} by ${axis}`, ...rows.map((row) => colours.green(row))];
}

/** The epochs that have no place on the axis. */
function lostText({ x, y }: Curve): string {
  const lost = x.filter((_, i) => !drawable(y[i]));
  if (lost.length === 0) return "";
  return ` (no number at ${lost.length === 1 ? `epoch ${lost[0]}` : `${lost.length} epochs, from ${lost[0]} on`})`;
}
