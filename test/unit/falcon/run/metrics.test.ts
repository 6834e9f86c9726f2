// Metrics of a run: numpy's own files, chunks that are new, half written, overwritten by a resumed run, or
// nonsense.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { zipSync } from "fflate";
import { npz } from "../../../../examples/trainer/npz.ts";
import { NoAnswer, useAside } from "../../../../src/base/aside/aside.ts";
import { MetricReader } from "../../../../src/trainers/falcon/run/metrics.ts";
import { pointsOf, readNpy, readNpz } from "../../../../src/trainers/falcon/run/npz.ts";
import { counting, reads } from "../../../support/reads.ts";
import { fixture, recordedLog } from "../../../support/recorded.ts";

useAside(counting);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "metrics-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));
let made = 0;

/** A metric's folder; entries of a launch are written chunk by chunk, as falcon does. */
class Metric {
  readonly folder = path.join(folder, String(made++));
  #second = 1_000;
  constructor() {
    fs.mkdirSync(this.folder);
  }
  file(index: number): string {
    return path.join(this.folder, `chunk_${String(index).padStart(6, "0")}.npz`);
  }
  bytes(values: number[], from: number, walltime: number): Uint8Array {
    const shape = [values.length];
    return npz({
      step: { shape, values: values.map((_, i) => from + i), type: "int64" },
      value: { shape, values, type: "float64" },
      walltime: { shape, values: values.map((_, i) => walltime + i), type: "float64" },
    });
  }
  /** Writes chunk `index` with `values` at `walltime` (s); its file is as old. */
  write(index: number, values: number[], walltime: number): void {
    fs.writeFileSync(this.file(index), this.bytes(values, index * 100, walltime));
    this.touch(index);
  }
  touch(index: number): void {
    this.#second++;
    fs.utimesSync(this.file(index), this.#second, this.#second);
  }
}

test("numpy's own chunks, and what they hold is what the log says", () => {
  const run = path.join(fixture("plain"), "run/graph/theta/metrics");
  const points = pointsOf(readNpz(fs.readFileSync(path.join(run, "val/loss/chunk_000000.npz"))));
  const logged = recordedLog("plain", "theta").flatMap((line) => / val_loss=(\S+)/.exec(line)?.[1] ?? []);
  assert.equal(points.length, 60);
  assert.deepEqual(
    points.map(({ value }) => value.toExponential(3)),
    logged.map((text) => Number(text).toExponential(3)),
  );
  assert.deepEqual(
    points.map(({ step }) => step),
    points.map((_, i) => i),
  );
});

/** An NPY file of version 1 by hand. */
function npy(header: string, data: Uint8Array, version = 1): Uint8Array {
  const text = `${header}\n`;
  const head = Buffer.alloc(version === 1 ? 10 : 12);
  head.write("\x93NUMPY", 0, "latin1");
  head[6] = version;
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return Buffer.concat([head, Buffer.from(text, "latin1"), data]);
}

test("every type that a metric may have, both byte orders, both versions", () => {
  const bytes = (write: (view: DataView) => void, length: number) => {
    const view = new DataView(new ArrayBuffer(length));
    write(view);
    return new Uint8Array(view.buffer);
  };
  const cases: [string, Uint8Array, number][] = [
    ["<f8", bytes((v) => v.setFloat64(0, -2.5, true), 8), -2.5],
    [">f8", bytes((v) => v.setFloat64(0, -2.5, false), 8), -2.5],
    ["<f4", bytes((v) => v.setFloat32(0, 1.5, true), 4), 1.5],
    ["<i8", bytes((v) => v.setBigInt64(0, -7n, true), 8), -7],
    [">i4", bytes((v) => v.setInt32(0, 70_000, false), 4), 70_000],
    ["<u8", bytes((v) => v.setBigUint64(0, 9n, true), 8), 9],
    ["<i2", bytes((v) => v.setInt16(0, -3, true), 2), -3],
    ["|u1", Uint8Array.of(200), 200],
    ["|b1", Uint8Array.of(1), 1],
  ];
  for (const [type, data, value] of cases)
    for (const version of [1, 2])
      assert.deepEqual(
        readNpy(npy(`{'descr': '${type}', 'fortran_order': False, 'shape': (1,), }`, data, version)),
        { shape: [1], values: Float64Array.of(value) },
        type,
      );
  assert.deepEqual(readNpy(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", new Uint8Array(8))).shape, []);
  assert.deepEqual(
    readNpy(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3), }", new Uint8Array(0))).values.length,
    0,
  );
});

test("what is no array of numbers is an error, not a number", () => {
  const header = (type: string, shape: string) => `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  for (const data of [
    npy(header("<f8", "4,"), new Uint8Array(8)),
    npy(header("<f8", "99999999999999999999,"), new Uint8Array(8)),
    npy(header("<f8", "-1,"), new Uint8Array(8)),
    npy(header("<f8", "x,"), new Uint8Array(8)),
    npy(header("|O", "1,"), new Uint8Array(8)),
    npy(header("<U4", "1,"), new Uint8Array(16)),
    npy("{}", new Uint8Array(8)),
    npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2), }", new Uint8Array(32)),
    Buffer.from("PK"),
    Buffer.alloc(0),
  ])
    assert.throws(() => readNpy(data));
});

test("any bytes at all: an error or arrays, never more", () => {
  const real = fs.readFileSync(path.join(fixture("plain"), "run/graph/theta/metrics/val/loss/chunk_000000.npz"));
  const damaged = fc
    .tuple(
      fc.array(fc.tuple(fc.nat({ max: real.length - 1 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 12 }),
      fc.nat({ max: real.length }),
    )
    .map(([changes, length]) => {
      const copy = Buffer.from(real.subarray(0, length));
      for (const [at, value] of changes) if (at < length) copy[at] = value;
      return copy as Uint8Array;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), (bytes) => {
      try {
        const points = pointsOf(readNpz(bytes));
        assert.ok(points.length <= real.length);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
    { numRuns: 1000, seed: 12 },
  );
});

test("an archive that unpacks to more than any metric has is not unpacked", () => {
  const bomb = zipSync({ "value.npy": [new Uint8Array(64 << 20), { level: 9 }] });
  assert.ok(bomb.length < 1 << 20);
  assert.deepEqual([...readNpz(bomb).keys()], []);
});

test("a metric of vectors keeps the mean of each", () => {
  const points = pointsOf(
    readNpz(
      npz({
        step: { shape: [2], values: [0, 1], type: "int64" },
        value: { shape: [2, 2], values: [1, 3, 5, 9], type: "float64" },
        walltime: { shape: [2], values: [10, 11], type: "float64" },
      }),
    ),
  );
  assert.deepEqual(points, [
    { step: 0, value: 2, time: 10 },
    { step: 1, value: 7, time: 11 },
  ]);
});

test("only new chunks are read, and each once", async () => {
  const metric = new Metric();
  const reader = new MetricReader(metric.folder);
  assert.equal(await reader.read(), false);
  for (let n = 0; n < 20; n++) {
    metric.write(n, [n, n + 0.5], 1000 + 10 * n);
    const { opened } = reads;
    assert.equal(await reader.read(), true);
    assert.equal(await reader.read(), false);
    assert.equal(reads.opened - opened, 1);
  }
  assert.equal(reader.points.length, 40);
  assert.equal(reader.modified, fs.statSync(metric.file(19)).mtimeMs);
});

test("two who read at once read each chunk once", async () => {
  const metric = new Metric();
  for (let n = 0; n < 3; n++) metric.write(n, [n], 1000 + n);
  const reader = new MetricReader(metric.folder);
  const { opened } = reads;
  assert.deepEqual(await Promise.all([reader.read(), reader.read()]), [true, true]);
  assert.deepEqual(
    reader.points.map(({ value }) => value),
    [0, 1, 2],
  );
  assert.equal(reads.opened - opened, 3);
  metric.write(3, [3], 1003);
  assert.equal(await reader.read(), true, "a later one reads anew");
});

test("a chunk that does not answer is no half-written one: it is read once it does", async () => {
  const metric = new Metric();
  for (let n = 0; n < 3; n++) metric.write(n, [n], 1000 + n);
  const reader = new MetricReader(metric.folder);
  let away = "chunk";
  useAside(async (name, file, args) => {
    if (name === away && file === metric.file(1)) throw new NoAnswer(`${file} does not answer`);
    return counting(name, file, args);
  });
  try {
    for (away of ["chunk", "signature"]) {
      await reader.read();
      assert.deepEqual([reader.points.length, reader.unanswered], [1, true], away);
    }
    away = "";
    assert.equal(await reader.read(), true);
    assert.deepEqual([reader.points.map(({ value }) => value), reader.unanswered], [[0, 1, 2], false]);
  } finally {
    useAside(counting);
  }
});

test("a half-written chunk waits, is read once it is whole, and not again and again before", async () => {
  const metric = new Metric();
  const reader = new MetricReader(metric.folder);
  const whole = metric.bytes([1, 2, 3], 0, 1000);
  for (const part of [0, 10, whole.length >> 1, whole.length - 1]) {
    fs.writeFileSync(metric.file(0), whole.subarray(0, part));
    metric.touch(0);
    assert.equal(await reader.read(), false, `${part} bytes`);
    const { opened } = reads;
    assert.equal(await reader.read(), false);
    assert.equal(reads.opened, opened);
  }
  fs.writeFileSync(metric.file(0), whole);
  metric.touch(0);
  assert.equal(await reader.read(), true);
  assert.deepEqual(
    reader.points.map(({ value }) => value),
    [1, 2, 3],
  );
});

test("a chunk that nobody will complete does not hide those behind it", async () => {
  const metric = new Metric();
  metric.write(0, [1], 1000);
  fs.writeFileSync(metric.file(1), metric.bytes([2], 100, 1001).subarray(0, 50));
  metric.write(2, [3], 1002);
  const reader = new MetricReader(metric.folder);
  await reader.read();
  assert.deepEqual(
    reader.points.map(({ value }) => value),
    [1, 3],
  );
});

test("a resumed run overwrites the chunks one by one: all entries, in the order of their time", async () => {
  const metric = new Metric();
  const reader = new MetricReader(metric.folder);
  for (let n = 0; n < 5; n++) metric.write(n, [n], 1000 + n);
  await reader.read();
  for (let n = 0; n < 3; n++) {
    metric.write(n, [100 + n], 2000 + n);
    assert.equal(await reader.read(), true);
  }
  const expected = [0, 1, 2, 3, 4, 100, 101, 102];
  assert.deepEqual(
    reader.points.map(({ value }) => value),
    expected,
  );
  // who comes only now finds what was not overwritten, and goes on where the second launch goes on
  const late = new MetricReader(metric.folder);
  await late.read();
  assert.deepEqual(
    late.points.map(({ value }) => value),
    [3, 4, 100, 101, 102],
  );
  metric.write(3, [103], 2003);
  for (const one of [reader, late]) {
    assert.equal(await one.read(), true);
    assert.equal(one.points.at(-1)?.value, 103);
  }
});

test("a long metric is thinned, its ends stay", async () => {
  const metric = new Metric();
  const reader = new MetricReader(metric.folder);
  const chunk = 2000;
  for (let n = 0; n < 30; n++)
    metric.write(
      n,
      Array.from({ length: chunk }, (_, i) => n * chunk + i),
      1000 + n * chunk,
    );
  await reader.read();
  assert.ok(reader.points.length <= 40_000);
  assert.equal(reader.points[0]?.value, 0);
  assert.ok((reader.points.at(-1)?.value ?? 0) > 59_900);
  const steps = reader.points.map(({ value }) => value);
  assert.ok(steps.every((value, i) => i === 0 || value > (steps[i - 1] as number)));
});
