import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Times } from "../../../src/store/times.ts";
import { allocated, FakeHolder, punchHole } from "../../support/holder/session-folder.ts";

const start = 1_700_000_000_000;
let folder: string;
let holder: FakeHolder;
beforeEach(() => {
  folder = path.join(fs.mkdtempSync("/tmp/fs-"), "s");
  holder = new FakeHolder(folder, { time: start });
});
afterEach(() => {
  holder.close();
  fs.rmSync(path.dirname(folder), { recursive: true });
});

test("offsets and times are found both ways, sizes at their offsets", () => {
  holder.write("a".repeat(10), start + 1000);
  holder.write("b".repeat(10), start + 2000);
  holder.size(100, 30, start + 2500);
  holder.write("c".repeat(10), start + 3000);
  const times = new Times(folder);
  assert.equal(times.timeAt(0), start + 1000);
  assert.equal(times.timeAt(9), start + 1000);
  assert.equal(times.timeAt(10), start + 2000);
  assert.equal(times.timeAt(25), start + 3000);
  assert.equal(times.offsetAt(start - 1), 0);
  assert.equal(times.offsetAt(start + 1500), 10);
  assert.equal(times.offsetAt(start + 2600), 20);
  assert.equal(times.offsetAt(start + 3000), null);
  assert.deepEqual(times.sizes(), [
    { offset: 0, time: start, cols: 80, rows: 24 },
    { offset: 20, time: start + 2500, cols: 100, rows: 30 },
  ]);
  assert.equal(times.sizeAt(19)?.cols, 80);
  assert.equal(times.sizeAt(20)?.cols, 100);
});

test("what is appended later is seen after a refresh, over many strides", () => {
  const times = new Times(folder);
  for (let i = 1; i <= 5000; i++) holder.write("x".repeat(7), start + i * 200);
  times.refresh();
  for (const i of [0, 1, 1023, 1024, 1025, 4000, 4999]) {
    assert.equal(times.timeAt(i * 7 + 3), start + (i + 1) * 200, `entry ${i}`);
    assert.equal(times.offsetAt(start + i * 200 + 50), i === 0 ? 0 : i * 7, `entry ${i}`);
  }
  assert.equal([...times.marks()].length, 5000, "the first of the two marks at 0 holds for no byte");
  assert.deepEqual([...times.marks(4999 * 7)], [{ offset: 4999 * 7, time: start + 5000 * 200 }]);
});

test("an index that is absent, cut or foreign is empty", () => {
  const none = fs.mkdtempSync("/tmp/fs-");
  try {
    for (const content of [null, "", "FTIM", "XXXX\x01\0\0\0\0\0\0\0\0\0\0\0", "FTIM\x02\0\0\0\0\0\0\0\0\0\0\0"]) {
      if (content !== null) fs.writeFileSync(path.join(none, "times"), content);
      const times = new Times(none);
      assert.equal(times.timeAt(5), null);
      assert.equal(times.offsetAt(5), null);
      assert.deepEqual(times.sizes(), []);
    }
  } finally {
    fs.rmSync(none, { recursive: true });
  }
});

test("times that cannot be read for want of a descriptor fail that look-up, and are those they were in the next one", (t) => {
  for (let i = 1; i <= 5000; i++) holder.write("x".repeat(7), start + i * 200);
  const times = new Times(folder);
  const emfile = () => {
    throw Object.assign(new Error("EMFILE: too many open files, open"), { code: "EMFILE" });
  };
  t.mock.method(fs, "openSync", emfile, { times: 1 });
  assert.throws(() => times.timeAt(1030 * 7), { code: "EMFILE" });
  assert.equal(times.timeAt(1030 * 7), start + 1031 * 200);
});

test("the head can be let go of: later look-ups are unchanged, disk is freed, appending goes on", () => {
  for (let i = 1; i <= 6000; i++) {
    if (i === 2000) holder.size(132, 50, start + i * 200);
    holder.write("x".repeat(7), start + i * 200);
  }
  const before = new Times(folder);
  const disk = allocated(path.join(folder, "times"));
  // where what is kept begins behind the first page nothing is freed, and the system is asked for nothing
  before.forget(400 * 7, (_fd, offset, length) => assert.fail(`${length} bytes at ${offset} are to be freed`));
  before.forget(5000 * 7, punchHole);
  assert.ok(allocated(path.join(folder, "times")) < disk / 2);
  holder.write("y", start + 6001 * 200);
  before.refresh();
  for (const times of [before, new Times(folder)]) {
    for (const i of [5000, 5500, 5999, 6000]) {
      assert.equal(times.timeAt(i * 7), start + (i + 1) * 200);
      assert.equal(times.offsetAt(start + i * 200 + 50), i * 7);
    }
    assert.equal(times.sizeAt(5500 * 7)?.cols, 132);
    assert.deepEqual(
      times.sizes().map((s) => s.cols),
      [132],
    );
  }
  // a holder's successor adds up the whole file
  const bytes = fs.readFileSync(path.join(folder, "times"));
  let ms = 0;
  let offset = 0;
  for (let i = 16; i + 12 <= bytes.length; i += 12) {
    ms += bytes.readUInt32LE(i);
    offset += bytes.readUInt32LE(i + 4);
  }
  assert.deepEqual([ms, offset], [6001 * 200, 6000 * 7]);
  // a crash after the note, before the rest
  fs.writeFileSync(path.join(folder, "times.base.tmp"), "half");
  // again, over what was let go of before
  before.forget(6000 * 7, punchHole);
  assert.equal(new Times(folder).timeAt(6000 * 7), start + 6001 * 200);
});
