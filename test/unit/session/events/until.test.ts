// Conditions of `falcon wait --until`: what they mean, and that a mistake is shown at its place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../../../src/base/failure.ts";
import { parseUntil } from "../../../../src/session/events/until.ts";
import type { NodeProgress, RunProgress } from "../../../../src/trainers/run/run.ts";

const node = (name: string, epoch: number | null, validationLoss: number | null, nonFinite: unknown[] = []) =>
  ({ name, epoch, validationLoss, nonFinite, fraction: 0.5 }) as unknown as NodeProgress;
const run = (...nodes: NodeProgress[]) => ({ stalled: false, nodes }) as unknown as RunProgress;
const two = run(node("theta", 100, -1.5), node("phi.z", 20, null));
const holds = (text: string, of: RunProgress | null = two, ended = false) => parseUntil(text)({ run: of, ended });

test("comparisons are of any node, or of the one that is named", () => {
  for (const text of [
    "epoch >= 100",
    "theta.epoch==100",
    "val_loss < -1",
    "val_loss<-1.4e0",
    "phi.z.epoch <= 20",
    "fraction != 1",
  ])
    assert.equal(holds(text), true, text);
  for (const text of ["epoch > 100", "phi.z.epoch >= 100", "phi.z.val_loss < 0", "nobody.epoch > 0", "val_loss > -1"])
    assert.equal(holds(text), false, text);
});

test("what is not known holds in no comparison", () => {
  assert.equal(holds("epoch >= 0", null), false);
  assert.equal(holds("phi.z.val_loss != 3"), false);
});

test("words, and, or, brackets: and binds closer", () => {
  assert.equal(holds("nan"), false);
  assert.equal(holds("nan", run(node("theta", 1, null, [{}]))), true);
  assert.equal(holds("ended", null, true), true);
  assert.equal(holds("epoch > 50 or nan and ended"), true);
  assert.equal(holds("(epoch > 50 or nan) and ended"), false);
});

test("where the mistake is stands a mark below it", () => {
  const told = (text: string): string => {
    try {
      parseUntil(text);
    } catch (error) {
      assert.ok(error instanceof Failure && error.status === 2);
      return error.message;
    }
    throw new Error(`${text} was taken`);
  };
  const at = (text: string): number => {
    const [, shown, mark] = told(text).split("\n");
    assert.equal(shown, `  ${text}`);
    return (mark as string).indexOf("^") - 2;
  };
  assert.equal(at("val_los < -1"), 0);
  assert.equal(at("theta.val_los < -1"), 6);
  assert.equal(at("epoch 100"), 6);
  assert.equal(at("epoch >= ten"), 9);
  assert.equal(at("epoch >="), 8);
  assert.equal(at("(nan or ended"), 13);
  assert.equal(at("nan ended"), 4);
  assert.equal(at("nan and"), 7);
  assert.equal(at(""), 0);
  assert.equal(at(`${"(".repeat(21)}nan`), 20);
  assert.match(told("val_los < -1"), /no such name; there are epoch, loss,/);
});

test("a metric of the run's own, by its last value", () => {
  const one = (node: string, metric: string, value: number[]) => {
    const none = value.map(() => null);
    return { node, metric, step: none, epoch: none, time: none, samples: none, value };
  };
  const series = [one("z.a", "val/nll", [3, 1]), one("y", "val/nll", [0, 5]), one("y", "elapsed_minutes", [2])];
  const holds = (text: string, known = series) => parseUntil(text)({ run: null, ended: false, series: known });
  assert.deepEqual(
    ["val/nll < 2", "y.val/nll < 2", "z.a.val/nll < 2", "/elapsed_minutes >= 2", "y./elapsed_minutes > 2", "val/other > 0"].map(
      (text) => holds(text),
    ),
    [true, false, true, true, false, false],
  );
  assert.equal(holds("val/nll < 2", []), false);
  assert.deepEqual(
    [parseUntil("val/nll < 2 or nan").metrics, parseUntil("val_loss < 2").metrics, parseUntil("nan").metrics],
    [true, false, false],
  );
  assert.throws(() => parseUntil("nll < 2"), /no such name; .* with a slash: val\/loss/);
});
