// What stands beside a run's losses on the page.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../../../src/commands/dispatch/call.ts";
import { beside } from "../../../../src/commands/web/beside.ts";
import type { Session } from "../../../../src/session/life/session.ts";

test("usage by the epochs of the losses, and other metrics: the run is read once for all", async () => {
  let reads = 0;
  const one = (metric: string, value: number[]) => ({
    node: "z",
    metric,
    step: [0, 1],
    epoch: [1, 2],
    time: [1_000, 2_000],
    value,
  });
  const context = {
    progress: {
      series: async () => {
        reads++;
        return [one("val_loss", [3, 2]), one("val/nll", [5, Number.NaN])];
      },
    },
    usage: { series: () => [0, 1, 2].map((n) => ({ time: n * 1_000, span: 1, memory: n * 1e9, gpu: null })) },
    events: { after: () => [] },
  } as unknown as Context;
  const session = { id: "abc", row: { started: 0 } } as unknown as Session;
  const told = (await beside(context, session, "val/nll")) as Record<string, { axis?: string; curves?: { x: number[] }[] }>;
  assert.deepEqual([told.usage?.axis, told.usage?.curves?.[0]?.x], ["epoch", [1, 2]]);
  assert.deepEqual(told.metrics, ["val/nll"]);
  assert.deepEqual(told.chosen, [{ node: "z", axis: "epoch", x: [1, 2], y: [5, null] }]);
  assert.equal(reads, 1);
});
