// A screen: queries answered from it, modes and titles told, storing, resizing with a footer, the last frame
// before the display is left.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { internalsKnown } from "../../../scripts/internals-known.ts";
import { Model } from "../../../src/terminal/model/model.ts";
import { possibleSize, Screen } from "../../../src/terminal/model/screen.ts";
import { decodeScreen, encodeScreen } from "../../../src/terminal/replay/codec.ts";

function open(cols = 20, rows = 6, scrollback = 50) {
  const told = { answers: [] as string[], titles: [] as string[], left: [] as string[][] };
  const screen = new Screen(
    { cols, rows, scrollback },
    {
      answer: (bytes) => told.answers.push(bytes.toString("latin1")),
      title: (text) => told.titles.push(text),
      left: ({ lines }) => told.left.push(lines),
    },
  );
  return { screen, told, feed: (text: string) => screen.feed(Buffer.from(text)) };
}

test("xterm.js' internals are those that we know: a new version that moves them fails here", () => {
  assert.equal(internalsKnown(), true);
});

test("the self-test names what has moved, and never throws", () => {
  const moved = internalsKnown(() => {
    const model = new Model(12, 4, 100);
    Object.defineProperty(model, "cursorHidden", { get: () => undefined });
    return model;
  });
  assert.match(String(moved), /^hidden is/);
  const gone = internalsKnown(() => {
    const model = new Model(12, 4, 100);
    (model.terminal as unknown as { _core: unknown })._core = undefined;
    model.parse = () => {
      throw new TypeError("parse is not a function");
    };
    return model;
  });
  assert.match(String(gone), /parse is not a function/);
});

test("queries are answered from the screen, each once", () => {
  for (const [query, answer] of [
    ["\x1b[c", "\x1b[?62;22c"],
    ["\x1b[>c", "\x1b[>0;276;0c"],
    ["\x1b[5n", "\x1b[0n"],
    ["\x1b[3;4H\x1b[6n", "\x1b[3;4R"],
    ["\x1b[2;5r\x1b[?6h\x1b[2;2H\x1b[6n", "\x1b[2;2R"],
    ["\x1b[?2004$p", "\x1b[?2004;2$y"],
    ["\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"],
    ["\x1b[?69$p", "\x1b[?69;0$y"],
    ["\x1b[4h\x1b[4$p", "\x1b[4;1$y"],
    ["\x1b[>q", "\x1bP>|falcon-sessions\x1b\\"],
    ["\x1b[>5u\x1b[?u", "\x1b[?5u"],
    ["\x1b[18t", "\x1b[8;6;20t"],
    ["\x1b]10;#102030\x07\x1b]10;?\x07", "\x1b]10;rgb:1010/2020/3030\x1b\\"],
    ["\x1b]4;1;rgb:ff/00/00\x07\x1b]4;1;?\x07", "\x1b]4;1;rgb:ffff/0000/0000\x1b\\"],
    ["\x1b[1;31m\x1bP$qm\x1b\\", "\x1bP1$r0;1;31m\x1b\\"],
    ["\x1b[2;4r\x1bP$qr\x1b\\", "\x1bP1$r2;4r\x1b\\"],
    ["\x1bP+q544e\x1b\\", "\x1bP1+r544e=787465726D2D323536636F6C6F72\x1b\\"],
    ["\x1bZ", "\x1b[?62;22c"],
    // a title that a program set never comes back as keys
    ["\x1b]2;rm -rf\x07\x1b[21t", "\x1b]l\x1b\\"],
  ] as const) {
    const { screen, told, feed } = open();
    feed(query);
    assert.deepEqual(told.answers, [answer], JSON.stringify(query));
    screen.dispose();
  }
});

test("titles and what the program asks of the keyboard are told", () => {
  const { screen, told, feed } = open();
  feed("\x1b]2;one\x07\x1b[22;0t\x1b]0;two\x07\x07\x1b[23;0t\x1b[?1;1004;2004;1049h");
  assert.deepEqual(told.titles, ["one", "two", "one"]);
  const { bracketedPaste, focus, alternate, applicationCursor } = screen.inputModes;
  assert.deepEqual([bracketedPaste, focus, alternate, applicationCursor], [true, true, true, true]);
  screen.dispose();
});

test("the alternate screen is told before it is left", () => {
  const { screen, told, feed } = open();
  feed("shell\r\n\x1b[?1049h\x1b[HEpoch 7\x1b[2;1Hloss 0.1\x1b[?1049l");
  assert.deepEqual(told.left[0]?.slice(0, 3), ["Epoch 7", "loss 0.1", ""]);
  assert.equal(screen.text().lines[0], "shell");
  screen.dispose();
});

test("a stored screen goes on in the midst of a sequence", () => {
  const { screen, feed } = open();
  feed("\x1b[31mred\x1b[4");
  const { offset, replay } = screen.encode();
  assert.equal(offset, 8);
  const again = Screen.restore(replay, { scrollback: 50, offset });
  again.feed(Buffer.from("\x1b[4mx"));
  feed("mx");
  assert.deepEqual(again.snapshot(10), screen.snapshot(10));
  screen.dispose();
  again.dispose();
});

