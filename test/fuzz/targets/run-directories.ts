// A run directory that anybody may have filled: in random places pipes, devices, sockets, folders, links and
// files that unpack to a lot, which come and go between two looks, while the clocks jump.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { zipSync } from "fflate";
import { RunWatcher } from "../../../src/trainers/falcon/run/progress.ts";
import { lookAside } from "../../../src/trainers/reading/foreign-files.ts";
import type { RunProgress } from "../../../src/trainers/run/run.ts";
import type { Target } from "../target.ts";

const folder = fs.mkdtempSync(fs.existsSync("/dev/shm") ? "/dev/shm/fs-fuzz-" : "/tmp/fs-fuzz-");
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
const run = path.join(folder, "run");
/** A pipe and a socket, which are linked to where they are wanted. */
const pipe = path.join(folder, "pipe");
const socket = path.join(folder, "socket");

const places = [
  "config.yml",
  "config.yaml",
  "graph",
  "graph/driver",
  "graph/driver/output.log",
  "graph/z",
  "graph/z/output.log",
  "graph/z/z.pth",
  "graph/z/metrics",
  ...["epoch", "loss", "val/loss"].flatMap((name) => [`graph/z/metrics/${name}`, `graph/z/metrics/${name}/chunk_000000.npz`]),
];
const config = "logging: {local: {enabled: true}}\npaths: {graph: graph}\ngraph:\n  z: {estimator: {max_epochs: 300}}\n";
const log = [
  "2026-02-06T08:01:48 [INFO] [z] Training started",
  "2026-02-06T08:01:49 [INFO] Epoch 3/300 | steps=4 | n_sims=512 | loss=-2.911 | val_loss=nan | lr=1.0e-03",
  "2026-02-06T08:01:51 [INFO] [z] Training completed",
].join("\n");
/** Each alias has all of the last one nine times. */
const aliases = Array.from(
  { length: 12 },
  (_, i) =>
    `a${i}: &a${i} [${
      i === 0
        ? "x"
        : Array(9)
            .fill(`*a${i - 1}`)
            .join()
    }]`,
).join("\n");
const zeros = zipSync({ "value.npy": Buffer.alloc(4 << 20), "step.npy": Buffer.alloc(4 << 20) });

/** What stands at a place, by its number. */
const things: readonly ((file: string) => void)[] = [
  (file) => fs.linkSync(pipe, file),
  (file) => fs.linkSync(socket, file),
  (file) => fs.symlinkSync("/dev/zero", file),
  (file) => fs.symlinkSync("/dev/full", file),
  (file) => fs.symlinkSync("/dev/tty", file),
  (file) => fs.symlinkSync(path.basename(file), file),
  (file) => fs.symlinkSync("/proc/self/fd", file),
  (file) => fs.symlinkSync("nowhere", file),
  (file) => fs.symlinkSync(run, file),
  (file) => fs.mkdirSync(file),
  (file) => fs.writeFileSync(file, ""),
  (file) => fs.writeFileSync(file, config),
  (file) => fs.writeFileSync(file, log),
  (file) => fs.writeFileSync(file, aliases),
  (file) => fs.writeFileSync(file, zeros),
  // without a block on the disk
  (file) => {
    fs.writeFileSync(file, log);
    fs.truncateSync(file, 2 ** 34);
  },
  (file) => fs.writeFileSync(file, "x", { mode: 0 }),
];

let listener: net.Server | undefined;

/** The folder for one input; the pipe and the socket are made once. */
async function begin(): Promise<void> {
  if (listener === undefined) {
    execFileSync("mkfifo", [pipe]);
    listener = net.createServer();
    await new Promise<void>((done) => listener?.listen(socket, done));
    listener.unref();
  }
  fs.rmSync(run, { recursive: true, force: true });
  fs.mkdirSync(path.join(run, "graph/driver"), { recursive: true });
  fs.mkdirSync(path.join(run, "graph/z/metrics/loss"), { recursive: true });
  fs.writeFileSync(path.join(run, "config.yml"), config);
  fs.writeFileSync(path.join(run, "graph/driver/output.log"), log);
  fs.writeFileSync(path.join(run, "graph/z/output.log"), log);
}

/** Puts one thing at one place, whatever is there. */
function put(place: string, thing: (file: string) => void): void {
  const file = path.join(run, place);
  try {
    fs.rmSync(file, { recursive: true, force: true });
    thing(file);
  } catch {
    // its folder is none now
  }
}

export const targets: readonly Target[] = [
  {
    name: "run-directories",
    what: "a run directory of pipes, devices, links and bombs, at clocks that jump: each look ends, with what is known or an Error",
    inputs: 4_000,
    longest: 40,
    seeds: () => [
      // each thing as configuration, as log and as metric, with a look behind it
      ...things.map((_, i) => Buffer.from([0, i, 0xf0, 0, 4, i, 0xf0, 1, 10, i, 0xf0, 2])),
      Buffer.from([0xf1, 200, 0xf0, 0, 0xf1, 10, 0xf0, 0]),
    ],
    async run(input) {
      await begin();
      let [wall, steady] = [1_770_000_000_000, 1_000];
      const watcher = new RunWatcher({ run, look: lookAside, directory: run, clock: () => ({ wall, steady }) });
      const looks = [() => watcher.read(true), () => watcher.curves(), () => watcher.series(), () => watcher.read(false)];
      const look = async (which: number): Promise<void> => {
        try {
          const told = await (looks[which % looks.length] as () => Promise<unknown>)();
          assert.ok(JSON.stringify(told).length < 1 << 20, "what is told is bounded");
          const { silence, timeLeft } = told as Partial<RunProgress>;
          for (const duration of [silence, timeLeft]) assert.ok((duration ?? 0) >= 0, `no duration: ${silence}, ${timeLeft}`);
        } catch (error) {
          if (!(error instanceof Error) || error instanceof assert.AssertionError || error instanceof TypeError) throw error;
        }
      };
      for (let at = 0; at + 1 < input.length; at += 2) {
        const [what, which] = [input[at] as number, input[at + 1] as number];
        if (what === 0xf1) {
          // up to four days to either side, while little time passes
          wall += (which - 128) * 2_700_000;
          steady += which;
        } else if (what >= 0xf0) await look(which);
        else put(places[what % places.length] as string, things[which % things.length] as (file: string) => void);
      }
      await look(0);
      await look(2);
    },
    dispose: () => {
      listener?.close();
    },
  },
];
