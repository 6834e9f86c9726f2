// Records the run directories of test/fixtures/runs with the real falcon: `node --import tsx
// test/falcon/record-runs.ts [NAME ...]`.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { descendants } from "../../src/platform/processes.ts";
import { until, untilFile, untilGone } from "../support/events.ts";
import { killNow } from "../support/home.ts";
import { root } from "../support/paths.ts";
import type { Recorded } from "../support/recorded.ts";
import { UserTerminal } from "../support/terminal/terminal.ts";
import { fitTo, runOption, settingFor } from "./old-configuration.ts";
import { type PythonFalcon, pythonFalcon } from "./python.ts";

interface Scenario {
  what: string;
  project: "gaussian" | "two-nodes";
  /** Changes to the project's simulator.py. */
  simulator?: [string, string];
  settings: string[];
  launches?: number;
  interactive?: boolean;
  /** Called when the first epochs are in the log of the first node. */
  meanwhile?: (run: Going) => Promise<void>;
}

/** A launch that is going on. */
interface Going {
  terminal: UserTerminal;
  log: (node: string) => string;
}

/** Small, and slow enough that epochs are seconds apart in places: 16 steps an epoch. */
const small = [
  "buffer.min_samples=2048",
  "buffer.max_samples=4096",
  "buffer.validation_samples=128",
  "buffer.simulate_count=64",
  "sample.posterior.n=2",
];
const endless = "graph.theta.estimator.max_epochs=3000";

/** The version that all scenarios are recorded with; of others the folder has it in its name. */
const usual = "0.5.1";

/** Only these metrics are kept: the ones that are read. */
const keptMetrics = ["epoch", "val/loss", "train/loss", "lr", "n_samples"];

/** Of the runs with the display the steps' losses (a chunk each six epochs) are left out, too. */
const keptOfInteractive = keptMetrics.filter((metric) => metric !== "train/loss");

/**
 * The end of the terminal's output that is kept: a display's last dozen of redraws, and a traceback of Ray's.
 */
const keptOutput = 32 << 10;

const epochs = (least: number) => (text: string) => (text.match(/\] Epoch /g)?.length ?? 0) >= least;

const scenarios: Record<string, Scenario> = {
  plain: {
    what: "without the display, trained to its end",
    project: "gaussian",
    settings: [...small, "graph.theta.estimator.max_epochs=60"],
  },
  interactive: {
    what: "with the display; j was pressed, then Ctrl+C once: stopped gracefully",
    project: "gaussian",
    interactive: true,
    settings: [...small, endless],
    async meanwhile({ terminal, log }) {
      await terminal.waitFor("▸ theta");
      terminal.key("j");
      await terminal.waitFor("▸ x");
      await untilFile(log("theta"), epochs(40), 60_000);
      terminal.key("C-c");
    },
  },
  forced: {
    what: "with the display; Ctrl+C twice: nothing saved",
    project: "gaussian",
    interactive: true,
    settings: [...small, endless, "buffer.simulate_interval=20"],
    async meanwhile({ terminal, log }) {
      await untilFile(log("theta"), epochs(10), 60_000);
      // the driver sleeps for 20 s between two looks at the first Ctrl+C
      terminal.key("C-c");
      await terminal.waitFor("Stopping gracefully");
      terminal.key("C-c");
    },
  },
  "failed-simulator": {
    what: "with the display; the simulator raises after 2,500 samples, during the training",
    project: "gaussian",
    interactive: true,
    simulator: [
      "        clean = np.asarray",
      [
        "        self.made = getattr(self, 'made', 0) + batch_size",
        "        if self.made > 2500:",
        "            raise FloatingPointError('negative variance')",
        "        clean = np.asarray",
      ].join("\n"),
    ],
    settings: [...small, endless],
  },
  killed: {
    what: "with the display; the driver was killed with SIGKILL during the training",
    project: "gaussian",
    interactive: true,
    settings: [...small, endless],
    async meanwhile({ terminal, log }) {
      await untilFile(log("theta"), epochs(130), 60_000);
      terminal.kill("SIGKILL");
    },
  },
  resumed: {
    what: "launched twice in the same directory, without the display: 110 epochs, then 110 more",
    project: "gaussian",
    launches: 2,
    settings: [...small, "graph.theta.estimator.max_epochs=110"],
  },
  stalled: {
    what: "with the display; the process that trains was stopped with SIGSTOP after some epochs, the files were copied a little later",
    project: "gaussian",
    interactive: true,
    settings: [...small, endless],
    async meanwhile({ terminal, log }) {
      await untilFile(log("theta"), epochs(200), 60_000);
      for (const pid of workers(terminal.pid)) process.kill(pid, "SIGSTOP");
    },
  },
  "two-nodes": {
    what: "two estimators side by side, without the display, trained to their end",
    project: "two-nodes",
    settings: [...small, "graph.line.estimator.max_epochs=40", "graph.wave.estimator.max_epochs=30"],
  },
};

