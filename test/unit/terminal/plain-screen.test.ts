// The screen of last resort: what it keeps, in its own words and in the worker that chose it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { buildSync } from "esbuild";
import { PlainScreen, storedSequences } from "../../../src/terminal/model/plain-screen.ts";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { type ScreenEvents, Screens } from "../../../src/terminal/worker/screens.ts";
import { UserScreen } from "../../replay/user-screen.ts";
import { until } from "../../support/events.ts";
import { moveInternals } from "../../support/moved-internals.ts";

const options = { cols: 30, rows: 8, scrollback: 100 };

/**
 * falcon's kind of display: a log in a region, a footer below it, attributes current when the alternate
 * screen is entered.
 */
const display =
  "before\r\n\x1b[31mx\x1b[?1049h\x1b[?25l\x1b[1;5r\x1b[?1h\x1b[?1000;1006h\x1b[?2004h\x1b[mplain\x1b[6;1H\x1b[7mfooter\x1b[m\x1b[3;4H\x1b[s\x1b[7;2H";

async function plainScreen(output: string, size = options): Promise<PlainScreen> {
  const screen = new PlainScreen(size);
  await feed(screen, output);
  return screen;
}

async function feed(screen: PlainScreen, output: string): Promise<void> {
  screen.feed(Buffer.from(output));
  while (screen.parsing !== undefined) await screen.parsing;
}

/** Facts and text of a terminal that got the whole output, and of one that got snapshot and rest. */
function compared(screen: PlainScreen, output: string, rest: string) {
  const whole = new UserScreen(screen.cols, screen.rows);
  whole.feed(Buffer.from(output));
  const joined = new UserScreen(screen.cols, screen.rows);
  const { first, history, tail } = screen.snapshot(100);
  joined.feed(Buffer.concat([first, history, tail]));
  const facts = ["screen", "cursor", "cursor shown", "scroll region", "modes", "mouse", "title"] as const;
  const seen = (terminal: UserScreen) => {
    const state = terminal.state();
    return { cells: state.cells, scrollback: state.scrollback, ...Object.fromEntries(facts.map((f) => [f, state.facts[f]])) };
  };
  try {
    assert.deepEqual(seen(joined), seen(whole));
    for (const terminal of [whole, joined]) terminal.feed(Buffer.from(rest));
    assert.deepEqual(seen(joined), seen(whole));
  } finally {
    whole.dispose();
    joined.dispose();
  }
}

