// A program that is no falcon: what its terminal and its files tell together.
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { commands } from "../../../src/commands/dispatch/dispatch.ts";
import { shownRun } from "../../../src/presentation/summary.ts";
import { program, showing } from "../../../src/trainers/program/trainer.ts";
import { lookAside } from "../../../src/trainers/reading/foreign-files.ts";
import { trainerFor } from "../../../src/trainers/registry.ts";
import type { Lifetime, RunWatch, TerminalState, TrainedSession, WatchEffects } from "../../../src/trainers/trainer.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "program-"));
after(() => fs.rmSync(folder, { recursive: true }));

class Run {
  readonly directory = fs.mkdtempSync(path.join(folder, "run-"));
  readonly state: TerminalState = { progress: undefined, prompt: false, commands: 0 };
  rows: string[] | undefined = [];
  now = 1_000_000;
  others: Lifetime[] = [];
  readonly watch: RunWatch;

  constructor(facts: Record<string, unknown> = {}, kept?: unknown) {
    const effects: WatchEffects = {
      look: lookAside,
      clock: () => ({ wall: this.now, steady: this.now }),
      screen: { rows: async () => this.rows, state: () => this.state },
      others: () => this.others,
      kept,
    };
    const session = {
      kind: "run" as const,
      ...{
        command: ["python"],
        directory: this.directory,
        environment: {},
        runDirectory: null,
        created: 10_000,
        ended: null,
        facts,
      },
    };
    this.watch = program.watch(session, effects) as RunWatch;
  }

  /** What is known when these rows stand there, a second later. */
  async read(...rows: string[]) {
    this.rows = rows;
    return await this.later(1);
  }

  async later(seconds: number) {
    this.now += seconds * 1000;
    const run = await this.watch.read(true);
    return run && shownRun(run, this.watch.losses());
  }
}

