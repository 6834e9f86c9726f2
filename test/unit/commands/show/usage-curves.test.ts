// What a run used, by the epochs of its losses: only these are read for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../../../src/commands/dispatch/call.ts";
import { usageAlone } from "../../../../src/commands/show/usage-curves.ts";
import type { Session } from "../../../../src/session/life/session.ts";

test("of all metrics the two losses are asked for, and the longer one tells the epochs", async () => {
  const asked: (string | undefined)[] = [];
  const told: Record<string, number[]> = { val_loss: [2_000, 4_000], train_loss: [1_000, 2_000, 3_000] };
  const context = {
    progress: {
      series: async (_: Session, only?: string) => {
        asked.push(only);
        const time = told[only ?? ""] ?? [];
        return [{ node: "z", metric: only, step: time, epoch: time.map((_, i) => i + 1), time, value: time }];
      },
    },
    usage: { series: () => [0, 1, 2, 3].map((n) => ({ time: n * 1_000, span: 1, memory: n * 1e9, gpu: null })) },
  } as unknown as Context;
  const { axis, curves } = await usageAlone(context, { row: { started: 0 } } as unknown as Session);
  assert.deepEqual(asked.sort(), ["train_loss", "val_loss"]);
  assert.deepEqual([axis, curves.map(({ label, x }) => [label, x])], ["epoch", [["memory (GB)", [1, 2, 3]]]]);
});

test("memory of a small run is told in MB", async () => {
  const context = {
    progress: { series: async () => [] },
    usage: { series: () => [0, 1].map((n) => ({ time: n * 60_000, span: 1, memory: n * 5.7e5, gpu: null })) },
  } as unknown as Context;
  const { curves } = await usageAlone(context, { row: { started: 0 } } as unknown as Session);
  assert.deepEqual(
    curves.map(({ label, x, y }) => [label, x, y.map((value) => Number(value.toFixed(3)))]),
    [["memory (MB)", [0, 1], [0, 0.57]]],
  );
});
