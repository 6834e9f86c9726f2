// Files of falcon's run directories, which any program may have written: logs, metrics, the configuration;
// and falcon's arguments.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { strToU8, zipSync } from "fflate";
import { readYaml, YamlError } from "../../../src/trainers/falcon/config/yaml.ts";
import { parseLaunch } from "../../../src/trainers/falcon/launch/arguments.ts";
import { DriverLog } from "../../../src/trainers/falcon/run/driver-log.ts";
import { parseBuffer, parseEpoch } from "../../../src/trainers/falcon/run/log-line.ts";
import { isWholeArchive } from "../../../src/trainers/falcon/run/model-files.ts";
import { NodeLog } from "../../../src/trainers/falcon/run/node-log.ts";
import { pointsOf, readNpy, readNpz } from "../../../src/trainers/falcon/run/npz.ts";
import { parseLogLine } from "../../../src/trainers/reading/python-log.ts";
import type { Target } from "../target.ts";

/** An NPY array as numpy writes it. */
function npy(descr: string, shape: string, data: Buffer, version = 1): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117, " ");
  const head = Buffer.alloc(10);
  head.write("\x93NUMPY", 0, "latin1");
  head[6] = version;
  head.writeUInt16LE(text.length + 1, 8);
  return Buffer.concat([head, Buffer.from(`${text}\n`), data]);
}

const doubles = Buffer.alloc(24);
for (const [i, value] of [1, 2.5, 3].entries()) doubles.writeDoubleLE(value, i * 8);

const config = `
logging: {local: {enabled: true}}
paths: {graph: graph}
graph:
  z: &node
    evidence: [x]
    estimator: {_target_: falcon.SNPE, max_epochs: 300}
  x: {<<: *node, parents: [z]}
`;

const log = [
  "2026-02-06T08:01:46 [INFO] Output: output/260206-080146-red-fox",
  "2026-02-06T08:01:47 [INFO] Generating 512 initial samples",
  "2026-02-06T08:01:48 [INFO] Starting analysis.",
  "2026-02-06T08:01:48 [INFO] [z] Training started",
  "2026-02-06T08:01:49 [INFO] Epoch 3/300 | steps=4 | n_sims=512 | loss=-2.911 | val_loss=nan | lr=1.0e-03",
  "2026-02-06T08:01:49 [INFO] Appended 128 samples | total=640 train=576 val=64",
  "2026-02-06T08:01:50 [ERROR] falcon launch failed (RuntimeError: x",
  "Traceback (most recent call last):",
  "ValueError: y)",
  "2026-02-06T08:01:51 [INFO] [z] Training completed",
  "2026-02-06T08:01:52 [INFO] falcon launch completed (12 s)",
].join("\n");

