// What a terminal was shown before its connection was lost, and the lines that it lacks after that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { showable } from "../../../../src/base/text/terminal-bytes.ts";
import { linesSince, longestHistory, tellShown } from "../../../../src/commands/attach/shown-output.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import { viewerCredit } from "../../../../src/session/viewers/viewer.ts";

test("its client is told at once what it was shown, then ten times a second at most, and never after the end", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told: number[] = [];
  let shown: number | undefined;
  const terminal = tellShown(
    { write: () => {}, backlog: () => 0, onDrained: () => {} },
    () => shown,
    (offset) => told.push(offset),
  );
  terminal.write(showable("a screen"));
  assert.deepEqual(told, [], "it was drawn, not sent as it came");
  for (const offset of [10, 20, 30]) {
    shown = offset;
    terminal.write(showable("output"));
  }
  assert.deepEqual(told, [10]);
  t.mock.timers.tick(100);
  assert.deepEqual(told, [10, 30]);
  t.mock.timers.tick(10_000);
  assert.deepEqual(told, [10, 30], "nothing is told again");
  shown = 40;
  terminal.write(showable("output"));
  shown = 50;
  terminal.write(showable("output"));
  terminal.stop();
  t.mock.timers.tick(10_000);
  assert.deepEqual(told, [10, 30, 40]);
});

/** A session whose log holds this, read a few bytes at a time. */
function sessionOf(output: Buffer, alternate = false): Session {
  const read = async (at: number, length: number) => output.subarray(at, at + Math.min(length, 100_000));
  return {
    offset: output.length,
    inputModes: () => ({ alternate }),
    openLog: () => ({ read, close: () => {} }),
  } as unknown as Session;
}

test("a terminal lacks the lines that ended since; of a flood, of a full screen and of nothing new none", async () => {
  const output = Buffer.from("one\r\ntwo\r\nthree\r\nfour");
  assert.equal(await linesSince(sessionOf(output), 5), 2);
  assert.equal(await linesSince(sessionOf(output), output.length), 0);
  assert.equal(await linesSince(sessionOf(output, true), 5), 0);
  // of another log, or nonsense
  assert.equal(await linesSince(sessionOf(output), 1_000), 0);
  assert.equal(await linesSince(sessionOf(output), Number.NaN), 0);
  const long = Buffer.from("line of the log\n".repeat(viewerCredit / 16));
  assert.equal(await linesSince(sessionOf(long), 0), longestHistory);
  assert.equal(await linesSince(sessionOf(Buffer.concat([long, Buffer.from("x")])), 0), 0);
});
