// Files of metrics: what Lightning's CSVLogger and plain loops write, and what happens to them while they are
// read.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { NoAnswer, useAside } from "../../../src/base/aside/aside.ts";
import { MetricsFile } from "../../../src/trainers/files/metrics-file.ts";
import { RowReader } from "../../../src/trainers/files/rows.ts";
import { lookAside } from "../../../src/trainers/reading/foreign-files.ts";
import { endOfFile } from "../../../src/trainers/reading/metrics-files.ts";
import { root } from "../../support/paths.ts";
import { counting, reads } from "../../support/reads.ts";

useAside(counting);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "metrics-"));
after(() => fs.rmSync(folder, { recursive: true }));
let files = 0;

class Followed {
  readonly file = path.join(folder, `metrics-${++files}`);
  #followed: MetricsFile | undefined;

  write(text: string): this {
    fs.writeFileSync(this.file, text);
    return this;
  }

  add(text: string): this {
    fs.appendFileSync(this.file, text);
    return this;
  }

  /** Follows it from now on, as a session does that begins now. */
  async begin(): Promise<this> {
    this.#followed = new MetricsFile(this.file, "fit", await endOfFile(this.file), lookAside);
    return this;
  }

  async told() {
    this.#followed ??= new MetricsFile(this.file, "fit", { bytes: 0, mark: "" }, lookAside);
    await this.#followed.read((await lookAside([this.#followed.lookedAt]))[0]);
    return this.#followed.told().map(({ node, told }) => ({ node, ...told }));
  }

  series() {
    return this.#followed?.series() ?? [];
  }
}

const points = (told: { points: readonly { at: number; loss?: number; validationLoss?: number }[] } | undefined) =>
  told?.points.map(({ at, loss, validationLoss }) => [at, loss, validationLoss]);