describe("the screen of last resort", () => {
  test("alternate screen, scroll region, modes, saved position and a cut sequence survive an attach", async () => {
    const screen = await plainScreen(`${display}\x1b[3`);
    compared(screen, `${display}\x1b[3`, "2mgreen\x1b[u!\x1b[5;1H\r\nline\r\nline\x1b[?1049l\x1b[mback");
    screen.dispose();
  });

  test("so does a plain program's text with its scrollback", async () => {
    const output = `\x1b]2;a title\x07${Array.from({ length: 40 }, (_, i) => `\x1b[3${i % 8}mline ${i}\x1b[m\r\n`).join("")}prompt$ `;
    const screen = await plainScreen(output);
    compared(screen, output, "ls\r\nfile\r\n");
    screen.dispose();
  });

  test("a region keeps its distance to both edges at another size", async () => {
    const screen = await plainScreen(display);
    screen.resize(30, 12);
    await feed(screen, "");
    const terminal = new UserScreen(30, 12);
    terminal.feed(screen.snapshot(0).first);
    assert.equal(terminal.state().facts["scroll region"], "0,8");
    terminal.dispose();
    screen.dispose();
  });

  test("frames show the lower left part, and changes alone", async () => {
    const screen = await plainScreen("\x1b[1mtop\x1b[m\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n\x1b[32;44mbottom line that is long");
    const terminal = new UserScreen(11, 4);
    const frames = screen.frames(11, 4);
    terminal.feed(frames.draw() as Buffer);
    const text = () => Array.from({ length: 4 }, (_, y) => terminal.terminal.buffer.active.getLine(y)?.translateToString(true));
    assert.deepEqual(text(), ["5", "6", "7", "bottom line"]);
    assert.equal(frames.draw(), undefined);
    await feed(screen, "\x1b[6;1Hsix");
    const frame = frames.draw() as Buffer;
    terminal.feed(frame);
    assert.deepEqual(text(), ["5", "six", "7", "bottom line"]);
    assert.ok(!frame.includes("bottom"), "rows that are the same are left out");
    terminal.dispose();
    screen.dispose();
  });

  test("stored, it opens in either kind of screen", async () => {
    const screen = await plainScreen(`one\r\ntwo\r\n${display}`);
    const { replay, cols, rows } = screen.encode();
    const stored = storedSequences(replay);
    assert.deepEqual({ cols: stored?.cols, rows: stored?.rows }, { cols, rows });
    const exact = new Screen({ ...options, offset: 0 });
    exact.feed(stored?.bytes as Buffer);
    assert.deepEqual(exact.text().lines, screen.text().lines);
    assert.equal(exact.inputModes.alternate, true);
    assert.equal(storedSequences(exact.encode().replay), undefined, "an exact screen is stored otherwise");
    exact.dispose();
    screen.dispose();
  });

  test("queries are answered, and endless counts do not hang it", async () => {
    const answers: string[] = [];
    const screen = new PlainScreen(options, { answer: (bytes) => answers.push(bytes.toString()) });
    await feed(screen, "ab\x1b[6n\x1b[2147483647b\x1b[2147483647L");
    assert.deepEqual(answers, ["\x1b[1;3R"]);
    screen.dispose();
  });
});

describe("a worker whose self-test fails", () => {
  let folder: string;
  let worker: string;
  before(() => {
    folder = fs.mkdtempSync("/tmp/fs-");
    worker = path.join(folder, "worker.cjs");
    const entry = path.resolve(import.meta.dirname, "../../../src/terminal/worker/worker.ts");
    const built = buildSync({
      entryPoints: [entry],
      bundle: true,
      platform: "node",
      format: "cjs",
      target: "node20",
      write: false,
    });
    fs.writeFileSync(worker, moveInternals(built.outputFiles[0]?.text as string));
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  const quiet: ScreenEvents = { answer() {}, title() {}, bell() {}, modes() {} };

  test("it says so once, keeps the order of output, sizes and snapshots, and opens what it stored", async () => {
    const log: [string, Record<string, unknown>][] = [];
    const screens = new Screens(worker, (event, facts = {}) => log.push([event, facts]));
    try {
      const answers: string[] = [];
      const handle = screens.open(
        "a",
        { ...options, offset: 0 },
        { ...quiet, answer: (bytes) => answers.push(bytes.toString()) },
      );
      let lines = "";
      for (let i = 0; i < 3000; i++) lines += `line ${i}\r\n`;
      handle.feed(Buffer.from(lines));
      handle.resize(40, 10);
      handle.feed(Buffer.from("\x1b[5nend"));
      const snapshot = await handle.snapshot(50);
      assert.deepEqual([snapshot.offset, snapshot.cols, snapshot.rows], [lines.length + 7, 40, 10]);
      assert.deepEqual(answers, ["\x1b[0n"]);
      assert.deepEqual((await handle.text()).lines.slice(-2), ["line 2999", "end"]);
      const user = new UserScreen(40, 10);
      user.feed(Buffer.concat([snapshot.first, snapshot.history]));
      assert.equal(user.terminal.buffer.normal.baseY, 50);
      user.dispose();
      assert.match(screens.lastResort ?? "", /activeProtocol/);
      assert.deepEqual(log, [["screens.internals-moved", { moved: screens.lastResort }]]);
      const stored = await handle.encode();
      const again = screens.open("b", { ...options, offset: stored.offset, restore: stored.replay }, quiet);
      again.feed(Buffer.from("ing"));
      assert.deepEqual((await again.text()).lines.slice(-2), ["line 2999", "ending"]);
      assert.equal((await again.snapshot(0)).offset, stored.offset + 3);
      let frame: Buffer | undefined;
      const watch = again.watchFrames(12, 3, (bytes) => {
        frame = bytes;
      });
      await until(() => frame !== undefined, "a frame");
      assert.match(String(frame), /ending/);
      watch.close();
      assert.equal(log.length, 1);
    } finally {
      await screens.dispose();
    }
  });
});
