// Blocks that are used again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockPool } from "../../../src/terminal/model/block-pool.ts";

test("a block that was given back is given again; what is longer, or too many, is not kept", () => {
  const pool = new BlockPool(1024, 1);
  const [one, two] = [pool.room(10), pool.room(1024)];
  assert.deepEqual([one.length, two.length, one.buffer === two.buffer], [10, 1024, false]);
  pool.giveBack(one.buffer);
  pool.giveBack(two.buffer);
  assert.equal(pool.room(5).buffer, one.buffer);
  assert.notEqual(pool.room(5).buffer, two.buffer, "one is kept");
  const long = pool.room(1025);
  assert.equal(long.length, 1025);
  pool.giveBack(long.buffer);
  assert.notEqual(pool.room(5).buffer, long.buffer);
  pool.giveBack(one.buffer);
  pool.clear();
  assert.notEqual(pool.room(5).buffer, one.buffer);
});

test("memory that the pool did not give is never kept, whatever its size", () => {
  const pool = new BlockPool(1024, 4);
  const foreign = new ArrayBuffer(1024);
  pool.giveBack(foreign);
  assert.notEqual(pool.room(5).buffer, foreign);
  const one = pool.room(7);
  pool.giveBack(one.buffer);
  pool.giveBack(one.buffer);
  assert.notEqual(pool.room(5).buffer, pool.room(5).buffer, "a block that was given back twice is given once");
});
