// The two clocks, and a wait that has a limit. That nothing else reads one is test/unit/check-files.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { steady, wall, within } from "../../../src/base/clock.ts";

test("the wall clock tells the time, the steady one passes", () => {
  assert.ok(Math.abs(wall() - Date.now()) < 1000);
  const [first, second] = [steady(), steady()];
  assert.ok(second >= first);
});

test("what takes longer than its limit is not waited for, and may fail later", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  assert.equal(await within(10, Promise.resolve("done")), "done");
  await assert.rejects(within(10, Promise.reject(new Error("its own"))), /its own/);
  let fail = (_: Error): void => {};
  const late = within(
    10,
    new Promise((_, reject) => {
      fail = reject;
    }),
  );
  t.mock.timers.tick(10);
  assert.equal(await late, undefined);
  fail(new Error("nobody's"));
});