describe("a file of metrics", () => {
  test("Lightning's own CSV: sparse rows, epochs from 0", async () => {
    const fit = new Followed().write(fs.readFileSync(path.join(root, "test/fixtures/terminal/lightning.csv"), "utf8"));
    const [told] = await fit.told();
    assert.deepEqual([told?.unit, told?.done, told?.total], ["epoch", 3, null]);
    assert.deepEqual(points(told), [
      [1, 0.16956837475299835, 0.12810328602790833],
      [2, 0.004395884927362204, 0.003297769697383046],
      [3, 0.00012090602103853598, 9.042095189215615e-5],
    ]);
    const validation = fit.series().find(({ metric }) => metric === "val_loss");
    assert.deepEqual(validation?.epoch, [0, 1, 2], "as the file has them");
    assert.deepEqual(validation?.step, [19, 39, 59]);
    assert.equal(fit.series().find(({ metric }) => metric === "train_loss")?.value.length, 12);
  });

  test("a header that is written anew with another column", async () => {
    const fit = new Followed().write("epoch,loss\n1,0.5\n2,0.4\n");
    assert.deepEqual(points((await fit.told())[0]), [
      [1, 0.5, undefined],
      [2, 0.4, undefined],
    ]);
    fit.write("epoch,loss,val_loss\n1,0.5,\n2,0.4,\n2,,0.6\n");
    assert.deepEqual(points((await fit.told())[0]), [
      [1, 0.5, undefined],
      [2, 0.4, 0.6],
    ]);
  });

  test("JSON lines: nested names, NaN as Python writes it, times, how many there will be", async () => {
    const fit = new Followed().write('{"epoch": 1, "epochs": 4, "train": {"loss": 2.5}, "time": 1700000000, "note": "warm"}\n');
    fit.add('{"epoch": 2, "epochs": 4, "train": {"loss": NaN}, "val_loss": -Infinity, "time": 1700000060}\n{"epoch": 3, "tr');
    const [told] = await fit.told();
    assert.deepEqual([told?.done, told?.total, told?.fraction], [2, 4, 0.5]);
    assert.deepEqual(told?.points, [
      { at: 1, time: 1_700_000_000_000, loss: 2.5 },
      { at: 2, time: 1_700_000_060_000, loss: Number.NaN, validationLoss: Number.NEGATIVE_INFINITY },
    ]);
    fit.add('ain": {"loss": 1}}\n');
    assert.deepEqual((await fit.told())[0]?.done, 3, "a line counts when it is whole");
    assert.deepEqual(
      fit.series().map(({ metric, value }) => [metric, value.length]),
      [
        ["train/loss", 3],
        ["val_loss", 1],
      ],
    );
  });

  test("lines that name nodes are told by node", async () => {
    const fit = new Followed().write('{"node": "z", "epoch": 1, "loss": 1}\n{"node": "theta", "epoch": 5, "loss": 2}\n');
    assert.deepEqual(
      (await fit.told()).map(({ node, done }) => [node, done]),
      [
        ["z", 1],
        ["theta", 5],
      ],
    );
  });

  test("where the session's rows begin is a byte of the file, whatever ends its lines and stands in them", async () => {
    const old = Array.from({ length: 30 }, (_, i) => `${i + 1},9`);
    const crlf = await new Followed().write(["epoch,loss", ...old, ""].join("\r\n")).begin();
    crlf.add("31,0.5\r\n32,0.4\r\n");
    assert.deepEqual(points((await crlf.told())[0]), [
      [31, 0.5, undefined],
      [32, 0.4, undefined],
    ]);
    // bytes that are no UTF-8 are told as others, and what is beyond 64 KiB of a line is told by nobody
    for (const odd of [Buffer.alloc(100, 0xff), Buffer.alloc(100_000, "x")]) {
      const told = new Followed();
      fs.writeFileSync(told.file, Buffer.concat([Buffer.from('{"note": "'), odd, Buffer.from('"}\n{"epoch": 1, "loss": 9}\n')]));
      await told.begin();
      assert.deepEqual(await told.told(), []);
      told.add('{"epoch": 2, "loss": 1}\n');
      assert.deepEqual(points((await told.told())[0]), [[2, 1, undefined]]);
    }
  });

  test("what stood in it before the session is not its own, unless it was emptied", async () => {
    const fit = await new Followed().write('{"epoch": 1, "loss": 9}\n{"epoch": 2, "loss": 8}\n').begin();
    assert.deepEqual(await fit.told(), []);
    fit.add('{"epoch": 1, "loss": 1}\n');
    assert.deepEqual(points((await fit.told())[0]), [[1, 1, undefined]]);
    const anew = await new Followed().write('{"epoch": 1, "loss": 9}\n{"epoch": 2, "loss": 8}\n').begin();
    anew.write('{"epoch": 1, "loss": 3}\n{"epoch": 2, "loss": 2}\n{"epoch": 3, "loss": 1}\n');
    assert.equal(points((await anew.told())[0])?.length, 3);
  });

  describe("of a file that does not answer for a moment the old rows stay old", () => {
    /** Its bytes alone are refused: a look may be answered while other work on its mount waits. */
    const refused = async <T>(error: Error, work: () => Promise<T>): Promise<T> => {
      useAside(async (name, file, args) => {
        if (name === "readPiece") throw error;
        return await counting(name, file, args);
      });
      return await work().finally(() => useAside(counting));
    };
    const yesterday = Array.from({ length: 1000 }, (_, i) => `{"epoch": ${i + 1}, "loss": 9}\n`).join("");
    const away = new NoAnswer("it does not answer");
    const stale = Object.assign(new Error("a stale file handle"), { code: "ESTALE" });

    for (const [what, error] of Object.entries({ "is away": away, "has an error": stale })) {
      test(`at the first look: ${what}`, async () => {
        const fit = await new Followed().write(yesterday).begin();
        fit.add('{"epoch": 1001, "loss": 1}\n');
        await refused(error, async () => assert.deepEqual(await fit.told(), []));
        assert.deepEqual(points((await fit.told())[0]), [[1001, 1, undefined]]);
      });

      test(`when it is replaced: ${what}`, async () => {
        const fit = await new Followed().write(yesterday).begin();
        fit.add('{"epoch": 1001, "loss": 1}\n');
        await fit.told();
        // an editor or rsync writes another file with the same bytes
        const other = `${fit.file}-other`;
        fs.writeFileSync(other, fs.readFileSync(fit.file));
        fs.renameSync(other, fit.file);
        let pieces = 0;
        useAside(async (name, file, args) => {
          // the first one is what is read of it anew, the second one what stood in it before
          if (name === "readPiece" && ++pieces > 1) throw error;
          return await counting(name, file, args);
        });
        await fit.told().finally(() => useAside(counting));
        assert.deepEqual(points((await fit.told())[0]), [[1001, 1, undefined]]);
      });

      test(`at the start, which is refused: ${what}`, async () => {
        const file = new Followed().write(yesterday);
        await refused(error, () => assert.rejects(endOfFile(file.file), { message: new RegExp(error.message) }));
      });
    }

    test("what is not there, or is no regular file, is empty", async () => {
      for (const name of [path.join(folder, "none"), path.join(new Followed().write("").file, "below"), folder])
        assert.deepEqual(await endOfFile(name), { bytes: 0, mark: "" });
    });
  });

  test("only what is new is read", async () => {
    const fit = new Followed().write("step,loss\n");
    for (let i = 1; i <= 1000; i++) fit.add(`${i},${1 / i}\n`);
    assert.equal((await fit.told())[0]?.unit, "step");
    const { bytes } = reads;
    fit.add("1001,0.5\n");
    assert.equal((await fit.told())[0]?.done, 1001);
    assert.ok(reads.bytes - bytes < 100, `${reads.bytes - bytes} bytes`);
  });

  test("a long file takes several pieces, and no line is lost", async () => {
    const lines = Array.from({ length: 120_000 }, (_, i) => `{"step": ${i + 1}, "loss": ${i}, "what": "some words"}`);
    const fit = new Followed().write(`${lines.join("\n")}\n`);
    const [told] = await fit.told();
    assert.equal(told?.done, 120_000);
    assert.ok((told?.points.length ?? 0) <= 20_000);
    assert.equal(told?.points[0]?.at, 1);
  });

  test("steps that go back and forth do not cost a look at all points each", async () => {
    const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `{"step": ${from + i}, "loss": 1}\n`);
    const fit = new Followed().write(rows(0, 10_000).join(""));
    let looks = 0;
    for (const point of (await fit.told())[0]?.points ?? []) {
      const { at } = point;
      const counted = () => {
        looks++;
        return at;
      };
      Object.defineProperty(point, "at", { enumerable: true, get: counted });
    }
    // two ranks append to it, the one a step behind the other
    fit.add(
      Array.from({ length: 500 }, (_, i) =>
        rows(9_999 + i, 10_001 + i)
          .reverse()
          .join(""),
      ).join(""),
    );
    const [told] = await fit.told();
    assert.deepEqual([told?.points.length, told?.points.at(-2)?.at, told?.points.at(-1)?.at], [10_499, 10_497, 10_498]);
    assert.ok(looks < 2_000, `${looks} looks at points`);
  });

  test("more metrics than a trainer has, and objects in objects, are passed over", async () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`m${i}`, i]));
    const fit = new Followed().write(`${JSON.stringify({ step: 1, ...many, a: { b: { c: { d: 1 } } } })}\n`);
    await fit.told();
    assert.equal(fit.series().length, 200);
  });

  test("a time is one of seconds, or of their thousandths, millionths or billionths", async () => {
    const times = [1_795_747_412, 1_795_747_413_000, 1_795_747_414_000_000, 1_795_747_415_000_000_000];
    const fit = new Followed().write(times.map((time, i) => `{"step": ${i}, "time": ${time}, "loss": 1}\n`).join(""));
    fit.add('{"step": 9, "time": Infinity, "timestamp": 1795747416, "loss": 1}\n');
    await fit.told();
    assert.deepEqual(
      fit.series()[0]?.time.map((time) => Math.round((time as number) / 1000)),
      [1_795_747_412, 1_795_747_413, 1_795_747_414, 1_795_747_415, 1_795_747_416],
    );
  });

  test("lines that name ever more nodes: the first ones are told", async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `{"node": "n${i}", "step": 1, "loss": ${i}}\n`);
    const nodes = (await new Followed().write(lines.join("")).told()).map(({ node }) => node);
    assert.deepEqual([nodes.length, nodes[0], nodes.at(-1)], [100, "n0", "n99"]);
  });

  test("what is no file of metrics tells nothing", async () => {
    assert.deepEqual(await new Followed().told(), []);
    assert.deepEqual(await new Followed().write("hello\nworld, it is\n\0\n").told(), []);
    assert.deepEqual(await new Followed().write("{not json\n{}\n[1]\n").told(), []);
    assert.equal(new RowReader().row('{"a": "b'), undefined);
  });
});
