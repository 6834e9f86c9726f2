// What a run used in each of its epochs, so that it stands below the losses on the same axis.
import type { UsageSample } from "./sample.ts";

/**
 * Means of a field over each epoch: the time since the end of the one before.
 * @param ends ms since 1970 at which each epoch ended, ascending. NaN: nothing is known of that time.
 */
export function usageByEpoch(
  samples: readonly UsageSample[],
  ends: readonly number[],
  field: "memory" | "gpu" | "cpu" | "gpuMemory",
): number[] {
  let at = 0;
  return ends.map((end, i) => {
    const begin = i === 0 ? Number.NEGATIVE_INFINITY : (ends[i - 1] as number);
    while (at < samples.length && (samples[at] as UsageSample).time <= begin) at++;
    let [sum, time] = [0, 0];
    for (let k = at; k < samples.length; k++) {
      const sample = samples[k] as UsageSample;
      const from = sample.time - sample.span * 1000;
      if (from >= end) break;
      const value = sample[field];
      // a stretch that is longer than the epoch counts for what of it lies in there
      const overlap = Math.min(sample.time, end) - Math.max(from, begin);
      if (value === null || overlap <= 0) continue;
      sum += value * overlap;
      time += overlap;
    }
    return time > 0 ? sum / time : Number.NaN;
  });
}
