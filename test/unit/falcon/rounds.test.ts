// A falcon that trains in rounds (cweniger/falcon#127, #129): lines as its RoundTrainer and its page about
// training write them.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { parseRound } from "../../../src/trainers/falcon/log-line.ts";
import { isModelFile } from "../../../src/trainers/falcon/model-files.ts";
import { RunWatcher } from "../../../src/trainers/falcon/progress.ts";
import { lookAside } from "../../../src/trainers/foreign-files.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rounds-"));
after(() => fs.rmSync(folder, { recursive: true }));

const estimator = "max_epochs: 100, patience_epochs: 32, patience_rounds: 10, max_rounds: null";

/** A run of one node whose training actor has written these lines, one a second. */
function run(lines: readonly string[], log = "graph/z/train/output.log"): { watcher: RunWatcher; file: string } {
  const directory = fs.mkdtempSync(path.join(folder, "run-"));
  const file = path.join(directory, log);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(path.join(directory, "config.yml"), `graph: {z: {estimator: {${estimator}}}}\n`);
  fs.writeFileSync(file, text(lines, 0));
  return { watcher: new RunWatcher({ run: directory, look: lookAside }), file };
}

function text(lines: readonly string[], from: number): string {
  const time = (i: number) => `2026-09-20T08:${String(Math.floor(i / 60)).padStart(2, "0")}:${String(i % 60).padStart(2, "0")}`;
  return lines.map((line, i) => `${time(from + i)} [INFO] ${line}\n`).join("");
}

const epoch = (round: number, n: number, validation?: number) =>
  `Round ${round} | epoch ${n}/100 | steps=${n * 27} | train_loss=-3.619e+00${validation === undefined ? "" : ` | val_loss=${validation.toExponential(3)}`} | lr=1.000e-02`;

const two = [
  "Round 1 starting | n_train=3481 (27 batches of 128) | n_val=615 (5 batches)",
  epoch(1, 1, -1),
  epoch(1, 2),
  epoch(1, 3, -2),
  "Round 1 ACCEPTED | epochs=3 | n_train=3481 n_val=615 | n_sims=32128 | conditional: -1.405e+01 vs best none promoted | marginal: 4.209e+00 vs best none promoted",
  "Round 2 starting | n_train=27853 (217 batches of 128) | n_val=4915 (39 batches)",
  epoch(2, 1, -4),
  epoch(2, 2, -3),
];

describe("rounds", () => {
  test("are shown as rounds, and nobody claims to know when they end", async () => {
    const { watcher } = run(two);
    const read = await watcher.read(true);
    const [node] = read.nodes;
    assert.deepEqual(node?.round, {
      ...{ round: 2, rounds: null, epoch: 2, epochs: 100, epochsSinceBest: 1, patience: 32 },
      ...{ accepted: 1, rejected: 0, patienceRounds: 10 },
    });
    assert.deepEqual([node?.epoch, node?.epochs, node?.fraction, node?.timeLeft], [5, null, null, null]);
    assert.deepEqual([read.fraction, read.timeLeft, read.phase, node?.status], [null, null, "training", "training"]);
    assert.match(read.summary, /^round 2 · epoch 2\/100, patience 1\/32 · accepted 1 · val loss -3 /);
  });

  test("epochs count on through rounds on the curves; those that were not validated have no validation loss", async () => {
    const { watcher } = run(two);
    const [curves] = await watcher.curves();
    assert.deepEqual(curves?.training.x, [1, 2, 3, 4, 5]);
    assert.deepEqual(
      [curves?.validation.x, curves?.validation.y],
      [
        [1, 3, 4, 5],
        [-1, -2, -4, -3],
      ],
    );
  });

  test("rejected rounds in a row are told, and end with an accepted one", async () => {
    const { watcher, file } = run(two);
    const end = "epochs=2 | n_train=1 n_val=1 | conditional: -1.000e+00 vs best -2.000e+00 kept";
    fs.appendFileSync(file, text([`Round 2 rejected | ${end} | rejected in a row=1/10`], 60));
    assert.match((await watcher.read(true)).summary, /accepted 1, rejected 1\/10 in a row/);
    fs.appendFileSync(file, text([epoch(3, 1, -5), `Round 3 ACCEPTED | ${end}`], 61));
    const { round } = (await watcher.read(true)).nodes[0] ?? {};
    assert.deepEqual([round?.round, round?.accepted, round?.rejected], [3, 2, 0]);
  });

  test("past the epochs of one round it is never through", async () => {
    const lines = Array.from({ length: 3 }, (_, r) => Array.from({ length: 60 }, (_, e) => epoch(r + 1, e + 1, -e))).flat();
    const read = await run(lines).watcher.read(true);
    assert.deepEqual([read.fraction, read.nodes[0]?.fraction, read.nodes[0]?.epoch], [null, null, 180]);
  });

  test("one actor that logs where it always did", async () => {
    const { watcher } = run(two, "graph/z/output.log");
    assert.equal((await watcher.read(true)).nodes[0]?.round?.round, 2);
    assert.match(watcher.logFile("z") ?? "", /graph\/z\/output\.log$/);
    const split = run(two);
    await split.watcher.read(true);
    assert.equal(split.watcher.logFile("z"), fs.realpathSync(split.file));
  });

  test("what is no line of a round", () => {
    for (const line of [
      "Round 2",
      "Round 2 converged: no improvement since epoch 4.",
      "Round x | epoch 1/2",
      "Rounds 1 | epoch 1/2",
    ])
      assert.equal(parseRound(line), undefined, line);
    assert.ok(isModelFile("best_state.npz"));
    assert.ok(!isModelFile("training_history.npz"));
  });
});