async function record(name: string, scenario: Scenario, falcon: PythonFalcon): Promise<void> {
  const base = fs.mkdtempSync("/tmp/fr-");
  const project = path.join(base, "project");
  const { version } = falcon;
  const target = path.join(root, "test/fixtures/runs", version === usual ? name : `${name}-${version}`);
  fs.rmSync(target, { recursive: true, force: true });
  fs.cpSync(path.join(root, "examples", scenario.project), project, { recursive: true });
  fitTo(version, path.join(project, "config.yml"));
  fs.mkdirSync(path.join(base, "home"));
  if (scenario.simulator !== undefined) {
    const file = path.join(project, "simulator.py");
    const text = fs.readFileSync(file, "utf8");
    const changed = text.replace(...scenario.simulator);
    if (changed === text) throw new Error(`${name}: the simulator has changed`);
    fs.writeFileSync(file, changed);
  }
  const args = [
    "launch",
    ...runOption(version, "run"),
    ...(scenario.interactive ? [] : ["--no-interactive"]),
    ...scenario.settings.map((setting) => settingFor(version, setting)),
  ];
  const terminals: UserTerminal[] = [];
  const started = new Set<number>();
  try {
    let end: { code: number; signal: number } | undefined;
    for (let launch = 1; launch <= (scenario.launches ?? 1); launch++) {
      const terminal = new UserTerminal(falcon.file, args, {
        cols: 100,
        rows: 30,
        cwd: project,
        env: { PATH: process.env.PATH ?? "", HOME: path.join(base, "home"), LANG: "C.UTF-8", ...quiet(base) },
      });
      terminals.push(terminal);
      const log = (node: string) => path.join(project, "run", "graph", node, "output.log");
      if (scenario.meanwhile !== undefined) {
        await untilFile(log("driver"), (text) => text.includes("Training started"), 90_000);
        for (const pid of descendants(terminal.pid)) started.add(pid);
        await scenario.meanwhile({ terminal, log });
      }
      if (name === "stalled") {
        // nothing announces that nothing happens: the driver's next simulation, due each second, must be
        // stuck too
        let before = "";
        await until(
          async () => {
            const now = fs.readFileSync(log("dataset"), "utf8") + fs.readFileSync(log("theta"), "utf8");
            const same = now === before;
            before = now;
            await new Promise((resolve) => setTimeout(resolve, 4000));
            return same;
          },
          "the run to be silent",
          60_000,
        );
      } else end = await terminal.waitForExit(`the end of ${name}`, 240_000);
      // the next launch writes over them
      if (launch < (scenario.launches ?? 1)) keepPart(path.join(project, "run"), path.join(target, `part-${launch}`));
    }
    keep(name, scenario, { base, project, target, falcon, args, terminals, end });
  } finally {
    for (const terminal of terminals) {
      for (const pid of descendants(terminal.pid)) started.add(pid);
      if (!terminal.ended) process.kill(terminal.pid, "SIGKILL");
    }
    for (const pid of started) killNow(pid);
    for (const pid of started) await untilGone(pid);
    fs.rmSync(base, { recursive: true, force: true });
  }
}

/** Ray's own files go with the test's, and it tells nobody that it was used. */
function quiet(base: string): Record<string, string> {
  return { RAY_TMPDIR: path.join(base, "ray"), RAY_USAGE_STATS_ENABLED: "0", PYTHONDONTWRITEBYTECODE: "1" };
}

