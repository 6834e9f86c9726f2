// Metrics of a run by name, whichever it writes: a chart each, with the last value and its age.
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import { drawChart } from "../../presentation/chart.ts";
import { number, span } from "../../presentation/summary.ts";
import { axisOf, type MetricSeries } from "../../trainers/run/series.ts";
import type { Colours } from "../text/table.ts";

/** Rows of a chart: as many as those of the losses. */
const chartHeight = 10;

/** Names that are told where none fits: a run of falcon has some thirty. */
const mostNamed = 60;

/**
 * Lines of the charts of these metrics, each of every node that has it.
 * @param now ms since 1970.
 * @throws Failure 1 for a name that no node has.
 */
export function metricCharts(
  series: readonly MetricSeries[],
  wanted: readonly string[],
  width: number,
  now: number,
  colours: Colours,
): string[] {
  return wanted.flatMap((metric) => {
    return seriesNamed(series, metric).flatMap((one) => [...chart(one, width, now, colours), ""]);
  });
}

/** One metric of every node that has it. @throws Failure 1, with those that there are, where none has it. */
export function seriesNamed(series: readonly MetricSeries[], metric: string): MetricSeries[] {
  const found = series.filter((one) => one.metric === metric && one.value.length > 0);
  if (found.length === 0) throw new Failure(`--metric ${metric}: ${noSuch(series)}`, Status.noSession);
  return found;
}

function noSuch(series: readonly MetricSeries[]): string {
  const names = [...new Set(series.map(({ metric }) => metric))].sort();
  if (names.length === 0) return "this run has written no metrics";
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : "";
  return printable(`no such metric; there are ${names.slice(0, mostNamed).join(", ")}${more}`);
}

function chart(one: MetricSeries, width: number, now: number, colours: Colours): string[] {
  const { node, metric, epoch, step, time, value } = one;
  const [axis, x] = axisOf(epoch, step);
  const last = value.length - 1;
  const at = time[last] ?? null;
  const age = at === null ? "" : `, ${span(Math.max(0, now - at) / 1000)} ago`;
  const title = `${metric} of ${node} by ${axis}   last ${number(value[last] as number)} at ${axis} ${x[last]}${age}`;
  const { rows } = drawChart([{ x, y: value }], width, chartHeight);
  return [printable(title), ...rows.map((row) => colours.blue(row))];
}