describe("a program's progress", () => {
  test("nothing is known of one that says nothing", async () => {
    assert.equal(await new Run().read("$ ls", "a b c"), null);
  });

  test("by its terminal: epochs, the loss, time left by its pace", async () => {
    const run = new Run();
    await run.read("Epoch 1/10 loss 3");
    const read = await run.read("Epoch 1/10 loss 3", "Epoch 2/10 loss 2");
    assert.equal(read?.summary, "2/10 · train loss 2 ▇▁ · 8s left");
    assert.deepEqual(
      read?.nodes.map(({ name, epoch, epochs, fraction }) => [name, epoch, epochs, fraction]),
      [["terminal", 2, 10, 0.2]],
    );
    const [curves] = await run.watch.curves();
    assert.deepEqual(
      [curves?.training.x, curves?.training.y],
      [
        [1, 2],
        [3, 2],
      ],
    );
  });

  test("at most twice a second; rows that have not changed are not parsed again", async () => {
    const run = new Run();
    assert.equal((await run.read("Epoch 1/10 loss 3"))?.nodes[0]?.epoch, 1);
    run.rows = ["Epoch 2/10 loss 3"];
    assert.equal((await run.later(0.3))?.nodes[0]?.epoch, 1);
    assert.equal((await run.later(0.3))?.nodes[0]?.epoch, 2);
    run.rows = undefined;
    assert.equal((await run.later(1))?.nodes[0]?.epoch, 2);
  });

  test("a bar that is full does not say that a run that goes on is through", async () => {
    const run = new Run();
    const read = await run.read("load: 100%|██████████| 5/5 [00:01<00:00,  5.00it/s]");
    assert.deepEqual([read?.fraction, read?.timeLeft], [null, null]);
    assert.equal((await run.watch.read(false))?.nodes[0]?.status, "done");
  });

  test("OSC 9;4 alone, taken back, and a shell at its prompt", async () => {
    const run = new Run();
    run.state.progress = { state: 1, percent: 40 };
    assert.equal((await run.read("building"))?.summary, "40 %");
    run.state.progress = undefined;
    assert.equal(await run.read("building"), null);
    assert.equal((await run.read("Epoch 1/10 loss 3"))?.nodes[0]?.epoch, 1);
    run.state.prompt = true;
    assert.equal(await run.read("Epoch 1/10 loss 3", "$"), null, "what stands there is over");
  });

  test("a file of metrics and a bar at once: losses of the one, how long of the other", async () => {
    const run = new Run();
    const file = path.join(run.directory, "lightning_logs/version_0/metrics.csv");
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, "epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,0.25\n");
    const read = await run.read("Epoch 2/4:  50%|█████     | 5/10 [00:05<00:05,  1.00it/s, loss=0.3]");
    const [node] = read?.nodes ?? [];
    assert.deepEqual([read?.nodes.length, node?.name], [1, "version_0"]);
    assert.deepEqual([node?.loss, node?.validationLoss, node?.epochs, node?.fraction], [0.5, 0.25, 4, 1.5 / 4]);
    assert.equal(run.watch.logFile("version_0"), file);
  });

  test("two sessions in one directory claim no file that nobody named; what is older than the session is nobody's", async () => {
    const run = new Run();
    const file = path.join(run.directory, "lightning_logs/version_3/metrics.csv");
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, "epoch,loss\n0,0.5\n");
    run.others = [{ from: 0, until: null }];
    assert.equal(await run.read(), null);
    run.others = [];
    fs.utimesSync(file, 1, 1);
    assert.equal(await run.read(), null);
    fs.appendFileSync(file, "1,0.4\n");
    assert.equal((await run.read())?.nodes[0]?.loss, 0.4, "it grew");
  });

  test("what another session of the directory may have written is nobody's when that one has ended, too", async () => {
    const run = new Run();
    const file = path.join(run.directory, "lightning_logs/version_0/metrics.csv");
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, "epoch,loss\n0,0.5\n");
    const written = fs.statSync(file).mtimeMs;
    run.others = [{ from: written - 1, until: null }];
    assert.equal(await run.read(), null);
    run.others = [{ from: written - 1, until: written }];
    assert.equal(await run.read(), null);
    fs.appendFileSync(file, "1,0.4\n");
    fs.utimesSync(file, written / 1000 + 60, written / 1000 + 60);
    assert.equal((await run.read())?.nodes[0]?.loss, 0.4, "it was written to since: by whom is known");
  });

  test("one fit after another: the earlier one is over", async () => {
    const run = new Run();
    for (const [version, at] of [
      [0, 100],
      [1, 200],
    ] as const) {
      const file = path.join(run.directory, `lightning_logs/version_${version}/metrics.csv`);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, "epoch,loss\n0,0.5\n");
      fs.utimesSync(file, at, at);
    }
    assert.deepEqual(
      (await run.read())?.nodes.map(({ name, status }) => [name, status]),
      [
        ["version_0", "stopped"],
        ["version_1", "training"],
      ],
    );
  });

  test("of many versions the last ones are followed, also where they came one by one", async () => {
    for (const looks of [1, 30]) {
      const run = new Run();
      for (let version = 0; version < 30; version++) {
        const file = path.join(run.directory, `lightning_logs/version_${version}/metrics.csv`);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, "epoch,loss\n0,0.5\n");
        if (looks > 1) await run.read();
      }
      const names = (await run.read())?.nodes.map(({ name }) => name) ?? [];
      assert.deepEqual([names.length, names[0], names.at(-1)], [20, "version_10", "version_29"], `${looks} looks`);
    }
  });

  test("silent for longer than is in proportion to its rhythm: a stall", async () => {
    const run = new Run();
    for (let epoch = 1; epoch <= 8; epoch++) {
      run.rows = [`Epoch ${epoch}/100 loss ${9 - epoch}`];
      assert.equal((await run.later(30))?.stalled, false);
    }
    assert.equal((await run.later(200))?.stalled, false);
    const read = await run.later(150);
    assert.equal(read?.stalled, true);
    assert.match(read?.summary ?? "", /^stalled: silent for 5m 50s, usually 30s/);
  });

  test("a NaN between numbers is remembered; one that stays is told since when", async () => {
    const run = new Run();
    const read = await run.read("Epoch 1/9 loss 3", "Epoch 2/9 loss nan", "Epoch 3/9 loss 2");
    assert.deepEqual(read?.nodes[0]?.nonFinite, []);
    assert.deepEqual(
      read?.nodes[0]?.lastNonFinite?.map(({ metric, value, epoch }) => [metric, value, epoch]),
      [["loss", "NaN", 2]],
    );
    const later = await run.read("Epoch 4/9 loss inf", "Epoch 5/9 loss inf");
    assert.deepEqual(
      later?.nodes[0]?.nonFinite.map(({ value, epoch }) => [value, epoch]),
      [["Inf", 4]],
    );
  });

  test("what the terminal said outlives the server", async () => {
    const run = new Run();
    await run.read("Epoch 1/9 loss 3", "Epoch 2/9 loss nan");
    const next = new Run({}, JSON.parse(JSON.stringify(run.watch.kept)));
    await next.read("Epoch 3/9 loss 1");
    for (let n = 3; n <= 1000; n++) await run.read(`Epoch ${n}/1000 loss 1`);
    assert.ok((run.watch.kept as { terminal: { points: unknown[] } }).terminal.points.length <= 300);
    const [curves] = await next.watch.curves();
    assert.deepEqual(
      [curves?.training.x, curves?.training.y],
      [
        [1, 2, 3],
        [3, Number.NaN, 1],
      ],
    );
  });
});

