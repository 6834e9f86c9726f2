// One node's training: a growing buffer of simulations, epochs of gradient steps, validation, the best
// weights so far.
import { MixtureDensity } from "./density.ts";
import { Adam, Network } from "./network.ts";
import { Random, type RandomState } from "./random.ts";
import type { Simulator } from "./simulators.ts";

/** The estimator's part of config.yml. */
export interface EstimatorSettings {
  components: number;
  hidden_dim: number;
  num_layers: number;
  max_epochs: number;
  batch_size: number;
  lr: number;
  lr_decay_factor: number;
  lr_patience: number;
  early_stop_patience: number;
}

/** The buffer's part of config.yml. */
export interface BufferSettings {
  min_samples: number;
  max_samples: number;
  validation_samples: number;
  simulate_count: number;
}

/** What one epoch came to. Losses are mean negative log densities (nats). */
export interface Epoch {
  stepLosses: number[];
  trainLoss: number;
  validationLoss: number;
  rate: number;
  best: boolean;
}

/** Everything needed to go on with a training, as JSON. */
export interface SavedEstimator {
  totalEpochs: number;
  bestLoss: number;
  best: number[];
  whitening: { mean: number[]; deviation: number[] };
  observed: number[];
  random: RandomState;
}

interface Sample {
  theta: number[];
  x: number[];
}

/** Validation samples are held apart for the whole run; training samples are replaced oldest first. */
export class Estimator {
  readonly settings: EstimatorSettings;
  readonly density: MixtureDensity;
  readonly network: Network;
  /** Epochs trained in all launches of this run. */
  totalEpochs = 0;
  /** Simulations made in this launch. */
  simulated = 0;
  steps = 0;
  bestLoss = Number.POSITIVE_INFINITY;
  readonly observed: number[];
  #simulator: Simulator;
  #buffer: BufferSettings;
  #random: Random;
  #adam: Adam;
  #rate: number;
  #best: Float64Array;
  #whitening: { mean: number[]; deviation: number[] } | undefined;
  #training: Sample[] = [];
  #validation: Sample[] = [];
  #plateauBest = Number.POSITIVE_INFINITY;
  #plateau = 0;
  #worse = 0;

