import assert from "node:assert/strict";
import { test } from "node:test";
import xterm from "@xterm/headless";
import { defaultKeymap } from "../../../src/base/keymap.ts";
import { type HistoryLine, HistoryView } from "../../../src/logs/history-view.ts";

/** A log of numbered lines, and the terminal that the view draws on. */
function shown(count: number, cols = 60, rows = 6) {
  const terminal = new xterm.Terminal({ cols, rows, allowProposedApi: true });
  const lines: HistoryLine[] = Array.from({ length: count }, (_, number) => ({ number, text: `line ${number}` }));
  let told = 0;
  const source = {
    asked: 0,
    async older(before: number, most: number) {
      source.asked++;
      const end = Math.min(before, Math.max(told, count));
      return lines.slice(Math.max(0, end - most), end);
    },
    async newer(most: number) {
      const fresh = lines.slice(Math.max(told, count)).slice(-most);
      told = lines.length;
      return fresh;
    },
  };
  const view = new HistoryView(source, { cols, rows, draw: (bytes) => terminal.write(bytes) }, "name", defaultKeymap.history);
  const rowsNow = async () => {
    await new Promise<void>((resolve) => terminal.write("", resolve));
    return Array.from({ length: rows }, (_, y) => terminal.buffer.active.getLine(y)?.translateToString(true) ?? "");
  };
  return { view, source, lines, rowsNow, terminal };
}
/** All promises that were begun have come to their end. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("opens at the end, moves by lines and pages, loads older lines as they are needed", async () => {
  const { view, source, rowsNow } = shown(5000);
  await view.open("");
  assert.deepEqual((await rowsNow()).slice(0, 5), ["line 4995", "line 4996", "line 4997", "line 4998", "line 4999"]);
  assert.match((await rowsNow())[5] as string, /^ name · line 5000 of 5000/);
  view.key("up");
  assert.equal((await rowsNow())[0], "line 4994");
  view.key("page-up");
  assert.equal((await rowsNow())[0], "line 4990");
  view.key("down");
  view.key("page-down");
  assert.equal((await rowsNow())[0], "line 4995");
  assert.equal(source.asked, 1);
  view.key("home");
  await settled();
  assert.equal((await rowsNow())[0], "line 0");
  view.key("up");
  assert.equal((await rowsNow())[0], "line 0");
  view.key("end");
  assert.equal((await rowsNow())[4], "line 4999");
});

test("at the end it follows, elsewhere it stays", async () => {
  const { view, lines, rowsNow } = shown(10);
  await view.open("");
  lines.push({ number: 10, text: "line 10" });
  await view.more();
  assert.equal((await rowsNow())[4], "line 10");
  view.key("up");
  lines.push({ number: 11, text: "line 11" });
  await view.more();
  assert.equal((await rowsNow())[4], "line 9");
  assert.match((await rowsNow())[5] as string, /line 10 of 12/);
});

test("more lines than it holds: the last ones at the end, elsewhere it stays where it is", async () => {
  const { view, lines, rowsNow } = shown(10);
  const say = (count: number) => {
    for (let i = 0; i < count; i++) lines.push({ number: lines.length, text: `line ${lines.length}` });
    return view.more();
  };
  await view.open("");
  await say(200_000);
  assert.deepEqual((await rowsNow()).slice(3, 5), ["line 200008", "line 200009"]);
  view.key("page-up");
  view.key("page-up");
  const top = "line 199997";
  assert.equal((await rowsNow())[0], top);
  await say(1);
  await say(200_000);
  await say(2);
  assert.equal((await rowsNow())[0], top);
  assert.match((await rowsNow())[5] as string, /line 200002 of 400013/);
  view.key("end");
  await settled();
  assert.deepEqual(
    (await rowsNow()).slice(0, 5),
    [0, 1, 2, 3, 4].map((i) => `line ${400_008 + i}`),
  );
  view.key("page-up");
  assert.equal((await rowsNow())[0], "line 400004");
  await say(1);
  assert.equal((await rowsNow())[0], "line 400004");
  view.key("end");
  assert.equal((await rowsNow())[4], "line 400013");
});

test("older lines that come when the view has begun anew are not put before others", async () => {
  const { view, source, lines, rowsNow } = shown(5000);
  await view.open("");
  const { older } = source;
  let isAsked = false;
  source.older = async (before, most) => {
    isAsked = true;
    await settled();
    return older(before, most);
  };
  view.key("home");
  view.key("end");
  assert.ok(isAsked);
  for (let i = 0; i < 200_000; i++) lines.push({ number: lines.length, text: `line ${lines.length}` });
  await view.more();
  for (let i = 0; i < 10; i++) await settled();
  view.key("end");
  assert.deepEqual(
    (await rowsNow()).slice(0, 5),
    [5, 6, 7, 8, 9].map((i) => `line ${204_990 + i}`),
  );
  view.key("page-up");
  await settled();
  assert.equal((await rowsNow())[0], "line 204991");
});

test("searches older lines, further ones with n, back with N, and says when there is none", async () => {
  const { view, rowsNow, terminal } = shown(3000);
  await view.open("");
  for (const key of [..."/Line 7"]) view.key(key);
  view.key("enter");
  await settled();
  assert.match((await rowsNow())[5] as string, /no older line holds 'Line 7'/);
  for (const key of ["/", ..."line 77x", "backspace", "enter"]) view.key(key);
  await settled();
  const middle = async () => (await rowsNow())[2];
  assert.equal(await middle(), "line 779");
  assert.notEqual(terminal.buffer.active.getLine(2)?.getCell(0)?.isInverse(), 0);
  assert.equal(terminal.buffer.active.getLine(2)?.getCell(7)?.isInverse(), 0);
  view.key("n");
  await settled();
  assert.equal(await middle(), "line 778");
  view.key("N");
  await settled();
  assert.equal(await middle(), "line 779");
  view.key("N");
  await settled();
  assert.match((await rowsNow())[5] as string, /no newer line holds 'line 77'/);
});

test("what a search has not seen is not said to be without the word: newer lines that are not held, and older ones", async () => {
  const { view, lines, rowsNow } = shown(10, 100);
  await view.open("");
  view.key("up");
  for (let n = 10; n < 200_010; n++) lines.push({ number: n, text: n === 200_000 ? "a needle" : `line ${n}` });
  await view.more();
  for (const key of ["/", ..."needle", "enter"]) view.key(key);
  await settled();
  view.key("N");
  await settled();
  assert.match((await rowsNow())[5] as string, /no line up to here holds 'needle'; G goes on with the newest/);
  view.key("end");
  for (const key of ["/", ..."line 5$", "enter"]) view.key(key);
  await settled();
  assert.match((await rowsNow())[5] as string, /no line from here on holds 'line 5\$'; older ones are in 'falcon logs'/);
});

test("the end that is wanted while the beginning is loaded is where the view goes", async () => {
  const { view, source, rowsNow } = shown(5000);
  await view.open("");
  const { older } = source;
  source.older = async (before, most) => {
    await settled();
    return older(before, most);
  };
  view.key("home");
  view.key("end");
  for (let n = 0; n < 5; n++) await settled();
  assert.equal((await rowsNow())[4], "line 4999");
  assert.match((await rowsNow())[5] as string, /^ name · line 5000 of 5000/);
});

test("q, Escape and Ctrl+C end it; a prompt takes them first", async () => {
  for (const key of ["q", "escape", "interrupt"]) {
    const { view } = shown(3);
    await view.open("");
    view.key("/");
    assert.equal(view.key("q"), false);
    assert.equal(view.key("escape"), false);
    assert.equal(view.key(key), true);
  }
});

test("another size, a log without lines, and one that cannot be read", async () => {
  const { view, rowsNow } = shown(100);
  await view.open("");
  view.resize(20, 4);
  assert.deepEqual((await rowsNow()).slice(0, 3), ["line 97", "line 98", "line 99"]);
  const none = shown(0);
  await none.view.open("");
  assert.match((await none.rowsNow())[5] as string, /no lines yet/);
  const broken = shown(5);
  broken.source.older = () => Promise.reject(new Error("gone"));
  await broken.view.open("");
  assert.match((await broken.rowsNow())[5] as string, /cannot be read: gone/);
});

test("a log that is not to be had any more is told, when it is opened, when more is said, and after a key", async () => {
  const { view, source, rowsNow } = shown(10, 100);
  source.newer = async () => {
    throw new Error("the session's folder was removed");
  };
  await view.open("");
  const told = /^ name · cannot be read: the session's folder was removed/;
  assert.match((await rowsNow())[5] as string, told);
  view.key("home");
  await settled();
  assert.match((await rowsNow())[5] as string, told);

  // what is shown already stays, and what is not to be had is told
  const far = shown(5000);
  await far.view.open("");
  far.source.older = source.newer;
  far.view.key("home");
  await settled();
  assert.match((await far.rowsNow())[5] as string, told);

  const later = shown(10, 100);
  await later.view.open("");
  later.source.newer = source.newer;
  await later.view.more();
  assert.match((await later.rowsNow())[5] as string, told);
  assert.equal((await later.rowsNow())[4], "line 9");
});

test("keys that come before the log's end is known wait for its lines", async () => {
  const { view, source, rowsNow } = shown(5000);
  const { newer, older } = source;
  let isKnown = false;
  source.newer = async (most) => {
    await settled();
    isKnown = true;
    return newer(most);
  };
  source.older = async (before, most) => (isKnown ? older(before, most) : []);
  const opened = view.open("");
  view.key("page-up");
  view.key("home");
  await opened;
  await settled();
  assert.deepEqual((await rowsNow()).slice(0, 5), ["line 0", "line 1", "line 2", "line 3", "line 4"]);
  assert.match((await rowsNow())[5] as string, /^ name · line 5 of 5000/);
});
