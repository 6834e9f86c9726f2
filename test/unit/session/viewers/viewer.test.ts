// A viewer that does not read: its stream is dropped at the stated credit, and it is drawn anew when it reads
// again; notifications are short and plain.
import assert from "node:assert/strict";
import { test } from "node:test";
import { showable } from "../../../../src/base/text/terminal-bytes.ts";
import type { DirectEvents } from "../../../../src/session/viewers/terminal-effects.ts";
import { rejoinPause, slowScreen, Viewer, viewerCredit } from "../../../../src/session/viewers/viewer.ts";
import { type FrameWatch, NoScreens, type ScreenHandle, type Snapshot } from "../../../../src/terminal/worker/screens.ts";

/** What these tests write is nobody's. */
const unfiltered = () => ({ feed: (chunk: Buffer) => showable(chunk) });

/** A screen that answers snapshots when told to, and a terminal that reads when told to. */
function stage() {
  const snapshots: ((snapshot: Snapshot) => void)[] = [];
  const drains: (() => void)[] = [];
  const written: Buffer[] = [];
  let frame: ((bytes: Buffer) => void) | undefined;
  let again = 0;
  const state = { backlog: 0, cursor: undefined as number | undefined, lags: false, current: true, waited: 0 };
  /** Whether each snapshot that was asked for waits until the screen is current. */
  const waits: boolean[] = [];
  const failures: ((error: Error) => void)[] = [];
  const screen = {
    snapshot: (_history: number, _early: unknown, current = false) =>
      new Promise<Snapshot>((resolve, reject) => {
        waits.push(current);
        snapshots.push(resolve);
        failures.push(reject);
      }),
    watchFrames: (_cols: number, _rows: number, sink: (bytes: Buffer) => void): FrameWatch => {
      frame = sink;
      return { resize() {}, again: () => again++, close() {} };
    },
  } as unknown as ScreenHandle;
  const terminal = {
    write: (bytes: Uint8Array) => {
      written.push(Buffer.from(bytes));
      state.backlog += bytes.length;
    },
    backlog: () => state.backlog,
    onDrained: (callback: () => void) => drains.push(callback),
  };
  const viewed = {
    cols: 80,
    rows: 24,
    sizing: false,
    get current() {
      return state.current;
    },
    whenCurrent: (callback: () => void) => {
      state.waited++;
      callback();
    },
    stream: () => {},
    openCursor: (): number | undefined => state.cursor,
    lags: () => state.lags,
    screen: () => screen,
  };
  return {
    viewed,
    state,
    waits,
    fail: (error = new Error("the screen was closed")) => failures.at(-1)?.(error),
    terminal,
    text: () => Buffer.concat(written).toString(),
    count: () => written.length,
    /** The terminal reads everything. */
    drain: () => {
      state.backlog = 0;
      for (const callback of drains.splice(0)) callback();
    },
    answer: async (first: string) => {
      const resolve = snapshots.shift();
      assert.ok(resolve, "a snapshot was asked for");
      const nothing = Buffer.alloc(0);
      resolve({ offset: 0, cols: 80, rows: 24, first: Buffer.from(first), history: nothing, tail: nothing });
      await new Promise((done) => setImmediate(done));
    },
    asked: () => snapshots.length,
    frame: (text: string) => frame?.(Buffer.from(text)),
    again: () => again,
  };
}

test("past its credit the stream is dropped; when it has been read a snapshot and the stream from there follow", async () => {
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.join();
  await s.answer("SCREEN-1");
  viewer.output(0, Buffer.from("live"));
  assert.equal(s.text(), "SCREEN-1live");
  viewer.output(0, Buffer.alloc(viewerCredit + 1, "x"));
  const count = s.count();
  for (let i = 0; i < 100; i++) viewer.output(0, Buffer.from("dropped"));
  assert.equal(s.count(), count, "nothing is kept for it");
  assert.equal(s.asked(), 0, "nor drawn while it does not read");
  s.drain();
  await s.answer("SCREEN-2");
  viewer.output(0, Buffer.from("again"));
  assert.match(s.text(), /SCREEN-2again$/);
  assert.doesNotMatch(s.text(), /dropped/);
});

test("output that comes while the screen is made is in it; where some is missing behind it, another screen follows", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.join();
  assert.equal(viewer.streams, true, "what comes behind it is sent on");
  viewer.output(0, Buffer.from("in the screen"));
  await s.answer("SCREEN-1 ");
  viewer.output(0, Buffer.from("live "));
  assert.equal(s.text(), "SCREEN-1 live ");
  viewer.output(9, Buffer.from("behind a hole"));
  s.drain();
  t.mock.timers.tick(rejoinPause);
  await s.answer("SCREEN-2");
  assert.equal(s.text(), "SCREEN-1 live SCREEN-2");
});

