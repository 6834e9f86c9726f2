// The metrics of a resumed run over all parts: falcon's second launch has written over what the first one
// wrote, of which the archive has a copy. Recorded chunks of both launches.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { PartArchive } from "../../../src/store/archive/part-archive.ts";
import type { SessionRow } from "../../../src/store/session-store.ts";
import { RunWatcher } from "../../../src/trainers/falcon/run/progress.ts";
import { lookAside as look } from "../../../src/trainers/reading/foreign-files.ts";
import type { MetricSeries } from "../../../src/trainers/run/series.ts";
import { fixture, layOut, recordedLog, recordedParts } from "../../support/recorded.ts";

/** Of each launch. */
const epochs = 110;

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "parts-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

/** The first part's session, as far as the archive looks at it. */
const row = {
  ...{ id: "part1", name: "run", directory: "/work", host: "node1", boot: "b", token: "t", reason: "ended" },
  ...{ kind: "launch", trainer: "falcon", state: "exited", command: ["falcon", "launch"], runDirectory: "/work/run" },
  ...{ created: 1, umask: 0o22, limits: [], cols: 80, rows: 24, interrupts: 0, pinned: false, environment: {}, facts: {} },
  ...{ started: null, ended: null, waitStatus: null, attached: null, holderPid: null, programPid: null },
} as SessionRow;

describe("a resumed run", () => {
  const archive = new PartArchive(path.join(home, "archive"));
  const run = path.join(home, "project", "run");
  let at = 0;

  before(async () => {
    await archive.publish({
      ...{ run: "abc234", n: 1, row, log: undefined, curves: [] },
      graph: path.join(fixture(recordedParts), "part-1", "graph"),
    });
    at = layOut(recordedParts, run).copied;
  });

  const watcher = (earlier?: () => Promise<readonly string[] | undefined>) =>
    new RunWatcher({ run, look, directory: path.dirname(run), clock: () => ({ wall: at, steady: at }), earlier });
  const kept = async () => archive.graphsBefore("abc234", 2);
  const of = (series: readonly MetricSeries[], metric: string) => series.find((one) => one.metric === metric);

  test("has each metric of all parts, each entry once, by the epochs of all parts", async () => {
    const series = await watcher(kept).series();
    const losses = recordedLog(recordedParts, "theta").flatMap((line) => / Epoch .* val_loss=(\S+)/.exec(line)?.[1] ?? []);
    assert.equal(losses.length, 2 * epochs, "the log tells of both launches");
    const validation = of(series, "val/loss");
    assert.deepEqual(
      validation?.value.map((value) => value.toExponential(3)),
      losses.map((text) => Number(text).toExponential(3)),
    );
    const numbers = losses.map((_, i) => i + 1);
    assert.deepEqual(validation?.epoch, numbers);
    assert.deepEqual(of(series, "epoch")?.value, numbers);
    for (const metric of ["lr", "n_samples"]) assert.equal(of(series, metric)?.value.length, 2 * epochs, metric);
  });

  test("one metric alone, and what the run still has of the first launch is told once", async () => {
    const only = await watcher(kept).series("val/loss");
    assert.deepEqual(
      only.map(({ metric, value }) => [metric, value.length]),
      [["val/loss", 2 * epochs]],
    );
    const own = path.join(run, "graph/theta/metrics/val/loss");
    const copy = path.join(archive.graphsBefore("abc234", 2)[0] as string, "theta/metrics/val/loss/chunk_000000.npz");
    fs.copyFileSync(copy, path.join(own, "chunk_000002.npz"));
    assert.equal((await watcher(kept).series("val/loss"))[0]?.value.length, 2 * epochs);
    fs.rmSync(path.join(own, "chunk_000002.npz"));
  });

  test("without an answer of the archive it has what its files have, and asks again", async () => {
    let asked = 0;
    const silent = watcher(async () => (asked++ === 0 ? undefined : kept()));
    assert.equal(of(await silent.series(), "val/loss")?.value.length, epochs);
    assert.equal(of(await silent.series(), "val/loss")?.value.length, 2 * epochs);
    await silent.series();
    assert.equal(asked, 2);
  });

  test("a first part asks for none", async () => {
    assert.deepEqual(archive.graphsBefore("abc234", 1), []);
    assert.equal(of(await watcher().series(), "val/loss")?.value.length, epochs);
  });
});
