// The one line about a run, for every recorded run and every state that a run can be in; numbers and times as
// people read them.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { epochText, leftSpan, number, span, summarise } from "../../../src/presentation/summary.ts";
import { RunWatcher } from "../../../src/trainers/falcon/run/progress.ts";
import { lookAside as look } from "../../../src/trainers/reading/foreign-files.ts";
import { layOut, type RecordedName } from "../../support/recorded.ts";
import { readShown } from "../../support/shown.ts";

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "summary-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

async function progressOf(name: RecordedName, alive: boolean, later = 0) {
  const run = path.join(home, `${name}-${alive}-${later}`);
  const { copied } = layOut(name, run);
  return readShown(new RunWatcher({ look, run, clock: () => ({ wall: copied + later, steady: copied + later }) }), alive);
}

/** By hand, from the last and the best epoch of each log; -0.4925 in binary lies below itself. */
const lines: Record<Exclude<RecordedName, "stalled">, string> = {
  plain: "completed · 60/60, best val loss -0.606",
  interactive: "stopped · 53/3000, best val loss -0.712",
  forced: "stopped, not saved · 10/3000, best val loss 0.885",
  "failed-simulator": "failed: FloatingPointError: negative variance",
  killed: "broken off · 134/3000, best val loss -0.723",
  resumed: "completed · 220/220, best val loss -0.780",
  "two-nodes": "completed · line 40/40, best val loss -2.32; wave 30/30, best val loss -0.492",
};

for (const [name, line] of Object.entries(lines))
  test(`'${name}': ${line}`, async () => assert.equal((await progressOf(name as RecordedName, false)).summary, line));

test("a run that trains: epoch, loss, its trend, the time that is left; and that it is stuck", async () => {
  const { summary } = await progressOf("stalled", true);
  assert.match(summary, /^200\/3000 · val loss 0\.0388 [▁▂▃▄▅▆▇█]{8} · 3m 0\ds left · no better for 151 epochs$/);
  assert.match((await progressOf("stalled", true, 600_000)).summary, /^stalled: silent for 10m 08s, usually 0s · 200\/3000 · /);
});

test("of several nodes the one that is furthest from its end is told, with its name", async () => {
  const run = await progressOf("two-nodes", true);
  const nodes = run.nodes.map((node) =>
    node.name === "wave"
      ? { ...node, status: "training" as const, fraction: 0.5, epoch: 15, timeLeft: 20 }
      : { ...node, timeLeft: 10 },
  );
  assert.match(summarise({ ...run, phase: "training", nodes }), /^wave 15\/30 · val loss -0\.447 \S+ · 20s left$/);
});

test("the time left of several: unknown is unknown", () => {
  const node = (status: string, timeLeft: number | null, round: unknown = null) =>
    ({ status, timeLeft, round }) as unknown as Parameters<typeof leftSpan>[0][number];
  const left = (least: number, most: number | null) => ({ left: { least, most } });
  for (const [nodes, text] of [
    [[node("training", 10), node("training", 20), node("done", null)], "20s"],
    // one after another: the second has still to begin
    [[node("training", 10), node("waiting", null)], "over 10s"],
    // too young for a rate
    [[node("training", 10), node("training", null)], "over 10s"],
    [[node("waiting", null)], ""],
    [[node("training", null, { left: null })], "unknown"],
    [[node("training", 10), node("training", null, { left: null })], "over 10s"],
    [[node("training", 10), node("training", null, left(5, 60))], "10s to 1m 00s"],
    [[node("training", 10), node("training", null, left(30, null))], "over 30s"],
    [[node("done", null), node("stopped", null)], ""],
  ] as const)
    assert.equal(leftSpan(nodes), text);
});

test("before there are epochs, and after them", async () => {
  const run = await progressOf("plain", true);
  const empty = { ...run, nodes: [], ended: null };
  assert.equal(summarise({ ...empty, phase: "starting" }), "starting");
  assert.equal(summarise({ ...empty, phase: "simulating" }), "simulating the first samples");
  assert.equal(summarise({ ...empty, phase: "training" }), "no progress yet");
  assert.equal(summarise({ ...empty, phase: "unknown" }), "no local logs");
  assert.equal(summarise({ ...empty, phase: "broken off" }), "broken off");
  assert.equal(summarise({ ...empty, phase: "completed" }), "completed · nothing trained");
  assert.equal(summarise({ ...empty, phase: "failed" }), "failed");
  assert.equal(summarise({ ...run, phase: "sampling" }), "trained, drawing samples");
  assert.equal(summarise({ ...empty, phase: "simulating", stopping: true }), "simulating the first samples · stopping");
});

test("epochs are counted over all launches", async () => {
  const [node] = (await progressOf("resumed", false)).nodes;
  assert.ok(node);
  assert.equal(epochText(node), "220/220");
  assert.equal(epochText({ ...node, epoch: 187 }), "187/220");
  assert.equal(epochText({ ...node, epoch: null, epochs: 110 }), "0/110");
  assert.equal(epochText({ ...node, epoch: 7, epochs: null }), "7");
  assert.equal(epochText({ ...node, epoch: null, epochs: null }), "-");
});

test("what was rounded does not look exact", () => {
  assert.deepEqual([-1.005, -1, -0.78, -0.7801, 12, 0.5].map(number), ["-1.00", "-1", "-0.78", "-0.780", "12", "0.5"]);
});

test("numbers have three digits, spans their two largest units", () => {
  assert.deepEqual([0, -2.3169, 0.003, 0.00009375, 1234567, 99_999, -0.7].map(number), [
    "0",
    "-2.32",
    "0.003",
    "9.38e-5",
    "1.23e+6",
    "100000",
    "-0.7",
  ]);
  assert.deepEqual([-1, 0.4, 45, 60, 252, 3600, 11_100, 86_400, 187_200].map(span), [
    "0s",
    "0s",
    "45s",
    "1m 00s",
    "4m 12s",
    "1h 00m",
    "3h 05m",
    "1d 0h",
    "2d 4h",
  ]);
});