export const targets: readonly Target[] = [
  {
    name: "npz",
    what: "a metric's chunk: points with as many numbers as the file has room for, or an Error; memory bounded by what is asked",
    inputs: 300_000,
    longest: 4_000,
    seeds: () => [
      zipSync({
        "step.npy": npy("<i8", "(3,)", Buffer.alloc(24)),
        "value.npy": npy("<f8", "(3,)", doubles),
        "walltime.npy": npy("<f8", "(3,)", doubles),
      }),
      zipSync(
        {
          "step.npy": npy("<i8", "(1,)", Buffer.alloc(8)),
          "value.npy": npy("<f4", "(1, 2)", Buffer.alloc(8)),
          "walltime.npy": npy(">f8", "(1,)", Buffer.alloc(8)),
          x: strToU8("y"),
        },
        { level: 6 },
      ),
      npy("<f8", "(3,)", doubles),
      npy("|b1", "()", Buffer.alloc(1), 2),
    ],
    words: [
      "PK\x01\x02",
      "PK\x03\x04",
      "PK\x05\x06",
      "\x93NUMPY",
      "'descr': '<f8'",
      "'shape': (",
      "1e9,",
      "0,",
      "-1,",
      "1e400,",
      "'fortran_order': True",
      "step.npy",
      "value.npy",
    ],
    steps: { base: 400_000, perByte: 4_000 },
    run(input) {
      const attempt = (read: () => void) => {
        try {
          read();
        } catch (error) {
          if (!(error instanceof Error) || error instanceof assert.AssertionError) throw error;
        }
      };
      attempt(() => {
        const { shape, values } = readNpy(input);
        assert.equal(
          values.length,
          shape.reduce((a, b) => a * b, 1),
        );
        assert.ok(values.length <= input.length);
      });
      attempt(() => {
        const arrays = readNpz(input);
        for (const point of pointsOf(arrays)) assert.equal(typeof point.value, "number");
      });
    },
  },
  {
    name: "yaml",
    what: "config.yml: a value, or YamlError with its line; aliases bounded",
    inputs: 120_000,
    longest: 1_500,
    seeds: () => [Buffer.from(config), Buffer.from("a: &a [1, 2]\nb: [*a, *a]\nc: >-\n  text\n? x\n: |\n y\n")],
    words: [
      "&a ",
      "*a",
      "<<: *a",
      "!!binary ",
      "!!set",
      "? ",
      "- ",
      ": ",
      "---\n",
      "...\n",
      "{",
      "}",
      "[",
      "]",
      "|",
      ">-",
      "\t",
      "%YAML 1.1\n",
      "__proto__: ",
      "!!timestamp ",
    ],
    run(input) {
      try {
        readYaml(input.toString("utf8"));
      } catch (error) {
        if (!(error instanceof YamlError)) throw error;
        assert.ok(error.line >= 1 && !error.message.includes("\n"));
      }
    },
  },
  {
    name: "run-logs",
    what: "lines of a driver's and a node's log: facts, never an error",
    inputs: 500_000,
    longest: 2_000,
    seeds: () => [Buffer.from(log)],
    words: [
      "2026-02-06T08:01:46 [INFO] ",
      "[ERROR] ",
      "Epoch ",
      "1/2",
      " | loss=",
      "nan",
      "inf",
      "Appended ",
      "falcon launch ",
      "completed",
      "failed (",
      "interrupted",
      "Output: ",
      "[z] Training started",
      "[z] Training completed",
      "\n",
      "\x1b[31m",
      "Traceback",
      "99999999999999999999",
    ],
    steps: { base: 20_000, perByte: 600 },
    run(input) {
      const driver = new DriverLog();
      const node = new NodeLog("z");
      for (const line of input.toString("utf8").split("\n")) {
        driver.line(line);
        node.line(line);
        parseEpoch(line);
        parseBuffer(line);
        const read = parseLogLine(line);
        if (read !== undefined) assert.equal(typeof read.time, "number");
      }
      driver.settle();
      assert.equal(typeof driver.facts.phase, "string");
      for (const epoch of node.epochs) assert.equal(typeof epoch.epoch, "number");
    },
  },
  {
    name: "launch-arguments",
    what: "the arguments of falcon launch: read without an error, each word in one place",
    inputs: 150_000,
    longest: 300,
    seeds: () =>
      ["launch", "-o", "out", "-c=config", "x=1", "--timeout", "soon", "--log-lines=3"].map((_, i, words) =>
        Buffer.from(words.slice(i).join("\0")),
      ),
    words: [
      "-o",
      "--output=",
      "--run-dir",
      "-c",
      "--timeout",
      "--log-lines",
      "=",
      "\0",
      "-i",
      "paths.graph=",
      "1e999",
      "__proto__",
    ],
    steps: { base: 2_000, perByte: 200 },
    run(input) {
      const words = input.toString("utf8").split("\0");
      const read = parseLaunch(words);
      assert.ok(read.overrides.length <= words.length);
      assert.ok(read.timeout === undefined || Number.isFinite(read.timeout));
    },
  },
  {
    name: "model-file",
    what: "a model file of torch's: whole or not, or an Error; without its last byte it is never whole",
    inputs: 20_000,
    longest: 4_000,
    seeds: () => [
      zipSync({ "model/data.pkl": Buffer.alloc(40, 1), "model/data/0": Buffer.alloc(200, 7) }, { level: 0 }),
      zipSync({ "model/version": strToU8("3") }, { level: 6 }),
    ],
    words: ["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "\xff\xff\xff\xff", "\x01\x00\x10\x00"],
    steps: { base: 400_000, perByte: 4_000 },
    run(input) {
      modelFolder ??= fs.mkdtempSync("/tmp/fs-");
      const file = path.join(modelFolder, "model.pth");
      const whole = (bytes: Buffer) => {
        fs.writeFileSync(file, bytes);
        try {
          return isWholeArchive(file);
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          return false;
        }
      };
      if (whole(input)) assert.equal(whole(input.subarray(0, -1)), false);
    },
    dispose() {
      if (modelFolder !== undefined) fs.rmSync(modelFolder, { recursive: true, force: true });
    },
  },
];

/** Where model files are written while that target runs. */
let modelFolder: string | undefined;
