// Durations are measured by the steady clock everywhere: nothing but base/clock.ts reads the wall's.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { steady, wall, within } from "../../../src/base/clock.ts";
import { root } from "../../support/paths.ts";

test("only base/clock.ts reads the wall clock", () => {
  const sources = fs
    .readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== "base/clock.ts");
  assert.ok(sources.length > 100);
  const reading = /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\)/;
  assert.ok(reading.test("new Date()") && reading.test("x = Date.now"));
  const found = sources.filter((file) => reading.test(fs.readFileSync(path.join(root, "src", file), "utf8")));
  assert.deepEqual(found, []);
});

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
