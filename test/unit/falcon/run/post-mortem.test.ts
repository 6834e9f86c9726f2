// How a run ended: from the recorded ends of the real falcon, and from facts that no recording has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { postMortem } from "../../../../src/trainers/falcon/run/post-mortem.ts";
import type { EndFacts } from "../../../../src/trainers/run/ending.ts";
import type { RunProgress } from "../../../../src/trainers/run/run.ts";
import { type RecordedName, recorded, recordedOutput } from "../../../support/recorded.ts";

const told = (name: RecordedName, more: Partial<EndFacts> = {}) =>
  postMortem({
    status: recorded(name).status,
    signal: recorded(name).signal === 9 ? "SIGKILL" : null,
    output: recordedOutput(name),
    outOfMemory: false,
    lost: false,
    ...more,
  });

const ended = (status: number | null, text: string, more: Partial<EndFacts> = {}) =>
  postMortem({ status, signal: null, output: Buffer.from(text), outOfMemory: false, lost: false, ...more });

/** Of a run's state only what a post-mortem looks at. */
const run = (saved: boolean, failure: string | null = null) => ({ saved, failure }) as RunProgress;

test("trained to its end: completed, with falcon's own summary", () => {
  const end = told("plain");
  assert.deepEqual([end.ending, end.sentence, end.traceback, end.error, end.saved], ["completed", "completed", null, null, null]);
  assert.deepEqual(end.summary, [
    "falcon launch completed",
    "Output:  run",
    "Samples: run/samples",
    "Logs:    run/graph/driver/output.log  (driver)",
    "         run/graph/<node>/output.log  (per-node: theta, x)",
    "Started: 2026-11-24 08:30:43",
    "Ended:   2026-11-24 08:31:06",
    "Runtime: 23s",
    "Ray:     1 node(s) | 2 CPU, 0 GPU, 16.0 GB",
    "Nodes:",
    "  theta: done | 60/60 epochs | loss=-0.3413 | 2304 sims",
    "  x: idle",
    "Samples generated: 2432 total | 2304 train, 128 val (2432 live in buffer)",
  ]);
  assert.equal(told("two-nodes").summary?.includes("  wave: done | 30/30 epochs | loss=-0.4471 | 2240 sims"), true);
  assert.equal(told("resumed").summary?.includes("Runtime: 17s"), true, "the last launch's");
});

test("one Ctrl+C: stopped, the model is saved", () => {
  const end = told("interactive", { interrupts: 1, run: run(true) });
  assert.deepEqual([end.ending, end.sentence, end.saved], ["stopped", "stopped gracefully; the model is saved", true]);
  assert.equal(end.summary?.[0], "falcon launch interrupted");
});

test("two: stopped by force, not saved; the KeyboardInterrupt is no failure of the run", () => {
  for (const more of [{}, { interrupts: 2, run: run(false) }]) {
    const end = told("forced", more);
    assert.deepEqual([end.ending, end.sentence], ["forced", "stopped by force; the model of this launch is not saved"]);
    assert.deepEqual([end.traceback, end.error], [null, null]);
    assert.equal(end.summary?.includes("  theta: training | 10/3000 epochs | loss=0.8847 | 2176 sims"), true);
  }
});

