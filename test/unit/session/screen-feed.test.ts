import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { type FeedEffects, ScreenFeed, screenLag } from "../../../src/session/output/screen-feed.ts";

const chunk = 1 << 20;

/** A log, a screen that takes what it is told to take, and who looks. */
class World implements FeedEffects {
  /** Each place in it has a byte of its own: see `bytesAt`. */
  log = { length: 0 };
  givenTo = 0;
  waiting = 0;
  drained: (() => void)[] = [];
  held = false;
  looks = { streamed: false, watched: false, jumps: true };
  jumps: number[] = [];
  /** Where the log has nothing to read. */
  hole: number | undefined;
  reads = 0;
  grown = 0;
  /** Up to here the log has plain lines. */
  plainTo = 0;
  fetches: [from: number, to: number][] = [];
  readonly feed = new ScreenFeed(this);
  #sent = 0;

  give(offset: number, bytes: Buffer): void {
    assert.equal(offset, this.givenTo, "in order, without a hole");
    assert.ok(bytesAt(offset, bytes.length).equals(bytes));
    this.givenTo += bytes.length;
    this.waiting += bytes.length;
  }
  read(offset: number, length: number): Buffer {
    const end = this.hole !== undefined && offset <= this.hole ? this.hole : this.log.length;
    return bytesAt(offset, Math.min(length, end - offset));
  }
  readAll(): void {
    this.reads++;
  }
  fetch(offset: number, end: number, done: (end: number) => void): void {
    assert.equal(offset, this.givenTo, "behind what it was given");
    assert.ok(end <= this.log.length);
    this.drained.push(() => {
      const to = Math.max(offset, Math.min(end, this.plainTo));
      this.fetches.push([offset, to]);
      this.givenTo = to;
      done(to);
    });
  }
  logged(): number {
    return this.log.length;
  }
  lag(): number {
    return this.waiting;
  }
  onDrained(callback: () => void): void {
    this.drained.push(callback);
  }
  later(callback: () => void): void {
    this.drained.push(callback);
  }
  pause(): void {
    this.held = true;
  }
  resume(): void {
    this.held = false;
  }
  streamed(): boolean {
    return this.looks.streamed;
  }
  watched(): boolean {
    return this.looks.watched;
  }
  grew(): void {
    this.grown++;
  }
  mayJump(): boolean {
    return this.looks.jumps;
  }
  jumped(offset: number): void {
    this.jumps.push(offset);
    this.#sent = offset;
  }

