// What a run's config.yml says about where its files are and what is trained.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { readRegular } from "../../../base/aside/regular-file.ts";
import { onDisk } from "../../../base/text/bytes.ts";
import { canonicalHere as canonical } from "../run/run-directory.ts";
import { readYaml, type YamlValue } from "./yaml.ts";
import { isMap, valueAt } from "./yaml-tree.ts";

/** A random variable of the run's graph. */
export interface ConfigNode {
  name: string;
  /** Whether it has an estimator, that is: whether it is trained. */
  trained: boolean;
  /** max_epochs of its estimator, where the file gives it. */
  epochs: number | undefined;
  /** early_stop_patience of its estimator, where the file gives it. */
  patience: number | undefined;
  /** Of a training in rounds: patience_epochs, patience_rounds and max_rounds, where the file gives them. */
  rounds: { patienceEpochs: number | undefined; patienceRounds: number | undefined; most: number | undefined };
}

/** What matters of a config.yml. */
export interface RunConfig {
  nodes: ConfigNode[];
  /** Absolute folder of node logs and metrics. */
  graph: string;
  /** False where logging.local.enabled is false: falcon then writes no logs and no metrics. */
  localLogs: boolean;
  /** Why the file could not be read, or undefined. */
  problem: string | undefined;
  /** Nothing is known of what is in the file, which is there: it may be read another time. */
  unread: boolean;
}

/** A configuration has a few KB; more than this is no configuration. */
const largestConfig = 256 << 10;

/**
 * Reads RUN/config.yml. `directory` is the run's working directory, against which falcon takes relative
 * paths; `graph` is a `paths.graph` of the command line, which wins. A file that cannot be read is told in
 * `problem`: the nodes are then taken from the folder. @throws NoAnswer
 */
export const readRunConfig = aside("readRunConfig", readHere, ([run]) => run);

/** All of RUN/config.yml. @throws Error where it cannot be read. */
export const readWholeConfig = aside("readWholeConfig", wholeHere, ([run]) => run);

function wholeHere(run: string): YamlValue {
  const read = readRegular(path.join(run, "config.yml"), 0, largestConfig + 1);
  if (read.length > largestConfig) throw new Error("too large");
  return readYaml(read.toString("utf8"));
}

function readHere(run: string, directory: string, graph: string | undefined): RunConfig {
  const fallback = graph === undefined || graph === "" ? path.join(run, "graph") : canonical(path.resolve(directory, graph));
  let root: YamlValue;
  try {
    root = wholeHere(run);
  } catch (error) {
    // what the file holds has no code
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === "ENOENT";
    const problem = missing ? "no config.yml yet" : `config.yml: ${(error as Error).message}`;
    const unread = code !== undefined && !missing;
    return { nodes: nodesOf(fallback), graph: fallback, localLogs: true, problem, unread };
  }
  const moved = valueAt(root, "paths.graph");
  const folder = graph ?? (typeof moved === "string" && moved !== "" && !moved.includes("${") ? moved : undefined);
  const nodes = valueAt(root, "graph");
  return {
    nodes: isMap(nodes) ? Object.keys(nodes).map((name) => configNode(name, nodes[name] as YamlValue)) : [],
    graph: folder === undefined ? path.join(run, "graph") : canonical(path.resolve(directory, folder)),
    localLogs: valueAt(root, "logging.local.enabled") !== false,
    problem: undefined,
    unread: false,
  };
}

function configNode(name: string, value: YamlValue): ConfigNode {
  const estimator = valueAt(value, "estimator");
  const count = (key: string) => {
    // falcon 0.4 and 0.3 had the numbers of its loop in a group of their own
    const value = valueAt(estimator, key) ?? valueAt(estimator, `loop.${key}`);
    return typeof value === "number" ? value : undefined;
  };
  return {
    name,
    trained: estimator !== undefined && estimator !== null,
    // 0.3 called them so
    epochs: count("max_epochs") ?? count("num_epochs"),
    patience: count("early_stop_patience"),
    rounds: {
      patienceEpochs: count("patience_epochs"),
      patienceRounds: count("patience_rounds"),
      most: count("max_rounds"),
    },
  };
}

/**
 * Nodes of a graph folder without its configuration: every folder with a log, but for those of falcon itself.
 */
function nodesOf(graph: string): ConfigNode[] {
  let entries: fs.Dirent[] = [];
  try {
    entries = fs.readdirSync(onDisk(graph), { withFileTypes: true, encoding: "utf8" });
  } catch {
    // no folder yet
  }
  const names = entries
    .filter((entry) => entry.isDirectory() && entry.name !== "driver" && entry.name !== "dataset")
    .map((entry) => entry.name);
  return names.sort().map((name) => ({
    name,
    trained: fs.existsSync(onDisk(path.join(graph, name, "metrics", "epoch"))),
    epochs: undefined,
    patience: undefined,
    rounds: { patienceEpochs: undefined, patienceRounds: undefined, most: undefined },
  }));
}
