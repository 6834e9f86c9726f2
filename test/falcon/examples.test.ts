// The examples that are no falcon: a plain PyTorch loop and a Lightning module, each number against its file.
// Skipped where the package is not installed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { ShownRun } from "../../src/presentation/shown-run.ts";
import { type SessionRow, TestHome } from "../support/home.ts";
import { notBuilt, root } from "../support/paths.ts";
import { pythonFalcon } from "./python.ts";

/** PyTorch's import and some hundred epochs: ten seconds alone, minutes on a busy machine. */
const runLimit = 300_000;

/** The Python of falcon's environment, or one that has what the examples need. */
const falcon = await pythonFalcon();
const python = process.env.TRAINER_PYTHON ?? (typeof falcon === "string" ? "python3" : falcon.python);
const lacks = (...names: string[]) => {
  const missing = names.filter((name) => spawnSync(python, ["-c", `import ${name}`]).status !== 0);
  return missing.length > 0 ? `${python} has no ${missing.join(", ")}` : false;
};

before(() => assert.deepEqual(notBuilt(), [], "npm run build comes first"));

describe("examples of other trainers", () => {
  const home = new TestHome();
  after(() => home.dispose());

  async function trained(example: string, ...words: string[]): Promise<{ project: string; progress: ShownRun; id: string }> {
    const project = path.join(home.work, example);
    fs.mkdirSync(project);
    fs.copyFileSync(path.join(root, "examples", example, "train.py"), path.join(project, "train.py"));
    const id = await home.ok(["run", "-d", ...words], { cwd: project });
    await home.ok(["wait", id], { limit: runLimit });
    const row = (await home.sessions()).find((session) => session.id === id) as SessionRow & {
      progress: ShownRun;
      outcome: { kind: string } | null;
    };
    assert.equal(row.outcome?.kind, "completed", await home.ok(["logs", id]));
    return { project, progress: row.progress, id };
  }

  test("a plain PyTorch loop with JSON lines", { skip: lacks("torch") }, async () => {
    const { project, progress, id } = await trained(
      "pytorch",
      ...["--metrics", "metrics.jsonl", "--", python, "train.py", "--epochs", "60"],
    );
    const rows = fs
      .readFileSync(path.join(project, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { epoch: number; train_loss: number; val_loss: number });
    const [node] = progress.nodes;
    const last = rows.at(-1);
    assert.deepEqual(
      [node?.name, node?.status, node?.epoch, node?.epochs, node?.fraction, node?.loss, node?.validationLoss, node?.learningRate],
      ["metrics.jsonl", "done", 60, 60, 1, last?.train_loss, last?.val_loss, 0.01],
    );
    const best = rows.reduce((a, b) => (b.val_loss < a.val_loss ? b : a));
    assert.deepEqual([node?.bestValidationLoss, node?.epochsSinceBest], [best.val_loss, 60 - best.epoch]);
    const csv = (await home.ok(["export", id, "--format", "curve-csv"])).trim().split("\n").slice(1);
    assert.deepEqual(
      csv,
      rows.map((row) => `metrics.jsonl,${row.epoch},${row.train_loss},${row.val_loss},0.01`),
    );
  });

  test("a Lightning module with a CSVLogger", { skip: lacks("torch", "lightning") }, async () => {
    const { project, progress } = await trained("lightning", "--", python, "train.py", "--epochs", "4");
    const [header, ...lines] = fs
      .readFileSync(path.join(project, "lightning_logs/version_0/metrics.csv"), "utf8")
      .trim()
      .split(/\r?\n/)
      .map((line) => line.split(","));
    const last = (name: string) =>
      Number(lines.findLast((cells) => cells[header?.indexOf(name) as number] !== "")?.[header?.indexOf(name) as number]);
    const [node] = progress.nodes;
    assert.deepEqual(
      [node?.name, node?.epoch, node?.loss, node?.validationLoss],
      ["version_0", 4, last("train_loss"), last("val_loss")],
    );
  });
});
