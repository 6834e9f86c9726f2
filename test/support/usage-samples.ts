// Stretches of usage for tests.
import type { UsageSample } from "../../src/resources/sample.ts";

/** Five seconds up to `time` (ms) with one processor busy and a gigabyte in use. */
export const sampleAt = (time: number, more: Partial<UsageSample> = {}): UsageSample => ({
  time,
  span: 5,
  cpu: 1,
  memory: 1e9,
  peak: 1e9,
  share: 0.1,
  written: 100,
  cards: 0,
  gpu: null,
  gpuMemory: null,
  power: null,
  temperature: null,
  ...more,
});
