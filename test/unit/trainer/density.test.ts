// The stand-in's mathematics: gradients against finite differences, densities against integrals, samples
// against densities.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MixtureDensity } from "../../../examples/trainer/density.ts";
import { Adam, Network } from "../../../examples/trainer/network.ts";
import { Random } from "../../../examples/trainer/random.ts";

const shape = fc.record({
  dim: fc.integer({ min: 1, max: 3 }),
  components: fc.integer({ min: 1, max: 3 }),
  hidden: fc.integer({ min: 1, max: 5 }),
  layers: fc.integer({ min: 0, max: 2 }),
  rows: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer({ min: 0, max: 1e9 }),
});

test("the gradient of the loss by every weight is the slope that finite differences see", () => {
  fc.assert(
    fc.property(shape, ({ dim, components, hidden, layers, rows, seed }) => {
      const random = new Random(seed);
      const density = new MixtureDensity(dim, components);
      const network = new Network([4, ...new Array<number>(layers).fill(hidden), density.outputs], random);
      const x = Float64Array.from({ length: rows * 4 }, () => random.normal());
      const theta = Float64Array.from({ length: rows * dim }, () => random.normal());
      const lossOf = () => density.loss(theta, network.forward(x, rows).activations.at(-1) as Float64Array, rows);
      const pass = network.forward(x, rows);
      const gradient = new Float64Array(rows * density.outputs);
      density.loss(theta, pass.activations.at(-1) as Float64Array, rows, gradient);
      network.backward(pass, gradient);
      const exact = network.gradient.slice();
      const step = 1e-5;
      for (let i = 0; i < network.weights.length; i++) {
        const at = network.weights[i] as number;
        network.weights[i] = at + step;
        const above = lossOf();
        network.weights[i] = at - step;
        const below = lossOf();
        network.weights[i] = at;
        const slope = (above - below) / (2 * step);
        const size = Math.max(1e-3, Math.abs(slope), Math.abs(exact[i] as number));
        assert.ok(Math.abs(slope - (exact[i] as number)) / size < 1e-4, `weight ${i}: ${exact[i]} is not ${slope}`);
      }
    }),
    { numRuns: 40, seed: 3 },
  );
});

test("whatever the network gives is a density: it integrates to one", () => {
  const random = new Random(7);
  const density = new MixtureDensity(2, 2);
  for (let n = 0; n < 5; n++) {
    const output = Float64Array.from({ length: density.outputs }, () => 0.5 * random.normal());
    let integral = 0;
    const step = 0.1;
    for (let a = -15; a < 15; a += step) {
      for (let b = -15; b < 15; b += step) integral += Math.exp(-density.loss(Float64Array.of(a, b), output, 1)) * step * step;
    }
    assert.ok(Math.abs(integral - 1) < 1e-3, `integral ${integral}`);
  }
});

test("samples have the density's mean", () => {
  const random = new Random(11);
  const density = new MixtureDensity(2, 2);
  const output = Float64Array.from({ length: density.outputs }, () => 0.3 * random.normal());
  const count = 20_000;
  const sum = [0, 0];
  for (let n = 0; n < count; n++)
    for (const [i, v] of density.sample(output, 0, random).entries()) sum[i] = (sum[i] as number) + v;
  density.mean(output, 0).forEach((mean, i) => {
    assert.ok(Math.abs((sum[i] as number) / count - mean) < 0.05, `dimension ${i}`);
  });
});

test("Adam finds the bottom of a bowl", () => {
  const weights = Float64Array.of(3, -2);
  const adam = new Adam(2);
  for (let n = 0; n < 2000; n++)
    adam.step(
      weights,
      weights.map((w) => 2 * w),
      0.01,
    );
  assert.ok(weights.every((w) => Math.abs(w) < 1e-3));
});

test("the generator goes on from its saved state, and normals have mean 0 and deviation 1", () => {
  const random = new Random(3);
  for (let n = 0; n < 101; n++) random.normal();
  const again = new Random(random.state);
  assert.deepEqual(
    Array.from({ length: 50 }, () => again.normal()),
    Array.from({ length: 50 }, () => random.normal()),
  );
  const drawn = Array.from({ length: 40_000 }, () => random.normal());
  const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
  const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length;
  assert.ok(Math.abs(mean) < 0.02 && Math.abs(variance - 1) < 0.03);
});