  /** The program writes; the holder sends it unless it is held. */
  write(bytes: number): void {
    this.log.length += bytes;
    this.send();
  }
  send(): void {
    while (!this.held && this.#sent < this.log.length) {
      const bytes = bytesAt(this.#sent, Math.min(chunk, this.log.length - this.#sent));
      const at = this.#sent;
      this.#sent += bytes.length;
      this.feed.output(at, bytes);
    }
  }
  /** The screen takes all it has, until it is given no more. */
  take(): void {
    this.send();
    while (this.waiting > 0 || this.drained.length > 0) {
      this.waiting = 0;
      const callbacks = this.drained;
      this.drained = [];
      for (const callback of callbacks) callback();
      this.send();
    }
  }
  whole(): void {
    assert.equal(this.givenTo, this.log.length);
  }
}

/** Long enough for the longest piece. */
const pattern = Buffer.from(Array.from({ length: 2 * chunk + 251 }, (_, i) => i % 251));

/** What the log has at an offset. */
function bytesAt(offset: number, length: number): Buffer {
  return pattern.subarray(offset % 251, (offset % 251) + length);
}

describe("a screen's output", () => {
  beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  afterEach(() => mock.timers.reset());

  test("goes to a screen that keeps up at once", () => {
    const world = new World();
    for (let i = 0; i < 20; i++) {
      world.write(chunk);
      assert.ok(world.feed.current);
      world.take();
    }
    world.whole();
    assert.equal(world.held, false);
  });

  test("of a flood that nobody looks at: the holder is left alone while it lasts, the screen has all of it when it rests", () => {
    const world = new World();
    world.write(screenLag + chunk);
    assert.ok(world.held);
    const given = world.givenTo;
    for (let i = 0; i < 5; i++) {
      world.write(chunk);
      mock.timers.tick(100);
      world.take();
    }
    assert.ok(world.givenTo - given < chunk, "next to nothing while it lasts");
    assert.ok(world.grown > 0, "a flood that is not read is output all the same");
    mock.timers.tick(100);
    world.take();
    world.whole();
    // what came while it was brought to the present was more than it takes without a rest
    mock.timers.tick(100);
    world.take();
    assert.ok(world.feed.current && !world.held);
  });

  test("a flood without end does not get more than 128 MiB ahead", () => {
    const world = new World();
    for (let i = 0; i < 60; i++) {
      world.write(4 * chunk);
      mock.timers.tick(100);
      world.take();
      assert.ok(world.log.length - world.givenTo <= 133 * chunk + screenLag, `${world.log.length - world.givenTo}`);
    }
  });

  test("whoever asks for the screen has it at the present, without waiting for a rest", () => {
    const world = new World();
    world.write(screenLag + 30 * chunk);
    let called = -1;
    world.feed.whenCurrent(() => {
      called = world.givenTo;
    });
    assert.equal(called, -1);
    const asked = world.log.length;
    world.take();
    assert.ok(called >= asked);
    world.whole();
  });

  test("whoever takes the stream is not held up by the screen, which reads the log meanwhile", () => {
    const world = new World();
    world.looks.streamed = true;
    world.write(screenLag + 30 * chunk);
    assert.equal(world.held, false);
    assert.ok(!world.feed.current);
    mock.timers.tick(200);
    world.take();
    mock.timers.tick(200);
    world.take();
    world.whole();
    assert.ok(world.feed.current);
    // the one who took it goes, and the next flood is held
    world.looks.streamed = false;
    world.write(screenLag + chunk);
    assert.ok(world.held);
  });

  test("for a viewer of frames the screen goes on all the time", () => {
    const world = new World();
    world.looks.watched = true;
    world.write(40 * chunk);
    world.take();
    world.whole();
  });

  test("the log is read in turns, so that keys have theirs in between", () => {
    const world = new World();
    world.looks.streamed = true;
    world.write(screenLag + 30 * chunk);
    world.feed.whenCurrent(() => {});
    let most = 0;
    for (let turns = 0; world.drained.length > 0 && turns < 1000; turns++) {
      const before = world.givenTo;
      world.waiting = 0;
      for (const callback of world.drained.splice(0)) callback();
      most = Math.max(most, world.givenTo - before);
    }
    assert.ok(most > 0 && most <= 2 * chunk, `${most}`);
    world.take();
    world.whole();
  });

  test("what the log has beyond what came is read there, and the holder goes on behind it", () => {
    const world = new World();
    world.write(screenLag + chunk);
    assert.ok(world.held);
    world.write(30 * chunk);
    const asked = world.log.length;
    let called = -1;
    world.feed.whenCurrent(() => {
      called = world.givenTo;
    });
    // more comes meanwhile: who waits, waits for what there was
    world.write(3 * chunk);
    world.take();
    assert.deepEqual(world.jumps, [asked]);
    assert.equal(called, asked);
    assert.ok(world.reads > 0);
    mock.timers.tick(200);
    world.take();
    world.whole();
  });

  test("not while a size of the terminal is on its way, which the stream alone has at its place", () => {
    const world = new World();
    world.write(screenLag + chunk);
    world.looks.jumps = false;
    world.write(30 * chunk);
    let called = false;
    world.feed.whenCurrent(() => {
      called = true;
    });
    world.take();
    assert.deepEqual(world.jumps, []);
    assert.ok(called);
    world.whole();
  });

  test("nor over a hole in the log, of which the holder tells", () => {
    const world = new World();
    world.write(screenLag + chunk);
    world.write(30 * chunk);
    const end = world.log.length;
    world.hole = 20 * chunk + 5;
    world.feed.whenCurrent(() => {});
    world.take();
    assert.deepEqual(world.jumps, [world.hole]);
    assert.equal(world.givenTo, end, "the stream goes on there");
  });

  test("who takes the stream and is left behind by it gets the screen of the present", () => {
    const world = new World();
    world.looks.streamed = true;
    world.write(chunk / 2);
    world.feed.fallBehind();
    world.looks.streamed = false;
    world.write(20 * chunk);
    const asked = world.log.length;
    let called = -1;
    world.feed.whenCurrent(() => {
      called = world.givenTo;
    });
    world.take();
    assert.equal(called, asked);
    world.whole();
  });

  test("plain lines of a flood that nobody looks at are read by the screen itself while it lasts", () => {
    const world = new World();
    world.plainTo = Number.POSITIVE_INFINITY;
    world.write(screenLag + chunk);
    for (let i = 0; i < 15; i++) {
      world.write(8 * chunk);
      mock.timers.tick(100);
      world.take();
      world.whole();
      assert.ok(world.held, "the holder is left alone");
    }
    assert.equal(world.fetches.length, 15);
    assert.deepEqual(world.jumps, []);
    mock.timers.tick(100);
    world.take();
    assert.deepEqual(world.jumps, [world.log.length], "the holder goes on behind what was read, when it rests");
    assert.ok(world.feed.current && !world.held);
    world.write(10);
    world.take();
    world.whole();
  });

  test("… and after 128 MiB the holder is heard again: who stores the output has to know of it", () => {
    const world = new World();
    world.plainTo = Number.POSITIVE_INFINITY;
    world.write(screenLag + chunk);
    for (let i = 0; i < 40; i++) {
      world.write(8 * chunk);
      mock.timers.tick(100);
      world.take();
      world.whole();
    }
    assert.ok(world.jumps.length >= 2, `${world.jumps}`);
    assert.ok((world.jumps[0] as number) <= 140 * chunk);
  });

  test("a flood that goes on slowly is followed again", () => {
    const world = new World();
    world.write(screenLag + chunk);
    assert.ok(world.held);
    for (let i = 0; i < 3; i++) {
      world.write(2000);
      mock.timers.tick(100);
      world.take();
    }
    assert.ok(world.feed.current && !world.held);
    world.whole();
  });

  test("… and are read for whoever comes in the midst of that", () => {
    const world = new World();
    world.plainTo = Number.POSITIVE_INFINITY;
    world.write(screenLag + chunk);
    world.write(8 * chunk);
    mock.timers.tick(100);
    assert.equal(world.drained.length, 1, "it is being read");
    world.write(20 * chunk);
    const asked = world.log.length;
    let called = -1;
    world.feed.whenCurrent(() => {
      called = world.givenTo;
    });
    world.write(chunk);
    world.take();
    assert.equal(called, asked);
    assert.deepEqual(world.jumps, [asked]);
  });

  test("what is not plain is fed, up to the end of a line, and the next try comes later the more often it fails", () => {
    const world = new World();
    world.write(screenLag + chunk);
    world.write(100 * chunk);
    world.feed.whenCurrent(() => {});
    world.take();
    world.whole();
    const tries = world.fetches.map(([from]) => from);
    const gaps = tries.slice(1).map((from, i) => from - (tries[i] as number));
    assert.ok(
      gaps.slice(1).every((gap, i) => gap >= (gaps[i] as number) - chunk / 2),
      `${gaps}`,
    );
    assert.ok(tries.length > 5 && (gaps.at(-1) as number) >= 4 * chunk && (gaps.at(-1) as number) < 5 * chunk, `${gaps}`);
    for (const from of tries.slice(1)) assert.equal(bytesAt(from - 1, 1)[0], 0x0a, "at the beginning of a line");
  });

  test("a stretch that is plain is read as a whole, whatever stands before and behind it", () => {
    const world = new World();
    world.write(screenLag + chunk);
    world.write(100 * chunk);
    const hold = world.fetch.bind(world);
    world.fetch = (offset, end, done) => {
      world.plainTo = offset >= 10 * chunk ? 60 * chunk : 0;
      hold(offset, end, done);
    };
    world.feed.whenCurrent(() => {});
    world.take();
    world.whole();
    const longest = Math.max(...world.fetches.map(([from, to]) => to - from));
    assert.ok(longest > 40 * chunk, `${longest}`);
    assert.ok((world.fetches.at(-1)?.[0] as number) > 90 * chunk, "tried again behind it");
  });

  for (const waits of [false, true])
    test(`somebody hears of the output since the screen has read on${waits ? ", for one who waits" : ""}`, () => {
      const world = new World();
      world.plainTo = Number.POSITIVE_INFINITY;
      world.write(screenLag + chunk);
      world.write(8 * chunk);
      let called = false;
      if (waits) {
        world.feed.whenCurrent(() => {
          called = true;
        });
      } else mock.timers.tick(100);
      assert.equal(world.drained.length, 1, "it is being read");
      world.looks.streamed = true;
      world.take();
      assert.equal(called, waits);
      for (let i = 0; i < 3; i++) {
        mock.timers.tick(100);
        world.take();
      }
      assert.ok(world.feed.current && !world.held);
      world.write(100);
      world.take();
      world.whole();
    });

  test("not while a size of the terminal is on its way", () => {
    const world = new World();
    world.plainTo = Number.POSITIVE_INFINITY;
    world.looks.jumps = false;
    world.write(screenLag + chunk);
    world.write(30 * chunk);
    mock.timers.tick(100);
    world.feed.whenCurrent(() => {});
    world.take();
    assert.deepEqual(world.fetches, []);
    world.whole();
  });

  test("the end comes while the screen reads", () => {
    const world = new World();
    world.plainTo = Number.POSITIVE_INFINITY;
    world.write(screenLag + chunk);
    world.write(30 * chunk);
    let calls = 0;
    world.feed.whenCurrent(() => calls++);
    world.feed.close();
    world.take();
    assert.equal(calls, 1);
    assert.equal(world.fetches.length, 1);
  });

  test("the end calls whoever waits", () => {
    const world = new World();
    world.write(screenLag + 30 * chunk);
    let calls = 0;
    world.feed.whenCurrent(() => calls++);
    world.feed.close();
    assert.equal(calls, 1);
    world.feed.whenCurrent(() => calls++);
    assert.equal(calls, 2);
  });

  test("who asks again when the end calls has what there is: a viewer that joins is not called for ever", () => {
    const world = new World();
    world.write(screenLag + 30 * chunk);
    let joined = 0;
    const join = (): void => {
      if (world.feed.current) joined++;
      else world.feed.whenCurrent(join);
    };
    join();
    world.feed.close();
    assert.equal(joined, 1);
  });
});
