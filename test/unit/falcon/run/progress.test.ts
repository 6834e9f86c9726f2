// A run as its files show it: the recorded runs of the real falcon, field by field as their logs have them,
// and files that are not as usual.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { NoAnswer, useAside } from "../../../../src/base/aside/aside.ts";
import { settled } from "../../../../src/session/life/conclusion.ts";
import { RunWatcher } from "../../../../src/trainers/falcon/run/progress.ts";
import { lookAside as look } from "../../../../src/trainers/reading/foreign-files.ts";
import type { NodeProgress } from "../../../../src/trainers/run/run.ts";
import { counting, reads } from "../../../support/reads.ts";
import { layOut, type RecordedName, recorded } from "../../../support/recorded.ts";
import { readShown } from "../../../support/shown.ts";

useAside(counting);

const home = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "progress-")));
after(() => fs.rmSync(home, { recursive: true, force: true }));

let runs = 0;
/** A recorded run laid out anew, and a watcher that looks at it `later` ms after it was copied. */
function watched(name: RecordedName, later = 0) {
  const run = path.join(home, `${++runs}`, name);
  const facts = layOut(name, run);
  let now = facts.copied + later;
  const watcher = new RunWatcher({ look, run, directory: path.dirname(run), clock: () => ({ wall: now, steady: now }) });
  return {
    run,
    facts,
    watcher,
    wait: (ms: number) => (now += ms),
    log: (node: string) => path.join(run, "graph", node, "output.log"),
  };
}

/** 24 November 2026 in UTC: the recorded logs' clock. */
const at = (hour: number, minute: number, second: number) => Date.UTC(2026, 10, 24, hour, minute, second);

/**
 * What the logs end with, by hand: epoch, epochs, before, loss, validation, best, since best, samples, steps,
 * learning rate.
 */
const ends: Record<RecordedName, Record<string, (number | string)[]>> = {
  plain: { theta: ["done", 60, 60, 0, -0.7137, -0.3413, -0.6059, 12, 2304, 988, 0.003] },
  interactive: { theta: ["done", 53, 3000, 0, -0.7503, -0.4248, -0.7116, 2, 2304, 848, 0.003] },
  forced: { theta: ["stopped", 10, 3000, 0, 1.006, 0.8847, 0.8847, 0, 2176, 160, 0.003] },
  "failed-simulator": { theta: ["stopped", 253, 3000, 0, -1.012, -0.7355, -0.8686, 14, 2496, 4304, 0.00009375] },
  killed: { theta: ["stopped", 134, 3000, 0, -0.9831, -0.2584, -0.7229, 85, 2368, 2209, 0.00075] },
  resumed: { theta: ["done", 220, 110, 110, -0.9146, -0.5294, -0.7802, 108, 2304, 1775, 0.000375] },
  stalled: { theta: ["training", 200, 3000, 0, -0.902, 0.03876, -0.6948, 151, 2496, 3373, 0.0001875] },
  "two-nodes": {
    line: ["done", 40, 40, 0, -2.524, -2.239, -2.317, 2, 2240, 640, 0.003],
    wave: ["done", 30, 30, 0, -0.273, -0.4471, -0.4925, 1, 2240, 480, 0.002],
  },
};

/** phase, saved, resumed, start, end (null: none), samples in all, in training, in validation. */
const courses: Record<RecordedName, unknown[]> = {
  plain: ["completed", true, false, at(8, 30, 43), at(8, 31, 6), 2432, 2304, 128],
  interactive: ["interrupted", true, false, at(8, 31, 24), at(8, 31, 42), 2304, 2176, 128],
  forced: ["interrupted", false, false, at(8, 31, 52), at(8, 32, 7), 2176, 2048, 128],
  "failed-simulator": ["failed", false, false, at(8, 37, 12), at(8, 37, 34), 2496, 2368, 128],
  killed: ["broken off", false, false, at(8, 32, 46), null, 2368, 2240, 128],
  resumed: ["completed", true, true, at(8, 33, 43), at(8, 33, 59), 2368, 2240, 128],
  stalled: ["training", false, false, at(8, 34, 7), null, 2496, 2368, 128],
  "two-nodes": ["completed", true, false, at(8, 34, 43), at(8, 35, 7), 2368, 2240, 128],
};

