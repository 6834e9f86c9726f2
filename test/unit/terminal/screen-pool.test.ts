// Which worker a screen is opened with: one that has nothing to do, another one where there is room, the one
// that has least to do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ScreenPool, workersFor } from "../../../src/terminal/worker/screen-pool.ts";
import type { OpenOptions, ScreenEvents, Screens } from "../../../src/terminal/worker/screens.ts";

class Played {
  state: Screens["state"] = "idle";
  lag = 0;
  opened: string[] = [];
  get count(): number {
    return this.opened.length;
  }
  open(id: string): void {
    this.prepare();
    this.opened.push(id);
  }
  prepare(): void {
    if (this.state === "idle") this.state = "running";
  }
}

function played(count: number) {
  const workers: Played[] = [];
  const system = { room: true };
  const make = () => workers[workers.push(new Played()) - 1] as unknown as Screens;
  const pool = new ScreenPool(count, make, () => system.room);
  const open = (id: string) => void pool.open(id, {} as OpenOptions, {} as ScreenEvents);
  return { workers, system, pool, open, shared: () => workers.map(({ opened }) => opened.join("")) };
}

test("a screen each, then the one with the fewest; the first is made ready for whoever comes", () => {
  const { workers, pool, open, shared } = played(3);
  pool.prepare();
  assert.deepEqual(
    workers.map(({ state }) => state),
    ["running", "idle", "idle"],
  );
  for (const id of "abcdefg") open(id);
  assert.deepEqual(shared(), ["adg", "be", "cf"]);
});

test("one that is behind with what it draws is left alone", () => {
  const { workers, open, shared } = played(2);
  for (const id of "ab") open(id);
  (workers[0] as Played).lag = 1;
  for (const id of "cde") open(id);
  assert.deepEqual(shared(), ["a", "bcde"]);
});

test("without room for another thread there is one; a worker that cannot be had is passed over", () => {
  const { workers, system, open, shared } = played(2);
  system.room = false;
  for (const id of "ab") open(id);
  assert.deepEqual(shared(), ["ab", ""]);
  (workers[1] as Played).state = "resting";
  system.room = true;
  open("c");
  assert.deepEqual(shared(), ["abc", ""]);
  (workers[0] as Played).state = "resting";
  open("d");
  assert.deepEqual(shared(), ["abcd", ""]);
});

test("as many as there are processors, and four at most", () => {
  assert.deepEqual([1, 2, 4, 64].map(workersFor), [1, 2, 4, 4]);
});