test("a screen that is too long to be opened again is stored without its oldest lines", () => {
  const { screen } = open(20, 6, 2000);
  screen.feed(Buffer.from(Array.from({ length: 1500 }, (_, i) => `\x1b[3${i % 8}mline ${i} ${"é".repeat(i % 11)}\r\n`).join("")));
  const { model, tracked } = decodeScreen(screen.encode().replay, 2000);
  const most = 20_000;
  const stored = encodeScreen(model, tracked, most);
  assert.ok(inflateSync(stored.subarray(5)).length <= most);
  const { normal } = decodeScreen(stored, 2000).model;
  const lines = (view: typeof normal, from: number) =>
    Array.from({ length: view.length - from }, (_, i) => view.line(from + i).data);
  assert.ok(normal.length > 500 && normal.base === normal.length - 6, `${normal.length} lines`);
  assert.deepEqual(lines(normal, 0), lines(model.normal, model.normal.length - normal.length));
  assert.deepEqual([normal.x, normal.y], [model.normal.x, model.normal.y]);
  assert.throws(() => encodeScreen(model, tracked, 500), RangeError, "one that shows more than can be stored");
  screen.dispose();
});

test("bytes that are no stored screen are refused", () => {
  const { screen, feed } = open();
  feed("text");
  const { replay } = screen.encode();
  const damaged = Buffer.from(replay);
  damaged[replay.length >> 1] = (damaged[replay.length >> 1] as number) ^ 0xff;
  for (const bytes of [Buffer.alloc(0), Buffer.from("FSCR"), replay.subarray(0, replay.length - 4), damaged])
    assert.throws(() => Screen.restore(bytes, { scrollback: 50 }));
  screen.dispose();
});

test("stored and opened again, a screen has all its links, however many they are", () => {
  const { screen, feed } = open(20, 6, 10_000);
  feed(Array.from({ length: 8_200 }, (_, i) => `\x1b]8;;https://x.org/${i}\x07${i}\x1b]8;;\x07\r\n`).join(""));
  const { offset, replay } = screen.encode();
  const again = Screen.restore(replay, { scrollback: 10_000, offset });
  assert.deepEqual(again.snapshot(10_000), screen.snapshot(10_000));
});

test("a resize keeps what stands below the scroll region at the bottom edge", () => {
  const { screen, feed } = open(20, 8);
  feed("\x1b[?1049h\x1b[1;5r\x1b[6;1Hfooter 1\x1b[7;1Hfooter 2\x1b[8;1Hfooter 3\x1b[5;1H");
  for (let i = 1; i <= 9; i++) feed(`log ${i}\r\n`);
  for (const [cols, rows] of [
    [20, 12],
    [30, 6],
    [18, 5],
    [20, 9],
    [40, 8],
  ] as const) {
    screen.resize(cols, rows);
    const { lines } = screen.text();
    assert.deepEqual(lines.slice(-3), ["footer 1", "footer 2", "footer 3"], `${cols}x${rows}`);
    feed("\x1b7");
    feed(`new at ${rows}\r\n\x1b8`);
    assert.deepEqual(screen.text().lines.slice(-3), ["footer 1", "footer 2", "footer 3"], `scrolled at ${cols}x${rows}`);
  }
  screen.dispose();
});

test("growing from 80x20 to 120x35 fills the upper rows from the history, with a scroll region as well", () => {
  const lines = Array.from({ length: 60 }, (_, i) => `line ${i + 1}`);
  for (const [begin, footer] of [
    ["", []],
    ["\x1b[1;17r\x1b[18;1Hrule\r\nstate\r\nkeys\x1b[17;1H", ["rule", "state", "keys"]],
  ] as const) {
    const screen = new Screen({ cols: 80, rows: 20, scrollback: 1000 });
    screen.feed(Buffer.from(`${begin}${lines.join("\r\n")}`));
    screen.resize(120, 35);
    assert.deepEqual(screen.text().lines, [...lines.slice(footer.length - 35), ...footer]);
    screen.dispose();
  }
});

test("a region that found no room comes back when there is room again", () => {
  const { screen, feed } = open(20, 8);
  feed("\x1b[?1049h\x1b[1;5r\x1b[6;1Ha\x1b[7;1Hb\x1b[8;1Hc\x1b[1;1H");
  screen.resize(20, 3);
  screen.resize(20, 8);
  assert.ok(screen.snapshot(0).first.includes("\x1b[1;5r"));
  assert.deepEqual(screen.text().lines.slice(-3), ["a", "b", "c"]);
  screen.dispose();
});

test("an erase that makes xterm.js throw is done all the same", () => {
  const { screen, feed } = open(6, 3);
  feed("\x1b[?1049h\x1b[Habcdef\x1b[2;1Hghijkl\x1b[3;1Hmnopqr\x1b[1J");
  assert.deepEqual(screen.text().lines, ["", "", ""]);
  screen.dispose();
});

test("sizes are kept within what is possible", () => {
  assert.deepEqual(possibleSize(0, 0), { cols: 2, rows: 1 });
  assert.deepEqual(possibleSize(65535, 65535), { cols: 2000, rows: 1000 });
  assert.deepEqual(possibleSize(Number.NaN, 24), { cols: 2, rows: 24 });
});

test("a program that wants to be told of sizes is told by the screen", () => {
  const { screen, told, feed } = open();
  feed("\x1b[?2048h");
  screen.resize(30, 7);
  assert.deepEqual(told.answers, ["\x1b[48;6;20;96;160t", "\x1b[48;7;30;112;240t"]);
  assert.ok(!screen.snapshot(0).first.includes("2048"));
  screen.dispose();
});