for (const [what, change] of [
  [
    "says more with it, as falcon 0.4.2",
    (line: string) => line.replace(/(Starting analysis\.).*/, "$1 Monitor with: falcon monitor"),
  ],
  ["never says it", (line: string) => (line.includes("Starting analysis.") ? "" : line)],
] as const)
  test(`a driver that ${what}: its analysis has started when a node has epochs`, async () => {
    const { run, watcher } = watched("stalled");
    const driver = path.join(run, "graph", "driver", "output.log");
    const lines = fs.readFileSync(driver, "utf8").split("\n");
    assert.ok(lines.some((line) => change(line) !== line));
    fs.writeFileSync(driver, lines.map(change).filter(Boolean).join("\n"));
    const { phase, summary } = await readShown(watcher);
    assert.equal(phase, "training");
    assert.doesNotMatch(summary, /first samples/);
  });

const nodeFacts = (node: NodeProgress) => [
  node.status,
  node.epoch,
  node.epochs,
  node.epochsBefore,
  node.loss,
  node.validationLoss,
  node.bestValidationLoss,
  node.epochsSinceBest,
  node.samples,
  node.steps,
  node.learningRate,
];

for (const name of Object.keys(ends) as RecordedName[]) {
  test(`the recorded run '${name}', as its logs end`, async () => {
    const { watcher, run } = watched(name);
    const progress = await readShown(watcher, name === "stalled");
    const nodes = progress.nodes.filter((node) => node.status !== "idle");
    assert.deepEqual(Object.fromEntries(nodes.map((node) => [node.name, nodeFacts(node)])), ends[name]);
    const { phase, saved, resumed, started, ended, samples } = progress;
    assert.deepEqual(
      [phase, saved, resumed, started, ended, samples?.total, samples?.training, samples?.validation],
      courses[name],
    );
    assert.deepEqual([progress.directory, progress.name, progress.graph], [run, name, path.join(run, "graph")]);
    assert.deepEqual([progress.localLogs, progress.stopping, progress.problem], [true, false, null]);
    assert.equal(progress.failure, name === "failed-simulator" ? "FloatingPointError: negative variance" : null);
    for (const node of nodes) {
      assert.ok(
        node.trend.length === Math.min(40, (node.epoch as number) - (node.epochsBefore as number)),
        "a trend of 40 points",
      );
      const log = recorded(name).modified[`graph/${node.name}/output.log`];
      assert.ok(Math.abs((node.lastSign as number) - (log as number)) < 1, "its log's own time");
      assert.equal(node.stalled, false);
    }
  });
}

test("rate, time left, rhythm and fraction of a run that trains", async () => {
  // by hand: epochs 141 to 200 of 3000 were logged from 08:34:24 to 08:34:28; the look is 8.239 s after the
  // last
  const { watcher, facts } = watched("stalled");
  const progress = await watcher.read(true);
  const [node] = progress.nodes as [NodeProgress];
  assert.equal(node.epochsPerMinute, (59 * 60) / 4);
  assert.equal(node.fraction, 200 / 3000);
  assert.equal(progress.fraction, node.fraction);
  const sinceLast = (facts.copied - at(8, 34, 28)) / 1000;
  assert.ok(Math.abs((node.timeLeft as number) - ((2800 / 885) * 60 - sinceLast)) < 1e-9);
  assert.equal(progress.timeLeft, node.timeLeft);
  assert.ok((node.rhythm as number) > 0.02 && (node.rhythm as number) < 0.15, `20 epochs a second: ${node.rhythm}`);
});

test("stalled is a matter of proportion: not after some seconds, but after minutes of a rhythm of milliseconds", async () => {
  const { watcher, wait } = watched("stalled");
  assert.equal((await watcher.read(true)).stalled, false);
  wait(40_000);
  assert.equal((await watcher.read(true)).stalled, false, "below the floor");
  wait(600_000);
  const progress = await readShown(watcher, true);
  assert.equal(progress.stalled, true);
  assert.equal(progress.nodes[0]?.stalled, true);
  assert.match(progress.summary, /^stalled: silent for 10m \d\ds, usually \d+s · 200\/3000/);
  assert.equal((await watcher.read(false)).stalled, false, "what is gone is not stuck");
});

