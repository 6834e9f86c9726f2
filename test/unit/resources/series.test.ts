// Usage over a run's life: bounded, exact where it is new, and right in its sums and peaks however old it is.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { merged, type UsageSample } from "../../../src/resources/sample.ts";
import { mostSamples, UsageSeries } from "../../../src/resources/series.ts";
import { appendUsage, readUsage, writeUsage } from "../../../src/resources/usage-file.ts";
import { sampleAt } from "../../support/usage-samples.ts";

test("two stretches are one: means by time, the greatest of what is a peak, what only one knows", () => {
  const one = sampleAt(10_000, { span: 10, cpu: 2, peak: 5, memory: 4, gpu: null });
  const both = merged(one, sampleAt(15_000, { span: 5, cpu: 0.5, peak: 3, memory: 1, gpu: 0.5, temperature: 60 }));
  assert.deepEqual(
    [both.time, both.span, both.cpu, both.memory, both.peak, both.gpu, both.temperature],
    [15_000, 15, 1.5, 3, 5, 0.5, 60],
  );
});

test("a week of samples fits, the last hour as it was measured, sums and peaks as they were", () => {
  const series = new UsageSeries();
  const count = (7 * 86_400) / 5;
  for (let i = 1; i <= count; i++) series.add(sampleAt(i * 5000, { cpu: i % 2, peak: i === 1000 ? 9e9 : 1e9 }));
  assert.ok(series.samples.length <= mostSamples, String(series.samples.length));
  assert.ok(series.samples.slice(-mostSamples / 2).every(({ span }) => span === 5));
  assert.equal(
    series.samples.reduce((sum, { span }) => sum + span, 0),
    count * 5,
  );
  assert.ok(Math.abs(series.total("cpu") - (count * 5) / 2) < 1);
  assert.equal(series.peak, 9e9);
  assert.ok(
    Math.max(...series.samples.map(({ span }) => span)) <= 7 * 86_400 * 0.05,
    "no stretch tells more than a twentieth of it",
  );
  for (let i = 1; i < series.samples.length; i++)
    assert.ok((series.samples[i - 1] as UsageSample).time < (series.samples[i] as UsageSample).time);
});

test("a clock that went back adds nothing, one that jumped ahead ends no bound", () => {
  const series = new UsageSeries([sampleAt(5000)]);
  assert.equal(series.add(sampleAt(4000)), false);
  assert.equal(series.samples.length, 1);
  for (let i = 1; i < 4000; i++) series.add(sampleAt(5000 + i * i * 5000, { span: i * 10 }));
  assert.ok(series.samples.length <= mostSamples);
});

test("what is written is read again; torn and foreign lines are passed over", () => {
  const folder = fs.mkdtempSync("/tmp/fs-usage-");
  try {
    assert.deepEqual(readUsage(folder).samples, []);
    const samples = [sampleAt(1000), sampleAt(6000, { gpu: 0.97126, share: null })];
    for (const sample of samples) appendUsage(folder, sample);
    const file = path.join(folder, "usage");
    fs.appendFileSync(file, '{"of":"another version"}\n["x",5]\n[7000,5,1');
    assert.deepEqual(readUsage(folder).samples, [samples[0], { ...samples[1], gpu: 0.9713 }]);
    writeUsage(folder, readUsage(folder));
    assert.equal(fs.readFileSync(file, "utf8").split("\n").length, 3);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
    fs.writeFileSync(file, "x".repeat(10 << 20));
    assert.deepEqual(readUsage(folder).samples, [], "a file that is none of ours is not read whole");
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
