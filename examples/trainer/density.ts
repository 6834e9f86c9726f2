// The posterior density that the network's outputs stand for: a mixture of full-covariance Gaussians, its
// loss and exact gradient.
import type { Random } from "./random.ts";

/**
 * Per component, the network gives: 1 logit, `dim` means, `dim` log-diagonals and dim(dim-1)/2 off-diagonals
 * of the lower-triangular
 * factor L of the precision matrix (precision = LᵀL), so that any output is a proper density.
 */
export class MixtureDensity {
  readonly dim: number;
  readonly components: number;
  readonly #stride: number;

  constructor(dim: number, components: number) {
    this.dim = dim;
    this.components = components;
    this.#stride = 1 + 2 * dim + (dim * (dim - 1)) / 2;
  }

  /** Numbers that the network has to give per row. */
  get outputs(): number {
    return this.components * this.#stride;
  }

  /**
   * Mean negative log density of `theta` (rows × dim) under `output` (rows × outputs); fills `gradient` with
   * d loss / d output when it is given.
   */
  loss(theta: Float64Array, output: Float64Array, rows: number, gradient?: Float64Array): number {
    const { dim, components } = this;
    const stride = this.#stride;
    const z = new Float64Array(components * dim);
    const logs = new Float64Array(components);
    let total = 0;
    for (let r = 0; r < rows; r++) {
      const row = r * this.outputs;
      let logitTop = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < components; k++) logitTop = Math.max(logitTop, output[row + k * stride] as number);
      let logitSum = 0;
      for (let k = 0; k < components; k++) logitSum += Math.exp((output[row + k * stride] as number) - logitTop);
      const logNorm = logitTop + Math.log(logitSum);
      let top = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < components; k++) {
        const at = row + k * stride;
        let log = (output[at] as number) - logNorm - (dim / 2) * Math.log(2 * Math.PI);
        for (let i = 0; i < dim; i++) {
          const logDiagonal = output[at + 1 + dim + i] as number;
          let sum = Math.exp(logDiagonal) * this.#residual(theta, output, r, at, i);
          for (let j = 0; j < i; j++) sum += (output[at + this.#lower(i, j)] as number) * this.#residual(theta, output, r, at, j);
          z[k * dim + i] = sum;
          log += logDiagonal - 0.5 * sum * sum;
        }
        logs[k] = log;
        top = Math.max(top, log);
      }
      let sum = 0;
      for (let k = 0; k < components; k++) sum += Math.exp((logs[k] as number) - top);
      const logDensity = top + Math.log(sum);
      total -= logDensity;
      if (!gradient) continue;
      for (let k = 0; k < components; k++) {
        const at = row + k * stride;
        const share = Math.exp((logs[k] as number) - logDensity); // of this component in the density at theta
        const weight = Math.exp((output[at] as number) - logNorm);
        gradient[at] = (weight - share) / rows;
        for (let j = 0; j < dim; j++) {
          let mean = Math.exp(output[at + 1 + dim + j] as number) * (z[k * dim + j] as number);
          for (let i = j + 1; i < dim; i++) mean += (output[at + this.#lower(i, j)] as number) * (z[k * dim + i] as number);
          gradient[at + 1 + j] = (-share * mean) / rows;
          const diagonal = Math.exp(output[at + 1 + dim + j] as number);
          const own = (z[k * dim + j] as number) * diagonal * this.#residual(theta, output, r, at, j);
          gradient[at + 1 + dim + j] = (-share * (1 - own)) / rows;
          for (let i = j + 1; i < dim; i++) {
            gradient[at + this.#lower(i, j)] =
              (share * (z[k * dim + i] as number) * this.#residual(theta, output, r, at, j)) / rows;
          }
        }
      }
    }
    return total / rows;
  }

  /** Draws one theta from the density of one row of outputs. */
  sample(output: Float64Array, row: number, random: Random): number[] {
    const base = row * this.outputs;
    const logits = Array.from({ length: this.components }, (_, k) => output[base + k * this.#stride] as number);
    const top = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp(logit - top));
    let left = random.uniform() * weights.reduce((a, b) => a + b, 0);
    let k = 0;
    while (k < this.components - 1 && left >= (weights[k] as number)) left -= weights[k++] as number;
    const at = base + k * this.#stride;
    // theta = mean + L⁻¹ z by forward substitution
    const theta: number[] = [];
    for (let i = 0; i < this.dim; i++) {
      let sum = random.normal();
      for (let j = 0; j < i; j++) sum -= (output[at + this.#lower(i, j)] as number) * (theta[j] as number);
      theta.push(sum / Math.exp(output[at + 1 + this.dim + i] as number));
    }
    return theta.map((offset, i) => offset + (output[at + 1 + i] as number));
  }

  /** Mean of the density of one row of outputs. */
  mean(output: Float64Array, row: number): number[] {
    const base = row * this.outputs;
    const logits = Array.from({ length: this.components }, (_, k) => output[base + k * this.#stride] as number);
    const top = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp(logit - top));
    const sum = weights.reduce((a, b) => a + b, 0);
    return Array.from({ length: this.dim }, (_, i) =>
      weights.reduce((total, w, k) => total + (w / sum) * (output[base + k * this.#stride + 1 + i] as number), 0),
    );
  }

  #residual(theta: Float64Array, output: Float64Array, row: number, at: number, i: number): number {
    return (theta[row * this.dim + i] as number) - (output[at + 1 + i] as number);
  }

  #lower(i: number, j: number): number {
    return 1 + 2 * this.dim + (i * (i - 1)) / 2 + j;
  }
}
