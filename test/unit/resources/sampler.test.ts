// When sessions are measured, what is made of the kernel's and the driver's answers, and what is told.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, mock, test } from "node:test";
import type { TreeUsage } from "../../../src/platform/native.ts";
import type { Finding } from "../../../src/resources/findings.ts";
import type { Gpu, GpuProcess } from "../../../src/resources/nvidia.ts";
import { type SampledSession, UsageSampler } from "../../../src/resources/sampler.ts";

let folder = "";
let now = 0;
/** How far the wall clock was set from where it was. */
let set = 0;
let sampler: UsageSampler;
let live: SampledSession[] = [];
let tree: Partial<TreeUsage> = {};
let asked: boolean[] = [];
let wanted: boolean[] = [];
let driver = false;
let gpus: Gpu[] = [];
let processes: GpuProcess[] = [];
let told: [string, Finding][] = [];

const session = (id: string, more: Partial<SampledSession> = {}): SampledSession => {
  fs.mkdirSync(path.join(folder, id), { recursive: true });
  return {
    id,
    folder: path.join(folder, id),
    command: ["x"],
    environment: {},
    started: 0,
    holderPid: 10,
    programPid: 11,
    ...more,
  };
};
const settle = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};
/** Lets time go by in steps of a second. */
async function pass(seconds: number, each: () => void = () => {}): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    now += 1000;
    each();
    mock.timers.tick(1000);
    await settle();
  }
}

beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/fs-sampler-");
  [now, set, live, asked, wanted, told] = [0, 0, [], [], [], []];
  [driver, gpus, processes] = [false, [], []];
  tree = {};
  mock.timers.enable({ apis: ["setTimeout"] });
  sampler = makeSampler();
});
afterEach(() => {
  sampler.dispose();
  mock.timers.reset();
  fs.rmSync(folder, { recursive: true });
});

function makeSampler(): UsageSampler {
  return new UsageSampler({
    live: () => live,
    sample: async (roots, lookForGpu) => {
      asked.push(lookForGpu);
      const none = { gpu: false, cpu: 0, anonymous: 0, shared: 0, written: 0, pids: [11], actors: [] };
      return roots.map((root) => ({ ...none, root, ...tree }));
    },
    gpus: { want: (is) => wanted.push(is), gpus: () => gpus, processes: () => processes },
    hasDriver: () => driver,
    limitPlace: () => ({ folder: undefined, limit: 16e9 }),
    memoryUse: () => ({ limit: 16e9, used: 8e9, by: "machine" }),
    found: (id, finding) => told.push([id, finding]),
    clock: () => now + set,
    steady: () => now,
    log: () => {},
  });
}

test("each five seconds while it moves, ever more seldom up to a minute while it does not, and at once again", async () => {
  live = [session("a")];
  sampler.changed();
  await pass(31, () => {
    tree.cpu = (tree.cpu ?? 0) + 0.5;
  });
  assert.equal(asked.length, 7, "after one second, then each five");
  assert.equal(sampler.of("a")?.cpu, 0.5);
  const before = asked.length;
  await pass(300);
  const quiet = asked.length - before;
  assert.ok(quiet >= 6 && quiet <= 9, String(quiet));
  await pass(60, () => {
    tree.cpu = (tree.cpu ?? 0) + 0.5;
  });
  const busy = asked.length;
  await pass(30, () => {
    tree.cpu = (tree.cpu ?? 0) + 0.5;
  });
  assert.ok(asked.length - busy >= 5);
  assert.equal(sampler.of("a")?.memoryShare, 0.5);
});

test("a server that comes later goes on; the last look counts what the dead have used, and its peak is kept", async () => {
  live = [session("a")];
  tree = { cpu: 2, anonymous: 3e9, shared: 1e9 };
  sampler.changed();
  await pass(2);
  assert.equal(sampler.of("a")?.memory, 4e9);
  tree = { cpu: 7, pids: [], anonymous: 0, shared: 0 };
  await pass(1);
  const usage = await sampler.finish(live[0] as SampledSession);
  assert.deepEqual([usage?.cpu, usage?.memory, usage?.memoryPeak, usage?.memoryShare], [null, 4e9, 4e9, 0.5]);
  assert.ok(Math.abs((usage?.cpuSeconds ?? 0) - 7) < 1e-6);
  live = [];
  sampler.changed();
  assert.equal(sampler.of("a"), undefined);
  assert.equal(sampler.series({ id: "a", folder: path.join(folder, "a") }).length, 2, "what its folder has");
});

test("of a session whose end nobody measured it is told what was kept of its life", async () => {
  live = [session("a")];
  tree = { cpu: 2, anonymous: 3e9, written: 5e6 };
  sampler.changed();
  await pass(2);
  sampler.dispose();
  const next = makeSampler();
  const [a] = live as [SampledSession];
  live = [];
  next.changed();
  const usage = await next.finish(a);
  assert.deepEqual([usage?.cpu, usage?.memory, usage?.memoryPeak, usage?.time], [null, 3e9, 3e9, 1000]);
  assert.deepEqual([usage?.cpuSeconds, usage?.written], [2, 5e6]);
  assert.equal(usage?.memoryShare, null, "it may have ended long after");
  assert.equal(await next.finish(session("never measured")), undefined);
  next.dispose();
});

