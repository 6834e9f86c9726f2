import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type Database from "better-sqlite3";
import { Keyframes } from "../../../src/store/keyframes.ts";
import { migrate } from "../../../src/store/schema.ts";
import { LineStore, type NewLineBlock } from "../../../src/store/search.ts";
import { openDatabase } from "../../../src/store/sqlite.ts";

function opened(...sessions: string[]): Database.Database {
  const db = openDatabase(":memory:");
  db.pragma("foreign_keys = ON");
  migrate(db);
  const insert = db.prepare(
    `INSERT INTO session (id, name, kind, command, directory, environment, umask, limits, host, boot, token, state, created, cols, rows, pinned)
     VALUES (?, 'n', 'run', '[]', '/', '{}', 18, '[]', 'h', 'b', 't', 'exited', 0, 80, 24, 0)`,
  );
  for (const id of sessions) insert.run(id);
  return db;
}
const block = (first: number, words: string, count = 10): NewLineBlock => ({
  first,
  count,
  offset: first * 100,
  last: (first + count) * 100 - 1,
  packed: new Uint8Array([first & 255]),
  words,
});
const progress = (lines: number) => ({ offset: lines * 100, lines, state: Buffer.from([7]), complete: false });

describe("the store of lines", () => {
  test("blocks by line, backwards, by place, by words", () => {
    const store = new LineStore(opened("a", "b"));
    store.add("a", [block(0, "x1 y2"), block(10, "x1"), block(20, "z3")], progress(30));
    store.add("b", [block(0, "y2 z3")], progress(10));
    assert.deepEqual(
      store.blocksFrom("a", 15, 9).map(({ first }) => first),
      [10, 20],
    );
    assert.deepEqual(store.blocksFrom("a", 30, 9), []);
    assert.deepEqual(
      store.blocksBefore("a", 20, 1).map(({ first }) => first),
      [10],
    );
    assert.equal(store.lineAt("a", 1999), 10);
    assert.equal(store.lineAt("a", 9999), undefined);
    assert.deepEqual(store.find("y2"), [
      { session: "a", id: 1 },
      { session: "b", id: 4 },
    ]);
    assert.deepEqual(
      store.find("(x1 AND y2)").map(({ id }) => id),
      [1],
    );
    assert.deepEqual(
      store.find("z3", "a").map(({ id }) => id),
      [3],
    );
    assert.deepEqual(store.progress("a"), progress(30));
    assert.equal(store.progress("c"), undefined);
  });

  test("what is forgotten is found no more: by age, with its session", () => {
    const db = opened("a", "b");
    const store = new LineStore(db);
    store.add("a", [block(0, "x1"), block(10, "x1"), block(20, "x1")], progress(30));
    store.add("b", [block(0, "x1"), block(10, "x1")], progress(20));
    assert.equal(store.forget("a", 1500, 10), 1);
    assert.equal(store.find("x1").length, 4);
    db.prepare("DELETE FROM session WHERE id = 'b'").run();
    assert.equal(store.sweep(1), 1);
    assert.equal(store.sweep(1), 1);
    assert.equal(store.sweep(1), 0);
    assert.equal(store.progress("b"), undefined);
    assert.deepEqual(
      store.find("x1").map(({ session }) => session),
      ["a", "a"],
    );
  });

  test("blocks and progress are added both or not at all", () => {
    const store = new LineStore(opened("a"));
    store.add("a", [block(0, "x1")], progress(10));
    assert.throws(() => store.add("a", [block(10, "x2"), block(0, "x3")], progress(20)));
    assert.equal(store.progress("a")?.lines, 10);
    assert.deepEqual(store.find("x2"), []);
    // an addition that was cut short by the server's end is made again
    store.add("a", [block(10, "x2"), block(20, "x3")]);
    store.add("a", [block(10, "x4")]);
    store.add("a", [block(20, "x5")], progress(30), false);
    assert.deepEqual([store.find("x2"), store.find("x3")], [[], []]);
    assert.deepEqual([store.find("x4").length, store.find("x5").length, store.progress("a")?.lines], [1, 1, 30]);
  });
});

test("keyframes keep their distance, are thinned, and go with their session", () => {
  const db = opened("a");
  const frames = new Keyframes(db);
  const at = (mb: number) => ({ offset: mb << 20, cols: 80, rows: 24, replay: Buffer.from(String(mb)) });
  const kept = () =>
    (db.prepare("SELECT offset FROM keyframe ORDER BY offset").all() as { offset: number }[]).map(({ offset }) => offset >> 20);
  for (const mb of [1, 4, 5, 7, 8, 20]) frames.add("a", at(mb));
  assert.deepEqual(kept(), [4, 8, 20]);
  assert.deepEqual(frames.before("a", 19 << 20), at(8));
  assert.equal(frames.before("a", 1 << 20), undefined);
  assert.deepEqual(frames.after("a", 9 << 20), at(20));
  for (let mb = 24; mb < 1400; mb += 4) frames.add("a", at(mb));
  const left = kept();
  assert.ok(left.length <= 64 && left.length >= 32, String(left.length));
  const gaps = left.slice(1).map((mb, i) => mb - (left[i] as number));
  assert.ok(Math.max(...gaps) <= 64, gaps.join(" "));
  db.prepare("DELETE FROM session").run();
  assert.deepEqual(kept(), []);
});