test("what stands on the screen of our own commands is of the sessions that they show, and not theirs", () => {
  const of = (...command: string[]) => {
    const session = { directory: folder, environment: {}, runDirectory: null, created: 0, ended: null, facts: {} };
    return trainerFor({ kind: "run", command, ...session } satisfies TrainedSession).name;
  };
  assert.equal(of("/opt/bin/falcon", "sessions", "--watch"), "none");
  assert.equal(of("falcon-sessions", "attach", "night"), "none");
  assert.equal(of("falcon", "ls", "--watch"), "none");
  assert.equal(of("falcon", "sample", "posterior"), "program");
  assert.equal(of("python", "sessions"), "program");
  assert.equal(of("falcon"), "program");
  const looking = commands.filter(({ group }) => group === "look").flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  assert.deepEqual([...showing].sort(), ["attach", ...looking].sort());
});

describe("what is kept of all files of a session together", () => {
  /** A session that was told of these files. */
  const told = (texts: readonly string[]): { run: Run; files: string[] } => {
    const metrics = texts.map((text, i) => {
      const file = path.join(fs.mkdtempSync(path.join(folder, "named-")), `fit${i}`);
      fs.writeFileSync(file, text);
      return { file, before: { bytes: 0, mark: "" } };
    });
    return { run: new Run({ metrics }), files: metrics.map(({ file }) => file) };
  };

  test("entries: of metrics with more than an equal share every second one goes, and their ends stay", async () => {
    const header = Array.from({ length: 200 }, (_, i) => `m${i}`).join(",");
    const dense = Array.from({ length: 4000 }, (_, step) => `${step}${`,${step}`.repeat(200)}\n`).join("");
    const sparse = Array.from({ length: 100 }, (_, step) => `{"step": ${step}, "accuracy": 1}\n`).join("");
    const { run } = told([`step,${header}\n${dense}`, `step,${header}\n${dense}`, sparse]);
    const series = (await run.watch.series?.()) ?? [];
    assert.equal(series.length, 401);
    assert.ok(series.reduce((sum, { value }) => sum + value.length, 0) <= 1_000_000);
    for (const { metric, step, value } of series) {
      assert.equal(value.length > 1000, metric !== "accuracy", metric);
      assert.deepEqual([step[0], step.at(-1)], metric === "accuracy" ? [0, 99] : [0, 3999], metric);
      assert.ok(metric === "accuracy" || value.every((one, i) => one === step[i]));
    }
    assert.equal(series.at(-1)?.value.length, 100, "less than its share");
  });

  test("points: every node keeps an equal share, from its first one to its last", async () => {
    const rows = Array.from({ length: 9000 }, (_, step) =>
      Array.from({ length: 50 }, (_, node) => `n${node},${step},1\n`).join(""),
    );
    const { run } = told([`node,step,loss\n${rows.join("")}`]);
    const curves = await run.watch.curves();
    assert.equal(curves.length, 50);
    assert.ok(curves.reduce((sum, { training }) => sum + training.x.length, 0) <= 400_000);
    for (const { training } of curves) assert.deepEqual([training.x[0], training.x.at(-1)], [0, 8999]);
  });

  test("nodes: the first ones are told; those of a file that is written anew make room", async () => {
    const rows = (name: string, from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `{"node": "${name}${from + i}", "step": 1, "loss": 1}\n`).join("");
    const { run, files } = told([rows("a", 0, 60), rows("b", 0, 60)]);
    const nodes = async () => {
      const names = (await run.read())?.nodes.map(({ name }) => name[0]) ?? [];
      return ["a", "b"].map((name) => names.filter((one) => one === name).length);
    };
    assert.deepEqual(await nodes(), [60, 40]);
    fs.writeFileSync(files[0] as string, rows("a", 0, 1));
    assert.deepEqual(await nodes(), [1, 40]);
    fs.appendFileSync(files[1] as string, rows("b", 40, 60));
    assert.deepEqual(await nodes(), [1, 60]);
  });

  test("a metric with a name that is no name is passed over", async () => {
    const { run } = told([`{"step": 1, "loss": 1, "${"x".repeat(1000)}": 2}\n`]);
    assert.deepEqual(
      ((await run.watch.series?.()) ?? []).map(({ metric }) => metric),
      ["loss"],
    );
  });
});
