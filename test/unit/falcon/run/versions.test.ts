// A run of earlier versions of falcon, recorded as it was: at its end, and in the middle of its training.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { settled } from "../../../../src/session/life/conclusion.ts";
import { RunWatcher } from "../../../../src/trainers/falcon/run/progress.ts";
import { lookAside as look } from "../../../../src/trainers/reading/foreign-files.ts";
import { layOut, recordedVersions } from "../../../support/recorded.ts";
import { readShown } from "../../../support/shown.ts";

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "versions-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

/** Lines of a log up to the first that has this text, and the epochs in them, by hand. */
function epochsIn(file: string): { validation: number[]; samples: number } {
  const lines = fs.readFileSync(file, "utf8").split("\n");
  const validation = lines.flatMap((line) => / Epoch .* val_loss=(\S+)/.exec(line)?.[1] ?? []).map(Number);
  return { validation, samples: Number(lines.findLast((line) => line.includes("n_sims="))?.match(/n_sims=(\d+)/)?.[1]) };
}

for (const name of recordedVersions)
  describe(name, () => {
    const laidOut = (what: string) => {
      const run = path.join(home, name, what, "run");
      const { copied } = layOut(name, run);
      const watcher = new RunWatcher({
        run,
        directory: path.dirname(run),
        look,
        clock: () => ({ wall: copied, steady: copied }),
      });
      return { run, watcher, log: (node: string) => path.join(run, "graph", node, "output.log") };
    };

    test("at its end", async () => {
      const { watcher, log } = laidOut("end");
      const read = await readShown(watcher, false);
      // 0.3 never wrote how a run ended: its exit status says so
      const { phase, saved, problem, nodes, summary } = settled(read, { kind: "completed", saved: read.saved });
      assert.equal(read.phase, name === "plain-0.3.0" ? "broken off" : "completed");
      const { validation, samples } = epochsIn(log("theta"));
      const best = Math.min(...validation);
      assert.deepEqual([phase, saved, problem, nodes.length], ["completed", true, null, 2]);
      const [theta] = nodes;
      assert.deepEqual(
        [theta?.status, theta?.epoch, theta?.epochs, theta?.validationLoss, theta?.bestValidationLoss, theta?.samples],
        ["done", 60, 60, validation.at(-1), best, samples],
      );
      assert.match(summary, /^completed · 60\/60, best val loss -0\.\d+$/);
      const series = await watcher.series();
      assert.deepEqual(
        ["epoch", "val/loss", "lr"].map((metric) => series.find((one) => one.metric === metric)?.value.length),
        [60, 60, 60],
      );
    });

    test("in the middle of its training", async () => {
      const { watcher, log } = laidOut("middle");
      for (const [node, last] of [
        ["theta", / Epoch 30\/60 /],
        ["driver", /\[theta\] Training started/],
      ] as const) {
        const lines = fs.readFileSync(log(node), "utf8").split("\n");
        fs.writeFileSync(log(node), `${lines.slice(0, lines.findIndex((line) => last.test(line)) + 1).join("\n")}\n`);
      }
      const { phase, nodes, fraction, timeLeft, summary } = await readShown(watcher, true);
      assert.deepEqual([phase, nodes[0]?.epoch, fraction, timeLeft !== null], ["training", 30, 0.5, true]);
      assert.match(summary, /^30\/60 · val loss /);
    });
  });
