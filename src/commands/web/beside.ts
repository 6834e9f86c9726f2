// What stands beside a run's losses on the page: what it used, what happened at which epoch, and any other of
// its metrics.
import type { Session } from "../../session/life/session.ts";
import type { MetricSeries } from "../../trainers/run/series.ts";
import type { Context } from "../dispatch/call.ts";
import { usageCurves } from "../show/usage-curves.ts";

/** Points of one curve that the page gets: more than a screen has columns. */
export const mostPoints = 4_000;
/** Names of metrics, and events with an epoch, that it gets. */
const mostNames = 400;

/**
 * As the page gets it (src/web/wire.ts, Beside). Numbers that are none are null.
 * @param all of so many of its other metrics the curves are told as well, by their names.
 */
export async function beside(context: Context, session: Session, metric: string | undefined, all = 0): Promise<object> {
  const series = await context.progress.series(session);
  const { axis, curves } = usageCurves(context, session, series);
  const events = context.events.after(0, session.id).filter(({ epoch }) => epoch !== null);
  const metrics = [...new Set(series.map((one) => one.metric))].filter((name) => !drawn.has(name)).slice(0, mostNames);
  const curvesOf = (name: string | undefined) => series.filter((one) => one.metric === name).map(curveOf);
  return {
    usage: { axis, curves: curves.map(({ label, x, y }) => ({ label, ...thinned(x, y) })) },
    events: events.slice(-mostNames).map(({ node, epoch, kind, sentence }) => ({ node, epoch, kind, sentence })),
    metrics,
    chosen: curvesOf(metric),
    // the names are the program's: none is a property of every object
    ...(all === 0 ? {} : { curves: Object.fromEntries(metrics.slice(0, all).map((name) => [name, curvesOf(name)])) }),
  };
}

function curveOf({ node, step, epoch, value }: MetricSeries): object {
  const hasEpochs = epoch.some((one) => one !== null);
  const x = (hasEpochs ? epoch : step).map((one, i) => one ?? i);
  return { node, axis: hasEpochs ? "epoch" : "step", ...thinned(x, value) };
}

/** They are curves already. */
const drawn: ReadonlySet<string> = new Set(["train_loss", "val_loss"]);

/** Every n-th point, the last among them. */
function thinned(x: readonly number[], y: readonly number[]): { x: number[]; y: (number | null)[] } {
  const every = Math.ceil(x.length / mostPoints);
  const kept = x.flatMap((_, i) => ((x.length - 1 - i) % Math.max(1, every) === 0 ? [i] : []));
  return {
    x: kept.map((i) => x[i] as number),
    y: kept.map((i) => (Number.isFinite(y[i]) ? (y[i] as number) : null)),
  };
}
