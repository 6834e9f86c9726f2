// The two forward models that the stand-in infers: a straight line, and the power of a wave (whose posterior
// has two mirrored peaks).
import type { Random } from "./random.ts";

/** A forward model: theta ~ N(0, 1) in `parameters` dimensions, x given theta. */
export interface Simulator {
  readonly target: string;
  readonly parameters: number;
  readonly readings: number;
  simulate(theta: readonly number[], random: Random): number[];
  /** The one measurement that is inferred from: made from `truth` with a fixed seed, see observe(). */
  readonly truth: readonly number[];
}

const places = (readings: number) => Array.from({ length: readings }, (_, i) => -1 + (2 * i) / (readings - 1));

/** Deviation of the noise on a reading. */
export const lineNoise = 0.5;

/** x_i = theta_0 + theta_1 t_i + noise. */
export const line: Simulator = {
  target: "trainer.Line",
  parameters: 2,
  readings: 10,
  truth: [0.6, -1.2],
  simulate([intercept = 0, slope = 0], random) {
    return places(this.readings).map((t) => intercept + slope * t + lineNoise * random.normal());
  },
};

/** x_i = (theta_0 sin πt_i + theta_1 cos πt_i)² + noise: theta and −theta give the same data. */
export const wave: Simulator = {
  target: "trainer.WavePower",
  parameters: 2,
  readings: 12,
  truth: [0.9, 0.7],
  simulate([sine = 0, cosine = 0], random) {
    return places(this.readings).map(
      (t) => (sine * Math.sin(Math.PI * t) + cosine * Math.cos(Math.PI * t)) ** 2 + 0.2 * random.normal(),
    );
  },
};

/** The simulators by the name that config.yml gives them. */
export const simulators: ReadonlyMap<string, Simulator> = new Map([line, wave].map((s) => [s.target, s]));

/**
 * Exact posterior of `line`: prior N(0, I), linear model, Gaussian noise. Returns its mean and deviations.
 * (Bishop, Pattern Recognition and Machine Learning, equation 3.53 and 3.54.)
 */
export function exactLinePosterior(x: readonly number[]): { mean: [number, number]; deviation: [number, number] } {
  const t = places(line.readings);
  const precision = 1 / lineNoise ** 2;
  const a = 1 + precision * t.length;
  const b = precision * t.reduce((sum, v) => sum + v, 0);
  const c = 1 + precision * t.reduce((sum, v) => sum + v * v, 0);
  const determinant = a * c - b * b;
  const u = precision * x.reduce((sum, v) => sum + v, 0);
  const w = precision * x.reduce((sum, v, i) => sum + v * (t[i] as number), 0);
  return {
    mean: [(c * u - b * w) / determinant, (a * w - b * u) / determinant],
    deviation: [Math.sqrt(c / determinant), Math.sqrt(a / determinant)],
  };
}
