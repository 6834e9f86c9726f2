// Inputs that broke a parser once never do again (test/fuzz/found, kept by `npm run test:fuzz`).
import assert from "node:assert/strict";
import { test } from "node:test";
import { replayFound } from "../fuzz/replay.ts";

test("every input that the fuzzer found", async (t) => {
  const { count, problems } = await replayFound();
  t.diagnostic(`${count} inputs`);
  assert.ok(count > 0, "there are some");
  assert.deepEqual(problems, []);
});
