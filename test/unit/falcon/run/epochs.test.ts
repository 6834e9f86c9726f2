// A table of epochs: what was told of each, not a number among it, and what was not told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type EpochRecord, Epochs } from "../../../../src/trainers/falcon/run/epochs.ts";
import { Random } from "../../../support/random.ts";

test("epochs are kept as they were told, from any place on, and grow", () => {
  const random = new Random(1);
  const values = [undefined, Number.NaN, 0, -0, -1.5e-300, Number.POSITIVE_INFINITY, 1e15];
  const maybe = () => values[random.below(values.length)];
  const record = (epoch: number): EpochRecord => ({
    ...{ epoch, epochs: 5000, time: 1_700_000_000_000 + epoch * 1000 },
    ...{ loss: maybe(), validationLoss: maybe(), learningRate: maybe(), samples: maybe(), steps: maybe() },
  });
  const told = Array.from({ length: 100 }, (_, at) => record(at));
  const epochs = Epochs.of(told.slice(0, 40));
  const later = epochs.from(30);
  for (const each of told.slice(40)) epochs.push(each);
  assert.deepEqual([...epochs], told);
  assert.deepEqual([...later], told.slice(30));
  assert.deepEqual([later.length, later.at(0), later.at(-1)], [70, told[30], told[99]]);
  assert.deepEqual([later.at(70), later.at(-71), Epochs.of().at(-1)], [undefined, undefined, undefined]);
});
