// A falcon that trains in rounds (cweniger/falcon#127, #129, #131): runs that its RoundTrainer has written,
// and lines in its words.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { parseRound } from "../../../../src/trainers/falcon/run/log-line.ts";
import { isModelFile } from "../../../../src/trainers/falcon/run/model-files.ts";
import { RunWatcher } from "../../../../src/trainers/falcon/run/progress.ts";
import { lookAside } from "../../../../src/trainers/reading/foreign-files.ts";
import { layOut, type recordedRounds } from "../../../support/recorded.ts";
import { readShown } from "../../../support/shown.ts";

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

/** A recorded run, its training log cut behind the first line that fits: its program has come so far. */
async function recordedRun(name: (typeof recordedRounds)[number], upTo?: RegExp) {
  const directory = path.join(fs.mkdtempSync(path.join(folder, "recorded-")), name);
  const { copied, modified } = layOut(name, directory);
  let wall = copied;
  if (upTo !== undefined) {
    const cut = (log: string, keep: (line: string) => boolean) => {
      const file = path.join(directory, "graph", log, "output.log");
      const lines = fs.readFileSync(file, "utf8").split("\n");
      const last = lines.findIndex(keep);
      assert.ok(last >= 0, `${log}: no line fits`);
      fs.writeFileSync(
        file,
        lines
          .slice(0, last + 1)
          .join("\n")
          .concat("\n"),
      );
      return Date.parse(`${(lines[last] as string).slice(0, 19)}Z`);
    };
    wall = cut("z/train", (line) => upTo.test(line));
    let last = "";
    cut("driver", (line) => {
      const begun = last.includes("] Training started");
      last = line;
      return begun || line.includes("] Training started");
    });
    const file = path.join(directory, "graph/z/train/output.log");
    fs.utimesSync(file, wall / 1000, wall / 1000);
    assert.ok(modified["graph/z/train/output.log"] !== undefined);
  }
  const watcher = new RunWatcher({ run: directory, look: lookAside, clock: () => ({ wall, steady: wall }) });
  return { watcher, run: await readShown(watcher, upTo !== undefined), directory };
}

