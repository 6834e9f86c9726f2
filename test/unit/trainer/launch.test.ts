// The stand-in as a program: its files, its exit statuses, resuming, and its display on a real terminal.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { readNpz } from "../../../src/trainers/falcon/run/npz.ts";
import { RunWatcher } from "../../../src/trainers/falcon/run/progress.ts";
import { lookAside as look } from "../../../src/trainers/reading/foreign-files.ts";
import { UserTerminal } from "../../support/terminal/terminal.ts";

let home: string;
let trainer: string;
before(async () => {
  home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "trainer-")));
  trainer = path.join(home, "trainer.cjs");
  const entry = path.resolve(import.meta.dirname, "../../../examples/trainer/main.ts");
  await build({
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    outfile: trainer,
    logLevel: "silent",
  });
});
after(() => fs.rmSync(home, { recursive: true, force: true }));

const quick = ["rate=0", "samples=256", "epochs=3", "graph.line.estimator.hidden_dim=8", "graph.wave.estimator.hidden_dim=8"];
const launch = (...args: string[]) => spawnSync(process.execPath, [trainer, "launch", ...args], { cwd: home, encoding: "utf8" });

test("a plain run: falcon's layout, metrics that agree with the log, samples, a summary, status 0", async () => {
  const run = path.join(home, "plain");
  const { status, stdout } = launch("-o", run, ...quick);
  assert.equal(status, 0);
  assert.match(stdout, /falcon-sessions trainer, the stand-in for the Python falcon/);
  assert.match(stdout, /falcon launch completed/);
  const log = fs.readFileSync(path.join(run, "graph/line/output.log"), "utf8");
  const losses = [
    ...log.matchAll(/Epoch (\d+)\/3 \| steps=\d+ \| n_sims=\d+ \| train_loss=\S+ \| val_loss=(\S+) \| lr=\S+/g),
  ].map((m) => m[2] as string);
  const chunk = readNpz(fs.readFileSync(path.join(run, "graph/line/metrics/val/loss/chunk_000000.npz")));
  assert.deepEqual(chunk.get("step")?.values, Float64Array.of(0, 1, 2));
  assert.deepEqual(
    losses.map(Number),
    [...(chunk.get("value")?.values ?? [])].map((v) => Number(v.toExponential(3))),
  );
  const samples = fs.readdirSync(path.join(run, "samples/posterior"));
  assert.equal(samples.length, 100);
  const sample = readNpz(fs.readFileSync(path.join(run, "samples/posterior/000000.npz")));
  assert.deepEqual([...sample.keys()], ["line", "wave"]);
  const progress = await new RunWatcher({ look, run }).read(false);
  assert.equal(progress.phase, "completed");
  assert.equal(progress.saved, true);
  assert.deepEqual(
    progress.nodes.map((n) => [n.name, n.status, n.epoch, n.epochs]),
    [
      ["line", "done", 3, 3],
      ["points", "idle", null, null],
      ["wave", "done", 3, 3],
      ["power", "idle", null, null],
    ],
  );
});

test("a run directory of its own: output/<run name>, and the latest link", () => {
  const { status } = launch(...quick, "--no-auto-sample");
  assert.equal(status, 0);
  const link = fs.readlinkSync(path.join(home, "output/latest"));
  assert.match(link, /^\d{6}-\d{6}-[a-z]+-[a-z]+$/);
  assert.ok(fs.existsSync(path.join(home, "output", link, "config.yml")));
  assert.ok(!fs.existsSync(path.join(home, "output", link, "samples")));
});

test("resuming: the saved configuration and networks, epochs counted on", async () => {
  const run = path.join(home, "resumed");
  assert.equal(launch("-o", run, ...quick).status, 0);
  const { status, stdout } = launch("-o", run, "rate=0", "epochs=2");
  assert.equal(status, 0);
  assert.match(stdout, /Resuming from: /);
  assert.match(stdout, /Loading line from: /);
  const log = fs.readFileSync(path.join(run, "graph/line/output.log"), "utf8");
  assert.deepEqual(
    [...log.matchAll(/Epoch (\d+\/\d+)/g)].map((m) => m[1]),
    ["1/3", "2/3", "3/3", "4/2", "5/2"],
  );
  const progress = await new RunWatcher({ look, run }).read(false);
  assert.equal(progress.resumed, true);
  assert.deepEqual([progress.nodes[0]?.epoch, progress.nodes[0]?.epochs, progress.nodes[0]?.epochsBefore], [5, 2, 3]);
});

test("the same seed makes the same losses", () => {
  const losses = ["a", "b"].map((name) => {
    launch("-o", path.join(home, `seed-${name}`), ...quick, "seed=42");
    return fs.readFileSync(path.join(home, `seed-${name}`, "graph/wave/output.log"), "utf8").match(/val_loss=\S+/g);
  });
  assert.equal(losses[0]?.length, 3);
  assert.deepEqual(losses[0], losses[1]);
});

