// falcon sessions --watch as a person uses it: the table at three sizes, j and k, s, the log below, Enter, q.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";
import type { UserTerminal } from "../../support/terminal/terminal.ts";

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

  test("what runs stands first, what ended is folded below it; keys, order and the selected node's log, at 120x40", async () => {
    const terminal = watch(120, 40);
    await terminal.waitFor(/q leave/);
    assert.match(
      terminal.lines()[0] ?? "",
      /^SESSION +NODE +STATUS +EPOCH +VAL LOSS +TREND +SAMPLES +LR +EP\/MIN +LEFT +SILENT +AGE( +CPU)?( +MEM)?$/,
    );
    assert.match(selected(terminal), /^zz +line +● training +\d+\/5000/);
    assert.equal(terminal.lines()[3], "▸ 1 ended: 1 completed");
    await terminal.waitFor(/^── zz \/ line (· mem [\d.]+ MB )?─+$/m);
    await terminal.waitFor(/Epoch \d+\/5000 \|/);
    terminal.type("jj"); // at once: a key that is held
    await terminal.waitFor(() => selected(terminal).startsWith("▸ 1 ended"), "the ended ones' line");
    terminal.key("Enter");
    await terminal.waitFor(/^▾ 1 ended/m);
    await terminal.waitFor(/^aa +✓ completed +2\/2.* ago$/m);
    terminal.key("g");
    await terminal.waitFor(/^── zz \/ line (· mem [\d.]+ MB )?─+$/m);
    const rows = () => terminal.lines().slice(1, 3);
    for (const [sort, inOrder] of [
      ["name", () => /^zz +line/.test(rows()[0] ?? "")],
      ["status", () => rows().every((row) => row.startsWith("zz"))],
      ["loss", () => lossOf(rows()[0] as string) <= lossOf(rows()[1] as string)],
      ["age", () => rows().every((row) => row.startsWith("zz"))],
    ] as const) {
      terminal.key("s");
      await terminal.waitFor(() => terminal.text().includes(`s sort: ${sort}`) && inOrder(), `the order by ${sort}`);
    }
    assert.match(selected(terminal), /^zz +line/, "the selected one stays selected in another order");
    terminal.key("r");
    await terminal.waitFor(/s sort: age reversed/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.equal(terminal.alternate, false);
    assert.equal(terminal.cursor().visible, true);
  });

  test("at 80x24 and 40x12 nothing is wider than the terminal, and what has no column is told of the selected node", async () => {
    for (const [cols, rows, columns] of [
      [80, 24, /^SESSION +NODE +STATUS +EPOCH +VAL LOSS +TREND .*LEFT/],
      [40, 12, /^SESSION +NODE +STATUS +EPOCH +VAL.*$/],
    ] as const) {
      const terminal = watch(cols, rows);
      await terminal.waitFor(/q leave$/m);
      assert.match(terminal.lines()[0] ?? "", columns);
      assert.equal(
        terminal.lines().findLastIndex((line) => line !== ""),
        rows - 1,
        "the keys stand on the last row",
      );
      await terminal.waitFor(/^── zz \/ line · /m);
      const ruled = () => terminal.lines().find((line) => line.startsWith("── zz / line")) ?? "";
      await terminal.waitFor(() => ruled().length === cols, "a ruler that fills the row");
      const ruler = ruled();
      assert.match(ruler, cols === 80 ? /samples|lr|age/ : /left|silent|samples/);
      await terminal.waitFor(/Epoch \d+\//);
      terminal.resize(120, 40);
      await terminal.waitFor(/SAMPLES +LR/);
      terminal.key("C-c");
      assert.equal((await terminal.waitForExit()).code, 0);
    }
  });

  test("Enter attaches and d comes back to the watch; of what is over Enter shows the report", async () => {
    const terminal = watch(100, 30);
    await terminal.waitFor(/^── zz \/ line/m);
    terminal.key("Enter");
    await terminal.waitFor("[j/k] switch node");
    terminal.key("d");
    await terminal.waitFor(/^── zz \/ line/m);
    terminal.type("eG\r");
    await terminal.waitFor(new RegExp(`^aa \\(${over}\\) · completed after`, "m"));
    await terminal.waitFor(/falcon's summary:/);
    terminal.key("PageDown");
    await terminal.waitFor(/↑\d+/);
    terminal.key("q");
    await terminal.waitFor(/^SESSION +NODE/m);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("a report that is asked for in one go with an attach is not drawn over the attached screen", async () => {
    const terminal = watch(100, 30);
    await terminal.waitFor(/^── zz \/ line/m);
    terminal.type("eG");
    await terminal.waitFor(() => selected(terminal).startsWith("aa"), "the ended one's line");
    const { length } = terminal.received;
    terminal.type("\rkk\r");
    await terminal.waitFor("[j/k] switch node");
    // the report takes some 50 ms; an epoch of the program's takes a quarter of a second
    const epoch = () => Number(/(\d+)\/5000/.exec(terminal.text())?.[1] ?? Number.NaN);
    // a picture may be taken while the display is being drawn
    await terminal.waitFor(() => epoch() > 0, "an epoch");
    const before = epoch();
    await terminal.waitFor(() => epoch() > before + 4, "some epochs to pass");
    terminal.key("d");
    await terminal.waitFor(/^── zz \//m);
    assert.doesNotMatch(terminal.received.subarray(length).toString(), /falcon's summary/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("/ shows only what fits, Esc all again; ? lists the keys; the wheel is asked for as arrows and given back", async () => {
    const terminal = watch(100, 30);
    await terminal.waitFor(/^── zz \/ line/m);
    terminal.type("/wav");
    await terminal.waitFor(/^\/wav█/m);
    await terminal.waitFor(() => !/^zz +line/m.test(terminal.text()), "the other node to be gone");
    terminal.key("Enter");
    await terminal.waitFor("with 'wav' · / changes it · Esc shows all");
    terminal.type("/none\r");
    await terminal.waitFor(/no session has 'wavnone' in it/);
    terminal.key("Escape");
    await terminal.waitFor(/^zz +line/m);
    terminal.key("?");
    await terminal.waitFor(/^keys of falcon sessions --watch$/m);
    await terminal.waitFor(/PageDown, Space +a page down/);
    terminal.key("?");
    await terminal.waitFor(/^zz +line/m);
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("what comes and goes is shown; of those that were named one that is removed is told, the others go on", async () => {
    const all = watch(100, 30);
    await all.waitFor(/▸ 1 ended/);
    const [gone, stays] = [
      await home.start(["true"], ["--name", "gone"]),
      await home.start(["sleep", "1000"], ["--name", "stays"]),
    ];
    await home.untilState(gone, "exited");
    await all.waitFor(/^stays +● running/m);
    await all.waitFor(/▸ 2 ended/);
    const named = home.terminal(["sessions", "gone", "stays", "--watch"], { cols: 100, rows: 30 });
    await named.waitFor(/▸ 1 ended/);
    await home.ok(["remove", gone]);
    await all.waitFor(/▸ 1 ended/);
    await named.waitFor(/no session 'gone'/);
    assert.doesNotMatch(named.text(), /ended:/);
    const server = home.serverPid();
    await home.ok(["server", "upgrade"]);
    await home.nextServer(server);
    await home.ok(["kill", stays]);
    await named.waitFor(/1 ended: 1 killed/);
    await home.ok(["remove", stays]);
    await named.waitFor(() => !named.text().includes("1 killed"), "the other one to be gone");
    for (const terminal of [all, named]) {
      terminal.key("q");
      assert.equal((await terminal.waitForExit()).code, 0);
    }
  });

  test("a name that fits none is told where it stays, and so is an attach that is refused", async () => {
    const unknown = home.terminal(["sessions", "nosuch", "--watch"], { cols: 100, rows: 30 });
    assert.equal((await unknown.waitForExit()).code, 1);
    assert.match(unknown.text(), /no session 'nosuch'/);
    const id = await home.start([falcon, "sessions", "--watch"], ["--name", "inner", "--size", "100x30"]);
    const inside = home.terminal(["attach", id], { cols: 100, rows: 30 });
    await inside.waitFor(/^inner +● running/m);
    inside.type("/inner\r");
    await inside.waitFor(() => selected(inside).startsWith("inner"), "the session itself to be selected");
    inside.key("Enter");
    await inside.waitFor(/this is session \w+ itself/);
    await inside.waitFor(/^inner +● running/m);
    inside.key("q");
    assert.equal((await inside.waitForExit()).code, 0);
    await home.ok(["remove", id]);
  });

  test("what the next server does not go on with is told where it stays", async () => {
    const id = await home.start(["true"], ["--name", "passing"]);
    await home.untilState(id, "exited");
    const terminal = home.terminal(["sessions", "passing", "--watch"], { cols: 100, rows: 30 });
    await terminal.waitFor(/1 ended/);
    await home.ok(["remove", id]);
    await terminal.waitFor(/no session 'passing'/);
    process.kill(home.serverPid() as number, "SIGKILL");
    assert.equal((await terminal.waitForExit()).code, 1);
    assert.equal(terminal.alternate, false);
    assert.match(terminal.text(), /no session 'passing'/);
  });

  test("a metric that the run writes stands in a column, by --metric and by m", async () => {
    const terminal = home.terminal(["sessions", "--watch", "--metric", "val_loss"], { cols: 150, rows: 30 });
    await terminal.waitFor(/VAL LOSS +val_loss +TREND/);
    await terminal.waitFor(/^zz +line .* \d+\/\d+ +-?[\d.e+-]+ +-?[\d.e+-]+ +[▁-█]{3}/m);
    terminal.type("m");
    await terminal.waitFor(/^metric as a column, .*: val_loss█/m);
    terminal.type("\x15");
    terminal.type("\r");
    await terminal.waitFor(/VAL LOSS +TREND/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
    const { code, stderr } = await home.run(["sessions", "--metric", "val_loss"]);
    assert.deepEqual([code, stderr.includes("--metric is a column of --watch")], [2, true]);
  });

  test("without a terminal it says what to use instead; falcon monitor is its old name", async () => {
    const { code, stderr } = await home.run(["sessions", "--watch"]);
    assert.equal(code, 2);
    assert.match(stderr, /--watch needs a terminal; without one use 'falcon sessions'/);
    for (const [option, ...value] of [["--json"], ["--running"], ["--sort", "name"]]) {
      const refused = await home.run(["sessions", "--watch", option as string, ...value]);
      assert.deepEqual([refused.code, refused.stderr.includes(`--watch takes no ${option}:`)], [2, true]);
    }
    const terminal = home.terminal(["monitor"], { cols: 120, rows: 40 });
    await terminal.waitFor(/q leave/);
    terminal.key("q");
    assert.equal((await terminal.waitForExit()).code, 0);
  });
});

/** The loss in a row of the table. */
function lossOf(row: string): number {
  return Number(/\d+\/\d+ +(\S+)/.exec(row)?.[1]);
}
