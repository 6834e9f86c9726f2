// docs/guide/json.md against what the program writes: every field is documented with its type, and every
// documented field is there.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { until } from "../../support/events.ts";
import { TestHome } from "../../support/home.ts";
import { runInJob } from "../../support/machines/fake-job.ts";
import { falcon, notBuilt, root, trainer } from "../../support/paths.ts";

before(() => assert.deepEqual(notBuilt([falcon, trainer]), [], "npm run build comes first"));

interface Field {
  type: string;
  unit: string;
  nullable: boolean;
}

type Values = Record<string, unknown>;

/** The tables of docs/guide/json.md: for every object by its path ("session.viewers[]"), its fields. */
function documented(): Map<string, Map<string, Field>> {
  const tables = new Map<string, Map<string, Field>>();
  let table: Map<string, Field> | undefined;
  for (const line of fs.readFileSync(path.join(root, "docs/guide/json.md"), "utf8").split("\n")) {
    const heading = /^## `(.+)`$/.exec(line)?.[1];
    if (heading !== undefined) {
      table = new Map();
      tables.set(heading, table);
    }
    if (table === undefined || !line.startsWith("| `")) continue;
    const [name = "", type = "", unit = "", nothing = "", meaning = "", ...more] = line.slice(2, -2).split(" | ");
    const key = name.replaceAll("`", "");
    assert.ok(type && unit && nothing && meaning && more.length === 0, `five columns: ${line}`);
    assert.ok(!table.has(key), `documented twice: ${line}`);
    table.set(key, { type, unit, nullable: nothing !== "never" });
  }
  return tables;
}

const types: Record<string, (value: unknown) => boolean> = {
  string: (value) => typeof value === "string",
  integer: Number.isInteger,
  number: Number.isFinite,
  boolean: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

function hasType(value: unknown, type: string): boolean {
  const element = /^array of (\w+)$/.exec(type)?.[1];
  const check = types[element ?? type];
  assert.ok(check, `a type that the test knows: ${type}`);
  return element === undefined ? check(value) : Array.isArray(value) && value.every(check);
}

/** Compares real objects with the tables, and remembers which fields had a value. */
class Comparison {
  readonly tables = documented();
  readonly objects = new Set<string>();
  readonly valued = new Set<string>();

  object(value: Values, at: string): void {
    const table = this.tables.get(at);
    assert.ok(table, `docs/guide/json.md has no table of ${at}`);
    this.objects.add(at);
    assert.deepEqual(Object.keys(value).sort(), [...table.keys()].sort(), `the fields of ${at}`);
    for (const [name, field] of table) this.#field(value[name], field, `${at}.${name}`);
  }

  #field(value: unknown, { type, unit, nullable }: Field, at: string): void {
    if (value === null) {
      assert.ok(nullable, `${at} is null, and documented as never null`);
      return;
    }
    assert.ok(hasType(value, type), `${at} is documented as ${type}, and is ${JSON.stringify(value)}`);
    this.valued.add(at);
    if (unit.startsWith("one of "))
      assert.ok(unit.includes(`\`${value}\``), `${at} is ${JSON.stringify(value)}, documented is ${unit}`);
    if (unit === "ISO 8601, UTC") assert.equal(new Date(value as string).toISOString(), value, at);
    if (unit === "ms since 1970")
      assert.ok(Math.abs((value as number) - Date.now()) < 86_400_000, `${at} is ${value}, not ms of today`);
    if (unit === "0 to 1") assert.ok((value as number) >= 0 && (value as number) <= 1, `${at} is ${value}`);
    // labels have the names that a person gave them
    if (unit === "text, by name")
      assert.ok(
        Object.values(value as Values).every((text) => typeof text === "string"),
        `${at} is not all text`,
      );
    else if (type === "object") this.object(value as Values, at);
    if (type === "array of object") for (const element of value as Values[]) this.object(element, `${at}[]`);
  }
}

