// One screen in its thread: it is packed up once it is silent, and nobody can tell.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen, type Snapshot, type StoredScreen } from "../../../src/terminal/model/screen.ts";
import type { FromWorker } from "../../../src/terminal/worker/channel.ts";
import { ScreenReport } from "../../../src/terminal/worker/screen-report.ts";
import { ScreenSlot } from "../../../src/terminal/worker/screen-slot.ts";

const options = { cols: 40, rows: 10, scrollback: 500, offset: 0 };

/** Silence (ms) after which a screen is packed up. */
const silence = 400;

test("a silent screen is packed up, one that was woken soon after four times as long, and is the same when woken", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const key = 1;
  const posted: FromWorker[] = [];
  let works = 0;
  const slot = new ScreenSlot(
    { do: "open", key, ...options, restore: undefined },
    {
      ...{ post: (message) => void posted.push(message), wake: () => {}, closed: () => {} },
      during: (work) => {
        works++;
        work();
      },
    },
  );
  const pure = new Screen(options);
  const tell = (message: Parameters<ScreenSlot["take"]>[0]): void => {
    slot.take(message);
    while (slot.busy) slot.step();
  };
  const feed = (bytes: Buffer): void => {
    tell({ do: "feed", key, bytes, offset: undefined });
    pure.feed(bytes);
  };
  /** How often it works by itself, at the end of this time (ms) and not before. */
  const worksAfter = (ms: number): number => {
    const before = works;
    t.mock.timers.tick(ms - 1);
    assert.equal(works, before);
    t.mock.timers.tick(1);
    return works - before;
  };
  const answer = () => posted.at(-1) as unknown as { snapshot: Snapshot; stored: StoredScreen };
  const same = (history: number): void => {
    tell({ do: "snapshot", key, request: 1, history, current: false });
    const { first, history: lines, ...rest } = answer().snapshot;
    const { first: pureFirst, history: pureLines, ...pureRest } = pure.snapshot(history);
    assert.ok(pureFirst.equals(first) && pureLines.equals(lines));
    assert.deepEqual({ ...rest, tail: Buffer.from(rest.tail) }, pureRest);
  };

  const lines = Array.from({ length: 700 }, (_, i) => `\x1b[3${i % 8}mline ${i}\x1b[m\r\n`).join("");
  const output = Buffer.from(`${lines}\x1b[4;8r\x1b[?25l\x1b[1;31mpen\x1b[4`);
  feed(output);
  same(0);
  assert.equal(worksAfter(silence), 1);
  same(0);
  assert.equal(worksAfter(10 * silence), 0, "what viewers get first wakes nobody");
  same(300);
  assert.equal(worksAfter(4 * silence), 1);
  tell({ do: "encode", key, request: 2 });
  const { replay, offset } = answer().stored;
  const again = Screen.restore(replay, { scrollback: 500, offset });
  again.feed(output.subarray(offset));
  assert.deepEqual(again.snapshot(300), pure.snapshot(300));
  feed(Buffer.from("mmore"));
  same(300);
  tell({ do: "close", key });
  pure.dispose();
  again.dispose();
});

test("a stored screen knows that a shell is at its prompt, and what was heard before is no command anew", () => {
  const key = 1;
  const open = (restore?: StoredScreen) => {
    const posted: FromWorker[] = [];
    const { offset, cols, rows } = { ...options, ...restore };
    const slot = new ScreenSlot(
      {
        do: "open",
        key,
        cols,
        rows,
        scrollback: options.scrollback,
        offset,
        restore: restore && Uint8Array.from(restore.replay),
      },
      { post: (message) => void posted.push(message), wake: () => {}, closed: () => {}, during: (work) => work() },
    );
    const tell = (message: Parameters<ScreenSlot["take"]>[0]): void => {
      slot.take(message);
      while (slot.busy) slot.step();
    };
    /** What was told of marks so far, and then what was answered. */
    const heard = () =>
      posted.flatMap((message): unknown[] => {
        if (message.is !== "taken") return [message.is];
        return message.told?.marks === undefined ? [] : [message.told.marks];
      });
    return {
      tell,
      heard,
      feed: (text: string) => tell({ do: "feed", key, bytes: Buffer.from(text), offset: undefined }),
      posted,
    };
  };
  const first = open();
  first.feed("\x1b]9;4;1;40\x07\x1b]133;C\x07Epoch 10/10 loss 0.3\r\n\x1b]133;A\x07$ ");
  const progress = { state: 1, percent: 40 };
  assert.deepEqual(first.heard(), [{ progress, prompt: true, commands: 1 }]);
  first.feed("\x1b]133;C\x07\x1b]133;A\x07");
  assert.deepEqual(first.heard().at(-1), { progress, prompt: true, commands: 1 }, "so many more");
  first.tell({ do: "encode", key, request: 1 });
  const { stored } = first.posted.at(-1) as FromWorker & { is: "encode" };
  const next = open(stored as StoredScreen);
  next.tell({ do: "text", key, request: 1 });
  assert.deepEqual(next.heard(), [{ progress, prompt: true, commands: 0 }, "text"]);
  for (const { tell } of [first, next]) tell({ do: "close", key });
});

test("a command that an earlier server heard is none anew: the curve that was kept goes on", () => {
  const report = new ScreenReport();
  const screen = new Screen(options, report);
  const begin = () => screen.feed(Buffer.from("\x1b]133;C\x07"));
  report.muted = true;
  begin();
  assert.deepEqual(report.take().told?.marks, { progress: undefined, prompt: false, commands: 0 });
  report.muted = false;
  begin();
  assert.equal(report.take().told?.marks?.commands, 1);
  screen.dispose();
});
