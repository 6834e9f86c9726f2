// NVIDIA's driver by its program: answers of one GPU, four, MIG, none; a program that hangs, fails, is not
// there, or is an older one.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { PassThrough } from "node:stream";
import { after, before, describe, test } from "node:test";
import { spawnOutside } from "../../../src/base/aside/outside-program.ts";
import { gpuShare } from "../../../src/resources/gpu-share.ts";
import { gpuOf, gpuProcessOf, Nvidia } from "../../../src/resources/nvidia.ts";
import { alive, until } from "../../support/events.ts";
import { nvidiaAnswers } from "../../support/nvidia-answers.ts";

const one = nvidiaAnswers.one.gpus[0] as string;

test("a line of a GPU, of one that is divided, of one that may not be asked, and what is none", () => {
  const gpu = gpuOf(one);
  assert.deepEqual(gpu, {
    index: 0,
    uuid: "GPU-00000000-0000-0000-0000-000000000000",
    name: "NVIDIA H100 80GB HBM3",
    use: 1,
    memory: 19_818 * 2 ** 20,
    memoryTotal: 81_559 * 2 ** 20,
    power: 631.95,
    temperature: 59,
    mig: false,
  });
  const facts = (name: "mig" | "migInContainer" | "notDivisible" | "windows") => {
    const told = gpuOf(nvidiaAnswers[name].gpus[0] as string);
    return [told?.use, told?.memory, told?.power, told?.temperature, told?.mig];
  };
  assert.deepEqual(facts("mig"), [null, 11_125 * 2 ** 20, 433.78, 53, true]);
  assert.deepEqual(facts("migInContainer"), [null, null, null, 47, true]);
  assert.deepEqual(facts("notDivisible"), [0.09, 1235 * 2 ** 20, 110.23, 54, false]);
  assert.deepEqual(facts("windows"), [0.07, 1296 * 2 ** 20, 97.43, 45, false]);
  const [, second] = nvidiaAnswers.mig.processes.map((line) => gpuProcessOf(line));
  assert.deepEqual([second?.pid, second?.memory], [21_181, 1272 * 2 ** 20]);
  assert.deepEqual(
    [gpuProcessOf(nvidiaAnswers.windows.processes[0])?.pid, gpuProcessOf(nvidiaAnswers.windows.processes[0])?.memory],
    [26_660, null],
  );
  for (const line of ["", "No devices were found", "index, uuid", "1,2,3", "0, GPU-x"])
    assert.equal(gpuOf(line), undefined, line);
  assert.deepEqual(gpuProcessOf("GPU-1, 4711, 512"), { uuid: "GPU-1", pid: 4711, memory: 512 * 2 ** 20 });
  assert.deepEqual(gpuProcessOf("GPU-1, [N/A], [N/A]"), { uuid: "GPU-1", pid: null, memory: null });
  assert.equal(gpuProcessOf("No running processes found"), undefined);
});

test("which GPUs a session uses: by its processes, shared with others; else by what it may see", () => {
  const gpus = nvidiaAnswers.four.gpus.flatMap((line) => gpuOf(line) ?? []);
  const on = (index: number, pid: number | null, memory: number | null) => ({ uuid: gpus[index]?.uuid ?? "", pid, memory });
  const share = gpuShare(gpus, [on(1, 10, 100), on(1, 11, 50), on(2, 99, 7), on(2, 10, 3)], [10, 11], undefined);
  assert.deepEqual(
    share?.gpus.map(({ index, shared }) => [index, shared]),
    [
      [1, false],
      [2, true],
    ],
  );
  assert.equal(share?.memory, 153);
  assert.equal(gpuShare(gpus, [on(1, 10, null)], [10], undefined)?.memory, null);
  assert.equal(gpuShare(gpus, [on(0, null, null)], [10], undefined), undefined, "four, and nothing says which");
  assert.deepEqual(
    gpuShare(gpus, [], [10], "3,1")?.gpus.map(({ index }) => index),
    [3, 1],
  );
  assert.deepEqual(
    gpuShare(gpus, [], [10], gpus[2]?.uuid)?.gpus.map(({ index }) => index),
    [2],
  );
  assert.equal(gpuShare(gpus, [], [10], ""), undefined);
  assert.equal(gpuShare(gpus.slice(0, 1), [], [10], undefined)?.memory, null);
});

