// What is read off a screen, by what tqdm, rich, Keras and Lightning themselves wrote
// (test/fixtures/terminal/record.py).
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { readRows } from "../../../src/trainers/terminal/rows.ts";
import { root } from "../../support/paths.ts";

/** What is read when the screen has this part of a recording. */
function reading(name: string, part: number) {
  const bytes = fs.readFileSync(path.join(root, "test/fixtures/terminal", `${name}.out`));
  const screen = new Screen({ cols: 100, rows: 30, scrollback: 100 });
  screen.feed(bytes.subarray(0, Math.floor(bytes.length * part)));
  const { lines } = screen.text();
  screen.dispose();
  return readRows(lines);
}

test("tqdm: how far, how fast, how long, and the losses of its postfix", () => {
  const read = reading("tqdm", 0.35);
  assert.deepEqual(read, {
    unit: "step",
    done: 16,
    total: 40,
    fraction: 0.4,
    rate: 32.41,
    left: 0,
    marks: [{ at: 16, loss: 0.0625, validationLoss: 0.125 }],
    now: { loss: 0.0625, validationLoss: 0.125 },
  });
  assert.equal(reading("tqdm", 1)?.fraction, 1);
});

test("tqdm in tqdm: the inner one refines the outer one", () => {
  const read = reading("tqdm-nested", 0.35);
  assert.equal(read?.unit, "epoch");
  assert.deepEqual([read?.done, read?.total, read?.fraction], [1, 4, (1 + 0.4) / 4]);
  assert.deepEqual(reading("tqdm-nested", 1)?.fraction, 1);
});

test("tqdm without an end has no fraction and no time left", () => {
  const read = reading("tqdm-endless", 0.6);
  assert.deepEqual([read?.done, read?.total, read?.fraction, read?.left, read?.rate], [848, null, null, null, 31.24]);
});

test("rich: a percentage and nothing else", () => {
  const read = reading("rich", 0.6);
  assert.deepEqual([read?.unit, read?.done, read?.total, read?.fraction], ["%", 63, 100, 0.63]);
  assert.equal(reading("rich", 0.35), undefined, "a bar that is half drawn says nothing");
});

test("Keras: epochs by number, the bar within, the losses of each", () => {
  const read = reading("keras", 0.85);
  assert.deepEqual([read?.unit, read?.done, read?.total], ["epoch", 2, 3]);
  assert.equal(read?.fraction, (2 + 14 / 32) / 3);
  assert.deepEqual(read?.marks, [
    { at: 1, loss: 2.0578, validationLoss: 1.1026 },
    { at: 2, loss: 0.5884, validationLoss: 0.3296 },
    { at: 3, loss: 0.1891 },
  ]);
  assert.equal(reading("keras", 1)?.fraction, 1);
});

test("Lightning counts from 0, and shows the validation of the epoch before", () => {
  const read = reading("lightning", 0.85);
  assert.deepEqual([read?.unit, read?.done, read?.total, read?.fraction], ["epoch", 2, null, null]);
  assert.deepEqual(read?.marks, [{ at: 2, loss: 8.83e-5, validationLoss: 0.0033 }]);
  const rich = reading("lightning-rich", 0.6);
  assert.deepEqual([rich?.done, rich?.total], [2, 3]);
  assert.deepEqual(rich?.marks, [{ at: 2, loss: 0.004, validationLoss: 0.128 }]);
});

test("lines of a plain loop", () => {
  const lines = ["Epoch 1/10, loss: 0.9", "Epoch 2/10, loss: nan", "some words"];
  const read = readRows(lines);
  assert.deepEqual([read?.done, read?.total, read?.fraction], [2, 10, 0.2]);
  assert.deepEqual(read?.marks, [
    { at: 1, loss: 0.9 },
    { at: 2, loss: Number.NaN },
  ]);
  assert.equal(readRows(["Epoch [3/10], Loss: 0.1234"])?.done, 3);
  assert.equal(readRows(["Epoch 3/10"])?.done, 2, "it has begun");
  assert.deepEqual(readRows(["Train Epoch: 2 [12800/60000 (21%)]\tLoss: 0.12"])?.marks, [{ at: 2, loss: 0.12 }]);
  assert.deepEqual(readRows(["step 250: train loss 2.1, val loss 2.25"])?.marks, [{ at: 250, loss: 2.1, validationLoss: 2.25 }]);
  assert.deepEqual(readRows(["{'loss': 0.5, 'learning_rate': 5e-05, 'epoch': 0.3}"])?.marks, [
    { at: 0.3, loss: 0.5, learningRate: 5e-5 },
  ]);
});

test("what is known of nothing is nothing", () => {
  assert.equal(readRows([]), undefined);
  assert.equal(readRows(["$ ls", "a  b  c", "loss of heat: 3", "total 4/5"]), undefined);
  assert.equal(readRows(["100% of files checked"]), undefined);
});

test("of a huge screen the end is read, and no row makes it slow", () => {
  const hostile = ["a".repeat(100_000), `${"1%|".repeat(30_000)}`, `${"loss ".repeat(30_000)}`, `${"━".repeat(50_000)}`];
  const rows = [...Array.from({ length: 20_000 }, () => "Epoch 1/2 loss 7"), ...Array.from({ length: 30 }, () => hostile).flat()];
  assert.equal(readRows(rows), undefined);
  assert.equal(readRows([...rows, "Epoch 2/4"])?.done, 1);
});

test("another training on the same screen: its losses alone", () => {
  const read = readRows(["Epoch 9/10 loss 1", "Epoch 10/10 loss 1", "Epoch 1/10 loss 5"]);
  assert.deepEqual(read?.marks, [{ at: 1, loss: 5 }]);
});