test("whether its program is there makes the difference between training and broken off", async () => {
  const { watcher } = watched("killed");
  assert.equal((await watcher.read(true)).phase, "training");
  assert.equal((await watcher.read()).phase, "training");
  const gone = await watcher.read(false);
  assert.deepEqual([gone.phase, gone.nodes[0]?.status, gone.timeLeft], ["broken off", "stopped", null]);
});

test("a launch that has written nothing yet does not show the end of the one before", async () => {
  const { run } = watched("plain");
  const watcher = new RunWatcher({ look, run, since: at(9, 0, 0), clock: () => ({ wall: at(9, 0, 5), steady: at(9, 0, 5) }) });
  const progress = await watcher.read(true);
  assert.deepEqual([progress.phase, progress.resumed, progress.nodes[0]?.status], ["starting", true, "waiting"]);
  assert.deepEqual([progress.nodes[0]?.epoch, progress.samples, progress.ended], [null, null, null]);
});

test("logs of another time zone: their times are told in ours", async () => {
  const before = process.env.TZ;
  try {
    for (const zone of ["Asia/Kathmandu", "America/St_Johns", "UTC"]) {
      process.env.TZ = zone;
      const { watcher } = watched("plain");
      const { started, ended } = await watcher.read(false);
      assert.deepEqual([started, ended], [at(8, 30, 43), at(8, 31, 6)], zone);
    }
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});

for (const hours of [1, -1])
  test(`a run that is resumed in another time zone than before (${hours} h) has begun once its driver says so`, async () => {
    const shift = hours * 3_600_000;
    const run = path.join(home, `${++runs}`, "plain");
    const { copied, modified } = layOut("plain", run);
    for (const [file, time] of Object.entries(modified))
      fs.utimesSync(path.join(run, file), (time + shift) / 1000, (time + shift) / 1000);
    const since = copied + 7_200_000;
    let now = since + 1_000;
    const clock = () => ({ wall: now, steady: now });
    const watcher = new RunWatcher({ look, run, directory: path.dirname(run), since, clock });
    assert.equal((await watcher.read(true)).phase, "starting", "the log is the first part's still");
    const append = (node: string, ...lines: string[]) => {
      now += 5_000;
      const log = path.join(run, "graph", node, "output.log");
      const time = new Date(now).toISOString().slice(0, 19);
      fs.appendFileSync(log, lines.map((line) => (line === "" ? "  no time\n" : `${time} [INFO] ${line}\n`)).join(""));
      fs.utimesSync(log, now / 1000, now / 1000);
    };
    append("driver", "falcon v0.5.1", "Output: run", "");
    await watcher.read(true);
    append("driver", "Starting analysis.");
    append("theta", "Epoch 1/3000 | steps=1 | n_sims=2560 | train_loss=-9.500e-01 | val_loss=-8.000e-01 | lr=1.000e-04");
    const { phase, started } = await watcher.read(true);
    assert.equal(phase, "training");
    assert.ok(started !== null && started >= since && started <= now, `started ${(started ?? 0) - since} ms behind its order`);
  });

test("the losses of every epoch, for drawing: both launches of a resumed run", async () => {
  const curves = await watched("resumed").watcher.curves();
  assert.deepEqual(
    curves.map(({ node, training, validation }) => [node, training.y.length, validation.y.length]),
    [["theta", 220, 220]],
  );
  assert.deepEqual([curves[0]?.training.x[0], curves[0]?.training.x.at(-1)], [1, 220]);
  assert.deepEqual(curves[0]?.seams, [111]);
  assert.equal(curves[0]?.learningRate.y.length, 220);
  assert.deepEqual([curves[0]?.training.y[0], curves[0]?.validation.y[0]], [3.252, 2.785]);
  assert.deepEqual([curves[0]?.training.y.at(-1), curves[0]?.validation.y.at(-1)], [-0.9146, -0.5294]);
});

const epochLine = (epoch: number) =>
  `2026-11-24T08:34:3${epoch % 10} [INFO] Epoch ${epoch}/3000 | steps=${3373 + epoch} | n_sims=2560 | train_loss=-9.500e-01 | val_loss=-8.000e-01 | lr=1.000e-04\n`;

/** Bytes that this process asked the kernel for, as the kernel counts; undefined where it does not. */
function kernelCount(): number | undefined {
  try {
    return Number(/rchar: (\d+)/.exec(fs.readFileSync("/proc/self/io", "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

/** Our own reading of /proc/self/io, and the wake-ups (8 bytes each) of the threads that read. */
const kernelNoise = 16_384;

test("ten runs that are watched: each look reads what is new and nothing else, by our count and by the kernel's", async () => {
  const all = Array.from({ length: 10 }, () => watched("stalled"));
  const before = reads.bytes;
  for (const { watcher } of all) await watcher.read(true);
  const total = () => reads.bytes - before;
  const first = total();
  const size = ["driver", "dataset", "theta", "x"].reduce(
    (sum, node) => sum + fs.statSync((all[0] as (typeof all)[0]).log(node)).size,
    0,
  );
  assert.ok(first <= 10 * size, "the logs, once");

  for (let look = 0; look < 20; look++) for (const { watcher } of all) await watcher.read(true);
  assert.equal(total(), first, "where nothing is new, nothing is read");

  const kernel = kernelCount();
  for (let epoch = 201; epoch <= 210; epoch++) {
    for (const { log, watcher } of all) {
      fs.appendFileSync(log("theta"), epochLine(epoch));
      const { nodes } = await watcher.read(true);
      assert.equal(nodes[0]?.epoch, epoch);
    }
  }
  const added = 100 * epochLine(201).length;
  const again = 100 * 64; // the 64 bytes before the place, by which an emptied log is known
  assert.ok(total() - first >= added && total() - first <= added + again, `${total() - first} bytes for ${added} new ones`);
  if (kernel !== undefined) {
    const read = (kernelCount() as number) - kernel;
    assert.ok(read <= added + again + kernelNoise, `the kernel counts ${read} bytes for ${added} new ones`);
  }
});

test("a configuration that does not answer takes nothing away of what was read before, and is read when it answers", async () => {
  let away = true;
  useAside(async (name, file, args) => {
    if (away && name === "readRunConfig") throw new NoAnswer(`${file} does not answer`);
    return counting(name, file, args);
  });
  try {
    const { watcher, run } = watched("plain");
    // a run without nodes would be kept of one that has ended
    await assert.rejects(watcher.read(false), NoAnswer);
    away = false;
    const { nodes, problem } = await watcher.read(false);
    assert.deepEqual([nodes.map(({ name }) => name), problem], [["theta", "x"], null]);
    away = true;
    fs.appendFileSync(path.join(run, "config.yml"), "# changed\n");
    assert.equal((await watcher.read(false)).nodes.length, 2);
  } finally {
    useAside(counting);
  }
});

test("a configuration that could not be read in one moment takes nothing away either, and is read in the next one", async (t) => {
  const { openSync } = fs;
  let broken = true;
  t.mock.method(fs, "openSync", (file: fs.PathLike, ...rest: [number]) => {
    if (!broken || !String(file).endsWith("config.yml")) return openSync(file, ...rest);
    throw Object.assign(new Error("EIO: i/o error, open"), { code: "EIO" });
  });
  const { watcher, run } = watched("plain");
  // `x` is not trained and has no log: the configuration alone tells of it
  const nodes = async () => (await watcher.read(false)).nodes.map(({ name }) => name);
  fs.rmSync(path.join(run, "graph/x"), { recursive: true, force: true });
  assert.deepEqual(await nodes(), ["theta"]);
  broken = false;
  assert.deepEqual(await nodes(), ["theta", "x"]);
  broken = true;
  fs.appendFileSync(path.join(run, "config.yml"), "# changed\n");
  assert.deepEqual(await nodes(), ["theta", "x"]);
});

test("paths.graph moved by the command line or by the configuration: logs and metrics are read there", async () => {
  for (const how of ["option", "configuration"] as const) {
    const { run, facts } = watched("plain");
    const directory = path.dirname(run);
    fs.renameSync(path.join(run, "graph"), path.join(directory, "elsewhere"));
    if (how === "configuration") {
      const config = path.join(run, "config.yml");
      const text = fs.readFileSync(config, "utf8");
      const moved = /^ {2}graph: .*$/m.test(text)
        ? text.replace(/^ {2}graph: .*$/m, "  graph: elsewhere")
        : text.replace(/^paths:$/m, "paths:\n  graph: elsewhere");
      assert.match(moved, /graph: elsewhere/);
      fs.writeFileSync(config, moved);
    }
    const options = { look, run, directory, clock: () => ({ wall: facts.copied, steady: facts.copied }) };
    const watcher = new RunWatcher(how === "option" ? { ...options, graph: "elsewhere" } : options);
    const progress = await watcher.read(false);
    assert.equal(progress.graph, path.join(directory, "elsewhere"));
    assert.deepEqual(progress.nodes[0] && nodeFacts(progress.nodes[0]), ends.plain.theta, how);
    assert.equal(watcher.logFile("theta"), path.join(directory, "elsewhere/theta/output.log"));
    assert.equal(watcher.logFile("nobody"), undefined);
  }
});

test("node names with odd characters", async () => {
  for (const name of ["a.b", "x [y] z", "β-δ", "it's", "(.*)", "$&", "with: colon", "#hash", " blank "]) {
    const { run, watcher, log } = watched("plain");
    const text = fs.readFileSync(path.join(run, "config.yml"), "utf8");
    fs.writeFileSync(
      path.join(run, "config.yml"),
      text.replace(/^ {2}theta:$/m, () => `  ${JSON.stringify(name)}:`),
    );
    fs.renameSync(path.join(run, "graph/theta"), path.join(run, "graph", name));
    const lines = fs.readFileSync(log(name), "utf8");
    fs.writeFileSync(
      log(name),
      lines.replaceAll("[theta]", () => `[${name}]`),
    );
    const progress = await watcher.read(false);
    const [node] = progress.nodes;
    assert.equal(node?.name, name);
    assert.deepEqual(node && nodeFacts(node), ends.plain.theta, name);
  }
});

test("a log of 1 GB is entered at its end: what the log does not tell any more comes from the metrics", async () => {
  const { watcher, log } = watched("stalled");
  const text = fs.readFileSync(log("theta"), "utf8");
  // a sparse file: 1 GB of nothing (a log line without an end), then the recorded lines
  fs.truncateSync(log("theta"), 0);
  const fd = fs.openSync(log("theta"), "r+");
  fs.writeSync(fd, `\n${text.slice(text.indexOf("\n", text.length / 2) + 1)}`, 1 << 30);
  fs.closeSync(fd);
  const before = reads.bytes;
  const progress = await watcher.read(true);
  assert.ok(reads.bytes - before < 1 << 20, `${reads.bytes - before} bytes were read of it`);
  const [node] = progress.nodes as [NodeProgress];
  assert.deepEqual([node.status, node.epoch, node.epochs, node.epochsBefore], ["training", 200, 3000, 0]);
  assert.deepEqual([node.loss, node.validationLoss, node.learningRate], [-0.902, 0.03876, 0.0001875]);
});

test("a log that was emptied: what it said is forgotten, what comes is read from its start", async () => {
  const { watcher, log } = watched("stalled");
  assert.equal((await watcher.read(true)).nodes[0]?.epoch, 200);
  fs.truncateSync(log("theta"), 0);
  fs.writeFileSync(log("theta"), `2026-11-24T08:34:30 [INFO] [theta] Training started\n${epochLine(1)}`);
  const [node] = (await watcher.read(true)).nodes as [NodeProgress];
  assert.deepEqual([node.epoch, node.epochsBefore, node.validationLoss, node.bestValidationLoss], [1, 0, -0.8, -0.8]);
});

test("a metric's chunk that is half written hides neither the log nor the chunks before it", async () => {
  const { run, watcher, log } = watched("stalled");
  const chunks = path.join(run, "graph/theta/metrics/epoch");
  const last = path.join(chunks, fs.readdirSync(chunks).sort().at(-1) as string);
  fs.truncateSync(last, Math.floor(fs.statSync(last).size / 2));
  assert.equal((await watcher.read(true)).nodes[0]?.epoch, 200, "the log has it");
  // an estimator that logs no epochs: the metrics are all there is
  const silent = watched("stalled");
  const whole = path.join(silent.run, "graph/theta/metrics/epoch");
  const torn = path.join(whole, fs.readdirSync(whole).sort().at(-1) as string);
  fs.truncateSync(torn, Math.floor(fs.statSync(torn).size / 2));
  const lines = fs.readFileSync(log("theta"), "utf8").split("\n");
  fs.writeFileSync(silent.log("theta"), lines.filter((line) => !/\] Epoch /.test(line)).join("\n"));
  const [node] = (await silent.watcher.read(true)).nodes as [NodeProgress];
  assert.equal(node.epoch, 99, "a chunk has 100 epochs; the last of them is not finished as far as it tells");
});

test("a run without local logs says so instead of guessing", async () => {
  const { run, facts } = watched("plain");
  const config = path.join(run, "config.yml");
  const text = fs.readFileSync(config, "utf8");
  const off = text.replace(/(local:\s*\n?\s*\{?\s*enabled:) true/, "$1 false");
  assert.notEqual(off, text);
  fs.writeFileSync(config, off);
  fs.rmSync(path.join(run, "graph"), { recursive: true });
  const silent = new RunWatcher({ look, run, clock: () => ({ wall: facts.copied, steady: facts.copied }) });
  const progress = await readShown(silent, true);
  assert.deepEqual([progress.phase, progress.localLogs, progress.summary], ["unknown", false, "no local logs"]);
  assert.deepEqual(
    [progress.nodes[0]?.status, progress.nodes[0]?.epoch, progress.lastSign, progress.stalled],
    ["unknown", null, null, false],
  );
});

test("a run directory that is not there yet, and one that is deleted while it is watched", async () => {
  const missing = await new RunWatcher({ look, run: path.join(home, "none") }).read(true);
  assert.deepEqual([missing.phase, missing.nodes, missing.problem], ["starting", [], "no config.yml yet"]);
  const { run, watcher } = watched("plain");
  await watcher.read(false);
  fs.rmSync(run, { recursive: true });
  assert.equal((await watcher.read(false)).problem, "no config.yml yet");
});

test("falcon 0.3: its epochs by another name, and a log that does not say how it ended", async () => {
  const { run, watcher, log } = watched("plain");
  const config = path.join(run, "config.yml");
  const text = fs.readFileSync(config, "utf8");
  const old = text.replace(/^( *)max_epochs: (\d+)$/m, "$1loop: {num_epochs: $2}");
  assert.notEqual(old, text);
  fs.writeFileSync(config, old);
  fs.rmSync(log("theta"));
  const driver = fs.readFileSync(log("driver"), "utf8").split("\n");
  const end = driver.findIndex((line) => line.includes("falcon launch completed"));
  fs.writeFileSync(log("driver"), `${driver.slice(0, end).join("\n")}\n`);
  const read = await readShown(watcher, false);
  assert.deepEqual([read.phase, read.saved], ["broken off", true]);
  assert.equal(read.nodes.find(({ name }) => name === "theta")?.epochs, 60);
  const known = settled(read, { kind: "completed", saved: true });
  assert.equal(known.phase, "completed");
  assert.match(known.summary, /^completed · /);
  assert.equal(settled(read, { kind: "killed", saved: null }).phase, "broken off");
});

test("every metric is followed: a second look reads what is new, and one that comes much later begins anew", async () => {
  const { watcher, wait } = watched("plain");
  const first = await watcher.series();
  assert.ok(first.length > 5 && first.every(({ value }) => value.length > 0));
  const { bytes } = reads;
  assert.deepEqual(await watcher.series(), first);
  assert.equal(reads.bytes, bytes, "nothing is new");
  wait(61_000);
  await watcher.read();
  await watcher.series();
  assert.ok(reads.bytes > bytes, "what nobody asked for was let go");
});

test("the time left is not known while another node has still to begin", async () => {
  const { run, watcher, log } = watched("two-nodes");
  const cut = (file: string, last: RegExp) => {
    const lines = fs.readFileSync(file, "utf8").split("\n");
    const kept = lines.slice(0, lines.findIndex((line) => last.test(line)) + 1);
    fs.writeFileSync(file, `${kept.filter((line) => !line.includes("wave")).join("\n")}\n`);
  };
  cut(log("line"), /Epoch 20\/40/);
  cut(log("driver"), /\[line\] Training started/);
  fs.rmSync(path.join(run, "graph", "wave"), { recursive: true });
  const { nodes, timeLeft } = await watcher.read(true);
  assert.deepEqual(
    nodes.filter(({ status }) => status !== "idle").map(({ name, status, timeLeft }) => [name, status, timeLeft !== null]),
    [
      ["line", "training", true],
      ["wave", "waiting", false],
    ],
  );
  assert.equal(timeLeft, null);
});