test("a viewer that a flood has left behind is given the screen a little later, once it has read what it was sent", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.fallBehind();
  viewer.join();
  assert.equal(viewer.streams, true, "it was not begun");
  await s.answer("SCREEN-1 ");
  viewer.output(0, Buffer.from("stream "));
  viewer.fallBehind();
  assert.equal(viewer.streams, false);
  viewer.output(0, Buffer.from("passed over "));
  t.mock.timers.tick(10 * rejoinPause);
  assert.equal(s.asked(), 0, "its terminal has not read what it was sent");
  s.drain();
  t.mock.timers.tick(rejoinPause - 1);
  assert.equal(s.asked(), 0);
  t.mock.timers.tick(1);
  await s.answer("SCREEN-2");
  assert.equal(s.text(), "SCREEN-1 stream SCREEN-2");
  viewer.output(0, Buffer.from(" stream"));
  viewer.fallBehind();
  viewer.dispose();
  s.drain();
  t.mock.timers.tick(rejoinPause);
  assert.equal(s.asked(), 0, "it has gone");
});

test("frames are dropped past the credit too, and a whole one is asked for afterwards", () => {
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 60, rows: 20 }, 0, unfiltered);
  viewer.join();
  s.frame("z".repeat(viewerCredit + 1));
  const count = s.count();
  s.frame("dropped");
  assert.equal(s.count(), count);
  s.drain();
  assert.equal(s.again(), 1);
  s.frame("whole");
  assert.match(s.text(), /whole$/);
  viewer.dispose();
  s.frame("gone");
  assert.doesNotMatch(s.text(), /gone/);
});

test("the policy filters snapshots, stream and frames, anew for each", async () => {
  const s = stage();
  const filters: string[] = [];
  const policy = (of: string) => {
    filters.push(of);
    return { feed: (chunk: Buffer) => showable(chunk.toString().toUpperCase()) };
  };
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 0, policy);
  viewer.join();
  await s.answer("screen ");
  viewer.output(0, Buffer.from("stream "));
  viewer.resize(60, 20);
  s.frame("frame");
  assert.equal(s.text(), "SCREEN STREAM FRAME");
  assert.deepEqual(filters, ["screen", "program", "screen"]);
});

test("a notification is one short line without control characters", () => {
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.notify(`run\x1b]52;c;x\x07\n${"w".repeat(500)}`);
  const text = s.text();
  assert.ok(text.length < 600);
  assert.ok(text.startsWith("\x1b]9;run ]52 c x w"), JSON.stringify(text.slice(0, 40)));
  assert.equal(text.split("\x1b").length, 3, "the two sequences and nothing else");
});

/** A viewer whose terminal reads the output itself, and what it was told. */
async function reading() {
  const s = stage();
  s.state.cursor = 9;
  const begun: { holder: number; offset: number; events: DirectEvents }[] = [];
  let ended = 0;
  const direct = {
    begin: (holder: number, offset: number, _tail: Buffer, events: DirectEvents) => begun.push({ holder, offset, events }),
    end: () => ended++,
  };
  const viewer = new Viewer(s.viewed, { ...s.terminal, direct }, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.join();
  await s.answer("screen ");
  return { s, viewer, begun, ended: () => ended, events: () => begun.at(-1)?.events ?? assert.fail("it does not read") };
}

test("a terminal that reads the output itself is sent the screen, and none of the stream", async () => {
  const { s, viewer, begun, ended } = await reading();
  assert.deepEqual(
    begun.map(({ holder, offset }) => [holder, offset]),
    [[9, 0]],
  );
  assert.equal(viewer.streams, false);
  viewer.output(0, Buffer.from("stream"));
  assert.equal(s.text(), "screen ");
  viewer.borrow();
  assert.equal(ended(), 1);
  viewer.giveBack();
  await s.answer("again ");
  assert.equal(begun.length, 2);
});

test("… asks for its screen at the present in one question, and first for the present where the screen is behind", async () => {
  const { s, events } = await reading();
  assert.deepEqual([s.waits, s.state.waited], [[true], 0]);
  s.state.current = false;
  events().ended("other");
  await s.answer("again ");
  assert.deepEqual([s.waits, s.state.waited], [[true, false], 1]);
});

test("… is drawn anew where its output goes on for another size or behind a hole", async () => {
  const { s, begun, events } = await reading();
  events().ended("other");
  await s.answer("again ");
  assert.deepEqual([s.text(), begun.length], ["screen again ", 2]);
});

test("… gets the stream from us where the holder has no place for it", async () => {
  const { s, viewer, events } = await reading();
  events().ended("gone");
  await s.answer("again ");
  viewer.output(0, Buffer.from("stream"));
  assert.equal(s.text(), "screen again stream");
});

test("… is given the screen where it takes too little, once it has shown something of the stream", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { s, begun, events, ended } = await reading();
  s.state.lags = true;
  events().at(0, 100);
  assert.equal(ended(), 0, "it has not shown the screen yet");
  s.state.lags = false;
  events().at(500, 0);
  s.state.lags = true;
  events().at(1000, 40);
  assert.equal(ended(), 0, "it is not what the output waits for");
  events().at(2000, 60);
  assert.equal(ended(), 1);
  s.drain();
  t.mock.timers.tick(rejoinPause);
  await s.answer("present ");
  assert.deepEqual([s.text(), begun.length], ["screen present ", 2]);
});