test("a simulator that raises: the exception, with its whole traceback", () => {
  const end = told("failed-simulator");
  assert.deepEqual([end.ending, end.sentence], ["failed", "failed: FloatingPointError: negative variance"]);
  assert.equal(end.error, "FloatingPointError: negative variance");
  assert.equal(end.traceback?.[0], "Traceback (most recent call last):");
  assert.equal(end.traceback?.at(-1), "FloatingPointError: negative variance");
  assert.ok(end.traceback?.includes('  File "/project/simulator.py", line 27, in simulate_batch'));
  assert.match(end.summary?.[0] ?? "", /^falcon launch failed \(/);
});

test("a signal, and whether the model was saved before it", () => {
  assert.deepEqual([told("killed").ending, told("killed").sentence], ["killed", "killed by SIGKILL"]);
  assert.equal(told("killed", { run: run(false) }).sentence, "killed by SIGKILL; the model of this launch is not saved");
  assert.equal(ended(143, "").sentence, "ended by SIGTERM (status 143)");
});

test("out of memory: by the kernel's word, or by Python's, torch's and Ray's", () => {
  const killed = told("killed", { outOfMemory: true, run: run(false) });
  assert.deepEqual(
    [killed.ending, killed.sentence],
    ["out of memory", "out of memory: killed by SIGKILL; the model of this launch is not saved"],
  );
  const trace = (last: string) => `Traceback (most recent call last):\n  File "a.py", line 1, in b\n${last}\n`;
  for (const last of [
    "MemoryError",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
    "ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory.",
  ])
    assert.equal(ended(1, trace(last)).ending, "out of memory", last);
  assert.equal(ended(1, `cache is out of memory, going on\n${trace("ValueError: x")}`).ending, "failed", "not the reason");
  assert.equal(ended(0, "", { outOfMemory: true }).ending, "completed", "some worker was killed, the run went on");
});

test("a traceback that somebody caught is not why a run ended that ended well", () => {
  const ruler = "=".repeat(60);
  const caught = 'Traceback (most recent call last):\n  File "a.py", line 1, in b\nValueError: x\n';
  for (const [outcome, ending] of [
    ["completed", "completed"],
    ["interrupted", "stopped"],
  ]) {
    const summary = `${ruler}\nfalcon launch ${outcome}\nOutput:  run\n${ruler}\n`;
    // also in the driver's log, as of an earlier launch
    const end = ended(0, `${caught}${summary}`, { run: run(true, "ValueError: x") });
    assert.deepEqual([end.ending, end.traceback, end.error], [ending, null, null]);
  }
  assert.equal(ended(1, caught).error, "ValueError: x");
});

test("nobody saw the end", () => {
  const end = told("killed", { lost: true, signal: null, run: run(true) });
  assert.deepEqual([end.ending, end.saved], ["lost", true]);
  assert.match(end.sentence, /^nobody saw how it ended .*; the model is saved$/);
});

test("a failure without a traceback, with one in falcon's summary alone, with one in the driver's log alone", () => {
  assert.equal(ended(3, "what\n").sentence, "failed with status 3");
  const ruler = "=".repeat(60);
  const summary = `${ruler}\nfalcon launch failed (KeyError: 'no such column')\nOutput:  run\n${ruler}\n`;
  assert.equal(ended(1, summary).error, "KeyError: 'no such column'");
  // a remote exception brings its whole traceback into the summary, which has the reason alone then
  const remote = `${ruler}\nfalcon launch failed (RuntimeError: Failed to initialize node 'x': died\n  File "a.py", line 3, in f\n    g()\nImportError: no g)\nOutput:  run\nRuntime: 7s\n${ruler}\n`;
  assert.deepEqual(ended(1, remote).summary, ["falcon launch failed (ImportError: no g)", "Output:  run", "Runtime: 7s"]);
  assert.equal(ended(1, remote).error, "ImportError: no g");
  assert.equal(ended(1, "", { run: run(false, "ValueError: by the log") }).sentence, "failed: ValueError: by the log");
});

test("chained tracebacks are one; a very long one is cut in its middle", () => {
  const chained = [
    "Traceback (most recent call last):",
    '  File "a.py", line 1, in a',
    "KeyError: 'k'",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "b.py", line 2, in b',
    "RuntimeError: because",
  ];
  const end = ended(1, `before\n${chained.join("\n")}\n`);
  assert.deepEqual(end.traceback, chained);
  assert.equal(end.error, "RuntimeError: because");
  const frames = Array.from({ length: 500 }, (_, i) => `  File "deep.py", line ${i}, in f`);
  const long = ended(1, ["Traceback (most recent call last):", ...frames, "RecursionError: too deep"].join("\n"));
  assert.equal(long.traceback?.length, 81);
  assert.equal(long.traceback?.[40], "  ... 422 lines left out ...");
  assert.equal(long.traceback?.at(-1), "RecursionError: too deep");
});
