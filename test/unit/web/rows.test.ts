// The page's list is made of what other machines answer, too, of which any may be compromised.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runRow, withoutPlaces } from "../../../src/web/server/rows.ts";

test("a row is made of what is named, each of its kind; anything else of an answer is left out", () => {
  const hostile = {
    id: "a1b2c3",
    state: "running",
    name: { toString: "<img src=x onerror=alert(1)>" },
    host: ["node1"],
    cols: "1e9",
    rows: Number.NaN,
    outcome: "completed",
    progress: { fraction: "<b>", stalled: "yes", nodes: [null, "node", { name: 1, epoch: "2", loss: "NaN" }] },
    command: ["rm", "-rf", "/"],
    environment: { SECRET: "hunter2" },
    __proto__: { live: false },
  };
  const row = runRow(hostile);
  assert.ok(row);
  assert.deepEqual(
    [row.name, row.host, row.cols, row.rows, row.outcome, row.fraction, row.stalled, row.live],
    ["a1b2c3", "", 80, 24, null, null, false, true],
  );
  assert.deepEqual(
    row.nodes.map(({ name, status, epoch, loss }) => [name, status, epoch, loss]),
    [1, 2, 3].map(() => ["", "unknown", null, null]),
  );
  assert.ok(!("command" in row) && !("environment" in row));
});

test("what has no id and no state is no row", () => {
  for (const none of [null, undefined, 7, "row", [], {}, { id: "a1b2c3" }, { state: "running" }, { id: 1, state: 2 }])
    assert.equal(runRow(none), undefined);
});

test("a link's row has no words that a program or a file's name may be in", () => {
  const place = "/home/me/project";
  const failed = {
    id: "a1b2c3",
    state: "exited",
    name: "night",
    host: "node1",
    job: "slurm-7",
    outcome: { kind: "failed", sentence: `failed: no ${place}/data.npz` },
    progress: {
      phase: "failed",
      summary: `failed: FileNotFoundError: ${place}/data.npz`,
      nodes: [{ name: "z", status: "failed", error: `cannot open ${place}/data.npz` }],
    },
  };
  const row = runRow(failed);
  assert.ok(row);
  const told = withoutPlaces(row);
  assert.doesNotMatch(JSON.stringify(told), /project|node1|slurm/);
  assert.deepEqual([told.name, told.outcome, told.phase], ["night", "failed", "failed"]);
});