describe("what a RoundTrainer wrote", () => {
  test("a round that goes on", async () => {
    const { run } = await recordedRun("rounds", /Round 4 \| epoch 9\/14/);
    const [node] = run.nodes;
    const { left, ...round } = node?.round ?? {};
    assert.deepEqual(round, {
      ...{ round: 4, rounds: null, epoch: 9, epochs: 14, epochsSinceBest: 0, patience: 4 },
      ...{ accepted: 2, rejected: 1, patienceRounds: 2 },
    });
    // four more epochs until this one ends by its patience; it would be the second in a row that was rejected
    assert.equal(left?.most, null);
    assert.ok(Math.abs((left?.least ?? 0) - (4 * 60) / (node?.epochsPerMinute as number)) < 1e-9, `${left?.least}`);
    assert.deepEqual(
      [run.phase, node?.status, run.fraction, run.timeLeft, node?.samples],
      ["training", "training", null, null, 3584],
    );
    assert.match(
      run.summary,
      /^round 4 · epoch 9\/14, patience 0\/4 · accepted 2, rejected 1\/2 in a row · val loss -6 .* · over \ds left$/,
    );
  });

  test("its end", async () => {
    const { run, watcher } = await recordedRun("rounds");
    const [node] = run.nodes;
    assert.deepEqual([run.phase, run.saved, run.resumed, node?.status, node?.epoch], ["completed", true, false, "done", 57]);
    assert.deepEqual([node?.round?.round, node?.round?.accepted, node?.round?.rejected, node?.round?.left], [6, 3, 2, null]);
    assert.equal(run.summary, "completed · round 6, 5/14, best val loss -6");
    assert.equal(run.fraction, 1);
    const series = await watcher.series();
    const rounds = series.find(({ metric }) => metric === "round/accepted");
    assert.deepEqual(rounds?.value, [1, 1, 0, 1, 0, 0]);
    const validation = series.find(({ metric }) => metric === "val/loss_aux");
    assert.deepEqual(
      [validation?.epoch.length, validation?.epoch.at(-1), validation?.round?.[28], validation?.round?.[0]],
      [57, 57, 3, 1],
    );
  });

  test("flow matching, validated each third epoch, stopped and resumed: the counts go on, and so do the curves", async () => {
    const { run, watcher } = await recordedRun("rounds-resumed", /Round 4 \| epoch 4\/15/);
    const [node] = run.nodes;
    const { left, ...round } = node?.round ?? {};
    assert.deepEqual(round, {
      ...{ round: 4, rounds: 5, epoch: 4, epochs: 15, epochsSinceBest: 1, patience: 6 },
      ...{ accepted: 3, rejected: 0, patienceRounds: null },
    });
    // 5 more epochs of this round and 7 of the last at least, 11 and 15 at most
    const rate = node?.epochsPerMinute as number;
    assert.ok(Math.abs((left?.least ?? 0) - (12 * 60) / rate) < 1e-9 && Math.abs((left?.most ?? 0) - (26 * 60) / rate) < 1e-9);
    assert.match(run.summary, / \d+s to \d+s left$/);
    assert.deepEqual([node?.status, node?.epoch, node?.epochsBefore, run.resumed], ["training", 41, 37, true]);
    // epoch 4 was not validated, and what it trains by is no likelihood
    assert.deepEqual([node?.validationLoss, node?.trend, node?.fraction], [-5.947, [-5.947], null]);
    assert.ok((node?.loss ?? 0) > 0);
    assert.match(run.summary, / · val loss -5\.95 · /);
    const [curves] = await watcher.curves();
    assert.deepEqual([curves?.training.x.length, curves?.validation.x.length, curves?.seams], [41, 13, [38]]);
    // what flow matching tells beside its trainer; the second launch has written over the chunks of the first
    const series = await watcher.series();
    const lengths = ["val/nll", "val/fm", "ladder/m_out", "whitener/logdet_conditional"].map(
      (metric) => series.find((one) => one.metric === metric)?.value.length,
    );
    assert.deepEqual(lengths, [8, 8, 2, 2]);
    const ladder = series.find(({ metric }) => metric === "ladder/m_out");
    assert.deepEqual([ladder?.round, ladder?.epoch.every((epoch) => epoch !== null)], [[4, 5], true]);
  });

  test("a training whose log is elsewhere: the driver's minute tells the round, and no share of all", async () => {
    const { watcher, directory } = await recordedRun("rounds", /Round 4 \| epoch 9\/14/);
    fs.rmSync(path.join(directory, "graph/z"), { recursive: true });
    fs.appendFileSync(
      path.join(directory, "graph/driver/output.log"),
      "2026-11-27T17:14:00 [INFO] [z/train] round 3, epoch 2/14, loss 4.05\n",
    );
    const [node] = (await new RunWatcher({ run: watcher.run, look: lookAside }).read(true)).nodes;
    assert.deepEqual([node?.round?.round, node?.round?.epoch, node?.fraction, node?.timeLeft], [3, 2, null, null]);
  });
});

describe("rounds", () => {
  test("are shown as rounds, and nobody claims to know when they end", async () => {
    const { watcher } = run(two);
    const read = await readShown(watcher, true);
    const [node] = read.nodes;
    assert.deepEqual(node?.round, {
      ...{ round: 2, rounds: null, epoch: 2, epochs: 100, epochsSinceBest: 1, patience: 32 },
      ...{ accepted: 1, rejected: 0, patienceRounds: 10 },
      // its last line is days old
      left: { least: 0, most: null },
    });
    assert.deepEqual([node?.epoch, node?.epochs, node?.fraction, node?.timeLeft], [5, null, null, null]);
    assert.deepEqual([read.fraction, read.timeLeft, read.phase, node?.status], [null, null, "training", "training"]);
    assert.match(read.summary, /^round 2 · epoch 2\/100, patience 1\/32 · accepted 1 · val loss -3 .* · time left unknown$/);
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
    assert.match((await readShown(watcher, true)).summary, /accepted 1, rejected 1\/10 in a row/);
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
