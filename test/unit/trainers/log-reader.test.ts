// Reading a log that is being written: every line once, only what is new, through truncation, replacement and
// sheer size.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { useAside } from "../../../src/base/aside/aside.ts";
import { lookAside as look } from "../../../src/trainers/reading/foreign-files.ts";
import { LogReader } from "../../../src/trainers/reading/log-reader.ts";
import { counting, reads } from "../../support/reads.ts";

useAside(counting);

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "log-reader-"));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

let made = 0;
function newLog(text = ""): { file: string; reader: LogReader } {
  const file = path.join(folder, `${made++}.log`);
  fs.writeFileSync(file, text);
  return { file, reader: new LogReader(file, look) };
}

/** What is read again before new bytes, to know the log by. */
const mark = 64;

test("only what is new is read: each byte once, and at most 64 before it", async () => {
  const { file, reader } = newLog("one\ntwo\n");
  const { bytes, opened } = reads;
  assert.deepEqual((await reader.read()).lines, ["one", "two"]);
  assert.equal(reads.bytes - bytes, 8);
  assert.deepEqual(await reader.read(), { lines: [], ends: [], restarted: false, skipped: 0 });
  assert.equal(reads.bytes - bytes, 8, "nothing new: nothing read");
  assert.equal(reads.opened - opened, 1, "nor opened");
  let all = 8;
  for (let n = 0; n < 100; n++) {
    const line = `line ${n} ${"x".repeat(n)}`;
    fs.appendFileSync(file, `${line}\n`);
    const before = reads.bytes;
    assert.deepEqual((await reader.read()).lines, [line]);
    assert.equal(reads.bytes - before, line.length + 1 + Math.min(mark, all));
    all += line.length + 1;
  }
});

test("a line is given out when it is complete, however it comes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.string({ unit: "grapheme", maxLength: 30 }).map((s) => s.replace(/[\r\n]/g, "")),
        { maxLength: 20 },
      ),
      fc.array(fc.nat({ max: 40 }), { maxLength: 30 }),
      async (lines, cuts) => {
        const { file, reader } = newLog();
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const got: string[] = [];
        let at = 0;
        for (const cut of [...cuts, bytes.length]) {
          const to = Math.min(bytes.length, at + cut);
          fs.appendFileSync(file, bytes.subarray(at, to));
          at = to;
          const news = await reader.read();
          assert.equal(news.restarted, false);
          got.push(...news.lines);
        }
        assert.deepEqual(got, lines);
      },
    ),
    { numRuns: 60, seed: 4 },
  );
});

test("the end of a line may be Windows'", async () => {
  const { reader } = newLog("one\r\ntwo\r\n");
  assert.deepEqual((await reader.read()).lines, ["one", "two"]);
});

test("a log that was emptied begins anew, also when it has grown past our place since", async () => {
  const { file, reader } = newLog(`${"first\n".repeat(50)}`);
  await reader.read();
  fs.writeFileSync(file, "short\n");
  assert.deepEqual(await reader.read(), { lines: ["short"], ends: [6], restarted: true, skipped: 0 });
  fs.writeFileSync(file, `${"other\n".repeat(500)}`);
  const news = await reader.read();
  assert.equal(news.restarted, true);
  assert.equal(news.lines.length, 500);
  fs.truncateSync(file, 0);
  assert.deepEqual(await reader.read(), { lines: [], ends: [], restarted: true, skipped: 0 });
});

test("a log that was replaced by another file begins anew", async () => {
  const { file, reader } = newLog("one\n");
  await reader.read();
  fs.writeFileSync(`${file}.new`, "two\nthree\n");
  fs.renameSync(`${file}.new`, file);
  assert.deepEqual(await reader.read(), { lines: ["two", "three"], ends: [4, 10], restarted: true, skipped: 0 });
});

test("a log that is not there has no news, and one that comes back is not read twice", async () => {
  const { file, reader } = newLog("one\n");
  fs.renameSync(file, `${file}.away`);
  assert.deepEqual(await reader.read(), { lines: [], ends: [], restarted: false, skipped: 0 });
  assert.equal(reader.exists, false);
  fs.renameSync(`${file}.away`, file);
  assert.deepEqual((await reader.read()).lines, ["one"]);
  assert.equal(reader.exists, true);
  fs.renameSync(file, `${file}.away`);
  await reader.read();
  assert.equal(reader.exists, false);
  fs.renameSync(`${file}.away`, file);
  fs.appendFileSync(file, "two\n");
  assert.deepEqual((await reader.read()).lines, ["two"]);
});

test("a folder in its place, and a log that may not be read, are no news", async () => {
  const file = path.join(folder, "directory.log");
  fs.mkdirSync(file);
  assert.deepEqual((await new LogReader(file, look).read()).lines, []);
  assert.deepEqual((await new LogReader(path.join(folder, "0.log", "beyond"), look).read()).lines, []);
});

test("a log of 1 GB is entered at its end: 256 KB are read of it", async () => {
  const { file, reader } = newLog();
  const { bytes } = reads;
  const size = 1 << 30;
  const end = "2026-11-24T08:00:00 [INFO] the last line\n";
  fs.truncateSync(file, size);
  fs.appendFileSync(file, `\n${end}`);
  const news = await reader.read();
  assert.deepEqual(news.lines, [end.trimEnd()]);
  assert.equal(reads.bytes - bytes, 256 << 10);
  assert.equal(news.skipped, size + 1);
  fs.appendFileSync(file, "one more\n");
  assert.deepEqual((await reader.read()).lines, ["one more"]);
  assert.equal(reads.bytes - bytes, (256 << 10) + mark + 9);
});

test("of what was written in one go at most 1 MB is read", async () => {
  const { file, reader } = newLog("begin\n");
  await reader.read();
  const before = reads.bytes;
  const line = `${"y".repeat(99)}\n`;
  fs.appendFileSync(file, line.repeat(30_000));
  const news = await reader.read();
  assert.ok(reads.bytes - before <= (1 << 20) + mark);
  assert.ok(news.skipped > 0);
  assert.ok(news.lines.every((text) => text === line.trimEnd()));
  assert.equal(news.skipped + news.lines.length * line.length, 30_000 * line.length);
});

test("a line without an end does not fill the memory, nor does its rest count as a line of its own", async () => {
  const { file, reader } = newLog();
  for (let n = 0; n < 40; n++) {
    fs.appendFileSync(file, "z".repeat(50_000));
    assert.deepEqual((await reader.read()).lines, []);
  }
  fs.appendFileSync(file, "\nafter\n");
  const { lines } = await reader.read();
  assert.equal(lines.length, 2);
  assert.ok((lines[0] as string).length <= 64 << 10);
  assert.equal(lines[1], "after");
});

test("a tail that holds no line's beginning: the torn line is passed over to its end", async () => {
  const { file, reader } = newLog();
  fs.truncateSync(file, 4 << 20);
  assert.deepEqual((await reader.read()).lines, []);
  fs.appendFileSync(file, "the torn line's end\nwhole\n");
  assert.deepEqual((await reader.read()).lines, ["whole"]);
});
