// The usage of a run over its whole life in bounded space: what is older is kept as means over longer times.
import { mostOf } from "../base/numbers.ts";
import { merged, type UsageSample } from "./sample.ts";

/**
 * Stretches that are kept of a run: at one each five seconds the last hour is as exact as it was measured,
 * and a week is told by stretches of at most
 * some ten minutes. 1,440 lines of a file are about 130 KB.
 */
export const mostSamples = 1440;

/** Samples by time, oldest first. When there are too many, neighbours among the older half become one. */
export class UsageSeries {
  #samples: UsageSample[];

  constructor(samples: readonly UsageSample[] = []) {
    this.#samples = [...samples];
    this.#bound();
  }

  get samples(): readonly UsageSample[] {
    return this.#samples;
  }

  get last(): UsageSample | undefined {
    return this.#samples.at(-1);
  }

  /**
   * Answers whether older ones were merged, so that what is stored is to be written anew. A time that went
   * back adds nothing.
   */
  add(sample: UsageSample): boolean {
    if (this.last !== undefined && sample.time <= this.last.time) return false;
    this.#samples.push(sample);
    return this.#bound();
  }

  #bound(): boolean {
    let changed = false;
    while (this.#samples.length > mostSamples) {
      this.#samples = halved(this.#samples);
      changed = true;
    }
    return changed;
  }

  /** The sum over its life of a rate: of processors their seconds, of bytes a second the bytes. */
  total(field: "cpu" | "written" | "cards"): number {
    return this.#samples.reduce((sum, sample) => sum + (sample[field] ?? 0) * sample.span, 0);
  }

  /** The most memory of its life; null where none is known. */
  get peak(): number | null {
    return mostOf(this.#samples.map(({ peak }) => peak));
  }
}

/**
 * The newest first, each with how long (ms) it ended before the newest one did, as far as that is within so
 * long: by lengths, since times jump where a clock is set.
 */
export function* backwards(
  samples: readonly UsageSample[],
  within = Number.POSITIVE_INFINITY,
): Generator<[sample: UsageSample, ago: number]> {
  let ago = 0;
  for (let i = samples.length - 1; i >= 0 && ago <= within; i--) {
    const sample = samples[i] as UsageSample;
    yield [sample, ago];
    ago += sample.span * 1000;
  }
}

/**
 * The older half in pairs: the shortest neighbours go first, so that no stretch grows far longer than those
 * beside it.
 */
function halved(samples: readonly UsageSample[]): UsageSample[] {
  const half = samples.length >> 1;
  const older: UsageSample[] = [];
  const spans = samples.slice(0, half).map(({ span }) => span);
  const usual = [...spans].sort((a, b) => a - b)[half >> 1] as number;
  for (let i = 0; i < half; i++) {
    const [one, next] = [samples[i] as UsageSample, samples[i + 1]];
    if (i + 1 < half && next !== undefined && one.span + next.span <= 4 * usual) {
      older.push(merged(one, next));
      i++;
    } else older.push(one);
  }
  // where nothing was short enough (a clock that jumped) the oldest two go together, so that it ends
  if (older.length === half) older.splice(0, 2, merged(older[0] as UsageSample, older[1] as UsageSample));
  return [...older, ...samples.slice(half)];
}
