// What is written of refused requests, and when.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { longestSilence, Refusals, shortestSilence } from "../../../src/web/server/refusals.ts";

/** Refusals whose lines are kept here; `there`: whether a session server takes them. */
function kept(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const lines: Record<string, unknown>[] = [];
  const log = { lines, there: true };
  let now = 0;
  const write = async (facts: Record<string, unknown>) => {
    if (log.there) lines.push(facts);
    return log.there;
  };
  const refusals = new Refusals(write, () => now);
  const pass = async (ms: number) => {
    await new Promise(setImmediate);
    now += ms;
    t.mock.timers.tick(ms);
    await new Promise(setImmediate);
  };
  return { log, refusals, pass };
}

test("the first of a kind is told at once, those behind it as a number, with what the last one said", async (t) => {
  const { log, refusals, pass } = kept(t);
  refusals.note("host", { host: "a" });
  assert.deepEqual(log.lines, [{ why: "host", times: 1, host: "a" }]);
  refusals.note("host", { host: "b" });
  refusals.note("host", { host: "c" });
  refusals.note("token");
  assert.deepEqual(log.lines.slice(1), [{ why: "token", times: 1 }]);
  await pass(shortestSilence);
  assert.deepEqual(log.lines.slice(2), [{ why: "host", times: 2, host: "c" }]);
});

for (const pause of [shortestSilence / 2, 2 * shortestSilence, longestSilence / 4])
  test(`one each ${pause / 1000} s is told ever more seldom, and after a silence the next one at once`, async (t) => {
    const { log, refusals, pass } = kept(t);
    const spans = 10;
    for (let passed = 0; passed < spans * longestSilence; passed += pause) {
      refusals.note("host");
      await pass(pause);
    }
    // ten doublings lead to the longest silence
    assert.ok(log.lines.length <= spans + 11, `${log.lines.length} lines`);
    await pass(longestSilence);
    await pass(longestSilence);
    await pass(1);
    const before = log.lines.length;
    refusals.note("host");
    refusals.note("host");
    await pass(shortestSilence);
    const [first, second] = log.lines.slice(before);
    assert.deepEqual([first?.times, second?.times], [1, 1]);
  });

test("what no session server took stands in the number of the next line", async (t) => {
  const { log, refusals, pass } = kept(t);
  log.there = false;
  refusals.note("origin");
  refusals.note("origin");
  await pass(shortestSilence);
  log.there = true;
  refusals.note("origin");
  await pass(2 * shortestSilence);
  assert.deepEqual(log.lines, [{ why: "origin", times: 3 }]);
});
