// What a node's log gathers as its epochs come, so that a look at a run does not walk through all of them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import type { EpochRecord } from "../../../../src/trainers/falcon/run/epochs.ts";
import { metricsIn } from "../../../../src/trainers/falcon/run/metrics.ts";
import { NodeLog } from "../../../../src/trainers/falcon/run/node-log.ts";
import { nodeProgress } from "../../../../src/trainers/falcon/run/node-progress.ts";
import { Silence } from "../../../../src/trainers/run/silence.ts";
import { Random } from "../../../support/random.ts";

const start = Date.UTC(2026, 0, 1);
const stamp = (epoch: number) => new Date(start + epoch * 1000).toISOString().slice(0, 19);
const line = (epoch: number, train: string, validation: string | undefined) =>
  `${stamp(epoch)} [INFO] Epoch ${epoch}/1000000 | steps=${epoch} | n_sims=8 | train_loss=${train}` +
  `${validation === undefined ? "" : ` | val_loss=${validation}`} | lr=1.000e-03`;

function progressOf(log: NodeLog) {
  return nodeProgress(log, {
    config: {
      ...{ name: "theta", trained: true, epochs: 1_000_000, patience: undefined },
      rounds: { patienceEpochs: undefined, patienceRounds: undefined, most: undefined },
    },
    logged: true,
    driver: undefined,
    known: true,
    begun: true,
    alive: true,
    ended: false,
    now: { wall: start, steady: 0 },
    silence: new Silence(),
    lastSign: undefined,
    launched: undefined,
    zone: 0,
    metrics: metricsIn("/not/read"),
  }).progress;
}

/** From the last epoch backwards. */
function walked(epochs: readonly EpochRecord[], metric: "validationLoss" | "loss" | "learningRate") {
  const told = epochs.filter((record) => record[metric] !== undefined);
  const from = told.findLastIndex((record) => !Number.isFinite(record[metric]));
  if (from < 0) return undefined;
  const before = told.findLastIndex((record, i) => i < from && Number.isFinite(record[metric]));
  const first = told[before + 1] as EpochRecord;
  const last = told[from]?.[metric] as number;
  const value = Number.isNaN(last) ? "NaN" : last > 0 ? "Inf" : "-Inf";
  return { stretch: { metric, value, epoch: first.epoch, since: first.time }, open: from === told.length - 1 };
}

describe("a node's log", () => {
  test("a look at it reads the last epochs alone, however many there are", () => {
    const log = new NodeLog("theta");
    log.line(`${stamp(0)} [INFO] [theta] Training started`);
    for (let epoch = 1; epoch <= 5000; epoch++) log.line(line(epoch, "-1.0e-01", "-2.0e-01"));
    const read = new Set<number>();
    const { epochs } = log;
    const at = epochs.at.bind(epochs);
    epochs.at = (index) => {
      const record = at(index);
      if (record !== undefined) read.add(record.epoch);
      return record;
    };
    const { epoch, validationLoss, lastNonFinite } = progressOf(log);
    assert.deepEqual({ epoch, validationLoss, lastNonFinite }, { epoch: 5000, validationLoss: -0.2, lastNonFinite: [] });
    assert.ok(read.size <= 2, `${read.size} epochs were read`);
  });

  test("keeps numbers, and no object for each epoch: V8's collector would walk through all of them again and again", () => {
    v8.setFlagsFromString("--expose-gc");
    const collect = vm.runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const log = new NodeLog("theta");
    log.line(`${stamp(0)} [INFO] [theta] Training started`);
    const take = (from: number, to: number) => {
      for (let epoch = from; epoch <= to; epoch++) log.line(line(epoch, "1.5e+00", epoch % 3 === 0 ? "2.5e-01" : undefined));
    };
    take(1, 1000);
    const before = used();
    take(1001, 19_000);
    const each = (used() - before) / 18_000;
    assert.ok(each < 130, `${each} bytes an epoch`);
    assert.equal(log.epochs.length, 19_000);
  });

  test("tells the last stretch without numbers as a walk through all epochs does", () => {
    const random = new Random(7);
    for (let round = 0; round < 200; round++) {
      const log = new NodeLog("theta");
      log.line(`${stamp(0)} [INFO] [theta] Training started`);
      for (let epoch = 1; epoch <= 30; epoch++) {
        const word = () => random.pick(["1.0e+00", "1.0e+00", "nan", "inf", "-inf"]);
        log.line(line(epoch, word(), random.oneIn(3) ? undefined : word()));
      }
      assert.deepEqual(
        log.stretches.map((one) => one.found),
        (["validationLoss", "loss", "learningRate"] as const).map((metric) => walked([...log.launch], metric)),
      );
    }
  });

  test("a stretch of an earlier launch is not this one's", () => {
    const log = new NodeLog("theta");
    log.line(`${stamp(0)} [INFO] [theta] Training started`);
    log.line(line(1, "nan", "nan"));
    assert.deepEqual(
      progressOf(log).nonFinite.map(({ metric, value, epoch }) => ({ metric, value, epoch })),
      [
        { metric: "validationLoss", value: "NaN", epoch: 1 },
        { metric: "loss", value: "NaN", epoch: 1 },
      ],
    );
    log.line(`${stamp(2)} [INFO] [theta] Training started`);
    log.line(line(3, "1.0e+00", "1.0e+00"));
    assert.deepEqual(progressOf(log).lastNonFinite, []);
  });
});
