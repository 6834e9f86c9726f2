// What is worth telling about a run's usage: GPUs that have nothing to do, and memory that grows towards its
// limit.
import type { UsageSample } from "./sample.ts";
import { backwards } from "./series.ts";

export interface Finding {
  kind: "gpu-idle" | "memory-growth";
  /** For a person: "GPU 3 % for 2 h". */
  sentence: string;
}

/**
 * A GPU is idle where its use has been below this part for so long (seconds): evaluation between two rounds
 * takes minutes.
 */
const idleUse = 0.05;
const idleTime = 2 * 3600;

/**
 * Growth is measured over so long (ms), and half of it has to be known; shorter ones are a cache that fills.
 */
const growthTime = 3_600_000;
/** Told where memory is full within so long (hours) at this rate. */
const fullWithin = 24;
/** Growth that explains less than this part of the variation is noise (the square of the correlation). */
const steadyGrowth = 0.8;

const gigabyte = 1e9;

/** @param limit bytes that may be used; null: not known. */
export function findings(samples: readonly UsageSample[], limit: number | null): Finding[] {
  return [...gpuIdle(samples), ...memoryGrowth(samples, limit)];
}

function gpuIdle(samples: readonly UsageSample[]): Finding[] {
  const last = samples.at(-1);
  if (last === undefined || last.gpu === null) return [];
  // a GPU that was busy a moment ago is no finding: all of the time has to be below
  let sum = 0;
  let time = 0;
  for (const [{ gpu, span }] of backwards(samples)) {
    if (gpu === null || gpu >= idleUse) break;
    sum += gpu * span;
    time += span;
  }
  if (time < idleTime) return [];
  const percent = Math.round((sum / time) * 100);
  return [{ kind: "gpu-idle", sentence: `GPU ${percent} % for ${Math.floor(time / 3600)} h` }];
}

function memoryGrowth(samples: readonly UsageSample[], limit: number | null): Finding[] {
  const last = samples.at(-1);
  if (last === undefined || last.memory === null || limit === null || limit <= 0) return [];
  const recent = [...backwards(samples, growthTime)].filter(([{ memory }]) => memory !== null);
  if ((recent.at(-1)?.[1] ?? 0) < growthTime / 2) return [];
  const { slope, fit } = line(recent.map(([{ memory }, ago]) => [-ago / 3_600_000, memory as number]));
  if (slope <= 0 || fit < steadyGrowth) return [];
  // what others in the same group use is no room for this run
  const used = Math.max(last.memory, (last.share ?? 0) * limit);
  const hours = (limit - used) / slope;
  if (hours > fullWithin || hours < 0) return [];
  const rate = slope / gigabyte;
  const growth = rate < 0.1 ? rate.toFixed(2) : rate.toFixed(1);
  const left = hours < 1 ? `${Math.max(1, Math.round(hours * 60))} min` : `${Math.round(hours)} h`;
  return [{ kind: "memory-growth", sentence: `memory grows by ${growth} GB/h, full in ${left}` }];
}

/** Least squares: the slope, and how much of the variation it explains. */
function line(points: readonly (readonly [number, number])[]): { slope: number; fit: number } {
  const n = points.length;
  const [mx, my] = [0, 1].map((k) => points.reduce((sum, point) => sum + (point[k] as number), 0) / n) as [number, number];
  let [xx, xy, yy] = [0, 0, 0];
  for (const [x, y] of points) {
    xx += (x - mx) ** 2;
    xy += (x - mx) * (y - my);
    yy += (y - my) ** 2;
  }
  return xx === 0 || yy === 0 ? { slope: 0, fit: 0 } : { slope: xy / xx, fit: xy ** 2 / (xx * yy) };
}
