// What the watch keeps of sessions: of one that has ended what its conclusion says, nothing from before it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { longestTitle, MetricColumn } from "../../../../src/commands/watch/metric-column.ts";
import type { Watched } from "../../../../src/commands/watch/watch-rows.ts";
import { WatchedSessions } from "../../../../src/commands/watch/watched-sessions.ts";
import type { ShownRun } from "../../../../src/presentation/shown-run.ts";
import type { Session } from "../../../../src/session/life/session.ts";
import type { MetricSeries } from "../../../../src/trainers/run/series.ts";

function fake() {
  const session = { id: "abc", live: true, row: { name: "night", facts: {} as { outcome?: unknown } }, read: 0, word: "running" };
  const watched = new WatchedSessions({
    progress: async () => ({ summary: `look ${++session.read}` }) as unknown as ShownRun,
    shown: () => ({ name: session.row.name, status: { word: session.word } }) as unknown as Watched,
  });
  const one = session as unknown as Session;
  const shown = () => watched.all().map(({ session: { status }, progress }) => [status.word, progress?.summary]);
  return { session, watched, shown, look: (due: boolean) => watched.look([one], () => due) };
}

test("a session is read while it runs, and once more when its end is concluded", async () => {
  const { session, shown, look } = fake();
  await look(false);
  await look(true);
  assert.deepEqual(shown(), [["running", "look 2"]]);
  // its end is known, and not yet what is to be said of it
  session.live = false;
  session.word = "killed";
  await look(false);
  assert.deepEqual(shown(), [["killed", "look 2"]]);
  session.row.facts.outcome = {};
  session.word = "time limit";
  await look(false);
  assert.deepEqual(shown(), [["time limit", "look 3"]]);
  session.word = "read anew";
  await look(true);
  assert.deepEqual(shown(), [["time limit", "look 3"]]);
});

test("a name that is given later is shown", async () => {
  const { session, watched, look } = fake();
  session.live = false;
  session.row.facts.outcome = {};
  await look(true);
  session.row.name = "day";
  assert.equal(watched.all()[0]?.session.name, "day");
  assert.equal(watched.get("abc"), session as unknown);
  assert.equal(watched.get("other"), undefined);
});

test("a metric as a column: its last value, of an ended run once", async () => {
  let reads = 0;
  const values = new Map([["val/nll", [3, 1]]]);
  const column = new MetricColumn(async (_session, name) => {
    reads++;
    const value = values.get(name);
    return value === undefined ? [] : [{ node: "z", metric: name, value } as unknown as MetricSeries];
  });
  const session = { id: "abc", live: true };
  const one = session as unknown as Session;
  await column.look([one]);
  assert.equal(reads, 0, "nobody asked for one");
  column.choose("val/nll");
  await column.look([one]);
  assert.deepEqual([column.value("abc", "z"), column.value("abc", "y"), column.value("other", "z")], [1, undefined, undefined]);
  values.set("val/nll", [3, 1, 0.5]);
  session.live = false;
  await column.look([one]);
  await column.look([one]);
  assert.deepEqual([column.value("abc", "z"), reads], [0.5, 2], "what it wrote last is read");
  column.choose("val/nll");
  await column.look([one]);
  await column.look([one]);
  assert.deepEqual([column.value("abc", "z"), reads], [0.5, 3]);
  column.choose("other");
  assert.equal(column.value("abc", "z"), undefined);
  const long = "x".repeat(99);
  values.set(long, [7]);
  column.choose(long);
  await column.look([one]);
  assert.deepEqual([column.value("abc", "z"), column.title.length], [7, longestTitle], "the title alone is cut");
  column.choose("\x1b[2J");
  assert.ok(!column.title.includes("\x1b"));
});
