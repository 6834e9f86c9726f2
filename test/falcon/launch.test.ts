// The real falcon in a session, as a person uses it: its display, d, attach at other sizes, j and k, one
// Ctrl+C, the story afterwards.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { descendants } from "../../src/platform/processes.ts";
import { until } from "../support/events.ts";
import { TestHome } from "../support/home.ts";
import { notBuilt, root } from "../support/paths.ts";
import { readDisplay } from "../support/terminal/falcon-display.ts";
import type { UserTerminal } from "../support/terminal/terminal.ts";
import { type PythonFalcon, pythonFalcon } from "./python.ts";

/** Ray starts its processes, torch is imported: half a minute on a busy machine. */
const startLimit = 180_000;
/** An epoch, the saving of the model, the end of Ray. */
const stopLimit = 120_000;

/** falcon's footer: 16 lines of log and four of its own. */
const footer = 20;

/** Sizes of terminals that attach one after the other; the last rows must hold the whole footer each time. */
const sizes = [
  [100, 36],
  [160, 50],
  [90, 30],
  [132, 43],
  [80, 26],
  [120, 28],
  [200, 60],
  [100, 24],
  [84, 33],
  [150, 40],
  [96, 45],
  [120, 40],
] as const;

const found = await pythonFalcon();

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("the real falcon in a session", { skip: typeof found === "string" ? found : false }, () => {
  const { file, version } = found as PythonFalcon;
  const home = new TestHome();
  const project = path.join(home.work, "gaussian");
  let terminal: UserTerminal;
  let id = "";
  let program = 0;

  before(() =>
    fs.cpSync(path.join(root, "examples/gaussian"), project, { recursive: true, filter: (from) => !from.includes("output") }),
  );
  after(async () => {
    const left = program > 0 ? descendants(program) : [];
    await home.dispose();
    assert.deepEqual(left, [], "no process of the run is left");
  });

  test("falcon launch shows falcon's own display", async (context) => {
    context.diagnostic(`falcon-sbi ${version}, Node ${process.version}`);
    terminal = home.terminal(["launch", "--falcon", file, "-o", "run", "graph.theta.estimator.max_epochs=4000"], {
      cols: 120,
      rows: 40,
      cwd: project,
      env: { PYTHONDONTWRITEBYTECODE: "1" },
    });
    await terminal.waitFor(() => readDisplay(terminal.lines())?.nodes.includes("theta") === true, "the display", startLimit);
    await terminal.waitFor(/Epoch \d+\/4000/, "the first epochs", startLimit);
    assert.ok(terminal.alternate);
    const [row] = await home.sessions();
    id = String(row?.id);
    program = Number(row?.pid);
    assert.equal(row?.state, "running");
  });

  test("d gives the terminal back, the run goes on", async () => {
    terminal.key("d");
    assert.equal((await terminal.waitForExit()).code, 0);
    assert.match(terminal.text(), new RegExp(`detached, running · falcon attach ${id}`));
    assert.equal(terminal.alternate, false);
    const epoch = async () => {
      const row = (await home.sessions())[0] as
        | { progress?: { nodes: { name: string; epoch: number | null }[] } | null }
        | undefined;
      return row?.progress?.nodes.find((node) => node.name === "theta")?.epoch ?? 0;
    };
    const before = await epoch();
    await until(async () => (await epoch()) > before, "the run to go on while nobody looks", startLimit);
  });

  for (const [cols, rows] of sizes) {
    test(`attached at ${cols}x${rows}, the footer stands whole at the bottom and moves on`, async () => {
      const viewer = home.terminal(["attach", id], { cols, rows });
      const whole = () => {
        const lines = viewer.lines();
        const display = readDisplay(lines);
        return display !== undefined && display.top === Math.max(0, rows - footer) && /\[j\/k\]/.test(lines.at(-1) ?? "");
      };
      await viewer.waitFor(whole, "a whole footer", startLimit);
      const seen = () => Math.max(0, ...[...viewer.text().matchAll(/Epoch (\d+)\/4000/g)].map((match) => Number(match[1])));
      const before = seen();
      await viewer.waitFor(() => seen() > before && whole(), "the log of the node to go on in a whole footer", startLimit);
      viewer.key("d");
      assert.equal((await viewer.waitForExit()).code, 0);
    });
  }

  test("j and k move the selected node; one Ctrl+C stops gracefully, the model is saved, status and summary are shown", async () => {
    const viewer = home.terminal(["attach", id], { cols: 110, rows: 38 });
    const selected = () => readDisplay(viewer.lines())?.selected;
    await viewer.waitFor(() => selected() !== undefined, "the display", startLimit);
    const first = selected();
    viewer.key("j");
    await viewer.waitFor(() => selected() !== undefined && selected() !== first, "the next node", startLimit);
    viewer.key("k");
    await viewer.waitFor(() => selected() === first, "the first node again", startLimit);
    viewer.key("C-c");
    assert.equal((await viewer.waitForExit("the graceful end", stopLimit)).code, 0);
    assert.match(viewer.text(), /stopped after /);
    const shown = await home.ok(["show", id]);
    assert.match(shown, /^state {5}stopped after .*, model saved$/m);
    assert.match(shown, /falcon launch interrupted/);
    const [row] = (await home.sessions()) as unknown as {
      state: string;
      exitCode: number;
      progress: { phase: string; saved: boolean };
    }[];
    assert.equal(row?.state, "exited");
    assert.equal(row?.exitCode, 0);
    assert.equal(row?.progress.phase, "interrupted");
    assert.equal(row?.progress.saved, true);
    assert.ok(fs.readdirSync(path.join(project, "run/graph/theta")).length > 1, "the node's files are there");
  });
});
