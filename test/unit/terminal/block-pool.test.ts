// Blocks that are used again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BlockPool } from "../../../src/terminal/worker/block-pool.ts";

test("a block that was given back is given again; what is longer, or too many, is not kept", () => {
  const pool = new BlockPool(1024, 1);
  const [one, two] = [pool.room(10), pool.room(1024)];
  assert.deepEqual([one.length, two.length, one.buffer === two.buffer], [10, 1024, false]);
  assert.ok(pool.isWhole(one) && pool.isWhole(two) && !pool.isWhole(one.subarray(3)) && !pool.isWhole(new Uint8Array(1024)));
  pool.giveBack(one.buffer);
  pool.giveBack(two.buffer);
  assert.ok(!pool.isWhole(one), "it is nobody's now");
  assert.equal(pool.room(5).buffer, one.buffer);
  assert.notEqual(pool.room(5).buffer, two.buffer, "one is kept");
  const long = pool.room(1025);
  assert.equal(long.length, 1025);
  assert.ok(!pool.isWhole(long));
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
  pool.comeBack(foreign);
  assert.notEqual(pool.room(5).buffer, foreign);
  const one = pool.room(7);
  pool.giveBack(one.buffer);
  pool.giveBack(one.buffer);
  assert.notEqual(pool.room(5).buffer, pool.room(5).buffer, "a block that was given back twice is given once");
});

test("what another thread had comes back as another object: as many blocks as were sent, and none of a thread that ended", () => {
  const pool = new BlockPool(1024, 4);
  const room = pool.room(1000);
  pool.send(room.buffer);
  const { buffer } = structuredClone(room, { transfer: [room.buffer] });
  pool.comeBack(buffer);
  assert.equal(pool.room(5).buffer, buffer);
  pool.comeBack(new ArrayBuffer(1024));
  assert.equal(pool.room(5).buffer.byteLength, 1024);
  const lost = pool.room(5);
  pool.send(lost.buffer);
  pool.lose();
  const late = new ArrayBuffer(1024);
  pool.comeBack(late);
  assert.notEqual(pool.room(5).buffer, late);
});
