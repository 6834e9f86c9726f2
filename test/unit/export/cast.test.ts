import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { type CastOptions, castOf } from "../../../src/export/cast.ts";
import { OutputLog } from "../../../src/store/output-log.ts";
import { FakeHolder } from "../../support/holder/session-folder.ts";

const start = 1_700_000_000_000;

describe("asciicast", () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  after(() => fs.rmSync(folder, { recursive: true, force: true }));
  let count = 0;

  function made(write: (holder: FakeHolder) => void): OutputLog {
    const holder = new FakeHolder(path.join(folder, `s${count++}`), { time: start, cols: 70, rows: 20 });
    write(holder);
    holder.close();
    return OutputLog.open(holder.folder);
  }
  async function cast(log: OutputLog, options: Partial<CastOptions> = {}): Promise<unknown[][]> {
    let text = "";
    const all = {
      version: 2,
      idle: 0,
      title: "t",
      environment: {},
      before: Buffer.alloc(0),
      from: 0,
      to: log.end,
      status: 0,
      ...options,
    };
    for await (const piece of castOf(log, all as CastOptions)) {
      assert.ok(piece.endsWith("\n"));
      text += piece;
    }
    log.close();
    return text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }
  const write = (holder: FakeHolder) => {
    holder.write("first");
    holder.write("é".slice(0), start + 500);
    holder.size(100, 30, start + 1000);
    holder.write("bigger", start + 1000);
    holder.write("late", start + 61_000);
  };

  test("version 2: a header, and events at their times since the start", async () => {
    assert.deepEqual(await cast(made(write)), [
      { version: 2, width: 70, height: 20, timestamp: 1_700_000_000, title: "t", env: {} },
      [0, "o", "first"],
      [0.5, "o", "é"],
      [1, "r", "100x30"],
      [1, "o", "bigger"],
      [61, "o", "late"],
    ]);
  });

  test("version 3: times since the event before, and the status", async () => {
    assert.deepEqual((await cast(made(write), { version: 3, status: 7, idle: 2 })).slice(0), [
      {
        version: 3,
        term: { cols: 70, rows: 20, type: "xterm-256color" },
        timestamp: 1_700_000_000,
        idle_time_limit: 2,
        title: "t",
        env: {},
      },
      [0, "o", "first"],
      [0.5, "o", "é"],
      [0.5, "r", "100x30"],
      [0, "o", "bigger"],
      [2, "o", "late"],
      [0, "x", "7"],
    ]);
  });

  test("a character that is cut by a mark is one; bytes that are none are replaced; holes are passed over", async () => {
    const log = made((holder) => {
      holder.write(Buffer.from([0xe6, 0xbc]));
      holder.write(Buffer.from([0xa2, 0xff, 0x41]), start + 1000);
      holder.lose(10);
      holder.write("end", start + 2000);
    });
    assert.deepEqual((await cast(log)).slice(1), [
      [1, "o", "漢\ufffdA"],
      [2, "o", "end"],
    ]);
  });

  test("from the middle it begins with the screen of then", async () => {
    const log = made((holder) => {
      holder.write("gone");
      holder.write("kept", start + 5000);
    });
    assert.deepEqual((await cast(log, { from: 4, before: Buffer.from("SCREEN") })).slice(1), [
      [0, "o", "SCREEN"],
      [0, "o", "kept"],
    ]);
  });
});
