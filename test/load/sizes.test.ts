// The trainer's display at twelve sizes in turn: after each attach the log scrolls in its region and the
// footer stands whole at the bottom.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt, trainer } from "../support/paths.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

/** Rows of falcon's footer. */
const footer = 20;

/** Smaller and larger, only wider, only higher, and back; the last has the first one's size again. */
const sizes: [cols: number, rows: number][] = [
  [100, 40],
  [100, 30],
  [80, 30],
  [132, 50],
  [132, 24],
  [80, 24],
  [120, 60],
  [60, 26],
  [61, 27],
  [200, 45],
  [90, 33],
  [100, 40],
];

/**
 * Whether the footer is whole: the help in the last row, rules where they belong, and no second footer
 * anywhere.
 */
function isWhole(terminal: UserTerminal): boolean {
  const lines = terminal.lines();
  const at = (row: number) => lines.at(-row) ?? "";
  const rule = "─".repeat(terminal.cols);
  return (
    at(1).includes("[j/k] switch node") &&
    at(footer) === rule &&
    at(footer - 2) === rule &&
    lines.filter((line) => line.includes("[j/k] switch node")).length === 1 &&
    lines.slice(0, -footer).every((line) => !line.includes("───"))
  );
}

/** Numbers of the driver's lines above the footer, from top to bottom. */
function driverLines(terminal: UserTerminal): number[] {
  return terminal
    .lines()
    .slice(0, -footer)
    .flatMap((line) => /\[INFO\] line (\d+)$/.exec(line)?.[1] ?? [])
    .map(Number);
}

const newest = (terminal: UserTerminal) => Math.max(0, ...driverLines(terminal));

describe("attaching at twelve sizes", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("the log scrolls in its region and the footer stands whole, after every one of them", async () => {
    const settings = ["epochs=500", "rate=4", "samples=256", "log_rate=60"];
    const first = home.terminal(["launch", "--falcon", trainer, "-o", "sized", ...settings], { cols: 110, rows: 36 });
    await first.waitFor(() => isWhole(first) && newest(first) > 3, "the display");
    const { id } = (await home.sessions())[0] as { id: string };
    first.key("C-\\");
    await first.waitForExit();
    let last = 0;
    for (const [cols, rows] of sizes) {
      const terminal = home.terminal(["attach", id], { cols, rows });
      const where = `${cols}x${rows}`;
      await terminal.waitFor(() => isWhole(terminal) && newest(terminal) > last, `the display at ${where}`);
      // what the trainer wrote for the old size may lie under its footer: it looks at the height before it
      // draws, the terminal changes it after
      const start = newest(terminal) + 3;
      // all of the region has scrolled
      const goal = start + Math.max(rows - footer, 10);
      await terminal.waitFor(() => newest(terminal) >= goal, `the log to scroll at ${where}`);
      await terminal.waitFor(() => isWhole(terminal), `the footer at ${where}`);
      const numbers = driverLines(terminal).filter((number) => number > start);
      assert.ok(numbers.length > 0, terminal.picture());
      for (const [i, number] of numbers.entries())
        if (i > 0) assert.equal(number, (numbers[i - 1] as number) + 1, `${where}\n${terminal.picture()}`);
      last = newest(terminal);
      terminal.key("C-\\");
      assert.equal((await terminal.waitForExit()).code, 0);
      assert.equal(terminal.alternate, false);
    }
  });

  test("a second viewer of another size sees the same footer, cropped", async () => {
    const { id } = (await home.sessions())[0] as { id: string };
    const [cols, rows] = [100, 40];
    const typing = home.terminal(["attach", id], { cols, rows });
    await typing.waitFor(() => isWhole(typing), "the display");
    const watching = home.terminal(["attach", "--read-only", id], { cols: 70, rows: 28 });
    await watching.waitFor(
      () => watching.lines().at(-1)?.includes("[j/k] switch node") === true,
      "the lower edge of the display",
    );
    const seen = newest(watching);
    await watching.waitFor(() => newest(watching) > seen + 5, "the log to scroll there, too");
    await watching.waitFor(() => watching.lines().at(-footer) === "─".repeat(70), "the upper edge of the footer");
    await typing.waitFor(() => isWhole(typing), "the typing viewer's display to stay whole");
    for (const terminal of [watching, typing]) {
      terminal.key("C-\\");
      await terminal.waitForExit();
    }
    await home.ok(["kill", id, "--signal", "KILL"]);
  });
});

describe("a terminal smaller than the session's", () => {
  const home = new TestHome();
  after(() => home.dispose());

  test("shows the part with the cursor, and its title says of what; a larger one shows all and says nothing", async () => {
    const id = await home.start(["sh", "-c", "seq 100; cat"], ["--size", "120x40"]);
    const small = home.terminal(["attach", id], { cols: 20, rows: 5 });
    await small.waitFor(/^100/m);
    await small.waitFor(() => small.title.includes(" · a part of 120x40 · "), "its title to say that it is a part");
    small.type("a line that is longer than twenty columns, to here");
    await small.waitFor("to here");
    small.resize(130, 45);
    await small.waitFor(() => !small.title.includes("a part of"), "its title to say it no more");
    await small.waitFor("a line that is longer than twenty columns, to here");
    small.resize(20, 5);
    await small.waitFor(() => small.title.includes("a part of 120x40"), "its title to say it again");
    small.key("C-\\");
    assert.equal((await small.waitForExit()).code, 0);
    await home.ok(["kill", id, "--signal", "KILL"]);
  });
});
