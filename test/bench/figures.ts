// Figures, their goals, and the table that shows them.
import type { SideName } from "./sides.ts";
import { sideNames } from "./sides.ts";

export type Unit = "MB/s" | "ms" | "µs" | "MB" | "KB/s" | "ticks" | "ms/s" | "x";

/** What issue 6 asks of our figure: against another side in the same run, or as it stands. */
export interface Goal {
  over?: SideName;
  atLeast?: number;
  atMost?: number;
}

/** One measured thing: its samples for each side that was measured. */
export interface Figure {
  measure: string;
  unit: Unit;
  samples: Partial<Record<SideName, number[]>>;
  goals?: Goal[];
  note?: string;
}

export interface Judged {
  text: string;
  ratio: number;
  met: boolean;
}

/** The middle value; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** The q-quantile (0 to 1), linear between the samples next to it. */
export function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) return Number.NaN;
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}

/** Our median against a goal; undefined where a side is missing. */
export function judge(figure: Figure, goal: Goal): Judged | undefined {
  const ours = figure.samples.falcon;
  const theirs = goal.over === undefined ? [1] : figure.samples[goal.over];
  if (!ours?.length || !theirs?.length) return undefined;
  const ratio = median(ours) / median(theirs);
  const bound = goal.atLeast !== undefined ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`;
  const met = goal.atLeast !== undefined ? ratio >= goal.atLeast : ratio <= (goal.atMost ?? Number.POSITIVE_INFINITY);
  return { text: goal.over === undefined ? `${bound} ${figure.unit}` : `${bound} x ${goal.over}`, ratio, met };
}

/** One table: a row a figure, a column a side, then each goal with its ratio and whether it is met. */
export function table(figures: Figure[]): string {
  const sides = sideNames.filter((side) => figures.some((figure) => figure.samples[side]?.length));
  const rows = [["measure", "unit", ...sides, "goal"]];
  for (const figure of figures) {
    const goals = (figure.goals ?? []).map((goal) => {
      const judged = judge(figure, goal);
      if (judged === undefined) return "–";
      return `${judged.met ? "met" : "NOT MET"}: ${goal.over === undefined ? "" : `${short(judged.ratio)} `}(${judged.text})`;
    });
    rows.push([
      figure.measure,
      figure.unit,
      ...sides.map((side) => {
        const samples = figure.samples[side];
        return samples?.length ? short(median(samples)) : "";
      }),
      goals.join("; "),
    ]);
    if (figure.note !== undefined) rows.push([`  ${figure.note}`]);
  }
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.filter((row) => row.length > 1).map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row.length === 1
        ? row[0]
        : row
            .map((cell, column) =>
              column >= 2 && column < row.length - 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
            )
            .join("  ")
            .trimEnd(),
    )
    .join("\n");
}

function short(value: number): string {
  if (!Number.isFinite(value)) return "lost";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  return magnitude >= 100 ? value.toFixed(0) : magnitude >= 10 ? value.toFixed(1) : value.toFixed(2);
}
