// The limit that a process has: the smallest of its control groups above it, of both versions, else the
// machine's memory.
import assert from "node:assert/strict";
import { test } from "node:test";
import { limitPlace, memoryUse } from "../../../src/resources/memory-limit.ts";

const meminfo = "MemTotal:       16000000 kB\nMemFree: 100 kB\nMemAvailable:    4000000 kB\n";
const reader = (files: Record<string, string>) => (file: string) => ({ "/proc/meminfo": meminfo, ...files })[file];

test("version 2: the smallest above, and what cannot be had back of it", () => {
  const read = reader({
    "/sys/fs/cgroup/job/step/memory.max": "max\n",
    "/sys/fs/cgroup/job/memory.max": "8000000000\n",
    "/sys/fs/cgroup/job/memory.stat": "anon 6000000000\nfile 1900000000\nshmem 500000000\n",
  });
  const place = limitPlace(1, read, () => "/sys/fs/cgroup/job/step");
  assert.deepEqual(place, { folder: "/sys/fs/cgroup/job", limit: 8e9 });
  assert.ok(place);
  assert.deepEqual(memoryUse(place, read), { limit: 8e9, used: 6.5e9, by: "group" });
  assert.equal(memoryUse(place, reader({})), undefined, "the group is gone");
});

test("version 1: what is below it counts, a number beyond all memory is none", () => {
  const read = reader({
    "/sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes": "2000000000\n",
    "/sys/fs/cgroup/memory/slurm/memory.limit_in_bytes": "9223372036854771712\n",
    "/sys/fs/cgroup/memory/slurm/job_7/memory.stat": "rss 1000\nshmem 10\ntotal_rss 1900000000\ntotal_shmem 50000000\n",
  });
  const place = limitPlace(1, read, () => "/sys/fs/cgroup/memory/slurm/job_7");
  assert.deepEqual(place, { folder: "/sys/fs/cgroup/memory/slurm/job_7", limit: 2e9 });
  assert.ok(place);
  assert.deepEqual(memoryUse(place, read), { limit: 2e9, used: 1.95e9, by: "group" });
});

test("without a limit of its own the machine's memory", () => {
  const place = limitPlace(1, reader({}), () => null);
  assert.deepEqual(place, { folder: undefined, limit: 16_384_000_000 });
  assert.ok(place);
  assert.deepEqual(memoryUse(place, reader({})), { limit: 16_384_000_000, used: 12_288_000_000, by: "machine" });
  assert.equal(
    limitPlace(
      1,
      () => undefined,
      () => null,
    ),
    undefined,
    "a system that tells nothing",
  );
});
