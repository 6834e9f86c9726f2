// What a screen costs the server: time and size of its snapshot, awake and packed up, of storing it, and how
// fast it takes a flood.
import { createRequire } from "node:module";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { type ScreenHandle, Screens } from "../../../src/terminal/worker/screens.ts";
import { addon, root } from "../../support/paths.ts";
import { amount, type Measure } from "../bench.ts";
import type { Figure, Unit } from "../figures.ts";

const native = createRequire(import.meta.url)(addon);
const size = { cols: 200, rows: 50 };
const scrollback = 10_000;

/**
 * Longer than the worker waits before it packs a silent screen up (ms), also when it was woken a moment ago.
 */
const packed = 2_500;

const events = { answer() {}, title() {}, modes() {} };

/** Log lines with colours, some 130 columns each. */
function log(lines: number): Buffer {
  return Buffer.from(
    Array.from(
      { length: lines },
      (_, i) =>
        `\x1b[32m2026-11-24 08:00:${i % 60}\x1b[0m [\x1b[1;3${i % 8}mINFO\x1b[0m] node${i % 3}: Epoch ${i}/20000 | loss=${-2.9 + (i % 97) / 1e4}, lr=0.00100, \x1b[38;5;${i % 256}m████▌\x1b[0m sims=${i * 64}, buffer=${i % 4096}\r\n`,
    ).join(""),
  );
}

async function timesOf(
  handle: ScreenHandle,
  history: number,
): Promise<{ first: number; whole: number; bytes: [number, number] }> {
  const begun = performance.now();
  let first: number | undefined;
  const snapshot = await handle.snapshot(history, () => {
    first ??= performance.now() - begun;
  });
  const whole = performance.now() - begun;
  return { first: first ?? whole, whole, bytes: [snapshot.first.length, snapshot.history.length] };
}

export const snapshot: Measure = {
  name: "snapshot",
  title: "the screen's share: snapshots of 200x50 with 10,000 lines, storing, floods",
  async run(bench) {
    const lines = amount(bench, scrollback + size.rows, scrollback + size.rows, 1000);
    const samples = new Map<string, { unit: Unit; values: number[]; atMost?: number }>();
    const note = (measure: string, unit: Unit, value: number, atMost?: number) => {
      const kept = samples.get(measure) ?? { unit, values: [], ...(atMost === undefined ? {} : { atMost }) };
      kept.values.push(value);
      samples.set(measure, kept);
    };
    const screens = new Screens(path.join(root, "dist/screen-worker.cjs"), () => {}, addon);
    try {
      const handle = screens.open("bench", { ...size, scrollback, offset: 0 }, events);
      handle.feed(log(lines));
      await handle.snapshot(2000);
      for (let round = 0; round < bench.rounds; round++) {
        const awake = await timesOf(handle, 2000);
        note("first part of a snapshot, screen awake", "ms", awake.first, 10);
        note("whole snapshot with 2,000 lines, screen awake", "ms", awake.whole);
        note(`whole snapshot with ${lines - size.rows} lines`, "ms", (await timesOf(handle, scrollback)).whole);
        note("size of the first part", "MB", awake.bytes[0] / 1e6);
        note("size of 2,000 lines of history", "MB", awake.bytes[1] / 1e6);
        const begun = performance.now();
        const stored = await handle.encode();
        note("screen with its history encoded to be stored", "ms", performance.now() - begun);
        note("size of a stored screen", "MB", stored.replay.length / 1e6);
      }
      for (let round = 0; round < amount(bench, 3, 2, 1); round++) {
        const silent = screens.open(`silent${round}`, { ...size, scrollback, offset: 0 }, events);
        silent.feed(log(lines));
        await silent.snapshot(0);
        await pause(packed);
        const asleep = await timesOf(silent, 2000);
        note("first part of a snapshot, screen packed up", "ms", asleep.first, 10);
        note("whole snapshot with 2,000 lines, screen packed up", "ms", asleep.whole);
        silent.close();
      }
    } finally {
      await screens.dispose();
    }
    const output = log(amount(bench, 100_000, 40_000, 12_000));
    for (const lazy of [false, true]) {
      const screen = new Screen({ ...size, scrollback, ...(lazy ? { scanPlainText: native.scanPlainText } : {}) });
      const begun = performance.now();
      for (let at = 0; at < output.length; at += 1 << 16) screen.feed(output.subarray(at, at + (1 << 16)));
      screen.settle();
      const rate = output.length / 1e6 / ((performance.now() - begun) / 1000);
      note(`the screen takes coloured log lines, ${lazy ? "skipping what cannot be seen" : "all parsed"}`, "MB/s", rate);
      screen.dispose();
    }
    return [...samples].map(
      ([measure, { unit, values, atMost }]): Figure => ({
        measure,
        unit,
        samples: { falcon: values },
        goals: atMost === undefined ? [] : [{ atMost }],
      }),
    );
  },
};
