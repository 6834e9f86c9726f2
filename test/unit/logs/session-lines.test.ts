import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, describe, test } from "node:test";
import { fileLines, fileStart } from "../../../src/logs/file-lines.ts";
import type { Selected, Selection } from "../../../src/logs/line-job.ts";
import {
  LastLines,
  type LineSource,
  PatternTooSlow,
  type Place,
  SessionLines,
  storeLines,
} from "../../../src/logs/session-lines.ts";
import { JobTooLong, PoolClosed, WorkerPool } from "../../../src/logs/worker-pool.ts";
import { OutputLog } from "../../../src/store/output-log.ts";
import { migrate } from "../../../src/store/schema.ts";
import { LineStore } from "../../../src/store/search.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";
import { until } from "../../support/events.ts";
import { FakeHolder } from "../../support/holder/session-folder.ts";
import { root } from "../../support/paths.ts";

const all: Selection = { from: 0, to: Number.MAX_SAFE_INTEGER, since: 0, stamp: 0, pattern: null, colours: false, prefix: "" };
const text = (chunks: readonly Selected[]) => chunks.map((chunk) => Buffer.from(chunk.text).toString()).join("");
const lines = (chunks: readonly Selected[]) => text(chunks).split("\n").slice(0, -1);
async function gathered(chunks: AsyncIterable<Selected>): Promise<string[]> {
  const found: Selected[] = [];
  for await (const chunk of chunks) found.push(chunk);
  return lines(found);
}

