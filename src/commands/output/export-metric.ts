// falcon export --metric: the curve of one metric of a run, as a figure or as numbers.
import type { FigureOptions } from "../../export/figure.ts";
import { metricCsv, metricJson, metricPanels } from "../../export/metric-curve.ts";
import type { FigureTurn } from "../../export/render.ts";
import type { Session } from "../../session/life/session.ts";
import type { Context } from "../dispatch/call.ts";
import { seriesNamed } from "../show/metric-charts.ts";
import type { Target } from "./export-file.ts";
import { render } from "./render.ts";

/** One metric of every node that has it. @throws Failure 1 for a name that no node has. */
export async function writeMetric(
  context: Context,
  session: Session,
  format: "curve-svg" | "curve-png" | "curve-csv" | "curve-json",
  metric: string,
  options: FigureOptions,
  target: Target,
): Promise<void> {
  const series = seriesNamed(await context.progress.series(session), metric);
  if (format === "curve-csv") return target.write(metricCsv(series, options.from));
  if (format === "curve-json") return target.write(metricJson(series, options.from));
  const { axis, curves } = metricPanels(series, options.from);
  const turn: FigureTurn = {
    do: "figure",
    format: format === "curve-svg" ? "svg" : "png",
    curves,
    title: session.row.name,
    options: { ...options, metric: { name: metric, axis } },
  };
  await target.write(await render(context, turn));
}
