// falcon sessions --watch as a person uses it: the table at three sizes, j and k, s, the log below, Enter, q.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { falcon, notBuilt, trainer } from "../support/paths.ts";
import type { UserTerminal } from "../support/terminal.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

describe("falcon sessions --watch", () => {
  const home = new TestHome();
  after(() => home.dispose());
  let over = "";

  before(async () => {
    const ended = ["launch", "--falcon", trainer, "-o", "aa", "samples=256", "rate=0", "epochs=2"];
    assert.equal((await home.run(ended)).code, 0);
    over = String((await home.sessions())[0]?.id);
    await home.ok(["launch", "-d", "--falcon", trainer, "-o", "zz", "samples=256", "rate=4", "epochs=5000"]);
    const trains = async () => {
      const row = (await home.sessions()).find(({ name }) => name === "zz") as
        | { progress?: { nodes: { epoch: number | null }[] } | null }
        | undefined;
      return row?.progress?.nodes.filter(({ epoch }) => (epoch ?? 0) > 1).length === 2;
    };
    await until(trains, "both nodes to train");
  });

  const watch = (cols: number, rows: number): UserTerminal => home.terminal(["sessions", "--watch"], { cols, rows });
  /** The line that is shown inverted. */
  const selected = (terminal: UserTerminal): string => {
    const { buffer } = terminal.screen;
    const y = terminal.lines().findIndex((_, row) => buffer.active.getLine(row)?.getCell(0)?.isInverse());
    return terminal.lines()[y] ?? "";
  };

  test("the table, its keys and the selected node's log, at 120x40", async () => {
    const terminal = watch(120, 40);
    await terminal.waitFor(/q leaves/);
    assert.match(
      terminal.lines()[0] ?? "",
      /^SESSION +NODE +STATUS +EPOCH +LOSS +TREND +SAMPLES +LR +EP\/MIN +LEFT +SILENT +AGE$/,
    );
    assert.match(selected(terminal), /^aa +line +exited +2\/2/);
    await terminal.waitFor(/^── aa \/ line ─+$/m);
    await terminal.waitFor(/Epoch 2\/2 \|/);
    terminal.key("j");
    await terminal.waitFor(/^── aa \/ wave ─+$/m);
    terminal.type("jj"); // at once: a key that is held
    await terminal.waitFor(/^── zz \/ wave ─+$/m);
    await terminal.waitFor(/Epoch \d+\/5000 \|/);
    assert.match(selected(terminal), /^zz +wave +training +\d+\/5000/);
    terminal.key("j");
    terminal.key("k");
    await terminal.waitFor(/^── zz \/ line ─+$/m);
    const rows = () => terminal.lines().slice(1, 5);
    for (const [sort, sorted] of [
      ["name", () => rows().join("\n").search(/^aa/) === 0],
      ["status", () => /^aa/.test(rows()[0] ?? "") && /^zz/.test(rows()[3] ?? "")],
      ["loss", () => rows().every((row, i, all) => i === 0 || lossOf(all[i - 1] as string) <= lossOf(row))],
      ["age", () => /^aa/.test(rows()[0] ?? "")],
    ] as const) {
      terminal.key("s");
      await terminal.waitFor(() => terminal.text().includes(`s sorts (by ${sort})`) && sorted(), `the order by ${sort}`);
    }
    assert.match(selected(terminal), /^zz +line/, "the selected one stays selected in another order");
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.equal(terminal.alternate, false);
    assert.equal(terminal.cursor().visible, true);
  });

  test("at 80x24 and 40x12 nothing is wider than the terminal, and what has no column is told of the selected node", async () => {
    for (const [cols, rows, columns] of [
      [80, 24, /^SESSION +NODE +STATUS +EPOCH +LOSS +TREND .*LEFT/],
      [40, 12, /^SESSION +NODE +STATUS +EPOCH +LOSS?$/],
    ] as const) {
      const terminal = watch(cols, rows);
      await terminal.waitFor(/q(?: leaves)?$/m);
      assert.match(terminal.lines()[0] ?? "", columns);
      assert.equal(
        terminal.lines().findLastIndex((line) => line !== ""),
        rows - 1,
        "the keys stand on the last row",
      );
      terminal.type("jj");
      await terminal.waitFor(/^── zz \/ line · /m);
      const ruler = terminal.lines().find((line) => line.startsWith("── zz / line")) as string;
      assert.match(ruler, cols === 80 ? /samples|lr|old/ : /left|silent|samples/);
      assert.equal(ruler.length, cols, "the ruler fills the row");
      await terminal.waitFor(/Epoch \d+\//);
      terminal.resize(120, 40);
      await terminal.waitFor(/SAMPLES +LR/);
      terminal.key("C-c");
      assert.equal((await terminal.waitForExit()).code, 0);
    }
  });

  test("Enter attaches to a run that goes on, and says why it does not to one that is over", async () => {
    const terminal = watch(100, 30);
    await terminal.waitFor(/^── aa \/ line/m);
    terminal.key("Enter");
    await terminal.waitFor(`${over} is over: falcon show ${over} tells more`);
    terminal.type("jj");
    await terminal.waitFor(/^── zz \/ line/m);
    terminal.key("Enter");
    await terminal.waitFor("[j/k] switch node");
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), /\[zz\] detached, running/);
  });

  test("without a terminal it says what to use instead; falcon monitor is its old name", async () => {
    const { code, stderr } = await home.run(["sessions", "--watch"]);
    assert.equal(code, 2);
    assert.match(stderr, /--watch needs a terminal; without one use 'falcon sessions'/);
    const terminal = home.terminal(["monitor"], { cols: 120, rows: 40 });
    await terminal.waitFor(/q leaves/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });
});

/** The loss in a row of the table. */
function lossOf(row: string): number {
  return Number(/\d+\/\d+ +(\S+)/.exec(row)?.[1]);
}
