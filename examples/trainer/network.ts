// A small fully connected network with tanh layers, its exact gradient, and the Adam optimiser.
import type { Random } from "./random.ts";

/**
 * One batch on its way through the network: the activations of every layer, needed again for the gradient.
 */
export interface Pass {
  rows: number;
  /** activations[l] holds rows × sizes[l] numbers, row after row; the last one is the (linear) output. */
  activations: Float64Array[];
}

/**
 * sizes[0] inputs -> tanh layers -> sizes[last] linear outputs. All weights live in one array, so that Adam
 * sees one vector.
 */
export class Network {
  readonly sizes: readonly number[];
  readonly weights: Float64Array;
  readonly gradient: Float64Array;

  constructor(sizes: readonly number[], random: Random) {
    this.sizes = sizes;
    let count = 0;
    for (let l = 1; l < sizes.length; l++) count += (sizes[l - 1] as number) * (sizes[l] as number) + (sizes[l] as number);
    this.weights = new Float64Array(count);
    this.gradient = new Float64Array(count);
    let at = 0;
    for (let l = 1; l < sizes.length; l++) {
      const [inputs, outputs] = [sizes[l - 1] as number, sizes[l] as number];
      const scale = Math.sqrt(1 / inputs); // keeps tanh layers in their linear range (Glorot and Bengio, 2010)
      for (let i = 0; i < inputs * outputs; i++) this.weights[at++] = scale * random.normal();
      at += outputs;
    }
  }

  /** Runs `rows` inputs (rows × sizes[0]) through the network. */
  forward(input: Float64Array, rows: number): Pass {
    const activations = [input];
    let at = 0;
    for (let l = 1; l < this.sizes.length; l++) {
      const [inputs, outputs] = [this.sizes[l - 1] as number, this.sizes[l] as number];
      const before = activations[l - 1] as Float64Array;
      const after = new Float64Array(rows * outputs);
      const bias = at + inputs * outputs;
      const last = l === this.sizes.length - 1;
      for (let r = 0; r < rows; r++) {
        for (let o = 0; o < outputs; o++) {
          let sum = this.weights[bias + o] as number;
          const w = at + o * inputs;
          const x = r * inputs;
          for (let i = 0; i < inputs; i++) sum += (this.weights[w + i] as number) * (before[x + i] as number);
          after[r * outputs + o] = last ? sum : Math.tanh(sum);
        }
      }
      activations.push(after);
      at = bias + outputs;
    }
    return { rows, activations };
  }

  /** Sets `gradient` to d loss / d weights, given d loss / d output (rows × outputs). */
  backward(pass: Pass, outputGradient: Float64Array): void {
    this.gradient.fill(0);
    let delta = outputGradient;
    let end = this.weights.length;
    for (let l = this.sizes.length - 1; l >= 1; l--) {
      const [inputs, outputs] = [this.sizes[l - 1] as number, this.sizes[l] as number];
      const bias = end - outputs;
      const at = bias - inputs * outputs;
      const before = pass.activations[l - 1] as Float64Array;
      const earlier = new Float64Array(pass.rows * inputs);
      for (let r = 0; r < pass.rows; r++) {
        const x = r * inputs;
        for (let o = 0; o < outputs; o++) {
          const d = delta[r * outputs + o] as number;
          if (d === 0) continue;
          this.gradient[bias + o] = (this.gradient[bias + o] as number) + d;
          const w = at + o * inputs;
          for (let i = 0; i < inputs; i++) {
            this.gradient[w + i] = (this.gradient[w + i] as number) + d * (before[x + i] as number);
            earlier[x + i] = (earlier[x + i] as number) + d * (this.weights[w + i] as number);
          }
        }
      }
      if (l > 1) for (let i = 0; i < earlier.length; i++) earlier[i] = (earlier[i] as number) * (1 - (before[i] as number) ** 2); // tanh'
      delta = earlier;
      end = at;
    }
  }
}

/** Adam (Kingma and Ba, 2015) over one vector of weights. */
export class Adam {
  readonly mean: Float64Array;
  readonly square: Float64Array;
  steps = 0;

  constructor(size: number) {
    this.mean = new Float64Array(size);
    this.square = new Float64Array(size);
  }

  step(weights: Float64Array, gradient: Float64Array, rate: number): void {
    const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
    this.steps++;
    const [c1, c2] = [1 - beta1 ** this.steps, 1 - beta2 ** this.steps];
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i] as number;
      const m = beta1 * (this.mean[i] as number) + (1 - beta1) * g;
      const v = beta2 * (this.square[i] as number) + (1 - beta2) * g * g;
      this.mean[i] = m;
      this.square[i] = v;
      weights[i] = (weights[i] as number) - (rate * (m / c1)) / (Math.sqrt(v / c2) + epsilon);
    }
  }
}
