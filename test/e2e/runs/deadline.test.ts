// A deadline never costs a model: the run is asked to stop before it, and lists, show, JSON and the title
// tell of it.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

/** Trains for longer than any test lasts. */
const endless = ["samples=256", "rate=5", "epochs=1000000"];

/** Files of the saved networks below a run directory. */
const models = (run: string) =>
  (fs.readdirSync(run, { recursive: true }) as string[]).filter((file) => /\.pth$|model\.json$/.test(file));

interface DeadlineRow {
  at: string;
  from: string;
  saveBefore: number;
  willFinish: boolean | null;
  stopped: string | null;
}

describe("a deadline", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const shown = async (id: string) => JSON.parse(await home.ok(["show", "--json", id]));

  /**
   * Launches with ever longer times until the order to stop, until it trains before that comes: one that is
   * asked before it has begun has nothing to save, and how long it takes to begin is the machine's.
   */
  async function inTraining<T extends { id: string }>(launch: (name: string, limit: string[]) => Promise<T>): Promise<T> {
    for (const seconds of [3, 10, 60]) {
      const name = `in-${seconds}`;
      const before = 3600 - seconds;
      const run = await launch(name, ["--deadline", "1h", "--save-before", `${before}s`, "-o", name, ...endless]);
      const { progress } = (await shown(run.id)) as {
        progress: { nodes: { epoch: number | null; epochsBefore: number | null }[] } | null;
      };
      const { epoch, epochsBefore } = progress?.nodes[0] ?? { epoch: 0, epochsBefore: 0 };
      if ((epoch ?? 0) > (epochsBefore ?? 0)) return run;
    }
    throw new Error("it had not begun after a minute");
  }

  test("a run without a terminal is asked to stop before it, once, and saves its model", async () => {
    const { id, code, stdout, stderr } = await inTraining(async (name, limit) => ({
      id: name,
      ...(await home.run(["launch", "--falcon", trainer, ...limit], { limit: 120_000 })),
    }));
    assert.equal(code, 0, stdout + stderr);
    assert.match(stderr, /\[in-\d+\] time limit in 5\dm \d\ds: asked to stop and to save its model/);
    assert.match(stdout, /falcon launch interrupted/);
    assert.ok(models(path.join(home.work, id)).length > 0);
    const row = await shown(id);
    const deadline = row.deadline as DeadlineRow;
    assert.equal(row.interrupts, 1);
    assert.deepEqual([deadline.from, deadline.willFinish], ["asked", null]);
    assert.equal(deadline.saveBefore, 3600 - Number(id.slice("in-".length)));
    assert.ok(Date.parse(deadline.stopped ?? "") < Date.parse(deadline.at));
    assert.match(await home.ok(["show", id]), /^deadline .* --deadline · asked to stop at /m);
  });

  test("with its display: the title tells the time that is left, the list that it will not finish, and the end is the same", async () => {
    const terminal = home.terminal(
      ["launch", "--falcon", trainer, "--deadline", "2h30m", "--save-before", "1m", "-o", "display", ...endless],
      { cols: 120, rows: 40 },
    );
    await terminal.waitFor(/Epoch/);
    await until(() => terminal.received.toString().includes("display · time limit in 2h"), "the title");
    const [id] = (await home.sessions()).filter(({ name }) => name === "display").map((row) => row.id);
    await until(async () => (await home.ok(["sessions"])).includes("time limit in 2h 29m, will not finish"), "the list");
    assert.match(
      await home.ok(["show", String(id)]),
      /^deadline .*time limit in 2h 29m, will not finish · .* · asked to stop 1m 00s before/m,
    );
    await home.ok(["stop", String(id)]);
    assert.equal((await terminal.waitForExit()).code, 0);
  });

  test("survives the server: the next one knows the deadline and asks", async () => {
    const row = await inTraining(async (_, limit) => {
      const id = await home.ok(["launch", "-d", "--falcon", trainer, ...limit]);
      await home.ok(["server", "stop"]);
      return until(
        async () => (await home.sessions()).find((session) => session.id === id && session.state === "exited"),
        "the stop by the next server",
        120_000,
      );
    });
    assert.equal(row.exitCode, 0, `${JSON.stringify(row, null, 1)}\n${home.serverLog()}`);
    assert.equal(row.interrupts, 1);
    assert.ok(models(row.runDirectory as string).length > 0);
  });

  test("falcon's own --timeout is told, and left to falcon", async () => {
    const id = await home.ok(["launch", "-d", "--falcon", trainer, "-o", "timeout", "--timeout", "600", ...endless]);
    const { deadline } = await shown(id);
    assert.deepEqual([deadline.from, deadline.saveBefore], ["falcon", 0]);
    assert.match(await home.ok(["sessions", id]), /time limit in 9m/);
    await home.ok(["stop", id]);
  });

  test("a command that is no falcon run is stopped too, where somebody said when", async () => {
    const { code, stderr } = await home.run(["run", "--deadline", "1h", "--save-before", "3599s", "sleep", "600"]);
    assert.equal(code, 130);
    assert.match(stderr, /time limit in 59m 59s: asked to stop$|time limit in 59m 5\ds: asked to stop$/m);
  });

  test("what makes no sense starts nothing: one sentence, status 2", async () => {
    const before = (await home.sessions()).length;
    for (const [options, words] of [
      [["--deadline", "soon"], /--deadline soon: give a duration/],
      [["--deadline", "2020-01-01"], /that is in the past; nothing was started/],
      [
        ["--deadline", "10m", "--save-before", "20m"],
        /the run has only 10m 00s, it would be stopped at once; nothing was started/,
      ],
      [["--save-before", "5"], /--save-before 5: give a time of at least a second/],
    ] as [string[], RegExp][]) {
      const { code, stderr } = await home.run(["run", ...options, "true"]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, words);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    assert.equal((await home.sessions()).length, before);
  });
});
