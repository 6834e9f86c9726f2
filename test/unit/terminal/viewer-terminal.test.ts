// A viewer's terminal is given back as it was: every mode that a program may have changed, the title, the
// colours.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { enterTerminal, leaveTerminal } from "../../../src/session/viewers/viewer-terminal.ts";
import { Screen } from "../../../src/terminal/model/screen.ts";
import { stream } from "../../property/terminal/vocabulary.ts";
import { UserScreen } from "../../replay/user-screen.ts";

/**
 * What a shell finds again: everything but text, cursor, saved cursors, and what only shows where it is used.
 */
function given(terminal: UserScreen): Record<string, string> {
  const { facts } = terminal.state();
  const left: Record<string, string> = {};
  for (const [name, value] of Object.entries(facts)) {
    if (/saved cursor|^cursor$|pending|tabs|directory|title/.test(name)) continue;
    left[name] = value;
  }
  return left;
}

const everything = [
  "\x1b[?1;5;7;12;25;45;66;69;1004h\x1b[?1000;1002;1003h\x1b[?1005;1006;1015;1016h\x1b[?2004;2026;2027;2031;9001h\x1b[?25l\x1b[?7l\x1b[?6h",
  '\x1b[4;20h\x1b=\x1b[5;10r\x1b[4 q\x1b[1;3;4:3;7;31;42;58:5:9m\x1b]8;;http://x\x07\x1b(0\x1b)A\x0e\x1b[1"q',
  "\x1b[>5u\x1b[>1u\x1b[>4;2m\x1b[>1;1m\x1b]4;1;red\x07\x1b]10;blue\x07\x1b]11;#000\x07\x1b]12;red\x07\x1b]22;hand\x07",
];

for (const where of ["normal", "alternate"] as const) {
  test(`whatever the program changed on the ${where} screen is given back`, () => {
    const fresh = new UserScreen(40, 12);
    // implicit direction is the usual state of VTE, the only terminal that has the mode
    fresh.feed(Buffer.from("\x1b[8h"));
    const used = new UserScreen(40, 12);
    used.feed(enterTerminal({ title: "run · d detaches", rows: 12 }));
    if (where === "alternate") used.feed(Buffer.from("\x1b[?1049h\x1b[>3u"));
    for (const sequence of everything) used.feed(Buffer.from(sequence));
    used.feed(leaveTerminal());
    assert.deepEqual(given(used), given(fresh));
    fresh.dispose();
    used.dispose();
  });
}

test("in the midst of anything it can be left", () => {
  fc.assert(
    fc.property(stream, fc.nat(), (output, at) => {
      const fresh = new UserScreen(30, 8);
      const used = new UserScreen(30, 8);
      used.feed(enterTerminal({ title: "t", rows: 8 }));
      used.feed(output.subarray(0, at % (output.length + 1)));
      used.feed(leaveTerminal());
      const [found, wanted] = [given(used), given(fresh)];
      // modes that only one kind of terminal has may stay: no list is complete
      for (const facts of [found, wanted]) {
        delete facts["private modes"];
        delete facts["ANSI modes"];
      }
      assert.deepEqual(found, wanted);
      fresh.dispose();
      used.dispose();
    }),
    { numRuns: 300, seed: 3 },
  );
});

test("the title comes back, below those that the program left", () => {
  const terminal = new UserScreen(40, 10);
  const title = () => (JSON.parse(terminal.state().facts.title as string) as string[])[0];
  terminal.feed(Buffer.from("\x1b]2;my shell\x07"));
  terminal.feed(enterTerminal({ title: "run", rows: 10 }));
  assert.equal(title(), "run");
  terminal.feed(Buffer.from("\x1b[22;0t\x1b]2;vim\x07\x1b[22;0t\x1b]2;more\x07"));
  terminal.feed(leaveTerminal({ titles: 2 }));
  assert.equal(title(), "my shell");
  terminal.dispose();
});

test("the title that we gave stays where the program has pushed titles and set none, and comes back where it pops them", () => {
  const screen = new Screen({ cols: 40, rows: 10, scrollback: 100 });
  screen.feed(Buffer.from("\x1b[?1049h\x1b[22;0;0thello"));
  const terminal = new UserScreen(40, 10);
  const title = () => (JSON.parse(terminal.state().facts.title as string) as string[])[0];
  terminal.feed(enterTerminal({ title: "run · d detaches", rows: 10 }));
  terminal.feed(screen.snapshot(0).first);
  assert.equal(title(), "run · d detaches");
  terminal.feed(Buffer.from("\x1b]2;vim\x07\x1b[23;0;0t"));
  assert.equal(title(), "run · d detaches");
  screen.dispose();
  terminal.dispose();
});

test("what stood on the terminal goes into its scrollback", () => {
  const terminal = new UserScreen(40, 5);
  terminal.feed(Buffer.from("\x1b[2;4r\x1b[?6hfirst\r\nsecond\r\n$ falcon attach"));
  terminal.feed(enterTerminal({ title: "run", rows: 5 }));
  const { active } = terminal.terminal.buffer;
  const all = Array.from({ length: active.length }, (_, y) => active.getLine(y)?.translateToString(true));
  assert.ok(all.slice(0, active.baseY).includes("$ falcon attach"));
  assert.deepEqual(
    Array.from({ length: 5 }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true)),
    ["", "", "", "", ""],
  );
  assert.deepEqual([active.cursorX, active.cursorY], [0, 0]);
  terminal.dispose();
});

test("a title cannot smuggle sequences in", () => {
  const bytes = enterTerminal({ title: "a\x07\x1b[31mb\x9c", rows: 2 }).toString("latin1");
  assert.ok(bytes.includes("\x1b]2;a[31mb\x1b\\"));
});