test("a failing simulator: a traceback, status 1, a summary that says so", async () => {
  const run = path.join(home, "failed");
  const { status, stdout, stderr } = launch("-o", run, ...quick, "fail_at=2");
  assert.equal(status, 1);
  assert.match(stderr, /^Traceback[\s\S]*RangeError: the simulator was told to fail in epoch 2/);
  assert.match(stdout, /falcon launch failed \(RangeError: the simulator was told to fail in epoch 2\)/);
  const progress = await new RunWatcher({ look, run }).read(false);
  assert.equal(progress.phase, "failed");
  assert.equal(progress.failure, "RangeError: the simulator was told to fail in epoch 2");
});

test("numbered driver lines at the rate that was asked for, none left out", () => {
  const { stdout } = launch("-o", path.join(home, "numbered"), "rate=5", "samples=256", "epochs=4", "log_rate=200");
  const numbers = [...stdout.matchAll(/\[INFO\] line (\d+)$/gm)].map((m) => Number(m[1]));
  assert.ok(numbers.length > 20);
  assert.deepEqual(
    numbers,
    Array.from(numbers, (_, i) => i + 1),
  );
});

test("bad settings: one sentence, status 2, nothing made; an unknown subcommand: usage and status 0, as falcon does", () => {
  for (const setting of ["epochs=many", "nonsense=1", "graph.line=3", "run_dir=x", "epochs=-1"]) {
    const { status, stderr } = launch("-o", path.join(home, "bad"), setting);
    assert.equal(status, 2, setting);
    assert.equal(stderr.trim().split("\n").length, 1, stderr);
    assert.ok(!fs.existsSync(path.join(home, "bad")), setting);
  }
  const attach = spawnSync(process.execPath, [trainer, "attach"], { encoding: "utf8" });
  assert.equal(attach.status, 0);
  assert.match(attach.stdout, /Usage:/);
});

test("without a terminal: one SIGINT stops it gracefully and saves, the second drops what was trained", async () => {
  const outcomes = [];
  for (const [name, hang] of [
    ["once", "hang_at=0"],
    ["twice", "hang_at=2"],
  ] as const) {
    const run = path.join(home, name);
    const child = spawn(process.execPath, [trainer, "launch", "-o", run, ...quick, "epochs=5000", "rate=4", hang], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    const signals: (() => void)[] = [];
    child.stdout.on("data", (data) => {
      text += data;
      if (signals.length === 0 && text.includes("[wave] Training started")) signals.push(() => child.kill("SIGINT"));
      if (signals.length === 1 && name === "twice" && text.includes("Stopping gracefully"))
        signals.push(() => child.kill("SIGINT"));
      signals.at(-1)?.();
      if (signals.length > 0) signals[signals.length - 1] = () => {};
    });
    const status = await new Promise((done) => child.on("close", done)); // and all that it said is here
    outcomes.push([status, fs.existsSync(path.join(run, "graph/line/model.json")), /falcon launch interrupted/.test(text)]);
  }
  assert.deepEqual(outcomes, [
    [0, true, true],
    [1, false, true],
  ]);
});

test("the display: region and footer, j and k, one Ctrl+C, the summary on the terminal as it was", async () => {
  const run = path.join(home, "display");
  const args = [trainer, "launch", "-o", run, ...quick, "epochs=5000", "rate=4", "--log-lines", "6"];
  const terminal = new UserTerminal(process.execPath, args, {
    cols: 90,
    rows: 24,
    cwd: home,
    env: { PATH: process.env.PATH ?? "" },
  });
  try {
    await terminal.waitFor("▸ line");
    await terminal.waitFor(/Epoch \d+\/5000/);
    assert.equal(terminal.alternate, true);
    assert.equal(terminal.cursor().visible, false);
    assert.deepEqual(terminal.lineDiscipline(), { line: false, echo: false, signals: true }, "cbreak, as falcon's");
    terminal.key("j");
    await terminal.waitFor("▸ points");
    terminal.key("Down");
    await terminal.waitFor("▸ wave");
    terminal.key("k", "Up", "Up");
    await terminal.waitFor(/ ▸ data/); // falcon cuts the line by its bytes, escape sequences included
    terminal.key("C-c");
    assert.deepEqual(await terminal.waitForExit(), { code: 0, signal: 0 });
    await terminal.waitFor("falcon launch interrupted");
    assert.match(terminal.text(), /Trainer: the stand-in/);
    assert.equal(terminal.alternate, false);
    assert.doesNotMatch(terminal.text(), /▸/, "the display is gone");
    assert.ok(fs.existsSync(path.join(run, "graph/line/model.json")));
  } finally {
    terminal.kill("SIGKILL");
  }
});