describe("the lines of a session", () => {
  const folder = fs.mkdtempSync("/tmp/fs-");
  const database = openDatabase(":memory:");
  migrate(database);
  const store = new LineStore(database);
  const workers = new WorkerPool(path.join(root, "test/support/line-worker.mjs"));
  const tools = { store, workers };
  let count = 0;

  after(async () => {
    await workers.dispose();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  function session(): { holder: FakeHolder; source: LineSource } {
    const id = `s${count++}`;
    const holder = new FakeHolder(path.join(folder, id));
    return { holder, source: { id, display: false, openLog: () => OutputLog.open(holder.folder) } };
  }
  const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`);
  const said = (from: number, to: number) =>
    numbered(from, to)
      .map((line) => `${line}\r\n`)
      .join("");

  test("come from blocks and from the log, each once, whatever was stored when", async () => {
    const { holder, source } = session();
    for (let i = 0; i < 5000; i += 1000) {
      holder.write(said(i, i + 1000));
      assert.deepEqual(await gathered(new SessionLines(source, tools).forward(all, "show")), numbered(0, i + 1000));
      await storeLines(source, tools, 7_000, false);
      assert.deepEqual(await gathered(new SessionLines(source, tools).forward(all, "show")), numbered(0, i + 1000));
    }
    const before = store.progress(source.id);
    assert.ok(before !== undefined && before.lines > 1000 && before.lines % 128 === 0 && !before.complete);
    // a view that was made before more was stored reads the same
    const view = new SessionLines(source, tools);
    while (await storeLines(source, tools, 50_000, true));
    assert.equal(store.progress(source.id)?.complete, true);
    assert.equal(store.progress(source.id)?.lines, 5000);
    assert.deepEqual(await gathered(view.forward(all, "end")), numbered(0, 5000));
    assert.deepEqual(await gathered(new SessionLines(source, tools).forward(all, "end")), numbered(0, 5000));
    holder.close();
  });

  test("the last ones, the matching ones, those of a range", async () => {
    const { holder, source } = session();
    holder.write(said(0, 3000));
    await storeLines(source, tools, 30_000, false);
    const last = async (n: number, select: Partial<Selection> = {}) =>
      lines(await new SessionLines(source, tools).last(n, { ...all, ...select }, "show"));
    assert.deepEqual(await last(3), numbered(2997, 3000));
    assert.deepEqual(await last(2500), numbered(500, 3000));
    assert.deepEqual(await last(9999), numbered(0, 3000));
    assert.deepEqual(await last(0), []);
    assert.deepEqual(await last(4, { to: 1000 }), numbered(996, 1000));
    const oneThousand = { pattern: { source: "line 10..$", flags: "" } };
    assert.deepEqual(await last(3, oneThousand), numbered(1097, 1100));
    assert.deepEqual(await last(2, { pattern: { source: "7", flags: "" } }), ["line 2987", "line 2997"]);
    const forward = async (select: Partial<Selection>) =>
      gathered(new SessionLines(source, tools).forward({ ...all, ...select }, "show"));
    assert.deepEqual(await forward({ pattern: { source: "^line (17|2999)$", flags: "" } }), ["line 17", "line 2999"]);
    assert.deepEqual(await forward({ from: 2990 }), numbered(2990, 3000));
    assert.deepEqual(await forward({ since: holder.end - 25 }), numbered(2998, 3000));
    holder.close();
  });

  test("of a range no block behind it is unpacked", async (t) => {
    const { holder, source } = session();
    holder.write(said(0, 3000));
    while (await storeLines(source, tools, 30_000, true));
    const jobs = t.mock.method(workers, "run");
    const view = new SessionLines(source, tools);
    assert.deepEqual(await gathered(view.forward({ ...all, from: 100, to: 300 }, "end")), numbered(100, 300));
    const unpacked = jobs.mock.calls.map(({ arguments: [job] }) => (job as { blocks: unknown[] }).blocks.length);
    assert.deepEqual(unpacked, [3], "those of lines 0 to 383");
    holder.close();
  });

  test("goes on from where it stood, as a follower does", async () => {
    const { holder, source } = session();
    holder.write("one\r\ntw");
    let place: Place | undefined;
    let from = 0;
    const after = (reached: Place, answer: { shown: number; total: number }) => {
      place = reached;
      from = Math.min(Math.max(from, answer.shown), answer.total);
    };
    assert.deepEqual(await gathered(new SessionLines(source, tools).forward(all, "complete", after)), ["one"]);
    holder.write("o\r\n");
    const next = () => gathered(new SessionLines(source, tools).onward(place as Place, { ...all, from }, "complete", after));
    assert.deepEqual(await next(), ["two"]);
    assert.deepEqual(await next(), []);
    // a bar that is drawn over and over comes when it is done, and never twice
    holder.write("10%\r50%\r");
    assert.deepEqual(await next(), []);
    holder.write("100%\r\nthree\r\n");
    assert.deepEqual(await next(), ["100%", "three"]);
    holder.close();
  });

  test("of a session whose beginning was let go of: from there on, by the terminal's size then", async () => {
    const { holder, source } = session();
    holder.size(40, 10);
    holder.write(said(0, 2000));
    await storeLines(source, tools, 1 << 20, false);
    const kept = store.progress(source.id)?.lines as number;
    assert.equal(store.forget(source.id, 10_000, 3), 3);
    const found = await gathered(new SessionLines(source, tools).forward(all, "show"));
    assert.deepEqual(found, numbered(3 * 128, 2000));
    assert.ok(kept > 3 * 128);
    holder.close();
  });

  test("a pattern without an end is told, and the next turn has a thread", async (t) => {
    const { holder, source } = session();
    holder.write(`${"a".repeat(60)}\r\n`);
    const slow = { ...all, pattern: { source: "(a+)+x$", flags: "" } };
    let told = false;
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const rejected = assert.rejects(gathered(new SessionLines(source, tools).forward(slow, "end")), PatternTooSlow);
    void rejected.finally(() => {
      told = true;
    });
    await until(() => {
      t.mock.timers.tick(1_000);
      return told;
    }, "the time of a pattern to be over");
    t.mock.timers.reset();
    await rejected;
    assert.deepEqual(await gathered(new SessionLines(source, tools).forward(all, "end")), ["a".repeat(60)]);
    holder.close();
  });

  test("a file is read in the same way, from its start again when it became shorter", async () => {
    const file = path.join(folder, "output.log");
    fs.writeFileSync(file, "one\ntwo\n");
    let place = fileStart;
    const read = (standing: "complete" | "end", select = all) =>
      gathered(
        fileLines(workers, file, place, select, standing, (reached) => {
          place = reached;
        }),
      );
    assert.deepEqual(await read("complete"), ["one", "two"]);
    fs.appendFileSync(file, "three\n");
    assert.deepEqual(await read("complete", { ...all, from: 2 }), ["three"]);
    fs.writeFileSync(file, "new\n");
    assert.deepEqual(await read("end", { ...all, from: 3 }), ["new"]);
    await assert.rejects(gathered(fileLines(workers, path.join(folder, "none"), fileStart, all, "end")), { code: "ENOENT" });
  });
});

describe("threads", () => {
  test("a turn that takes too long ends with its thread; others wait for their turn; the end rejects what waits", async () => {
    const workers = new WorkerPool(path.join(root, "test/support/line-worker.mjs"));
    const turn = (source: string, line: string) => ({
      do: "read",
      at: { offset: 0, cols: 80, rows: 24 },
      feed: [{ bytes: new Uint8Array(Buffer.from(line)) }],
      standing: "end",
      select: { ...all, pattern: { source, flags: "" } },
    });
    await assert.rejects(workers.run(turn("(b+)+c", "b".repeat(80)), 300), JobTooLong);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => workers.run<{ lines: Selected }>(turn("b", "b"), 60_000)));
    assert.ok(answers.every(({ lines }) => lines.ends.length === 1));
    await assert.rejects(
      workers.run({ do: "unpack", blocks: [{ first: 0, packed: new Uint8Array(3) }], select: all }, 60_000),
      /./,
    );
    const waiting = Promise.all(
      [1, 2, 3, 4].map(() => assert.rejects(workers.run(turn("(b+)+c", "b".repeat(80)), 60_000), PoolClosed)),
    );
    await workers.dispose();
    await waiting;
    await assert.rejects(workers.run(turn("b", "b"), 1000), PoolClosed);
  });
});

test("the last lines of what comes by", () => {
  const chunk = (...texts: string[]): Selected => {
    const bytes = new Uint8Array(Buffer.from(texts.map((t) => `${t}\n`).join("")));
    let at = 0;
    const ends = Uint32Array.from(texts, (t) => {
      at += Buffer.byteLength(t) + 1;
      return at;
    });
    return { text: bytes, ends, numbers: Float64Array.from(texts, (_, i) => i) };
  };
  const last = new LastLines(3);
  for (const part of [["a"], [], ["b", "ç", "d"], ["e"]]) last.push(chunk(...part));
  assert.deepEqual(lines(last.chunks), ["ç", "d", "e"]);
  assert.equal(last.lines, 3);
  last.push(chunk("1", "2", "3", "4", "5"));
  assert.deepEqual(lines(last.chunks), ["3", "4", "5"]);
});