/** Ray's workers that hold falcon's nodes. */
function workers(pid: number): number[] {
  return descendants(pid).filter((child) => /^ray::(NodeWrapper|train)/.test(fs.readFileSync(`/proc/${child}/cmdline`, "utf8")));
}

interface Kept {
  base: string;
  project: string;
  target: string;
  falcon: PythonFalcon;
  args: string[];
  terminals: UserTerminal[];
  end: { code: number; signal: number } | undefined;
}

const metricOf = (file: string) => /^graph\/[^/]+\/metrics\/(.+)\/chunk_\d+\.npz$/.exec(file)?.[1];

/** The metrics of a launch that another one follows, but for those of single steps. */
function keepPart(run: string, to: string): void {
  for (const file of fs.readdirSync(run, { recursive: true, encoding: "utf8" })) {
    const metric = metricOf(file);
    if (metric === undefined || !keptOfInteractive.includes(metric)) continue;
    fs.mkdirSync(path.dirname(path.join(to, file)), { recursive: true });
    fs.copyFileSync(path.join(run, file), path.join(to, file));
  }
}

function keep(name: string, scenario: Scenario, kept: Kept): void {
  const { base, project, target, falcon, terminals, end } = kept;
  const source = path.join(project, "run");
  const rewrite = (text: string) => withoutPlaces(text, base, project, falcon);
  const modified: Record<string, number> = {};
  for (const entry of fs.readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const from = path.join(entry.parentPath, entry.name);
    const file = path.relative(source, from);
    const metric = metricOf(file);
    if (metric !== undefined && !(scenario.interactive ? keptOfInteractive : keptMetrics).includes(metric)) continue;
    if (file.startsWith("samples/")) continue;
    modified[file] = fs.statSync(from).mtimeMs;
    const to = path.join(target, "run", file);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    if (file.endsWith(".npz")) fs.copyFileSync(from, to);
    else if (file.endsWith(".pth")) fs.writeFileSync(to, "");
    else fs.writeFileSync(to, rewrite(fs.readFileSync(from, "utf8")));
  }
  const output = (terminals.at(-1) as UserTerminal).received;
  fs.writeFileSync(path.join(target, "output"), Buffer.from(rewrite(output.subarray(-keptOutput).toString("latin1")), "latin1"));
  const recorded: Recorded = {
    falcon: falcon.version,
    what: scenario.what,
    command: ["falcon", ...kept.args],
    cols: 100,
    rows: 30,
    status: end === undefined || end.signal > 0 ? null : end.code,
    signal: end === undefined || end.signal === 0 ? null : end.signal,
    copied: Date.now(),
    zone: -new Date().getTimezoneOffset(),
    modified,
  };
  fs.writeFileSync(path.join(target, "recorded.json"), `${JSON.stringify(recorded, null, 2)}\n`);
  console.log(`${name}: ${Object.keys(modified).length} files, status ${recorded.status}, signal ${recorded.signal}`);
}

/** Every path and address of this machine becomes one that stands for it. */
function withoutPlaces(text: string, base: string, project: string, { file, base: python }: PythonFalcon): string {
  const places: [string, string][] = [
    [project, "/project"],
    [base, "/project/.tmp"],
    [path.dirname(path.dirname(path.resolve(file))), "/venv"],
    [python, "/python"],
  ];
  let changed = text;
  for (const [from, to] of places) if (from !== "") changed = changed.replaceAll(from, to);
  // a package of another environment that this one is laid over
  changed = changed.replace(/[^\s"']*\/lib\/(?=python3\.\d+\/site-packages\/)/g, "/venv/lib/");
  changed = changed.replace(new RegExp(`\\b${os.hostname()}\\b`, "g"), "host");
  return changed.replace(/\b(?:\d{1,3}\.){3}\d{1,3}(:\d+)?\b/g, (_, port) => `127.0.0.1${port === undefined ? "" : ":6379"}`);
}

const found = await pythonFalcon();
if (typeof found === "string") {
  console.error(found);
  process.exitCode = 1;
} else {
  const wanted = process.argv.slice(2);
  for (const [name, scenario] of Object.entries(scenarios))
    if (wanted.length === 0 || wanted.includes(name)) await record(name, scenario, found);
}