test("… and where it stood still and goes on, however much it takes then", async () => {
  const { s, events, ended } = await reading();
  s.state.lags = true;
  events().at(1000, 0);
  events().at(1000, 100);
  assert.equal(ended(), 0, "to one that stands still nothing can be shown");
  events().at(9000, 20);
  assert.equal(ended(), 1);
});

test("one that has settled nothing yet asks for its screen once, however long that is in coming", async () => {
  const s = stage();
  const waiting: (() => void)[] = [];
  s.viewed.whenCurrent = (callback) => {
    if (waiting.push(callback) > 100) throw new Error("asked for without an end");
  };
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  let settled = false;
  const done = viewer.settled().then(() => {
    settled = true;
  });
  s.drain();
  // a terminal that has taken everything is drained at once
  s.terminal.onDrained = (callback) => {
    queueMicrotask(callback);
    return 0;
  };
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(waiting.length <= 2, `it was asked for ${waiting.length} times`);
  assert.equal(settled, false);
  for (const callback of waiting.splice(0)) callback();
  await s.answer("SCREEN");
  await s.answer("SCREEN");
  await done;
  assert.equal(s.text(), "SCREEN");
  viewer.dispose();
});

test("… has settled when it has read to the end", async () => {
  const { viewer, events } = await reading();
  let settled = false;
  const done = viewer.settled().then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(settled, false);
  events().ended("over");
  await done;
});

test("whom no screen can be shown is told why, and shown it as soon as there is one; the end of the session does not wait for it", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const scene = stage();
  const viewer = new Viewer(scene.viewed, scene.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.join();
  scene.fail(new NoScreens());
  await new Promise((done) => setImmediate(done));
  await viewer.settled();
  assert.match(scene.text(), /falcon: its screen cannot be drawn, since the screens' worker does not start/);
  t.mock.timers.tick(2_000);
  assert.equal(scene.asked(), 2, "asked again");
  viewer.dispose();
});

test("whose screen takes long to be drawn is told that it catches up, and then has it; one that comes in time is told nothing", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const scene = stage();
  const viewer = new Viewer(scene.viewed, scene.terminal, { cols: 80, rows: 24 }, 0, unfiltered);
  viewer.join();
  t.mock.timers.tick(slowScreen - 1);
  assert.equal(scene.text(), "");
  t.mock.timers.tick(1);
  assert.match(scene.text(), /falcon: catching up/);
  await scene.answer("SCREEN");
  assert.match(scene.text(), /SCREEN$/);
  const before = scene.count();
  t.mock.timers.tick(10 * slowScreen);
  assert.equal(scene.count(), before);
  viewer.dispose();
});

test("beside a line of ours a terminal is shown frames, hears the bell, and who says much is told of", async () => {
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 80, rows: 24 }, 100, unfiltered);
  let floods = 0;
  viewer.onFlood = () => floods++;
  viewer.setLine(showable("LINE "));
  viewer.join();
  assert.equal(viewer.streams, true, "what it is sent is not skimmed");
  viewer.output(0, Buffer.from("text\x07\x1b]52;c;aG"));
  s.frame("FRAME ");
  viewer.output(0, Buffer.from("k=\x07more"));
  assert.equal(s.text(), "\x07FRAME LINE \x1b]52;c;aGk=\x1b\\");
  assert.equal(floods, 0);
  viewer.output(0, Buffer.alloc(1 << 13, "x"));
  assert.equal(floods, 1);
  viewer.setLine(undefined);
  viewer.rejoin();
  assert.equal(viewer.streams, true);
  await s.answer("SCREEN ");
  viewer.output(0, Buffer.from("live\x07"));
  assert.ok(s.text().endsWith("SCREEN live\x07"), "once");
});

test("… and is sent no more of the stream behind that line, also where it is shown frames for good", async () => {
  const s = stage();
  const viewer = new Viewer(s.viewed, s.terminal, { cols: 100, rows: 30 }, 100, unfiltered);
  viewer.setLine(showable("LINE "));
  viewer.join();
  s.frame("FRAME ");
  assert.equal(viewer.streams, true);
  viewer.setLine(undefined);
  viewer.rejoin();
  s.frame("WHOLE ");
  assert.equal(viewer.streams, false);
  viewer.output(0, Buffer.from("text\x07"));
  assert.equal(s.text(), "FRAME LINE WHOLE ");
  viewer.dispose();
});