test("workers of a Ray that ran before are not known: neither their memory nor their processors", async () => {
  live = [
    session("a", { command: ["falcon", "launch", "ray.init.address=auto"] }),
    session("b", { environment: { RAY_ADDRESS: "local" } }),
  ];
  tree = { cpu: 3, anonymous: 1e9 };
  sampler.changed();
  await pass(2);
  const there = sampler.of("a");
  assert.deepEqual([there?.cpu, there?.memory, there?.elsewhere], [null, null, true]);
  assert.equal(sampler.of("b")?.elsewhere, false);
});

test("the driver is asked while a session has a GPU open, and its answers are the session's share", async () => {
  live = [session("a")];
  await pass(1);
  sampler.changed();
  await pass(5);
  assert.ok(!asked.includes(true) && !wanted.includes(true), "without a driver nobody looks");
  driver = true;
  await pass(6, () => {
    tree.cpu = (tree.cpu ?? 0) + 1;
  });
  assert.ok(asked.includes(true));
  assert.ok(!wanted.includes(true), "none is open");
  tree.gpu = true;
  gpus = [{ index: 0, uuid: "GPU-1", name: "A", use: 0.75, memory: 5, memoryTotal: 10, power: 100, temperature: 50, mig: false }];
  processes = [{ uuid: "GPU-1", pid: 11, memory: 4 }];
  await pass(60, () => {
    tree.cpu = (tree.cpu ?? 0) + 1;
  });
  assert.equal(wanted.at(-1), true);
  const usage = sampler.of("a");
  assert.deepEqual([usage?.gpu, usage?.gpuMemory, usage?.gpus[0]?.power], [0.75, 4, 100]);
  assert.ok((usage?.gpuSeconds ?? 0) > 20);
  live = [];
  sampler.changed();
  assert.equal(wanted.at(-1), false, "gone with the last");
});

test("what is found is told once until it is over", async () => {
  live = [session("a")];
  sampler.changed();
  const grow = () => {
    tree.cpu = (tree.cpu ?? 0) + 0.5;
    tree.anonymous = (tree.anonymous ?? 7e9) + 2e5;
  };
  await pass(2400, grow);
  assert.deepEqual(
    told.map(([id, { kind }]) => [id, kind]),
    [["a", "memory-growth"]],
  );
  assert.match(told[0]?.[1].sentence ?? "", /^memory grows by 0\.7 GB\/h, full in 1[0-9] h$/);
});

test("a clock that is set ahead makes no GPU hours and no idle GPU", async () => {
  live = [session("a")];
  driver = true;
  tree.gpu = true;
  gpus = [{ index: 0, uuid: "GPU-1", name: "A", use: 0, memory: 5, memoryTotal: 10, power: 100, temperature: 50, mig: false }];
  processes = [{ uuid: "GPU-1", pid: 11, memory: 4 }];
  sampler.changed();
  const work = () => {
    tree.cpu = (tree.cpu ?? 0) + 1;
  };
  await pass(31, work);
  assert.equal(sampler.of("a")?.gpuSeconds, 31);
  set = 3 * 3_600_000;
  await pass(10, work);
  assert.equal(told.length, 0);
  assert.deepEqual([sampler.of("a")?.gpuSeconds, sampler.of("a")?.cpu, sampler.of("a")?.time], [41, 1, set + 41_000]);
  // so long it is told of
  await pass(2 * 3600, work);
  assert.deepEqual(
    told.map(([, { sentence }]) => sentence),
    ["GPU 0 % for 2 h"],
  );
});

test("a clock that is set ahead while a model is loaded makes no growth of memory", async () => {
  live = [session("a")];
  tree.anonymous = 1e9;
  const work = () => {
    tree.cpu = (tree.cpu ?? 0) + 1;
  };
  sampler.changed();
  await pass(11, work);
  set = 50 * 60_000;
  tree.anonymous = 12e9;
  await pass(30, work);
  assert.equal(sampler.of("a")?.memory, 12e9);
  assert.deepEqual(told, []);
});

test("a clock that is set back ends no measuring, in this server and in the next", async () => {
  live = [session("a")];
  set = 3_600_000;
  const work = () => {
    tree.cpu = (tree.cpu ?? 0) + 0.5;
    tree.anonymous = now * 1e5;
  };
  sampler.changed();
  await pass(31, work);
  set = 0;
  await pass(10, work);
  const usage = sampler.of("a");
  assert.deepEqual([usage?.cpu, usage?.memory], [0.5, 41_000 * 1e5]);
  sampler.dispose();
  const next = makeSampler();
  next.changed();
  await pass(31, work);
  assert.deepEqual([next.of("a")?.cpu, next.of("a")?.memory], [0.5, 72_000 * 1e5]);
  assert.equal(next.of("a")?.cpuSeconds, 0.5 * 72);
  next.dispose();
});

test("how full the memory was before the end is told, though the clock was set meanwhile", async () => {
  live = [session("a")];
  sampler.changed();
  await pass(31);
  set = 3_600_000;
  tree.pids = [];
  const usage = await sampler.finish(live[0] as SampledSession);
  assert.equal(usage?.memoryShare, 0.5);
});
