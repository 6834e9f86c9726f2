// Frames for a terminal of another size: what is shown of the screen, changed lines only, and never a half
// one.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { stream } from "../../property/terminal/vocabulary.ts";
import { compare, UserScreen } from "../../replay/user-screen.ts";

const begin = "\x1b[?2026h";
const end = "\x1b[?2026l";

/** The rows of a viewer's terminal that was given the frames. */
function rows(viewer: UserScreen): string[] {
  const { active } = viewer.terminal.buffer;
  return Array.from({ length: viewer.terminal.rows }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? "");
}

function open(screenSize: [number, number], viewerSize: [number, number]) {
  const screen = new Screen({ cols: screenSize[0], rows: screenSize[1], scrollback: 20 });
  const viewer = new UserScreen(...viewerSize);
  const frames = screen.frames(...viewerSize);
  const draw = (output = "") => {
    screen.feed(Buffer.from(output));
    const frame = frames.draw();
    if (frame === undefined) return undefined;
    viewer.feed(frame);
    return frame.toString();
  };
  return { screen, viewer, frames, draw };
}

test("a larger terminal shows the whole screen and its edge", () => {
  const { viewer, draw } = open([6, 2], [10, 4]);
  draw("abcdef\r\nxy");
  assert.deepEqual(rows(viewer), ["abcdef│", "xy    │", "──────┘", ""]);
  const { cursorX, cursorY } = viewer.terminal.buffer.active;
  assert.deepEqual([cursorX, cursorY], [2, 1]);
});

test("a smaller terminal shows the part with the cursor, without one the lower left part", () => {
  const { viewer, draw } = open([10, 6], [4, 3]);
  draw("1111111111\r\n2222\r\n3333\r\n4444\r\n5555\r\n6666\x1b[?25l");
  assert.deepEqual(rows(viewer), ["4444", "5555", "6666"]);
  draw("\x1b[?25h\x1b[1;10H");
  assert.deepEqual(rows(viewer), ["1111", "", ""]);
  assert.deepEqual([viewer.terminal.buffer.active.cursorX, viewer.terminal.buffer.active.cursorY], [3, 0]);
  draw("\x1b[2;1H");
  assert.deepEqual(rows(viewer), ["1111", "2222", "3333"], "moved no further than needed");
});

test("a smaller terminal shows the beginning of a screen whose lower rows are blank, and follows what is drawn there", () => {
  const shell = open([10, 6], [10, 3]);
  shell.draw("one\r\n$ ");
  assert.deepEqual(rows(shell.viewer), ["one", "$ ", ""]);
  const display = open([10, 6], [10, 3]);
  display.draw("\x1b[?25lone");
  assert.deepEqual(rows(display.viewer), ["one", "", ""]);
  display.draw("\x1b[6;1Hfooter");
  assert.deepEqual(rows(display.viewer), ["", "", "footer"]);
});

test("half of a wide character at the edge is a blank", () => {
  const { viewer, draw } = open([8, 1], [3, 1]);
  draw("a日本\x1b[1;1H");
  assert.deepEqual(rows(viewer), ["a日"]);
  draw("\x1b[1;1Habc日\x1b[1;1H");
  assert.deepEqual(rows(viewer), ["abc"]);
});

test("only changed lines are sent, nothing when nothing changed", () => {
  const { draw } = open([20, 5], [30, 8]);
  draw("one\r\ntwo\r\nthree");
  assert.equal(draw(), undefined);
  const frame = draw("\x1b[2;1HTWO") as string;
  assert.ok(frame.includes("TWO"));
  assert.ok(!frame.includes("one") && !frame.includes("three"));
  assert.ok(frame.length < 120, `${frame.length} bytes`);
  const moved = draw("\x1b[1;1H") as string;
  assert.ok(!moved.includes("one"));
});

test("a complete frame comes after a resize and when it is asked for", () => {
  const { frames, draw } = open([20, 3], [10, 3]);
  draw("one\r\ntwo");
  frames.again();
  assert.ok((draw() as string).includes("one"));
  frames.resize(12, 4);
  assert.ok((draw() as string).includes("one"));
});

test("a title alone does not draw the screen again", () => {
  const { draw } = open([20, 3], [10, 3]);
  draw("one");
  const frame = draw("\x1b]2;new title\x07") as string;
  assert.ok(frame.includes("new title") && !frame.includes("one"));
});

test("a title of a frame that was dropped comes with the next one, and so does the end of a title", () => {
  const { screen, frames, draw } = open([20, 3], [10, 3]);
  const drop = (output: string) => {
    screen.feed(Buffer.from(output));
    assert.notEqual(frames.draw(), undefined);
    frames.again();
  };
  drop("one");
  assert.ok(!(draw() as string).includes("\x1b]2;"), "of a program without a title");
  drop("\x1b]2;new title\x07");
  assert.ok((draw() as string).includes("\x1b]2;new title"));
  drop("\x1b]2;\x07");
  assert.ok((draw() as string).includes("\x1b]2;\x1b\\"));
});

test("the viewer's terminal is in the modes that the program asked for", () => {
  const { viewer, draw } = open([20, 3], [10, 3]);
  draw("\x1b[?1;1000;1006;1004h\x1b=");
  assert.equal(viewer.terminal.modes.applicationCursorKeysMode, true);
  assert.equal(viewer.terminal.modes.mouseTrackingMode, "vt200");
  assert.equal(viewer.terminal.modes.sendFocusMode, true);
  assert.equal(viewer.terminal.modes.bracketedPasteMode, true, "a paste is never taken for keys");
  draw("\x1b[?1;1000;1006;1004l");
  assert.equal(viewer.terminal.modes.applicationCursorKeysMode, false);
  assert.equal(viewer.terminal.modes.mouseTrackingMode, "none");
});

test("every frame is one whole: in its brackets, and each equals a complete one", () => {
  fc.assert(
    fc.property(
      fc.array(stream, { minLength: 1, maxLength: 4 }),
      fc.tuple(fc.integer({ min: 3, max: 30 }), fc.integer({ min: 2, max: 9 })),
      (outputs, size) => {
        const { screen, viewer, frames } = open([16, 6], size);
        try {
          for (const output of outputs) {
            screen.feed(output);
            const frame = frames.draw();
            if (frame === undefined) continue;
            const text = frame.toString("latin1");
            assert.ok(text.startsWith(begin) && text.endsWith(end), "not in brackets");
            assert.equal(text.slice(0, -end.length).includes(end), false, "shown before it is whole");
            viewer.feed(frame);
            const fresh = new UserScreen(...size);
            fresh.feed(screen.frames(...size).draw() as Buffer);
            const [shown, complete] = [viewer.state(), fresh.state()];
            const differences = compare(complete, shown).filter(({ what }) => /^cells (?!wrap)|^cursor/.test(what));
            // where a hidden cursor stands is nowhere; the part that is shown may have moved before
            if (size[0] >= 17 && size[1] >= 7)
              assert.deepEqual(
                differences.filter(({ what }) => what !== "cursor" || !screen.text().cursor.shown === false),
                [],
              );
            fresh.dispose();
          }
        } finally {
          screen.dispose();
          viewer.dispose();
        }
      },
    ),
    { numRuns: 150, seed: 7 },
  );
});
