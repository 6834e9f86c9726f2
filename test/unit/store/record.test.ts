import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { parseRecord, readRecord } from "../../../src/store/record.ts";

function padded(text: string): Buffer {
  const buffer = Buffer.alloc(4096);
  buffer.write(text, "latin1");
  return buffer;
}

test("every line of a record that a server asks for is read, gaps ordered and joined", () => {
  const record = parseRecord(
    padded(
      "start 1700000000000 42\ngap 300 10\ngap 100 50\ngap 150 20\nadopted 1700000001000 77\nexit 256 900 1700000002000 11 22 33\n",
    ),
  );
  assert.deepEqual(record, {
    start: 1_700_000_000_000,
    pid: 42,
    gaps: [
      { offset: 100, length: 70 },
      { offset: 300, length: 10 },
    ],
    exit: { status: 256, end: 900, time: 1_700_000_002_000 },
  });
});

test("an unknown status is kept", () => {
  assert.equal(parseRecord(padded("exit -1 5 6 0 0 0\n")).exit?.status, -1);
});

test("what is cut, unknown or nonsense is skipped", () => {
  assert.deepEqual(parseRecord(padded("start 17000000000")), { gaps: [] });
  assert.deepEqual(parseRecord(padded("later 1 2 3\ngap x y\ngap -5 9\ngap 5\nstart 1\n\n")), { gaps: [] });
  assert.deepEqual(parseRecord(Buffer.alloc(0)), { gaps: [] });
});

test("a folder without a record has an empty one; a folder that is none throws", () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  try {
    assert.deepEqual(readRecord(folder), { gaps: [] });
    fs.writeFileSync(path.join(folder, "record"), padded("start 5 6\n"));
    assert.equal(readRecord(folder).pid, 6);
    assert.throws(() => readRecord(path.join(folder, "record")), { code: "ENOTDIR" });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
});
