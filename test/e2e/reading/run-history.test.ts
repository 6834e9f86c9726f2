// The history of a falcon run: driver lines, the nodes' own logs, the loss figure, PageUp while attached.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until, untilFile, wholeLines } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { readPng, tool, used } from "../../support/installs/foreign.ts";
import { falcon, notBuilt, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

describe("the history of a run", () => {
  const home = new TestHome();
  after(() => home.dispose());
  const run = "run";

  test("PageUp in falcon's display opens the history of the driver's lines", async () => {
    const terminal = home.terminal(
      ["launch", "--falcon", trainer, "-o", run, "--name", "trained", "epochs=500", "rate=8", "samples=256", "log_rate=120"],
      { cols: 110, rows: 40 },
    );
    const numbers = () =>
      terminal
        .lines()
        .flatMap((line) => /\[INFO\] line (\d+)$/.exec(line)?.[1] ?? [])
        .map(Number);
    await terminal.waitFor(() => Math.max(0, ...numbers()) > 200);
    terminal.key("PageUp");
    await terminal.waitFor(/trained · line \d+ of \d+/);
    assert.doesNotMatch(terminal.text(), /switch node/);
    // a picture may be taken while one is being drawn: the rows are waited for until they stand in order
    const page = () => numbers().length >= 35 && numbers().every((n, i, all) => n === (all[0] as number) + i);
    await terminal.waitFor(page, "a page of driver lines in order");
    // at the end it goes on with the run; once it is left, the rows stand
    terminal.key("PageUp");
    const stands = () => /line (\d+) of (?!\1 )\d+/.test(terminal.text());
    await terminal.waitFor(() => page() && stands(), "a page that stands");
    const first = numbers()[0] as number;
    terminal.key("PageUp");
    await terminal.waitFor(() => page() && numbers()[0] === first - 38, "the page above it");
    terminal.key("g");
    await terminal.waitFor(/^\S+ \[INFO\] Output: /m);
    terminal.key("q");
    await terminal.waitFor(/switch node/);
    // the display still gets its keys
    const before = /▸ (\w+)/.exec(terminal.text())?.[1];
    terminal.key("j");
    await terminal.waitFor(() => /▸ (\w+)/.exec(terminal.text())?.[1] !== before);
    // not the key: at Ctrl+C the kernel throws away what it holds of a terminal's output at that moment, in
    // every terminal
    await home.ok(["kill", "trained", "--signal", "INT"]);
    await terminal.waitForExit();
  });

  test("logs: the driver's lines are those of its own log file, none twice, none missing", async () => {
    // the display shows the time without the date
    const own = fs
      .readFileSync(path.join(home.work, run, "graph/driver/output.log"), "utf8")
      .split("\n")
      .filter((line) => /line \d+$/.test(line))
      .map((line) => line.slice(line.indexOf("T") + 1));
    const said = (await home.ok(["logs", "trained", "--grep", "\\[INFO\\] line \\d+$"])).split("\n");
    assert.ok(own.length > 100);
    assert.deepEqual(said, own);
  });

  test("--node -f goes on with the next server, and gives each line once", async () => {
    const goesOn = ["line", "wave"].map((node) => `graph.${node}.estimator.early_stop_patience=5000`);
    const settings = ["epochs=5000", "rate=30", "samples=256", ...goesOn];
    const id = (await home.ok(["launch", "-d", "--falcon", trainer, "-o", "followed", ...settings])).trim();
    const file = path.join(home.work, "followed/graph/line/output.log");
    await untilFile(file, wholeLines);
    const child = spawn(falcon, ["logs", "-f", "--node", "line", id], { env: home.env, stdio: ["ignore", "pipe", "ignore"] });
    let out = "";
    child.stdout.on("data", (data) => {
      out += data;
    });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await until(() => /Epoch 3\//.test(out), "the beginning");
    process.kill(home.serverPid() as number, "SIGKILL");
    const before = out.length;
    await until(() => out.length > before + 200, "more from the next server");
    await home.ok(["kill", id, "--signal", "INT"]);
    assert.equal(await ended, 0);
    assert.equal(out, fs.readFileSync(file, "utf8"));
    const raw = await home.run(["logs", "-f", "--raw", "--node", "line", id]);
    assert.deepEqual([raw.code, /^falcon: --raw with --node/.test(raw.stderr)], [2, true]);
  });

  test("--node gives that node's log; a wrong name is told with those that there are", async () => {
    const file = path.join(home.work, run, "graph/line/output.log");
    assert.equal((await home.run(["logs", "trained", "--node", "line"])).stdout, fs.readFileSync(file, "utf8"));
    const epochs = (await home.ok(["logs", "trained", "--node", "line", "--grep", "Epoch \\d+/", "-n", "2"])).split("\n");
    assert.equal(epochs.length, 2);
    assert.equal((await home.run(["logs", "trained", "--node", "line", "--raw"])).stdout, fs.readFileSync(file, "utf8"));
    assert.equal((await home.run(["logs", "trained", "--node", "line", "--since", "1h"])).stdout, fs.readFileSync(file, "utf8"));
    const wrong = await home.run(["logs", "trained", "--node", "nobody"]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /^falcon: no node 'nobody' in run; there are: driver, .*line/);
  });

  test("a figure of its losses as SVG and PNG", async () => {
    await home.ok(["export", "trained", "--format", "curve-svg", "-o", "curve.svg"]);
    const svg = fs.readFileSync(path.join(home.work, "curve.svg"), "utf8");
    for (const said of ["training", "validation", "epoch", "loss (nats)", ">line<"]) assert.ok(svg.includes(said), said);
    assert.ok((svg.match(/<polyline /g) ?? []).length >= 2);
    const xmllint = tool("xmllint");
    if (xmllint !== undefined) used(xmllint, ["--noout", path.join(home.work, "curve.svg")]);
    await home.ok(["export", "trained", "--format", "curve-png", "-o", "curve.png"]);
    const { width, height } = readPng(fs.readFileSync(path.join(home.work, "curve.png")));
    assert.ok(width === 1440 && height > 600, `${width}x${height}`);
    if (process.env.FALCON_KEEP_PICTURES !== undefined)
      fs.copyFileSync(path.join(home.work, "curve.png"), path.join(process.env.FALCON_KEEP_PICTURES, "curve.png"));
  });
});
