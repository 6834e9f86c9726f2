// The screen's cursor: every byte once and in order, whatever was skimmed, and no flood makes anybody wait
// for it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import {
  type CursorEffects,
  lookEvery,
  mostBehind,
  mostWaiting,
  ScreenCursor,
} from "../../../src/terminal/worker/screen-cursor.ts";

const frame = 1 << 16;
const mega = 1 << 20;

/** A log, a holder that sends it, a screen that takes what it is told to take, and who looks. */
class World implements CursorEffects {
  /** Each place in it has a byte of its own: see `bytesAt`. */
  log = { length: 0 };
  givenTo = 0;
  waiting = 0;
  drained: (() => void)[] = [];
  paused = false;
  looks = { watched: false, skims: true };
  /** Bytes that the holder has sent and nobody has read. */
  onTheWay: { offset: number; bytes: Buffer }[] = [];
  grown = 0;
  /** Up to here the log has plain lines, from the other place on. */
  plain = { from: 0, to: 0 };
  skims: [from: number, to: number][] = [];
  readonly cursor = new ScreenCursor(this, 0);
  #sent = 0;

  pass(offset: number, bytes: Buffer): void {
    assert.equal(offset, this.givenTo, "in order, without a hole");
    assert.ok(bytesAt(offset, bytes.length).equals(bytes));
    this.givenTo += bytes.length;
    this.waiting += bytes.length;
  }
  async skim(from: number, to: number): Promise<number> {
    assert.equal(from, this.givenTo, "behind what it was given");
    assert.ok(to <= this.log.length);
    const end = from < this.plain.from ? from : Math.max(from, Math.min(to, this.plain.to));
    this.skims.push([from, end]);
    this.givenTo = end;
    return end;
  }
  /** What is on its way comes all the same. */
  skipped(to: number): void {
    this.#sent = to;
  }
  maySkim(): boolean {
    return this.looks.skims;
  }
  lag(): number {
    return this.waiting;
  }
  onDrained(callback: () => void): void {
    this.drained.push(callback);
  }
  logged(): number {
    return this.log.length;
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  watched(): boolean {
    return this.looks.watched;
  }
  grew(): void {
    this.grown++;
  }

  /** The program writes; the holder sends it, up to what the connection has room for. */
  write(bytes: number): void {
    this.log.length += bytes;
    this.send();
  }
  send(): void {
    for (;;) {
      while (this.#sent < this.log.length && this.onTheWay.length < 4) {
        const bytes = bytesAt(this.#sent, Math.min(frame, this.log.length - this.#sent));
        this.onTheWay.push({ offset: this.#sent, bytes });
        this.#sent += bytes.length;
      }
      if (this.paused || this.onTheWay.length === 0) return;
      // what was read at once comes at once, also where the first of it has stopped the stream
      for (const { offset, bytes } of this.onTheWay.splice(0, 2)) this.cursor.take(offset, bytes);
    }
  }
  /** The screen takes all it has, until it is given no more. */
  async take(): Promise<void> {
    this.send();
    for (let idle = 0, turns = 0; idle < 3; idle++) {
      assert.ok(turns++ < 10_000, "it comes to rest");
      if (this.waiting > 0 || this.drained.length > 0) idle = 0;
      this.waiting = 0;
      for (const callback of this.drained.splice(0)) callback();
      this.send();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  async tick(ms: number): Promise<void> {
    mock.timers.tick(ms);
    await this.take();
  }
  whole(): void {
    assert.equal(this.givenTo, this.log.length);
  }
}

const pattern = Buffer.from(Array.from({ length: frame + 251 }, (_, i) => i % 251));

/** What the log has at an offset. */
function bytesAt(offset: number, length: number): Buffer {
  return pattern.subarray(offset % 251, (offset % 251) + length);
}

describe("the screen's cursor", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  test("gives a screen that keeps up everything at once", async () => {
    const world = new World();
    for (let i = 0; i < 20; i++) {
      world.write(mega);
      await world.take();
      world.whole();
    }
    assert.equal(world.paused, false);
  });

  test("leaves a flood that nobody looks at in the log, and reads it when it rests", async () => {
    const world = new World();
    world.write(mostWaiting + 2 * mega);
    assert.ok(world.paused, "so much waits for the screen");
    assert.ok(world.waiting <= mostWaiting + frame);
    await world.take();
    const given = world.givenTo;
    for (let i = 0; i < 5; i++) {
      world.write(mega);
      await world.tick(100);
    }
    assert.equal(world.givenTo, given, "nothing while it lasts");
    assert.equal(world.cursor.current, false);
    assert.ok(world.grown > 0, "a flood that is not read is output all the same");
    await world.tick(100);
    world.whole();
    assert.equal(world.paused, false);
    assert.ok(world.cursor.current);
  });

  test("does so for a screen that keeps up, too, once the log is far ahead", async () => {
    const world = new World();
    for (let i = 0; i <= lookEvery / mega; i++) {
      world.log.length += 2 * mega;
      world.send();
      world.waiting = 0;
    }
    world.log.length += 2 * mostBehind;
    await world.take();
    assert.ok(world.paused);
    assert.ok(world.givenTo < world.log.length);
    await world.tick(100);
    await world.tick(100);
    world.whole();
  });

  test("does not let a flood without end get more than 128 MiB ahead", async () => {
    const world = new World();
    for (let i = 0; i < 60; i++) {
      world.write(4 * mega);
      await world.tick(100);
      const behind = world.log.length - world.givenTo;
      assert.ok(behind <= 133 * mega + mostWaiting, `${behind}`);
    }
  });

  test("brings the screen to the present for whoever asks, without waiting for a rest", async () => {
    const world = new World();
    world.write(mostWaiting + 30 * mega);
    const asked = world.log.length;
    let called = -1;
    world.cursor.whenCurrent(() => {
      called = world.givenTo;
    });
    assert.equal(called, -1);
    // more comes meanwhile: who waits, waits for what there was
    world.log.length += 3 * mega;
    await world.take();
    assert.ok(called >= asked);
    await world.tick(100);
    await world.tick(100);
    world.whole();
  });

  test("calls who waits, also in a flood of plain lines without an end that is skimmed and that nobody watches", async () => {
    const world = new World();
    world.plain.to = Number.POSITIVE_INFINITY;
    world.write(mostWaiting + 30 * mega);
    const asked = world.log.length;
    let called = -1;
    world.cursor.whenCurrent(() => {
      called = world.givenTo;
    });
    for (let i = 0; i < 5 && called < 0; i++) {
      world.write(4 * mega);
      await world.tick(100);
    }
    assert.ok(called >= asked, `${called}`);
  });

  test("calls at once where nothing is lacking, also behind a join that asks again", () => {
    const world = new World();
    world.write(10);
    let calls = 0;
    world.cursor.whenCurrent(() => {
      calls++;
      world.cursor.whenCurrent(() => calls++);
    });
    assert.equal(calls, 2);
  });

  test("goes on all the time for whoever watches", async () => {
    const world = new World();
    world.looks.watched = true;
    world.write(40 * mega);
    await world.take();
    world.whole();
  });

  test("has the screen skim plain lines of a flood while it lasts, and reads on behind them", async () => {
    const world = new World();
    world.plain.to = Number.POSITIVE_INFINITY;
    world.write(mostWaiting + 2 * mega);
    await world.take();
    for (let i = 0; i < 15; i++) {
      world.write(8 * mega);
      await world.tick(100);
      world.whole();
      assert.ok(world.paused, "the holder is left alone");
      assert.ok(world.cursor.skims);
    }
    await world.tick(100);
    world.write(100);
    world.whole();
    assert.equal(world.paused, false);
  });

  test("reads what is not plain, and tries again later the more often that fails", async () => {
    const world = new World();
    world.looks.watched = true;
    world.write(64 * mega);
    await world.take();
    world.whole();
    assert.ok(world.skims.length > 1 && world.skims.length < 20, `${world.skims.length}`);
    assert.ok(!world.cursor.skims);
  });

  test("skims a stretch in the midst as a whole", async () => {
    const world = new World();
    world.plain = { from: 4 * mega, to: 40 * mega };
    world.looks.watched = true;
    world.write(60 * mega);
    await world.take();
    world.whole();
    const longest = Math.max(...world.skims.map(([from, to]) => to - from));
    assert.ok(longest > 25 * mega, `${longest}`);
  });

  test("skims nothing while a size of the terminal is on its way, which the stream alone has at its place", async () => {
    const world = new World();
    world.plain.to = Number.POSITIVE_INFINITY;
    world.looks.skims = false;
    world.write(mostWaiting + 30 * mega);
    let called = false;
    world.cursor.whenCurrent(() => {
      called = true;
    });
    await world.take();
    assert.deepEqual(world.skims, []);
    assert.ok(called);
    world.whole();
  });

  test("passes over what is not to be had", () => {
    const world = new World();
    world.write(10);
    world.givenTo = 1000;
    world.cursor.take(1000, bytesAt(1000, 5));
    assert.equal(world.givenTo, 1005);
    world.givenTo = 2000;
    world.cursor.take(2000, Buffer.alloc(0));
    world.cursor.take(1990, bytesAt(1990, 20));
    assert.equal(world.givenTo, 2010);
  });

  test("calls whoever waits at its end, and who asks then: a viewer that joins is not called for ever", async () => {
    const world = new World();
    world.write(mostWaiting + 30 * mega);
    let calls = 0;
    world.cursor.whenCurrent(() => {
      calls++;
      world.cursor.whenCurrent(() => calls++);
    });
    world.cursor.close();
    assert.equal(calls, 2);
    const given = world.givenTo;
    await world.take();
    assert.equal(world.givenTo, given, "nothing comes any more");
  });

  test("ends while the screen skims", async () => {
    const world = new World();
    world.plain.to = Number.POSITIVE_INFINITY;
    world.write(mostWaiting + 30 * mega);
    let calls = 0;
    world.cursor.whenCurrent(() => calls++);
    for (const callback of world.drained.splice(0)) callback();
    assert.equal(world.skims.length, 1);
    world.cursor.close();
    await world.take();
    assert.equal(calls, 1);
    assert.equal(world.skims.length, 1);
  });
});
