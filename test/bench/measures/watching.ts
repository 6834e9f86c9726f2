// What it costs to watch runs that train: `falcon sessions --watch` looks at their files and draws once a
// second.
import { execFile, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { until } from "../../support/events.ts";
import { falcon } from "../../support/paths.ts";
import { keepAwake } from "../awake.ts";
import { amount, type Bench, figure, type Measure } from "../bench.ts";
import type { Command } from "../drivers.ts";
import { cpuMs, settled } from "../facts.ts";
import { makeSide } from "../sides.ts";

/** Epochs that stand in each log when the watching begins: a run of some hours. */
const earlier = 5000;

/** Bytes that a process has read so far, as the kernel counts them. */
const readBytes = (pid: number) => Number(/rchar: (\d+)/.exec(fs.readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);

/** A log's time: local, whole seconds. */
function stamp(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/** What is watched. */
interface Crowd {
  runs: number;
  /** Nodes that each run trains. */
  nodes: number;
  /** Sessions that are over. */
  ended: number;
}

const ten: Crowd = { runs: 10, nodes: 1, ended: 0 };

/** As many as a list gets, of which what runs fills the screen. */
const crowd: Crowd = { runs: 20, nodes: 4, ended: 180 };

const epochLine = (epoch: number) =>
  `${stamp()} [INFO] Epoch ${epoch}/100000 | steps=${epoch * 16} | n_sims=8192 | train_loss=-7.137e-01 | val_loss=-3.413e-01 | lr=3.000e-03\n`;

/** The server and the helpers that look at files of users for it. */
function withHelpers(server: number): number[] {
  const children = fs.readFileSync(`/proc/${server}/task/${server}/children`, "utf8").split(" ").filter(Boolean);
  const helpers = children.filter((pid) => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("aside-helper"));
  return [server, ...helpers.map(Number)];
}

/** Bytes that they asked the kernel for. */
function readByAll(server: number): number {
  return withHelpers(server).reduce((sum, pid) => sum + readBytes(pid), 0);
}

/** Sessions that are started in one moment. */
const startedAtOnce = 6;

/** Stands for the trainer; what it would write is written by this measure. */
const program = "#!/bin/sh\nexec sleep 100000\n";

/** @param alone what the runs cost while nobody watches is measured as well. */
async function watch(
  bench: Bench,
  { runs, nodes, ended }: Crowd,
  alone: boolean,
): Promise<{ watched: number; idle: number; read: number; written: number }> {
  // a whole minute: the server looks around each minute, and V8 compiles and collects now and then
  const seconds = amount(bench, 60, 10, 3);
  const side = makeSide("falcon", bench.drivers);
  const folder = fs.mkdtempSync(path.join(bench.drivers.folder, "w-"));
  const { env } = side.list() as Command;
  let letSleep = () => {};
  try {
    const trains = path.join(folder, "trains");
    fs.writeFileSync(trains, program, { mode: 0o700 });
    const logs: string[] = [];
    const names = Array.from({ length: nodes }, (_, n) => `theta${n}`);
    const config = names.map((name) => `  ${name}:\n    estimator:\n      max_epochs: 100000\n`).join("");
    const over = Array.from({ length: ended }, (_, i) => `over${i}`);
    while (over.length > 0)
      await Promise.all(
        over
          .splice(-startedAtOnce)
          .map((name) => promisify(execFile)(falcon, ["run", "-d", "--name", name, "--", "/bin/true"], { env, cwd: folder })),
      );
    for (let i = 0; i < runs; i++) {
      const run = path.join(folder, `run${i}`);
      for (const node of ["driver", ...names]) fs.mkdirSync(path.join(run, "graph", node), { recursive: true });
      fs.writeFileSync(path.join(run, "config.yml"), `graph:\n${config}`);
      await promisify(execFile)(falcon, ["launch", "-d", "--falcon", trains, "-o", run], { env, cwd: folder });
      fs.writeFileSync(path.join(run, "graph/driver/output.log"), `${stamp()} [INFO] Output: ${run}\n`);
      const lines = Array.from({ length: earlier }, (_, e) => epochLine(e + 1));
      for (const name of names) {
        const log = path.join(run, "graph", name, "output.log");
        fs.writeFileSync(log, `${stamp()} [INFO] [${name}] Training started\n${lines.join("")}`);
        logs.push(log);
      }
    }
    const [server = 0] = side.resident().server;
    letSleep = await keepAwake();
    let epoch = earlier;
    let written = 0;
    /** CPU (ms) and bytes read of the server while each run logs an epoch a second. */
    const sample = async () => {
      const before = { cpu: cpuMs(withHelpers(server)), read: readByAll(server) };
      written = 0;
      for (let second = 0; second < seconds; second++) {
        epoch++;
        for (const log of logs) {
          fs.appendFileSync(log, epochLine(epoch));
          written += epochLine(epoch).length;
        }
        await pause(1000);
      }
      return { cpu: cpuMs(withHelpers(server)) - before.cpu, read: readByAll(server) - before.read };
    };
    // a list has the server read what was logged before, once; V8 collects after it what that left behind
    await promisify(execFile)(falcon, ["sessions", "--json"], { env, cwd: folder, maxBuffer: 64 << 20 });
    await until(() => readByAll(server) > logs.length * earlier * 100, "the logs to be read", 60_000);
    await pause(amount(bench, 15_000, 5_000, 0));
    await settled(() => [server], "the server", 30_000);
    const idle = alone ? await sample() : undefined;
    const viewer = bench.drivers.view({ argv: [falcon, "sessions", "--watch"], env });
    await viewer.time("first");
    // V8 compiles what is used often
    await pause(amount(bench, 10_000, 5000, 1000));
    const watched = await sample();
    await viewer.leave();
    return { watched: watched.cpu / seconds, idle: (idle?.cpu ?? 0) / seconds, read: watched.read / written, written };
  } finally {
    letSleep();
    await side.end();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What the machine takes for as little as a Node process can do: CPU (ms) a second of one that wakes ten
 * times a second, as a watched server does, and reads a small file.
 */
async function bareLoop(bench: Bench): Promise<number> {
  const seconds = amount(bench, 30, 10, 1);
  const script = 'setInterval(() => require("fs").readFileSync("/proc/self/stat"), 100)';
  const letSleep = await keepAwake();
  const loop = spawn(process.execPath, ["-e", script], { stdio: "ignore" });
  try {
    await pause(amount(bench, 5000, 2000, 200));
    const before = cpuMs([loop.pid as number]);
    await pause(seconds * 1000);
    return (cpuMs([loop.pid as number]) - before) / seconds;
  } finally {
    letSleep();
    loop.kill("SIGKILL");
  }
}

export const watching: Measure = {
  name: "watching",
  title: "CPU of watching ten runs that train, and 200 sessions of which 20 train four nodes each",
  async run(bench) {
    const { watched, idle, read } = await watch(bench, ten, true);
    const many = await watch(bench, { ...crowd, ended: amount(bench, crowd.ended, crowd.ended, 10) }, false);
    const bare = await bareLoop(bench);
    const one = (key: string, value: number) => ({ falcon: { [key]: [value] } });
    return [
      figure("server while ten runs log an epoch a second, watched by nobody", "ms/s", one("idle", idle), "idle", [
        { atMost: 10 },
      ]),
      figure(
        "the same with falcon sessions --watch on a terminal (10 ms/s: 1 % of a core)",
        "ms/s",
        one("watched", watched),
        "watched",
        [{ atMost: 10 }],
      ),
      figure(
        "200 sessions, 20 of which log an epoch a second on four nodes each, watched (20 ms/s: 2 % of a core)",
        "ms/s",
        one("many", many.watched),
        "many",
        [{ atMost: 20 }],
      ),
      figure("for comparison: Node that wakes ten times a second and reads a small file", "ms/s", one("bare", bare), "bare"),
      figure("bytes that the server read for each byte that the runs wrote", "x", one("read", read), "read"),
    ];
  },
};
