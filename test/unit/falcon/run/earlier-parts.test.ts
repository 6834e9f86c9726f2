// The metrics of a resumed run over all parts: falcon's second launch has written over what the first one
// wrote, of which the archive has a copy. Recorded chunks of both launches.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { npz } from "../../../../examples/trainer/npz.ts";
import { NoAnswer, useAside } from "../../../../src/base/aside/aside.ts";
import { PartArchive } from "../../../../src/store/archive/part-archive.ts";
import type { SessionRow } from "../../../../src/store/session-store.ts";
import { RunWatcher } from "../../../../src/trainers/falcon/run/progress.ts";
import { lookAside as look } from "../../../../src/trainers/reading/foreign-files.ts";
import type { MetricSeries } from "../../../../src/trainers/run/series.ts";
import { counting, reads } from "../../../support/reads.ts";
import { fixture, layOut, recordedLog, recordedParts } from "../../../support/recorded.ts";

useAside(counting);

/** Of each launch. */
const epochs = 110;

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "parts-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

/** The first part's session, as far as the archive looks at it. */
const row = {
  ...{ id: "part1", name: "run", directory: "/work", host: "node1", boot: "b", token: "t", reason: "ended" },
  ...{ kind: "launch", trainer: "falcon", state: "exited", command: ["falcon", "launch"], runDirectory: "/runs/night" },
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

  test("while the archive is silent the run's own chunks are read once all the same", async () => {
    const silent = watcher(async () => undefined);
    await silent.series();
    const { opened } = reads;
    assert.equal(of(await silent.series(), "val/loss")?.value.length, epochs);
    assert.equal(reads.opened, opened);
  });

  test("a copy that does not answer is read at the next look, the others only once", async () => {
    const folder = archive.graphsBefore("abc234", 2)[0] as string;
    let away = true;
    useAside(async (name, file, args) => {
      if (away && file.startsWith(folder) && file.includes("val/loss")) throw new NoAnswer(`${file} does not answer`);
      return counting(name, file, args);
    });
    try {
      const watching = watcher(kept);
      const first = await watching.series();
      assert.equal(of(first, "val/loss")?.value.length, epochs);
      assert.equal(of(first, "lr")?.value.length, 2 * epochs);
      away = false;
      const { opened } = reads;
      assert.equal(of(await watching.series(), "val/loss")?.value.length, 2 * epochs);
      assert.equal(reads.opened - opened, 2, "the chunks of 110 entries");
    } finally {
      useAside(counting);
    }
  });

  test("who looks at the run meanwhile takes nothing from who asks for its metrics", async () => {
    const [theta, copy] = [path.join(run, "graph/theta"), path.join(home, "actor/theta")];
    fs.cpSync(theta, path.join(home, "aside"), { recursive: true });
    fs.cpSync(path.join(home, "aside"), path.join(theta, "train"), { recursive: true });
    fs.rmSync(path.join(theta, "metrics"), { recursive: true });
    fs.cpSync(path.join(archive.graphsBefore("abc234", 2)[0] as string, "theta"), path.join(copy, "train"), { recursive: true });
    try {
      for (const alive of [undefined, false]) {
        const watching = watcher(async () => [path.dirname(copy)]);
        let looks = 0;
        useAside(async (name, file, args) => {
          if (name === "metricNames" && file === path.join(theta, "metrics")) {
            await watching.read(alive);
            looks++;
          }
          return counting(name, file, args);
        });
        assert.equal(of(await watching.series(), "val/loss")?.value.length, 2 * epochs, `alive: ${alive}`);
        assert.equal(looks, 1);
      }
    } finally {
      useAside(counting);
      fs.rmSync(theta, { recursive: true });
      fs.cpSync(path.join(home, "aside"), theta, { recursive: true, preserveTimestamps: true });
    }
  });

  test("of long parts the oldest has as many entries as the one before this, and the newest entry is there", async () => {
    const part = 40_000;
    const write = (folder: string, index: number, from: number, entries: number) => {
      fs.mkdirSync(folder, { recursive: true });
      const values = Array.from({ length: entries }, (_, i) => from + i);
      const column = (type: "int64" | "float64") => ({ shape: [entries], values, type });
      const bytes = npz({ step: column("int64"), value: column("float64"), walltime: column("float64") });
      fs.writeFileSync(path.join(folder, `chunk_${String(index).padStart(6, "0")}.npz`), bytes);
    };
    const folders = [0, 1, 2].map((n) => path.join(home, `long-${n}`));
    const own = path.join(run, "graph/theta/metrics/long");
    [...folders.map((folder) => path.join(folder, "theta/metrics/long")), own].forEach((folder, n) => {
      write(folder, 0, n * part, part / 2);
      write(folder, 1, n * part + part / 2, part / 2);
    });
    const watching = watcher(async () => folders);
    const look = async () => (await watching.series("long"))[0]?.value ?? [];
    const counts = (values: readonly number[]) =>
      [0, 1, 2, 3].map((n) => values.filter((v) => Math.floor(v / part) === n).length);
    const values = await look();
    const [first, second, third, newest] = counts(values) as [number, number, number, number];
    assert.ok(values.length <= part, `${values.length} entries`);
    assert.ok(first >= 4_000 && first === second && second === third && newest >= 15_000, `${counts(values)}`);
    assert.equal(values.at(-1), 4 * part - 1);
    const { opened } = reads;
    assert.deepEqual(await look(), values);
    assert.equal(reads.opened, opened);
    write(own, 2, 4 * part, 1);
    assert.equal((await look()).at(-1), 4 * part, "what came is joined");
    fs.rmSync(own, { recursive: true });
  });

  test("a first part asks for none", async () => {
    assert.deepEqual(archive.graphsBefore("abc234", 1), []);
    assert.equal(of(await watcher().series(), "val/loss")?.value.length, epochs);
  });
});
