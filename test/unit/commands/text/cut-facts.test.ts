// Lines of facts in little room: no number and no trend of which a part is missing, and whole words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cutFacts } from "../../../../src/commands/text/cut-facts.ts";
import { widthOf } from "../../../../src/commands/text/table.ts";

const training = "61/100 · val loss NaN since epoch 40 ▇▆▅▅▅▄▂▁ · 1m 38s left";

test("what fits stays; then the trend goes, then facts from the end, never half of a number", () => {
  assert.equal(cutFacts(training, 80), training);
  assert.equal(cutFacts(training, 52), "61/100 · val loss NaN since epoch 40 · 1m 38s left");
  assert.equal(cutFacts(training, 45), "61/100 · val loss NaN since epoch 40 …");
  assert.equal(cutFacts(training, 37), "61/100 · val loss NaN since epoch 40", "no room for the ellipsis");
  assert.equal(cutFacts(training, 36), "61/100 · val loss NaN since epoch 40");
  assert.equal(cutFacts(training, 35), "61/100 · val loss NaN since epoch …", "most of a fact");
  assert.equal(cutFacts("142/300 · val loss -0.4 · 6m 35s left", 22), "142/300 …", "no label without its number");
  assert.equal(cutFacts(training, 20), "61/100 …");
  assert.equal(cutFacts("300/300, best val loss -1.23 · ran 8h 59m", 36), "300/300, best val loss -1.23 …");
});

test("a fact that fits in some room is there in more of it", () => {
  const told = "epoch 3/10 · loss 0.5 · 4m left";
  const whole = "epoch 3/10 · loss 0.5";
  for (const width of [21, 22]) assert.equal(cutFacts(told, width), whole);
  for (const width of [23, 24, 25]) assert.equal(cutFacts(told, width), `${whole} …`);
  const counts = "6 ended: 1 failed, 1 lost, 4 stopped";
  for (const width of [25, 26]) assert.equal(cutFacts(counts, width, ", "), "6 ended: 1 failed, 1 lost");
  for (const width of [28, 29, 30]) assert.equal(cutFacts(counts, width, ", "), "6 ended: 1 failed, 1 lost, …");
});

test("a reason is cut between words, a long word inside it", () => {
  const reason = "FileNotFoundError: [Errno 2] No such file or directory: 'data/weights.npz' · status 1";
  assert.equal(cutFacts(reason, 36), "FileNotFoundError: [Errno 2] No …");
  assert.equal(cutFacts(`Error: ${"x".repeat(50)}`, 20), `Error: ${"x".repeat(12)}…`);
});

test("counts end behind a comma; nothing is wider than the room, whatever it is", () => {
  const counts = "▸ 6 ended: 1 completed, 1 failed, 1 stopped, 1 killed, 1 time limit, 1 lost";
  assert.equal(cutFacts(counts, 60, ", "), "▸ 6 ended: 1 completed, 1 failed, 1 stopped, 1 killed, …");
  for (const text of [training, counts, "ヒッグス粒子 · 12/300 · ヒッグス粒子", "", " · ", "a · b"])
    for (let width = 1; width < 90; width++)
      for (const joint of [" · ", ", "] as const) {
        const short = cutFacts(text, width, joint);
        assert.ok(widthOf(short) <= width, `${width}: '${short}'`);
      }
});

test("colours stay whole", () => {
  const red = "61/100 · val loss \x1b[31mNaN since epoch 40\x1b[39m · 1m 38s left";
  assert.equal(cutFacts(red, 35), "61/100 · val loss \x1b[31mNaN since epoch …\x1b[39m");
  assert.equal(cutFacts(red, 36), "61/100 · val loss \x1b[31mNaN since epoch 40\x1b[39m");
  assert.equal(cutFacts(red, 41), "61/100 · val loss \x1b[31mNaN since epoch 40\x1b[39m …");
});
