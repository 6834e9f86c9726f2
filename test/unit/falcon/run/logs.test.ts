// What a run's logs tell, line by line: the driver's course and end, the nodes' epochs, the rhythm of both.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DriverLog } from "../../../../src/trainers/falcon/run/driver-log.ts";
import { parseBuffer, parseEpoch } from "../../../../src/trainers/falcon/run/log-line.ts";
import { NodeLog } from "../../../../src/trainers/falcon/run/node-log.ts";
import { failureOf } from "../../../../src/trainers/reading/last-traceback.ts";
import { parseLogLine } from "../../../../src/trainers/reading/python-log.ts";
import { Rhythm } from "../../../../src/trainers/run/rhythm.ts";
import { recordedLog } from "../../../support/recorded.ts";

const at = (seconds: number) => new Date(2026, 10, 24, 8, 0, seconds).getTime();
const stamp = (seconds: number) =>
  `2026-11-24T08:${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
const info = (seconds: number, text: string) => `${stamp(seconds)} [INFO] ${text}`;

test("a line has a time, a level and a text; without a time it is none", () => {
  assert.deepEqual(parseLogLine("2026-11-24T08:00:05 [WARNING] [a] b"), { time: at(5), level: "WARNING", text: "[a] b" });
  assert.deepEqual(parseLogLine("2026-11-24T08:00:05 [INFO] "), { time: at(5), level: "INFO", text: "" });
  for (const line of [
    "",
    "* theta <- x",
    "Traceback (most recent call last):",
    "08:00:05 [INFO] x",
    "2026-11-24 08:00:05 [INFO] x",
  ])
    assert.equal(parseLogLine(line), undefined, line);
});

test("an epoch line of the real falcon, of another estimator, and with numbers that are none", () => {
  assert.deepEqual(
    parseEpoch(
      "Epoch 57/60 | steps=937 | n_sims=2304 | train_loss=-7.135e-01 | val_loss=-2.246e-01 | lr=3.000e-03 | theta_std=9.963e-01",
    ),
    { epoch: 57, epochs: 60, steps: 937, samples: 2304, loss: -0.7135, validationLoss: -0.2246, learningRate: 0.003 },
  );
  assert.deepEqual(parseEpoch("Epoch 3/300 | loss=-2.911"), {
    epoch: 3,
    epochs: 300,
    steps: undefined,
    samples: undefined,
    loss: -2.911,
    validationLoss: undefined,
    learningRate: undefined,
  });
  assert.deepEqual(parseEpoch("Epoch 1/2")?.loss, undefined);
  assert.ok(Number.isNaN(parseEpoch("Epoch 1/2 | train_loss=nan | val_loss=inf")?.loss));
  assert.equal(parseEpoch("Epoch 1/2 | train_loss=nan | val_loss=inf")?.validationLoss, Number.POSITIVE_INFINITY);
  for (const text of ["Epoch one/2", "Epoch 1", "Epochs 1/2", "epoch 280/400, loss -0.82"])
    assert.equal(parseEpoch(text), undefined);
});

test("a buffer line, and Python's numbers", () => {
  assert.deepEqual(parseBuffer("Appended 128 samples | total=8832 train=8320 val=512"), {
    total: 8832,
    training: 8320,
    validation: 512,
  });
  assert.equal(parseBuffer("Appended x samples | total=1 train=1 val=1"), undefined);
  for (const [text, loss] of [
    ["1e-3", 0.001],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["inf", Number.POSITIVE_INFINITY],
    ["NaN", Number.NaN],
    ["-nan", Number.NaN],
    ["none", Number.NaN],
  ] as const)
    assert.equal(parseEpoch(`Epoch 1/2 | loss=${text}`)?.loss, loss);
});

test("any text at all: no line parser throws", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (text) => {
      const driver = new DriverLog();
      const node = new NodeLog("n");
      for (const line of [
        text,
        info(1, text),
        info(1, `Epoch 1/2 | ${text}`),
        info(1, `falcon launch ${text}`),
        info(1, `[n] ${text}`),
      ]) {
        driver.line(line);
        node.line(line);
      }
      driver.settle();
    }),
    { seed: 1 },
  );
});

test("the driver's course, as recorded", () => {
  const driver = new DriverLog();
  const phases: string[] = [];
  for (const line of recordedLog("plain", "driver")) {
    driver.line(line);
    if (phases.at(-1) !== driver.facts.phase) phases.push(driver.facts.phase);
  }
  driver.settle();
  assert.deepEqual(phases, ["starting", "simulating", "training", "sampling", "ended"]);
  const { outcome, saved, launches, loaded, stopping, failure, started, ended, nodes } = driver.facts;
  assert.deepEqual([outcome, saved, launches, loaded, stopping, failure], ["completed", true, 1, false, false, undefined]);
  const log = recordedLog("plain", "driver");
  const clock = (prefix: string) => parseLogLine(log.find((line) => line.includes(prefix)) as string)?.time;
  assert.deepEqual([started, ended], [clock("Output: "), clock("falcon launch ")]);
  assert.deepEqual(
    [...nodes].map(([name, { done }]) => [name, done]),
    [["theta", true]],
  );
});

test("two launches in one log: the facts are the last one's", () => {
  const driver = new DriverLog();
  const log = recordedLog("resumed", "driver");
  for (const line of log) driver.line(line);
  assert.equal(driver.facts.launches, 2);
  assert.equal(driver.facts.loaded, true);
  const first = new DriverLog();
  for (const line of log.slice(
    0,
    log.findLastIndex((line) => /\] Output: \S/.test(line)),
  ))
    first.line(line);
  assert.equal(first.facts.phase, "ended");
  assert.equal(first.facts.loaded, false);
  first.line(log[log.findLastIndex((line) => /\] Output: \S/.test(line))] as string);
  assert.equal(first.facts.phase, "starting");
});

test("a failure's text is its last line, also when Ray puts a whole traceback into it", () => {
  const driver = new DriverLog();
  for (const line of recordedLog("failed-simulator", "driver")) driver.line(line);
  driver.settle();
  assert.equal(driver.facts.outcome, "failed");
  assert.equal(driver.facts.failure, "FloatingPointError: negative variance");
  assert.equal(failureOf("ValueError: one line"), "ValueError: one line");
  assert.equal(failureOf("Outer(Inner): what\n  File x\nruntime words"), "Outer(Inner): what");
  assert.equal(failureOf(""), "");
});

test("a graceful stop is known from the driver's own words", () => {
  const driver = new DriverLog();
  let stopping = 0;
  for (const line of recordedLog("interactive", "driver")) {
    driver.line(line);
    if (driver.facts.stopping) stopping++;
  }
  assert.ok(stopping > 0);
  assert.equal(driver.facts.outcome, "interrupted");
  assert.equal(driver.facts.saved, true);
});

test("what the driver says of its nodes once a minute", () => {
  const driver = new DriverLog();
  driver.line(info(0, "Output: run"));
  driver.line(info(1, "[odd [name] training started"));
  assert.equal(driver.facts.nodes.size, 0);
  driver.line(info(2, "[a b] Training started"));
  driver.line(info(3, "[a b] epoch 280/400, loss -0.82"));
  assert.deepEqual(driver.facts.nodes.get("a b"), {
    done: false,
    round: undefined,
    epoch: 280,
    epochs: 400,
    loss: -0.82,
    time: at(3),
  });
  driver.line(info(4, "[a b] epoch 281/400, loss ?"));
  assert.deepEqual(driver.facts.nodes.get("a b"), {
    done: false,
    round: undefined,
    epoch: 281,
    epochs: 400,
    loss: -0.82,
    time: at(4),
  });
  driver.line(info(5, "[a b] Training completed (loss: -0.9000)"));
  assert.equal(driver.facts.nodes.get("a b")?.done, true);
  driver.line(info(6, "Output: run"));
  assert.equal(driver.facts.nodes.size, 0, "a new launch");
});

test("a node's epochs, its launches and its best one", () => {
  const log = recordedLog("resumed", "theta");
  const node = new NodeLog("theta");
  for (const line of log) node.line(line);
  const losses = log.flatMap((line) => / val_loss=(\S+)/.exec(line)?.[1] ?? []).map(Number);
  assert.equal(losses.length, 220);
  assert.deepEqual(
    [...node.epochs].map((e) => e.validationLoss),
    losses,
  );
  assert.equal(node.launch.length, 110);
  assert.equal(node.first, 111);
  const second = losses.slice(110);
  assert.equal(node.best?.validationLoss, Math.min(...second));
  assert.equal(node.best?.epoch, 111 + second.indexOf(Math.min(...second)));
  assert.equal(node.completed, true);
});

test("a node with any name has its own beginning and end, and not another's", () => {
  for (const name of ["theta", "a.b", "x [y] z", "β-δ", "(.*)", "$&"]) {
    const node = new NodeLog(name);
    node.line(info(0, `[other${name}] Training started`));
    assert.equal(node.started, false);
    node.line(info(1, `[${name}] Training started`));
    assert.equal(node.started, true, name);
    node.line(info(2, "Epoch 1/1 | val_loss=1"));
    node.line(info(3, `[${name}] Training completed (loss: 1.0)`));
    assert.equal(node.completed, true, name);
  }
});

test("twenty thousand epochs are thinned; the number of the first and the best one are kept", () => {
  const node = new NodeLog("n");
  node.line(info(0, "[n] Training started"));
  for (let epoch = 11; epoch <= 50_000; epoch++)
    node.line(info(0, `Epoch ${epoch}/60000 | val_loss=${epoch === 402 ? -5 : 1 + 1 / epoch}`));
  assert.ok(node.epochs.length <= 20_000);
  assert.equal(node.first, 11);
  assert.deepEqual(node.best, { epoch: 402, validationLoss: -5 });
  assert.equal(node.launch.at(-1)?.epoch, 50_000);
  const epochs = [...node.epochs].map((e) => e.epoch);
  assert.ok(epochs.every((epoch, i) => i === 0 || epoch > (epochs[i - 1] as number)));
});

test("a loss that is no number is never the best", () => {
  const node = new NodeLog("n");
  for (const loss of ["nan", "-inf", "2.0", "nan"]) node.line(info(0, `Epoch 1/9 | val_loss=${loss}`));
  assert.equal(node.best?.validationLoss, 2);
});

test("an error that a node logs, until it begins anew", () => {
  const node = new NodeLog("n");
  node.line(`${stamp(0)} [ERROR] negative variance`);
  assert.equal(node.lastError, "negative variance");
  node.line(info(1, "[n] Training started"));
  assert.equal(node.lastError, undefined);
});

test("the rhythm: the usual gap, and the silence from which on something is wrong", () => {
  const rhythm = new Rhythm();
  assert.equal(rhythm.limit(1000), undefined);
  for (const second of [0, 10, 20, 30]) rhythm.sign(second * 1000);
  assert.equal(rhythm.usual, 10_000);
  assert.equal(rhythm.limit(60_000), 100_000, "ten times the usual");
  assert.equal(rhythm.limit(500_000), 500_000, "never below the floor");
  rhythm.sign(130_000);
  assert.equal(rhythm.limit(60_000), 300_000, "three times the longest");
  rhythm.pause();
  rhythm.sign(900_000);
  assert.equal(rhythm.limit(60_000), 300_000, "the gap to a new launch is none of the rhythm's");
  rhythm.sign(100_000);
  assert.equal(rhythm.limit(60_000), 300_000, "nor is a clock that was set back");
});

test("logs of whole seconds: many epochs in one second still have a rhythm", () => {
  const rhythm = new Rhythm();
  for (let epoch = 0; epoch < 40; epoch++) rhythm.sign(Math.floor(epoch / 8) * 1000);
  const usual = rhythm.usual ?? 0;
  assert.ok(usual > 90 && usual < 170, String(usual));
});
