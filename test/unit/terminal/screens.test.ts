// Screens in their worker: order, fairness, a worker that dies, and the end.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { NoScreens, type ScreenEvents, Screens } from "../../../src/terminal/worker/screens.ts";
import { readIfThere, until } from "../../support/events.ts";
import { addon } from "../../support/paths.ts";
import { screenWorker, standing, standingWorker } from "../../support/terminal/screen-worker.ts";

const worker = screenWorker();

const quiet: ScreenEvents = { answer() {}, title() {}, modes() {} };
const options = { cols: 40, rows: 10, scrollback: 500, offset: 0 };

async function using(work: (screens: Screens, log: [string, Record<string, unknown>][]) => Promise<void>, file = worker()) {
  const log: [string, Record<string, unknown>][] = [];
  const screens = new Screens(file, (event, facts = {}) => log.push([event, facts]), addon);
  try {
    await work(screens, log);
  } finally {
    await screens.dispose();
  }
}

const lines = (count: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => `\x1b[3${i % 8}mline ${i}\x1b[m\r\n`).join(""));

describe("screens", () => {
  test("output that is fed arrives once and in order, in pieces of any size, and stands where it is said to stand", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      const pure = new Screen(options);
      const all = lines(40_000);
      const sizes = [200_000, 300, 70_000, 262_144, 327_680, 5, 400_000];
      for (let at = 0, i = 0; at < all.length; i++) {
        const piece = all.subarray(at, at + (sizes[i % sizes.length] as number));
        handle.feed(piece, at);
        at += piece.length;
        pure.feed(piece);
        if (i % 5 === 4) await handle.text();
      }
      const { offset, first, history } = await handle.snapshot(500);
      assert.equal(offset, all.length);
      const expected = pure.snapshot(500);
      assert.ok(first.equals(expected.first) && history.equals(expected.history));
      handle.feed(Buffer.from("behind a hole"), all.length + 1000);
      assert.equal((await handle.snapshot(0)).offset, all.length + 1013);
      pure.dispose();
    }));

  test(
    "its thread is nicer than the one that moves the keys",
    {
      skip:
        process.platform !== "linux"
          ? "threads have no niceness of their own here"
          : os.getPriority(process.pid) === 19 && "nothing is nicer than these tests",
    },
    () =>
      using(async (screens) => {
        const ours = os.getPriority(process.pid);
        const nicer = () =>
          fs.readdirSync("/proc/self/task").filter((task) => {
            const stat = readIfThere(`/proc/self/task/${task}/stat`) ?? "";
            return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]) === Math.min(19, ours + 3);
          });
        await until(() => nicer().length === 0, "the thread of the test before to be gone");
        await screens.open("a", options, quiet).text();
        assert.equal(nicer().length, 1);
        assert.equal(os.getPriority(process.pid), ours);
      }),
  );

  test("a snapshot that is asked for again is the same while nothing happens, and another after output, a size or another history", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      const pure = new Screen(options);
      const both = (change: (screen: { feed(bytes: Uint8Array): void; resize(cols: number, rows: number): void }) => void) => {
        change(handle);
        change(pure);
      };
      const same = async (history: number) => assert.deepEqual(await handle.snapshot(history), pure.snapshot(history));
      both((screen) => screen.feed(lines(300)));
      for (const history of [200, 200, 0, 100, 200, 0, 0, 100]) await same(history);
      both((screen) => screen.feed(Buffer.from("more\x1b[")));
      for (const history of [100, 100, 0]) await same(history);
      both((screen) => screen.resize(50, 12));
      for (const history of [100, 0]) await same(history);
      pure.dispose();
    }));

  test("a snapshot has all that was fed before it and nothing that comes after", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      const pure = new Screen(options);
      const output = lines(3000);
      for (let at = 0; at < output.length; at += 1000) handle.feed(output.subarray(at, at + 1000));
      pure.feed(output);
      const early: Buffer[] = [];
      const asked = handle.snapshot(200, (first) => early.push(first));
      handle.feed(Buffer.from("later"));
      const snapshot = await asked;
      assert.deepEqual(snapshot, pure.snapshot(200));
      assert.deepEqual(early, [snapshot.first], "the first part came early, once");
      assert.equal((await handle.text()).lines[9], "later");
      assert.equal(handle.lag, 0);
      pure.dispose();
    }));

  test("answers, titles and modes are told in order", () =>
    using(async (screens) => {
      const told: string[] = [];
      const handle = screens.open("a", options, {
        answer: (bytes) => told.push(`answer ${bytes.toString("latin1")}`),
        title: (title) => told.push(`title ${title}`),
        modes: ({ alternate }) => told.push(`alternate ${alternate}`),
        left: ({ lines: [first] }) => told.push(`left ${first}`),
      });
      handle.feed(Buffer.from("\x1b[c\x1b]2;one\x07\x07\x1b[?1049h\x1b[Hframe"));
      await handle.text();
      handle.feed(Buffer.from("\x1b[?1049l"));
      await handle.text();
      assert.deepEqual(told.slice(1), ["alternate true", "answer \x1b[?62;22c", "title one", "alternate false", "left frame"]);
    }));

  test("frames follow the output, and stop when they are closed", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      handle.feed(Buffer.from("one"));
      let seen = "";
      const watch = handle.watchFrames(20, 5, (frame) => {
        seen += frame.toString();
      });
      await until(() => seen.includes("one"), "the first frame");
      handle.feed(Buffer.from("\r\ntwo"));
      await until(() => seen.includes("two"), "the second frame");
      seen = "";
      watch.again();
      await until(() => seen.includes("one"), "a complete frame");
      watch.close();
      seen = "";
      handle.feed(Buffer.from("\r\nthree"));
      await handle.snapshot(0);
      assert.equal(seen, "");
    }));

  test("a session that floods does not keep another one waiting for more than its slice", () =>
    using(async (screens) => {
      const flood = screens.open("flood", options, quiet);
      const other = screens.open("other", options, quiet);
      await other.text();
      // nothing of it can be skipped
      const heavy = Buffer.from("x\x1b[2J\x1b[Hy".repeat(300_000));
      flood.feed(heavy);
      other.feed(Buffer.from("hello"));
      const { lines: shown } = await other.text();
      assert.equal(shown[0], "hello");
      assert.ok(flood.lag > 0, "the flood was parsed first");
    }));

  test("the lag is told, and when it is small again", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      handle.feed(Buffer.from("x\x1b[2J\x1b[Hy".repeat(400_000)));
      assert.ok(handle.lag > 3_000_000);
      await new Promise<void>((resolve) => handle.onDrained(resolve));
      assert.ok(handle.lag <= 1 << 20);
    }));

  test("what is asked of a closed screen fails, and nothing hangs", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      const asked = handle.snapshot(0);
      handle.close();
      await assert.rejects(asked, /closed/);
      await assert.rejects(handle.text(), /closed/);
      handle.feed(Buffer.from("x"));
      handle.resize(10, 10);
      const busy = screens.open("b", options, quiet);
      busy.feed(Buffer.from("x\x1b[2J\x1b[Hy".repeat(400_000)));
      const drained = new Promise<void>((resolve) => busy.onDrained(resolve));
      busy.close();
      await drained;
      await new Promise<void>((resolve) => busy.onDrained(resolve));
    }));

  test("a worker that dies takes nothing with it: screens are made anew, what was asked is answered", () => {
    // dies of a certain word, once for each worker
    const deadly = path.join(path.dirname(worker()), "deadly.cjs");
    fs.writeFileSync(
      deadly,
      `const { parentPort } = require("node:worker_threads");
       parentPort.on("message", (m) => { if (m.do === "feed" && Buffer.from(m.bytes).includes("DEADLY")) process.exit(7); });
       require(${JSON.stringify(worker())});`,
    );
    return using(async (screens, log) => {
      const modes: unknown[] = [];
      const begun: boolean[] = [];
      const handle = screens.open("a", options, {
        ...quiet,
        modes: (m) => modes.push(m),
        lost: (deadly) => {
          begun.push(deadly);
          return { cols: 40, rows: 10, offset: 0, source: undefined };
        },
      });
      const feed = (text: string) => handle.feed(Buffer.from(text));
      feed("before\r\n");
      assert.equal((await handle.text()).lines[0], "before");
      // what was stored may be what a worker died of that lived for a moment only
      feed("DEADLY");
      await until(() => log.some(([event]) => event === "screens.died"), "the worker to die");
      assert.deepEqual(begun, [true]);
      feed("after");
      const { lines: shown } = await handle.text();
      assert.ok(shown.some((line) => line.includes("after")));
      handle.resize(30, 5);
      assert.equal((await handle.snapshot(10)).cols, 30);
    }, deadly);
  });

  test("a worker that cannot be started is tried again: meanwhile everything fails and nothing hangs, then the screen has what it missed", async () => {
    // an installation that is being replaced
    const late = path.join(path.dirname(worker()), "late.cjs");
    const stored = new Screen(options);
    await using(async (screens, log) => {
      const lost = () => ({ ...stored.encode(), restore: stored.encode().replay, source: undefined });
      const handle = screens.open("a", options, { ...quiet, lost });
      await assert.rejects(handle.snapshot(0), NoScreens);
      assert.ok(log.filter(([event]) => event === "screens.died").length <= 4);
      stored.feed(Buffer.from("missed"));
      handle.feed(Buffer.from("missed"));
      assert.equal(handle.lag, 0);
      await assert.rejects(handle.text(), /the screens' worker does not start/);
      fs.copyFileSync(worker(), late);
      assert.equal((await handle.text()).lines[0], "missed");
      const other = screens.open("b", options, quiet);
      other.feed(Buffer.from("later"));
      assert.equal((await other.text()).lines[0], "later");
    }, late);
  });

  test("a worker that the system has no room for fails at once, each time", () =>
    using(async (screens) => {
      const handle = screens.open("a", options, quiet);
      for (let n = 0; n < 2; n++) await assert.rejects(handle.text(), NoScreens);
    }, "no path of a worker"));

  test("a thread that stands in one screen's turn keeps no other one: who waits for it, or is shown frames, has it from another thread", async () => {
    const { file, goOn } = standingWorker(worker());
    const stored = new Screen(options);
    stored.feed(Buffer.from("kept"));
    const { replay: restore, offset } = stored.encode();
    const begins = { ...options, offset, restore };
    await using(async (other) => {
      const log: [string, Record<string, unknown>][] = [];
      const screens = new Screens(
        file,
        (event, facts = {}) => log.push([event, facts]),
        addon,
        () => other,
      );
      try {
        const lost = () => ({ ...begins, source: undefined });
        const eater = screens.open("eater", options, quiet);
        // a thread that starts beside much else may stand by itself
        await eater.text();
        const [asked, shown, silent] = ["asked", "shown", "silent"].map((id) => screens.open(id, begins, { ...quiet, lost }));
        let frames = "";
        shown?.watchFrames(20, 5, (frame) => {
          frames += frame.toString();
        });
        await until(() => frames.includes("kept"), "the first frame");
        frames = "";
        eater.feed(Buffer.from(standing));
        const own = eater.text();
        assert.equal((await asked?.text())?.lines[0], "kept");
        await until(() => frames.includes("kept"), "a frame of the other thread");
        assert.equal(screens.state, "stalled");
        assert.deepEqual(
          log.map(([event, { id }]) => `${event} ${id}`),
          ["screen.moved asked", "screen.moved shown"],
        );
        // known to stand: nobody waits for a look
        assert.equal((await silent?.text())?.lines[0], "kept");
        goOn();
        assert.equal((await own).lines[0], standing);
        assert.equal(screens.state, "running");
        assert.equal((await asked?.snapshot(0))?.offset, offset);
      } finally {
        await screens.dispose();
      }
    }, file);
  });
});
