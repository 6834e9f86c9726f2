// What is worth telling of a run's usage, and what is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findings } from "../../../src/resources/findings.ts";
import type { UsageSample } from "../../../src/resources/sample.ts";
import { sampleAt } from "../../support/usage-samples.ts";

const minute = 60_000;
const each = (minutes: number, at: (i: number) => Partial<UsageSample>) =>
  Array.from({ length: minutes }, (_, i) => sampleAt((i + 1) * minute, { span: 60, ...at(i) }));

test("a GPU that has had nothing to do for two hours, not one that was busy a moment in them", () => {
  const idle = each(121, () => ({ gpu: 0.03 }));
  assert.deepEqual(findings(idle, null), [{ kind: "gpu-idle", sentence: "GPU 3 % for 2 h" }]);
  assert.deepEqual(findings(idle.slice(0, 100), null), []);
  assert.deepEqual(
    findings(
      each(121, (i) => ({ gpu: i === 60 ? 0.8 : 0.03 })),
      null,
    ),
    [],
  );
  assert.deepEqual(
    findings(
      each(200, () => ({ gpu: null })),
      null,
    ),
    [],
    "none, or one that tells no use",
  );
});

test("memory that grows towards its limit, with the time that is left", () => {
  // 0.4 GB an hour, 2 GB below the limit of 10
  const growing = each(61, (i) => ({ memory: 7.6e9 + (0.4e9 * i) / 60 + (i % 3) * 1e6 }));
  assert.deepEqual(findings(growing, 10e9), [{ kind: "memory-growth", sentence: "memory grows by 0.4 GB/h, full in 5 h" }]);
  assert.match(findings(growing, 8.2e9)[0]?.sentence ?? "", /full in 30 min$/);
  assert.deepEqual(findings(growing, 100e9), [], "not within a day");
  assert.deepEqual(findings(growing, null), [], "no limit is known");
  assert.deepEqual(findings(growing.slice(0, 20), 10e9), [], "too short to tell growth from a cache that fills");
  assert.deepEqual(
    findings(
      each(61, (i) => ({ memory: 8e9 + (i % 2) * 1e9 })),
      10e9,
    ),
    [],
    "a saw",
  );
  assert.deepEqual(
    findings(
      each(61, (i) => ({ memory: 8e9 - i * 1e7 })),
      10e9,
    ),
    [],
  );
});
