// What is told of a run between two looks, and that each thing is told once, also by the next server.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ShownNode, ShownRun } from "../../../../src/presentation/shown-run.ts";
import { nothingTold, runEvents, type Told } from "../../../../src/session/events/run-events.ts";

const node = (over: Partial<ShownNode> = {}): ShownNode =>
  ({
    ...{ name: "theta", status: "training", epoch: 10, epochs: 300, epochsBefore: 0, epochsSinceBest: 0, patience: null },
    ...{ nonFinite: [], ...over },
  }) as ShownNode;
const run = (over: Partial<ShownRun> = {}): ShownRun =>
  ({ phase: "training", stalled: false, silence: null, summary: "10/300", nodes: [node()], ...over }) as ShownRun;

/**
 * The kinds that are told of the runs, one after the other; what was told goes through JSON, as in a
 * session's row.
 */
function kinds(...runs: ShownRun[]): string[] {
  let told: Told = nothingTold;
  return runs.flatMap((one) => {
    const news = runEvents(told, one);
    told = JSON.parse(JSON.stringify(news.told)) as Told;
    return news.events.map(({ kind }) => kind);
  });
}

test("a phase is told when it is another one", () => {
  const started = run({ phase: "starting", nodes: [] });
  assert.deepEqual(kinds(started, started, run(), run()), ["phase", "phase"]);
});

test("a loss that is no number is told once, with its first epoch, and again only after it was one", () => {
  const bad = run({ nodes: [node({ nonFinite: [{ metric: "validationLoss", value: "NaN", epoch: 7, since: 1 }] })] });
  assert.deepEqual(kinds(bad, bad, run(), bad), ["phase", "nan", "nan"]);
  const { events } = runEvents({ ...nothingTold, phase: "training" }, bad);
  assert.deepEqual(events, [
    { kind: "nan", node: "theta", metric: "validationLoss", epoch: 7, sentence: "theta: val loss NaN since epoch 7" },
  ]);
});

test("a stall is told once until it is over", () => {
  const stalled = run({ stalled: true, silence: 300 });
  assert.deepEqual(kinds(run(), stalled, stalled, run(), stalled), ["phase", "stalled", "stalled"]);
});

test("no improvement is told at half of the run's own patience, without one by our rule", () => {
  const patient = (epochsSinceBest: number) => run({ nodes: [node({ patience: 16, epochsSinceBest })] });
  assert.deepEqual(kinds(patient(7), patient(8), patient(9), patient(0), patient(8)), [
    "phase",
    "no-improvement",
    "no-improvement",
  ]);
  const ours = (epochsSinceBest: number) => run({ nodes: [node({ epoch: 100, epochsSinceBest })] });
  assert.deepEqual(kinds(ours(24), ours(25)), ["phase", "no-improvement"]);
});

test("a run that goes on with an earlier launch has a seam, told with its epoch", () => {
  const resumed = run({ nodes: [node({ epoch: 110, epochsBefore: 100 })] });
  assert.deepEqual(kinds(resumed, resumed), ["phase", "seam"]);
  assert.equal(runEvents(nothingTold, resumed).events[1]?.epoch, 100);
});

test("a NaN of a single epoch between two looks is told once", () => {
  const over = run({ nodes: [node({ lastNonFinite: [{ metric: "loss", value: "NaN", epoch: 7, since: 1 }] })] });
  assert.deepEqual(kinds(run(), over, over, run()), ["phase", "nan"]);
  assert.equal(runEvents({ ...nothingTold, phase: "training" }, over).events[0]?.sentence, "theta: train loss NaN in epoch 7");
  // one that was told while it lasted is not told again when it is over
  const lasting = { metric: "loss", value: "NaN", epoch: 7, since: 1 } as const;
  assert.deepEqual(kinds(run({ nodes: [node({ nonFinite: [lasting], lastNonFinite: [lasting] })] }), over), ["phase", "nan"]);
});