describe("docs/guide/json.md", () => {
  const home = new TestHome();
  const comparison = new Comparison();
  /** A small file system could be mounted: then its gap must have been seen. */
  let canFill = false;
  after(() => home.dispose());

  const listed = async (from = home): Promise<Values[]> => {
    const rows = JSON.parse(await from.ok(["sessions", "--all", "--json"])) as Values[];
    // one of another machine, or of a job whose server has just ended, has one field more
    for (const { notHeardFor, ...row } of rows) comparison.object(row, "session");
    return rows;
  };

  test("a run that trains, with a viewer", async () => {
    const settings = ["samples=256", "epochs=5000", "rate=8"];
    const terminal = home.terminal([
      "launch",
      "--falcon",
      trainer,
      "-o",
      "live",
      "--name",
      "live",
      "--deadline",
      "5h",
      ...settings,
    ]);
    await until(async () => {
      const row = (await listed()).find(({ name }) => name === "live");
      const progress = row?.progress as { timeLeft: number | null; samplesPerMinute: number | null } | null | undefined;
      return (
        (row?.viewers as unknown[] | undefined)?.length === 1 &&
        progress?.timeLeft != null &&
        progress.samplesPerMinute != null &&
        (row?.usage as { cpu: number | null } | null | undefined)?.cpu != null
      );
    }, "its viewer, its time left, the rate of its samples and what it uses");
    await home.ok(["kill", "live", "--signal", "KILL"]);
    await terminal.waitForExit();
  });

  test("runs that completed and failed, and commands that ended in each way", async () => {
    const launch = ["launch", "--falcon", trainer, "samples=256", "epochs=8", "rate=8"];
    assert.equal((await home.run([...launch, "-o", "done"])).code, 0);
    assert.notEqual((await home.run([...launch, "-o", "failed", "fail_at=2"])).code, 0);
    const raises = path.join(home.work, "raises");
    const words = 'Traceback (most recent call last):\\n  File "/home/me/model.py", line 12, in run\\nValueError: no';
    fs.writeFileSync(raises, `#!/bin/sh\nprintf '${words}\\n'\nexit 1\n`, { mode: 0o755 });
    const raised = await home.run(["launch", "--falcon", raises]);
    assert.equal(raised.code, 1);
    assert.match(raised.stderr, /ended with status 1 after .*: ValueError: no \(model\.py:12\)/, "the closing line says why");
    assert.equal((await home.run(["run", "--deadline", "1h", "--save-before", "3599s", "--", "sleep", "60"])).code, 130);
    assert.equal((await home.run(["run", "--", "sh", "-c", "exit 3"])).code, 3);
    assert.equal((await home.run(["run", "--", "sh", "-c", "kill -9 $$"])).code, 137);
    assert.equal((await home.run(["run", "--", "/nonexistent"])).code, 127);
    if (process.platform === "linux") {
      assert.equal((await runInJob(home, 77, `${falcon} run -- true`)).code, 0);
      await until(
        async () => (await listed()).length > 0 && !fs.existsSync(path.join(home.folder, "j/s77")),
        "the job to be taken in",
      );
    }
    const rows = await listed();
    assert.deepEqual(new Set(rows.map((row) => row.kind)), new Set(["launch", "run"]));
    assert.ok(rows.length >= 5);
  });

  test("a run whose loss is NaN, in a git repository, of a falcon of which pip wrote the version", async () => {
    const folder = path.join(home.work, "repository");
    const python = path.join(home.work, "venv/bin/python3");
    fs.mkdirSync(path.join(home.work, "venv/lib/python3.11/site-packages/falcon_sbi-9.8.7.dist-info"), { recursive: true });
    fs.mkdirSync(path.dirname(python));
    // asked for a cluster's nodes it has one; else it runs the script
    const nodes = '{"address": "10.0.0.1", "name": "alpha", "cpus": 8, "gpus": 2}';
    fs.writeFileSync(python, `#!/bin/sh\nif [ "$1" = -c ]; then echo 'NODE ${nodes}'; else exec /bin/sh "$@"; fi\n`, {
      mode: 0o755,
    });
    fs.writeFileSync(path.join(home.work, "venv/pyvenv.cfg"), "home = /usr/bin\nversion = 3.11.7\n");
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, "config.yml"), "samples: 5\nrate: 1\n");
    const git = (...words: string[]) =>
      spawnSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@localhost", ...words], { encoding: "utf8" });
    git("init", "-q");
    git("add", "config.yml");
    assert.equal(git("commit", "-q", "-m", "first").status, 0);
    fs.appendFileSync(path.join(folder, "config.yml"), "# changed\n");
    const script = path.join(home.work, "venv/bin/falcon");
    const log = "run/graph/theta/output.log";
    fs.writeFileSync(
      script,
      `#!${python}
# falcon
mkdir -p run/graph/theta run/graph/phi/train
phi='max_epochs: 100, patience_epochs: 32, patience_rounds: 10, max_rounds: 20'
echo "graph: {theta: {estimator: {max_epochs: 9, early_stop_patience: 4}}, phi: {estimator: {$phi}}}" > run/config.yml
now=$(date +%Y-%m-%dT%H:%M:%S)
echo "$now [INFO] [theta] Training started" > ${log}
echo "$now [INFO] Epoch 1/9 | steps=1 | n_sims=8 | train_loss=1.5 | val_loss=1.25" >> ${log}
echo "$now [INFO] Epoch 2/9 | steps=2 | n_sims=8 | train_loss=nan | val_loss=nan" >> ${log}
echo "$now [INFO] Epoch 3/9 | steps=3 | n_sims=8 | train_loss=nan | val_loss=inf" >> ${log}
echo "$now [INFO] Round 2 | epoch 5/100 | steps=9 | train_loss=-1.000e+00 | val_loss=-2.000e+00" > run/graph/phi/train/output.log
exit 3
`,
      { mode: 0o755 },
    );
    const env = { CUDA_VISIBLE_DEVICES: "0,1", RAY_ADDRESS: "10.0.0.1:6379" };
    const run = await home.run(["launch", "--falcon", script, "-o", "run", "samples=6", "rate=1", "new=x"], { cwd: folder, env });
    assert.equal(run.code, 3, run.stderr);
    assert.match(run.stderr, /^falcon: joins the Ray cluster at 10\.0\.0\.1:6379 \(RAY_ADDRESS\)$/m);
    const lines = (await home.ok(["events", "--json"])).trim().split("\n");
    const events = lines.map((line) => JSON.parse(line) as Values);
    for (const event of events) comparison.object(event, "event");
    const nan = events.filter(({ kind, metric }) => kind === "nan" && metric === "validationLoss");
    assert.deepEqual(
      nan.map(({ node, epoch, sentence }) => [node, epoch, sentence]),
      [["theta", 2, "theta: val loss Inf since epoch 2"]],
      "told once, though it ended between two looks",
    );
    interface Row {
      provenance: Values & { overrides: Values[] };
      progress: { nodes: Values[]; summary: string };
    }
    const find = async () => (await listed()).find(({ directory }) => directory === folder) as unknown as Row | undefined;
    await until(async () => (await find())?.provenance?.cluster != null, "what it was started with, and the cluster's nodes");
    const { provenance, progress } = (await find()) as Row;
    const { falcon: version, python: pythonVersion, commit, dirty, visibleGpus, overrides } = provenance;
    const expected = ["9.8.7", "3.11.7", git("rev-parse", "HEAD").stdout.trim(), true, "0,1"];
    assert.deepEqual([version, pythonVersion, commit, dirty, visibleGpus], expected);
    assert.deepEqual(overrides, [
      { key: "samples", value: "6", config: "5" },
      { key: "new", value: "x", config: null },
    ]);
    const rounds = { round: 2, rounds: 20, epoch: 5, epochs: 100, accepted: 0, rejected: 0, patienceRounds: 10 };
    assert.deepEqual(progress.nodes[1]?.round, { ...rounds, epochsSinceBest: 0, patience: 32, left: null });
    const node = progress.nodes[0] as Values & { nonFinite: Values[] };
    assert.deepEqual([node.loss, node.validationLoss, node.bestValidationLoss], [null, null, 1.25]);
    assert.deepEqual(
      node.nonFinite.map(({ metric, value, epoch }) => [metric, value, epoch]),
      [
        ["validationLoss", "Inf", 2],
        ["loss", "NaN", 2],
      ],
    );
    assert.match(progress.summary, /val loss Inf since epoch 2/);
    assert.match(await home.ok(["sessions"]), /val loss Inf since epoch 2/);
    const shown = await home.ok(["show", "run"], { cwd: folder });
    assert.match(shown, /^ {2}theta .*val loss Inf since epoch 2 · train loss NaN since epoch 2/m);
    assert.match(shown, /^versions {2}falcon 9\.8\.7 · Python 3\.11\.7$/m);
    assert.match(shown, new RegExp(`^commit {4}${String(commit).slice(0, 12)}, with changes`, "m"));
    assert.match(shown, /^settings {2}samples=6 \(config\.yml: 5\) · new=x \(config\.yml: none\)$/m);
  });

  test("show --json writes what sessions --json lists", async () => {
    for (const row of await listed()) {
      const shown = JSON.parse(await home.ok(["show", row.id as string, "--json"])) as Values;
      comparison.object(shown, "session");
      assert.deepEqual(shown, row);
    }
  });

  test("show --env --json is an object of strings", async () => {
    const [row] = await listed();
    const environment = JSON.parse(await home.ok(["show", row?.id as string, "--env", "--json"])) as Values;
    assert.equal(environment.TERM, "xterm-256color");
    assert.ok(Object.values(environment).every((value) => typeof value === "string"));
  });

  test("a gap, after a full disk", async (t) => {
    const small = new TestHome();
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs", small.folder]).status === 0;
    canFill = mounted;
    try {
      if (!mounted) return t.skip("a small file system cannot be mounted here (needs root)");
      const id = await small.start(["sh", "-c", "seq -f 'line %g of a long output that fills a disk' 1 200000; exec sleep 1000"]);
      await until(async () => (await listed(small)).some(({ gaps }) => (gaps as unknown[]).length > 0), "the gap");
      await small.ok(["kill", id, "--signal", "KILL"]);
      await small.untilState(id, "exited");
      await small.ok(["server", "stop"]);
      await until(() => small.processes().length === 0, "the processes to end");
    } finally {
      // none is left unless the test failed: a process would hold the file system
      for (const { pid } of small.processes()) process.kill(pid, "SIGKILL");
      if (mounted) await until(() => spawnSync("umount", [small.folder]).status === 0, "the file system to be let go of");
      await small.dispose();
    }
  });

  test("channels, one that takes what it is told and one that nobody is behind", async () => {
    const told = new TestHome();
    try {
      const folder = path.join(told.work, ".config/falcon-sessions");
      fs.mkdirSync(folder, { recursive: true });
      const text = '[notify.script]\ncommand = "true"\n[notify.hook]\nwebhook = "http://127.0.0.1:1/"\n';
      fs.writeFileSync(path.join(folder, "config.toml"), text);
      await told.start(["sh", "-c", "exit 3"]);
      await until(async () => {
        const listed = JSON.parse(await told.ok(["notify", "--json"])) as Values;
        comparison.object(listed, "notify");
        const notices = (listed.channels as { notices: Values[] }[]).flatMap((channel) => channel.notices);
        return notices.some(({ over }) => over !== null) && notices.some(({ problem }) => problem !== null);
      }, "one that is over and one that waits");
    } finally {
      await told.dispose();
    }
  });

  test("every documented field was there, with a value", (t) => {
    const missing = [...comparison.tables].flatMap(([at, table]) =>
      comparison.objects.has(at)
        ? [...table.keys()].map((name) => `${at}.${name}`).filter((name) => !comparison.valued.has(name))
        : [at],
    );
    // only a run that was looked at before it wrote its configuration has a problem: the field is always
    // there, its text is not a stop that hangs is told after minutes, a batch system that is silent needs one
    // (unit/session/run/deadline-watch) what a GPU and Ray have to be there for is checked on given facts
    // (unit/resources)
    const rare = [
      ...["session.progress.problem", "session.deadline.hangs", "session.deadline.problem"],
      // while it trains alone (unit/falcon/run/rounds)
      "session.progress.nodes[].round.left",
      ...["session.usage.gpu", "session.usage.gpuMemory", "session.usage.gpus[]", "session.usage.actors[]"],
    ];
    const required = missing.filter((name) => !rare.includes(name));
    const gaps = required.includes("session.gaps[]");
    if (gaps) t.diagnostic("no gap could be made here: the fields of session.gaps[] are not checked");
    assert.deepEqual(required, gaps && !canFill ? ["session.gaps[]"] : []);
  });
});
