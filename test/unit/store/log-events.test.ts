import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { logEvents } from "../../../src/store/log-events.ts";
import { OutputLog } from "../../../src/store/output-log.ts";
import { FakeHolder } from "../../support/holder/session-folder.ts";

const start = 1_700_000_000_000;
let folder: string;
let log: OutputLog;

beforeEach(() => {
  folder = fs.mkdtempSync("/tmp/fs-");
  const holder = new FakeHolder(path.join(folder, "s"), { time: start, cols: 70, rows: 20 });
  holder.write("first");
  holder.size(90, 30, start + 1000);
  holder.size(91, 31, start + 2000);
  holder.write("second", start + 2000);
  holder.lose(4);
  holder.write("third", start + 5000);
  holder.size(50, 10, start + 6000);
  holder.close();
  log = OutputLog.open(holder.folder);
});
afterEach(() => {
  log.close();
  fs.rmSync(folder, { recursive: true });
});

/** The events in words. */
async function told(from: number, to: number, times: boolean): Promise<string[]> {
  const words: string[] = [];
  for await (const event of logEvents(log, from, to, times)) {
    const what =
      event.kind === "bytes"
        ? event.bytes.toString()
        : event.kind === "hole"
          ? `${event.length} missing`
          : event.kind === "size"
            ? `${event.cols}x${event.rows}`
            : `+${event.time - start}`;
    words.push(`${event.offset} ${what}`);
  }
  return words;
}

test("bytes, holes and sizes come in the order of their offsets, a size before the byte at its place", async () => {
  assert.deepEqual(await told(0, 20, false), [
    "0 first",
    "5 90x30",
    "5 91x31",
    "5 second",
    "11 4 missing",
    "15 third",
    "20 50x10",
  ]);
});

test("each size comes behind the time at which it was given, and output behind the time at which it was reached", async () => {
  assert.deepEqual(await told(0, 20, true), [
    "0 +0",
    "0 first",
    "5 +1000",
    "5 90x30",
    "5 +2000",
    "5 91x31",
    "5 second",
    "11 4 missing",
    "15 +5000",
    "15 third",
    "20 50x10",
  ]);
});

test("of a part only what is behind its beginning, and the time that holds there", async () => {
  assert.deepEqual(await told(7, 13, true), ["5 +2000", "7 cond", "11 2 missing"]);
  assert.deepEqual(await told(5, 7, false), ["5 se"]);
});
