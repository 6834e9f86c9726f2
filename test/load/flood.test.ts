// A viewer that cannot read as fast as a program writes is left behind, and stands at the present at the end
// all the same.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { program } from "../support/compile.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt } from "../support/paths.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";

before(() => assert.deepEqual(notBuilt([falcon]), [], "npm run build comes first"));

/** Lines of 200 bytes: 80 MB, of which a viewer here reads some 20 MB a second. */
const lines = 400_000;

/**
 * A scroll region with coloured text that scrolls, and a line below it that stays; then it waits to be ended.
 */
const script = `echo ready; read go; printf '\\033[2J\\033[1;20r\\033[22;3H\\033[1;33mfooter stays\\033[0m\\033[1;1H\\033[36m'
"$1" ${lines} 200; printf 'the end\\r\\n\\033[22;20H\\033[7mdone\\033[0m'; exec cat`;

/** Number of the last line that a terminal shows; -1 before the first. */
const lastLine = (viewer: UserTerminal): number => Number([...viewer.text().matchAll(/line (\d{8}) /g)].at(-1)?.[1] ?? -1);

describe("a flood with a viewer", () => {
  const home = new TestHome();
  after(() => home.dispose());

  const begin = async (name: string): Promise<UserTerminal> => {
    await home.start(["/bin/sh", "-c", script, "sh", program("flood")], ["--name", name]);
    const viewer = home.terminal(["attach", name], { cols: 100, rows: 30 });
    await viewer.waitFor(/ready/);
    return viewer;
  };
  /**
   * What another terminal of the same size is shown now; without a history, which runs through its first
   * rows.
   */
  const shown = async (name: string, cols: number, rows: number): Promise<string[]> => {
    const other = home.terminal(["attach", "--read-only", "--history", "0", name], { cols, rows });
    await other.waitFor(/done/);
    const text = other.lines();
    other.key("C-\\", "d");
    await other.waitForExit();
    return text;
  };

  /** Waits until both show the same: a size, or what was typed, may still be on its way. */
  const same = async (viewer: UserTerminal, name: string): Promise<void> => {
    const both = async () =>
      [viewer.lines(), await shown(name, 100, 30)].map((lines) => lines.map((line) => line.trimEnd()).join("\n"));
    await until(async () => {
      const [one, other] = await both();
      return one === other;
    }, "the two terminals to show the same");
  };

  test("leaps over what lies between, and shows the end, the footer and the attributes as they are", async () => {
    const viewer = await begin("leap");
    viewer.type("\r");
    await viewer.waitFor(/the end[\s\S]*footer stays {5}done/, "the end of the flood", 60_000);
    assert.ok(
      viewer.received.length < lines * 150,
      `${viewer.received.length} of ${lines * 201} bytes were sent: it was never left behind`,
    );
    assert.match(viewer.text(), /line 00399999 /);
    await same(viewer, "leap");
    // the stream goes on where the leap ended
    viewer.type("typed\r");
    await viewer.waitFor(/typed\s+typed/);
    await same(viewer, "leap");
  });

  test("of drawings, which cannot be passed over: all that a terminal of the same size, and one of another, show is the end", async () => {
    // so far from both edges that a narrower terminal shows it, wherever it stands
    const drawings = `echo ready; read go; "$1" ${lines / 8} 200 | sed 's/$/\\x1b[K\\x1b7\\x1b[30;1Hfooter\\x1b8/'; printf '\\033[1;1H\\033[K\\033[50Gdone'; exec cat`;
    await home.start(["/bin/sh", "-c", drawings, "sh", program("flood")], ["--name", "drawings"]);
    const viewer = home.terminal(["attach", "drawings"], { cols: 100, rows: 30 });
    await viewer.waitFor(/ready/);
    viewer.type("\r");
    await until(() => lastLine(viewer) > 1000, "the flood");
    const other = home.terminal(["attach", "--read-only", "drawings"], { cols: 90, rows: 24 });
    await other.waitFor(/done/, "the end of the flood", 60_000);
    await viewer.waitFor(/done/, "the end of the flood", 60_000);
    // a snapshot is drawn from its first row on
    await until(() => lastLine(viewer) === lines / 8 - 1, "the last line");
    await same(viewer, "drawings");
    viewer.type("typed\r");
    await viewer.waitFor(/typed/);
    await other.waitFor(/typed/);
    await same(viewer, "drawings");
  });

  test("a terminal that gets another size meanwhile", async () => {
    const viewer = await begin("sizes");
    viewer.type("\r");
    for (const [share, cols, rows] of [
      [0.1, 120, 40],
      [0.3, 90, 26],
      [0.5, 100, 30],
    ] as const) {
      await until(() => lastLine(viewer) >= share * lines, `line ${share * lines} to be shown`, 60_000);
      viewer.resize(cols, rows);
    }
    await viewer.waitFor(/done/, "the end of the flood", 60_000);
    // where the text stands depends on which sizes the flood met; that both terminals show the same does not
    await same(viewer, "sizes");
  });
});