  constructor(simulator: Simulator, settings: EstimatorSettings, buffer: BufferSettings, seed: number, saved?: SavedEstimator) {
    this.#simulator = simulator;
    this.settings = settings;
    this.#buffer = buffer;
    this.#random = new Random(saved?.random ?? seed);
    this.density = new MixtureDensity(simulator.parameters, settings.components);
    const hidden = Array.from({ length: settings.num_layers }, () => settings.hidden_dim);
    this.network = new Network([simulator.readings, ...hidden, this.density.outputs], this.#random);
    this.#adam = new Adam(this.network.weights.length);
    this.#rate = settings.lr;
    this.observed = saved?.observed ?? simulator.simulate(simulator.truth, this.#random);
    if (saved) {
      if (saved.best.length !== this.network.weights.length) {
        throw new Error(
          `the saved model has ${saved.best.length} weights, the configuration asks for ${this.network.weights.length}`,
        );
      }
      this.network.weights.set(saved.best);
      this.totalEpochs = saved.totalEpochs;
      this.bestLoss = saved.bestLoss;
      this.#whitening = saved.whitening;
    }
    this.#best = this.network.weights.slice();
  }

  get trainingSamples(): number {
    return this.#training.length;
  }

  get validationSamples(): number {
    return this.#validation.length;
  }

  /** Whether the validation loss has not improved for early_stop_patience epochs. */
  get stuck(): boolean {
    return this.#worse >= this.settings.early_stop_patience;
  }

  /**
   * Simulates `count` more samples from the prior; the first validation_samples of a launch are held apart.
   */
  simulate(count: number): void {
    for (let n = 0; n < count; n++) {
      const theta = Array.from({ length: this.#simulator.parameters }, () => this.#random.normal());
      const sample = { theta, x: this.#simulator.simulate(theta, this.#random) };
      if (this.#validation.length < this.#buffer.validation_samples) this.#validation.push(sample);
      else this.#training.push(sample);
    }
    this.simulated += count;
    if (this.#training.length > this.#buffer.max_samples)
      this.#training.splice(0, this.#training.length - this.#buffer.max_samples);
    this.#whitening ??= whitening(this.#training.length > 0 ? this.#training : this.#validation, this.#simulator.readings);
  }

  /** One pass over the buffer in random batches, then the validation loss over all held-out samples. */
  epoch(): Epoch {
    const batch = Math.min(this.settings.batch_size, this.#training.length);
    const stepLosses: number[] = [];
    const count = Math.max(1, Math.floor(this.#training.length / batch));
    for (let step = 0; step < count; step++) {
      const chosen = Array.from({ length: batch }, () => this.#training[this.#random.below(this.#training.length)] as Sample);
      const { theta, x } = this.#tensors(chosen);
      const pass = this.network.forward(x, batch);
      const output = pass.activations.at(-1) as Float64Array;
      const gradient = new Float64Array(output.length);
      stepLosses.push(this.density.loss(theta, output, batch, gradient));
      this.network.backward(pass, gradient);
      this.#adam.step(this.network.weights, this.network.gradient, this.#rate);
      this.steps++;
    }
    const validationLoss = this.#lossOn(this.#validation);
    this.totalEpochs++;
    const best = validationLoss < this.bestLoss;
    if (best) {
      this.bestLoss = validationLoss;
      this.#best.set(this.network.weights);
      this.#worse = 0;
    } else this.#worse++;
    this.#decay(validationLoss);
    return {
      stepLosses,
      trainLoss: stepLosses.reduce((a, b) => a + b, 0) / stepLosses.length,
      validationLoss,
      rate: this.#rate,
      best,
    };
  }

  /** Draws from the posterior of the observed data, with the best weights. */
  posterior(count: number): number[][] {
    const output = this.#bestOutput();
    return Array.from({ length: count }, () => this.density.sample(output, 0, this.#random));
  }

  /** Mean of the posterior of the observed data, with the best weights. */
  posteriorMean(): number[] {
    return this.density.mean(this.#bestOutput(), 0);
  }

  save(): SavedEstimator {
    return {
      totalEpochs: this.totalEpochs,
      bestLoss: this.bestLoss,
      best: [...this.#best],
      whitening: this.#whitening ?? { mean: [], deviation: [] },
      observed: this.observed,
      random: this.#random.state,
    };
  }

  /**
   * Lowers the rate when the validation loss has not improved by 1e-4 of itself for lr_patience epochs (as
   * ReduceLROnPlateau does).
   */
  #decay(loss: number): void {
    if (loss < this.#plateauBest - 1e-4 * Math.abs(this.#plateauBest) || this.#plateauBest === Number.POSITIVE_INFINITY) {
      this.#plateauBest = loss;
      this.#plateau = 0;
    } else if (++this.#plateau > this.settings.lr_patience) {
      this.#rate *= this.settings.lr_decay_factor;
      this.#plateau = 0;
    }
  }

  #lossOn(samples: readonly Sample[]): number {
    const { theta, x } = this.#tensors(samples);
    const output = this.network.forward(x, samples.length).activations.at(-1) as Float64Array;
    return this.density.loss(theta, output, samples.length);
  }

  #bestOutput(): Float64Array {
    const last = this.network.weights.slice();
    this.network.weights.set(this.#best);
    const { x } = this.#tensors([{ theta: [], x: this.observed }]);
    const output = this.network.forward(x, 1).activations.at(-1) as Float64Array;
    this.network.weights.set(last);
    return output;
  }

  #tensors(samples: readonly Sample[]): { theta: Float64Array; x: Float64Array } {
    const { parameters, readings } = this.#simulator;
    const white = this.#whitening as { mean: number[]; deviation: number[] };
    const theta = new Float64Array(samples.length * parameters);
    const x = new Float64Array(samples.length * readings);
    samples.forEach((sample, r) => {
      sample.theta.forEach((v, i) => {
        theta[r * parameters + i] = v;
      });
      sample.x.forEach((v, i) => {
        x[r * readings + i] = (v - (white.mean[i] as number)) / (white.deviation[i] as number);
      });
    });
    return { theta, x };
  }
}

function whitening(samples: readonly Sample[], readings: number): { mean: number[]; deviation: number[] } {
  const mean = Array.from(
    { length: readings },
    (_, i) => samples.reduce((sum, s) => sum + (s.x[i] as number), 0) / samples.length,
  );
  const deviation = mean.map((m, i) => {
    const variance = samples.reduce((sum, s) => sum + ((s.x[i] as number) - m) ** 2, 0) / Math.max(1, samples.length - 1);
    return Math.sqrt(variance) || 1;
  });
  return { mean, deviation };
}
