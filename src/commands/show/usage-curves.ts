// What a run used as curves: by the epochs of its losses, else by the time since its start.

import type { LabelledCurve } from "../../presentation/chart.ts";
import { usageByEpoch } from "../../resources/by-epoch.ts";
import type { UsageSample } from "../../resources/sample.ts";
import type { Session } from "../../session/life/session.ts";
import type { MetricSeries } from "../../trainers/run/series.ts";
import type { Context } from "../dispatch/call.ts";

export interface UsageCurves {
  /** What the x axis is. */
  axis: "epoch" | "minutes since its start";
  /** Memory in GB, or in MB where it never had a tenth of one; GPU use in percent: those that are known. */
  curves: LabelledCurve[];
}

const gigabytes = { label: "memory (GB)", field: "memory", scale: 1e-9 } as const;
const megabytes = { label: "memory (MB)", field: "memory", scale: 1e-6 } as const;
const gpuUse = { label: "GPU use (%)", field: "gpu", scale: 100 } as const;

/** Metrics that are told by the epoch: they have the time of each. */
const losses = ["val_loss", "train_loss"];

/** The same for who wants none of the run's metrics besides: only its losses are read. */
export async function usageAlone(context: Context, session: Session): Promise<UsageCurves> {
  const series = await Promise.all(losses.map((name) => context.progress.series(session, name)));
  return usageCurves(context, session, series.flat());
}

/** @param series the run's metrics, whose losses tell the times of its epochs */
export function usageCurves(context: Context, session: Session, series: readonly MetricSeries[]): UsageCurves {
  const samples = context.usage.series(session);
  const told = series.filter(({ metric }) => losses.includes(metric));
  const longest = told.reduce<MetricSeries | undefined>(
    (a, b) => (a === undefined || b.value.length > a.value.length ? b : a),
    undefined,
  );
  const epochs = (longest?.epoch ?? []).flatMap((epoch, i) => {
    const time = longest?.time[i] ?? null;
    return epoch === null || time === null ? [] : [{ epoch, time }];
  });
  const byEpoch = epochs.length >= 2;
  const started = session.row.started ?? samples[0]?.time ?? 0;
  const little = samples.every(({ memory }) => (memory ?? 0) < 1e8);
  const curves = [little ? megabytes : gigabytes, gpuUse].map(({ label, field, scale }): LabelledCurve => {
    const [x, y] = byEpoch
      ? [
          epochs.map(({ epoch }) => epoch),
          usageByEpoch(
            samples,
            epochs.map(({ time }) => time),
            field,
          ),
        ]
      : [samples.map(({ time }) => (time - started) / 60_000), samples.map((sample: UsageSample) => sample[field] ?? Number.NaN)];
    return { label, x, y: y.map((value) => value * scale) };
  });
  return {
    axis: byEpoch ? "epoch" : "minutes since its start",
    curves: curves.filter(({ y }) => y.filter(Number.isFinite).length >= 2),
  };
}
