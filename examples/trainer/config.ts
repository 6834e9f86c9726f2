// The run's configuration: defaults, config.yml in falcon's layout, key=value overrides, and a fresh run's
// name.
import fs from "node:fs";
import path from "node:path";
import { readYaml, type YamlValue } from "../../src/trainers/falcon/config/yaml.ts";
import type { BufferSettings, EstimatorSettings } from "./estimator.ts";

/** One random variable of the graph. */
export interface NodeSettings {
  parents?: string[];
  evidence?: string[];
  simulator: { _target_: string };
  estimator?: EstimatorSettings & { _target_: string };
}

/**
 * config.yml. `rate` is epochs per second and node (0: as fast as it goes); `log_rate` driver lines per
 * second for tests of the log.
 */
export interface Configuration {
  logging: { local: { enabled: boolean } };
  paths: { graph: string | null; samples: string | null };
  buffer: BufferSettings;
  graph: Record<string, NodeSettings>;
  sample: { posterior: { n: number } };
  rate: number;
  seed: number;
  log_rate: number;
  fail_at: number;
  hang_at: number;
  run_dir: string;
}

/** A sentence for the user about what was asked for. */
export class BadRequest extends Error {}

const estimator = {
  _target_: "trainer.MixtureEstimator",
  components: 1,
  hidden_dim: 32,
  num_layers: 2,
  max_epochs: 60,
  batch_size: 128,
  lr: 0.003,
  lr_decay_factor: 0.5,
  lr_patience: 6,
  early_stop_patience: 60,
};

function defaults(): Configuration {
  return {
    logging: { local: { enabled: true } },
    paths: { graph: null, samples: null },
    buffer: { min_samples: 2048, max_samples: 8192, validation_samples: 512, simulate_count: 64 },
    graph: {
      line: { evidence: ["points"], simulator: { _target_: "trainer.Prior" }, estimator: { ...estimator } },
      points: { parents: ["line"], simulator: { _target_: "trainer.Line" } },
      wave: {
        evidence: ["power"],
        simulator: { _target_: "trainer.Prior" },
        estimator: { ...estimator, components: 2, lr: 0.004 },
      },
      power: { parents: ["wave"], simulator: { _target_: "trainer.WavePower" } },
    },
    sample: { posterior: { n: 100 } },
    rate: 1.2,
    seed: 1,
    log_rate: 0,
    fail_at: 0,
    hang_at: 0,
    run_dir: "",
  };
}

/** Short names of settings that a person types often. */
const shortcuts: Readonly<Record<string, string[]>> = {
  epochs: ["graph.line.estimator.max_epochs", "graph.wave.estimator.max_epochs"],
  samples: ["buffer.min_samples"],
};

/**
 * The configuration of a run: that of DIR/config.yml where it exists (the run is resumed), else the defaults;
 * then the
 * overrides. Writes config.yml for a new run, and the `latest` link for a directory that was named here.
 */
export function loadConfiguration(
  directory: string | undefined,
  overrides: readonly string[],
  now: Date,
): { config: Configuration; resumed: boolean } {
  const runDirectory = directory ?? path.join("output", runName(now));
  const file = path.join(runDirectory, "config.yml");
  const resumed = fs.existsSync(file);
  const config = defaults();
  if (resumed) merge(config as unknown as Branch, readYaml(fs.readFileSync(file, "utf8")), "", file);
  for (const override of overrides) {
    const [key = "", ...rest] = override.split("=");
    const value = readYaml(rest.join("=") || "null");
    for (const full of shortcuts[key] ?? [key]) set(config as unknown as Branch, full, value);
  }
  config.run_dir = runDirectory;
  fs.mkdirSync(runDirectory, { recursive: true });
  if (!resumed) fs.writeFileSync(file, writeYaml(config as unknown as Branch));
  if (directory === undefined) linkLatest(runDirectory);
  return { config, resumed };
}

type Branch = { [key: string]: YamlValue };

function merge(into: Branch, from: YamlValue, at: string, file: string): void {
  if (from === null || typeof from !== "object" || Array.isArray(from)) throw new BadRequest(`${file} is not a configuration`);
  for (const key of Object.keys(from)) {
    const mine = into[key];
    const theirs = from[key] as YamlValue;
    if (mine === undefined)
      throw new BadRequest(`${file}: ${at}${key} is unknown to this trainer (was the run started by the Python falcon?)`);
    if (mine !== null && typeof mine === "object" && !Array.isArray(mine)) merge(mine, theirs, `${at}${key}.`, file);
    else into[key] = theirs;
  }
}

function set(config: Branch, key: string, value: YamlValue): void {
  const parts = key.split(".");
  let at: YamlValue = config;
  for (const part of parts.slice(0, -1)) at = isBranch(at) ? (at[part] ?? null) : null;
  const last = parts.at(-1) as string;
  if (!isBranch(at) || !(last in at) || last === "run_dir") throw new BadRequest(`unknown setting "${key}"`);
  const was = at[last];
  if (typeof was === "number" && (typeof value !== "number" || !Number.isFinite(value) || value < 0)) {
    throw new BadRequest(`${key} must be a number of 0 or more, not "${String(value)}"`);
  }
  if (isBranch(was)) throw new BadRequest(`"${key}" is a group of settings, not one`);
  at[last] = value;
}

function isBranch(value: YamlValue | undefined): value is Branch {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** Block style, as OmegaConf.save writes it. */
function writeYaml(value: Branch, indent = ""): string {
  return Object.entries(value)
    .map(([key, child]) => {
      if (Array.isArray(child)) return `${indent}${key}:\n${child.map((item) => `${indent}- ${String(item)}\n`).join("")}`;
      if (isBranch(child)) return `${indent}${key}:\n${writeYaml(child, `${indent}  `)}`;
      return `${indent}${key}: ${typeof child === "string" ? JSON.stringify(child) : String(child)}\n`;
    })
    .join("");
}

const adjectives = [
  "amber",
  "brisk",
  "calm",
  "daring",
  "eager",
  "fair",
  "gentle",
  "hidden",
  "keen",
  "lucid",
  "mellow",
  "quiet",
  "rapid",
  "steady",
];
const nouns = [
  "badger",
  "comet",
  "crane",
  "dolphin",
  "ember",
  "finch",
  "harbor",
  "kestrel",
  "lagoon",
  "meadow",
  "otter",
  "pine",
  "raven",
  "willow",
];

/** YYMMDD-HHMMSS-adjective-noun, as falcon names its runs. */
function runName(now: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const date = `${two(now.getFullYear() % 100)}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const time = `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
  const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)] as string;
  return `${date}-${time}-${pick(adjectives)}-${pick(nouns)}`;
}

function linkLatest(runDirectory: string): void {
  const link = path.join(path.dirname(runDirectory), "latest");
  try {
    fs.rmSync(link, { force: true });
    fs.symlinkSync(path.basename(runDirectory), link);
  } catch {
    // a file system without links: the run does not need it
  }
}