describe("the program", () => {
  let folder = "";
  let time = 0;
  const monitors: Nvidia[] = [];
  before(() => {
    folder = fs.mkdtempSync("/tmp/fs-nvidia-");
  });
  after(() => {
    for (const monitor of monitors) monitor.want(false);
    fs.rmSync(folder, { recursive: true });
  });
  /** A program that answers with this script: $1 is its first argument. */
  function monitor(script: string): Nvidia {
    const file = path.join(folder, `smi-${monitors.length}`);
    fs.writeFileSync(file, `#!/bin/sh\necho "$$ $*" >> ${file}.started\n${script}\n`, { mode: 0o755 });
    const made = new Nvidia({
      start: (args) => spawn(file, args, { stdio: ["ignore", "pipe", "ignore"] }),
      steady: () => time,
      log: () => {},
    });
    monitors.push(made);
    return made;
  }
  const started = (at: number) =>
    fs
      .readFileSync(path.join(folder, `smi-${at}.started`), "utf8")
      .trim()
      .split("\n")
      .map((line) => Number(line.split(" ")[0]));
  const answering = (name: "one" | "four" | "mig" | "migInContainer") => {
    const { gpus, processes }: { gpus: readonly string[]; processes: readonly string[] } = nvidiaAnswers[name];
    return `case "$1" in --query-gpu*) printf '%s\\n' ${gpus.map((line) => `'${line}'`).join(" ")};; *) ${processes.length === 0 ? ":" : `printf '%s\\n' ${processes.map((line) => `'${line}'`).join(" ")}`};; esac; exec sleep 60`;
  };

  test("one for GPUs and one for processes, for all sessions, gone when nobody wants it", async () => {
    const nvidia = monitor(answering("four"));
    for (let i = 0; i < 5; i++) nvidia.want(true);
    await until(() => nvidia.gpus().length === 4 && nvidia.processes().length === 2, "its answers");
    const pids = started(0);
    assert.equal(pids.length, 2);
    time += 13_000;
    assert.deepEqual(nvidia.gpus(), [], "what was not told for 13 s is not known");
    nvidia.want(false);
    await until(() => pids.every((pid) => !alive(pid)), "both to go");
  });

  test("MIG, and a container that is not told whose processes run", async () => {
    const nvidia = monitor(answering("migInContainer"));
    nvidia.want(true);
    await until(() => nvidia.gpus().length === 1 && nvidia.processes().length === 1, "its answers");
    assert.equal(nvidia.gpus()[0]?.mig, true);
    assert.equal(nvidia.processes()[0]?.pid, null);
    nvidia.want(false);
  });

  test("one that says nothing is given up after half a minute, ended, and not tried again for ten", async () => {
    const nvidia = monitor("exec sleep 60");
    nvidia.want(true);
    await until(() => fs.existsSync(path.join(folder, "smi-2.started")) && started(2).length === 2, "both");
    time += 29_000;
    nvidia.want(true);
    assert.equal(nvidia.problem, "");
    time += 2_000;
    nvidia.want(true);
    assert.match(nvidia.problem, /does not answer/);
    await until(() => started(2).every((pid) => !alive(pid)), "both to go");
    nvidia.want(true);
    time += 599_000;
    nvidia.want(true);
    assert.equal(started(2).length, 2);
    time += 2_000;
    await until(() => {
      nvidia.want(true);
      return started(2).length === 4;
    }, "the next try");
    nvidia.want(false);
  });

  test("what a driver that hangs does not let go is not joined by others, and its pipes are closed", () => {
    const made: ChildProcess[] = [];
    const nvidia = new Nvidia({
      // SIGKILL does nothing to one that the kernel waits for
      start: () => {
        const child = Object.assign(new EventEmitter(), { pid: 1, exitCode: null, signalCode: null, kill() {}, unref() {} });
        made.push(Object.assign(child, { stdout: new PassThrough() }) as unknown as ChildProcess);
        return made.at(-1) as ChildProcess;
      },
      steady: () => time,
      log: () => {},
    });
    nvidia.want(true);
    for (let hours = 0; hours < 3; hours++) {
      time += 31_000;
      nvidia.want(true);
      time += 3_600_000;
      nvidia.want(true);
    }
    assert.match(nvidia.problem, /does not answer/);
    assert.deepEqual(
      made.map(({ stdout }) => stdout?.destroyed),
      [true, true],
    );
    for (const child of made) child.emit("exit", null, "SIGKILL");
    nvidia.want(true);
    assert.equal(made.length, 4, "the driver has let go: another try");
  });

  test("why it fails is said in its words: no driver, no device, no program", async () => {
    for (const [words, status] of nvidiaAnswers.failures) {
      const nvidia = monitor(`echo "${words}"; exit ${status}`);
      nvidia.want(true);
      await until(() => nvidia.problem !== "", "its words");
      assert.equal(nvidia.problem, words);
    }
    const none = new Nvidia({ start: (args) => spawn(path.join(folder, "none"), args), steady: () => time, log: () => {} });
    none.want(true);
    await until(() => none.problem !== "", "the reason");
    assert.match(none.problem, /cannot be run: .*ENOENT/);
    const notOnPath = new Nvidia({
      start: (args) => spawnOutside("nvidia-smi", args, { env: { PATH: folder }, stdio: ["ignore", "pipe", "ignore"] }),
      steady: () => time,
      log: () => {},
    });
    notOnPath.want(true);
    await until(() => notOnPath.problem !== "", "the reason");
    assert.equal(notOnPath.problem, "nvidia-smi is not on PATH");
  });

  test("a flood of lines that are no end of one, and of GPUs that no machine has, is bounded", async () => {
    const nvidia = monitor(
      `case "$1" in --query-gpu*) head -c 3000000 /dev/zero | tr '\\0' x; echo; i=0; while [ $i -lt 4200 ]; do echo "$i, GPU-$i, x, 1, 1, 1, 1, 1, x"; i=$((i+1)); done;; esac; exec sleep 60`,
    );
    nvidia.want(true);
    await until(() => nvidia.gpus().length === 4096, "as many as are kept");
    nvidia.want(false);
  });

  test("an older driver that knows no MIG is asked without it", async () => {
    const plain = one.split(", ").slice(0, -1).join(", ");
    const nvidia = monitor(
      `case "$1" in *mig*) echo 'Field "mig.mode.current" is not a valid field to query.'; exit 2;; --query-gpu*) echo '${plain}';; esac; exec sleep 60`,
    );
    nvidia.want(true);
    await until(() => nvidia.gpus().length === 1, "its answer");
    assert.equal(nvidia.problem, "");
    nvidia.want(false);
  });
});
