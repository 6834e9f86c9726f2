// What is told of a run while it stops: no word twice, and no time left that it will not take.
import assert from "node:assert/strict";
import { test } from "node:test";
import { summarise } from "../../../../src/presentation/summary.ts";
import { movement, stoppingText } from "../../../../src/session/run/movement.ts";
import type { RunProgresses } from "../../../../src/session/run/run-progress.ts";
import { askFixed } from "../../../support/fixed-sessions.ts";

test("a run that is asked to stop, then one that has stopped", async () => {
  const { context } = askFixed({ terminal: {} });
  const session = context.table.get("a1k9zq");
  assert.ok(session);
  const known = await context.progress.of(session);
  assert.ok(known);
  const stopping = { ...known, stopping: true };
  const said = (run: typeof known) => stoppingText({ ...run, summary: summarise(run) });
  assert.match(said(stopping), /^stopping: nuisance 142\/300 · val loss -0\.4 \S+ · no better for 55 epochs$/);
  // the node that waits says nothing of its own, and counts for the time that is left
  const waiting = { ...known.nodes[0], name: "waits", status: "waiting", epoch: null, fraction: null, timeLeft: null };
  const nodes = [...known.nodes, waiting] as typeof known.nodes;
  assert.match(said({ ...stopping, nodes }), /^stopping: nuisance 142\/300 · val loss -0\.4 \S+ · no better for 55 epochs$/);
  assert.equal(said({ ...stopping, phase: "simulating", nodes: [] }), "stopping: simulating the first samples");
  assert.match(
    said({ ...stopping, phase: "interrupted", saved: true }),
    /^stopped · theta 187\/300, .*; nuisance 142\/300, .* · the model is saved$/,
  );
});

test("a run that draws its samples after a stop is not held to hang, and says that its model is saved", async () => {
  const { context } = askFixed({ terminal: {} });
  const session = context.table.get("a1k9zq");
  assert.ok(session);
  const known = await context.progress.of(session);
  assert.ok(known);
  const sampling = { ...known, phase: "sampling", stopping: false, saved: true, localLogs: true } as const;
  const run = { ...sampling, summary: summarise(sampling) };
  const seen = await movement(session, { of: async () => run } as unknown as RunProgresses);
  assert.equal(seen.sentence, "trained, drawing samples · the model is saved");
  assert.equal(seen.mark, null);
});
