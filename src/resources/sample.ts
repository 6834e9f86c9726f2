// What one stretch of a run's life used: the unit in which usage is kept, merged and drawn.
import { mostOf } from "../base/numbers.ts";

/** One stretch. null: not known. Means over the stretch, but for `peak`. */
export interface UsageSample {
  /** Its end, ms since 1970. */
  time: number;
  /** Its length in seconds. */
  span: number;
  /** Processors: 1 is a whole one. */
  cpu: number | null;
  /** Bytes of memory: private ones of all processes, and the largest shared part. */
  memory: number | null;
  /** The most memory that was seen in it. */
  peak: number | null;
  /**
   * Memory in use of what may be used, by the control group or the machine: 0 to 1; the most that was seen.
   */
  share: number | null;
  /** Bytes a second that went to storage. */
  written: number | null;
  /** GPUs that it has. */
  cards: number | null;
  /** Mean use of those: 0 to 1. */
  gpu: number | null;
  /** Bytes of GPU memory of its processes. */
  gpuMemory: number | null;
  /** Watts of all its GPUs. */
  power: number | null;
  /** The warmest of them, °C. */
  temperature: number | null;
}

/** In the order in which a file has them; new ones come at the end. */
export const sampleFields = [
  "time",
  "span",
  "cpu",
  "memory",
  "peak",
  "share",
  "written",
  "cards",
  "gpu",
  "gpuMemory",
  "power",
  "temperature",
] as const satisfies readonly (keyof UsageSample)[];

/** Fields of which a merged stretch has the mean by time; of the others it has the greatest. */
const means = ["cpu", "memory", "written", "cards", "gpu", "gpuMemory", "power"] as const;
const greatest = ["peak", "share", "temperature"] as const;

/** Two stretches, one after the other, as one. What only one of them knows counts for its own time alone. */
export function merged(first: UsageSample, second: UsageSample): UsageSample {
  const both: UsageSample = { ...second, span: first.span + second.span };
  for (const field of means) {
    const [a, b] = [first[field], second[field]];
    both[field] = a === null ? b : b === null ? a : both.span === 0 ? b : (a * first.span + b * second.span) / both.span;
  }
  for (const field of greatest) both[field] = mostOf([first[field], second[field]]);
  return both;
}
