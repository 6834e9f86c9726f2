// Limits of the caller that end or cripple a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLimits } from "../../../src/doctor/limits.ts";

const unlimited = 2n ** 64n - 1n;
const limit = (resource: number, soft: bigint, hard = soft) => ({ resource, soft, hard });
const ids = (...limits: ReturnType<typeof limit>[]) => checkLimits(limits, "linux").map((f) => `${f.severity} ${f.id}`);

test("no limits, and limits that are wide enough, are no findings", () => {
  assert.deepEqual(ids(), []);
  assert.deepEqual(ids(limit(0, unlimited), limit(1, unlimited), limit(6, 95_000n), limit(7, 1024n, 1n << 20n)), []);
});

test("each limit that can end a run", () => {
  assert.deepEqual(ids(limit(0, 3600n)), ["problem cpu-limit"]);
  assert.deepEqual(ids(limit(1, 1n << 30n)), ["problem file-size-limit"]);
  assert.deepEqual(ids(limit(6, 100n)), ["problem process-limit"]);
  assert.deepEqual(ids(limit(7, 256n)), ["problem open-files-limit"]);
  assert.deepEqual(ids(limit(7, 256n, 4096n)), ["warning open-files-limit"], "Ray raises it itself up to the hard limit");
  assert.deepEqual(ids(limit(9, 1n << 32n)), ["warning address-space-limit"]);
});

test("the remedy raises a soft limit, or says who can raise a hard one", () => {
  assert.match(checkLimits([limit(0, 60n, unlimited)], "linux")[0]?.remedy ?? "", /^ulimit -S -t unlimited/);
  assert.match(checkLimits([limit(6, 60n, 300n)], "linux")[0]?.remedy ?? "", /^ulimit -S -u 300/);
  assert.match(checkLimits([limit(0, 60n)], "linux")[0]?.remedy ?? "", /administrator/);
});

test("macOS has other numbers", () => {
  assert.deepEqual(
    checkLimits([limit(8, 100n), limit(7, 100n), limit(0, 2n ** 63n - 1n)], "darwin").map((f) => f.id),
    ["process-limit", "open-files-limit"],
  );
});
