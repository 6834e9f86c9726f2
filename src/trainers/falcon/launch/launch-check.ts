// What is certain to end a launch before it begins, looked at before anything is started: its configuration,
// run directory, observations and Python.
import fs from "node:fs";
import path from "node:path";
import { aside } from "../../../base/aside/aside.ts";
import { readRegular } from "../../../base/aside/regular-file.ts";
import { onDisk } from "../../../base/text/bytes.ts";
import { readYaml, UnsureYaml, type YamlValue } from "../config/yaml.ts";
import { isMap, valueAt } from "../config/yaml-tree.ts";
import type { LaunchArguments } from "./arguments.ts";
import { configFile, largestConfig, pythonOf, scriptOf } from "./launch-files.ts";

/**
 * One sentence about a mistake that falcon would end with, or undefined. Only cheap and certain ones, of the
 * Python falcon alone: other programs in its
 * place have rules of their own.
 * @param command what starts it @param directory the caller's
 */
export const checkLaunch = aside("checkLaunch", checkHere, ([, , directory]) => directory);

async function checkHere(command: readonly string[], args: LaunchArguments, directory: string): Promise<string | undefined> {
  const script = scriptOf(command);
  if (script === undefined) return undefined;
  const python = script === "" ? undefined : pythonOf(command);
  if (python !== undefined && !fs.existsSync(onDisk(python)))
    return `${command[0]} is started by ${python}, which is not there: install falcon-sbi again in that environment`;
  const run = args.output === undefined ? undefined : path.resolve(directory, args.output);
  const { file, resumed } = configFile(args, directory);
  const config = await sureConfig(file);
  if (typeof config === "string")
    return resumed || args.config !== undefined
      ? config
      : `${config}${fs.existsSync(onDisk(file)) ? "" : "; -c names another one"}`;
  return cannotWrite(run ?? path.join(directory, "output")) ?? missingObservation(config.root, args.overrides, directory, file);
}

/** What a file holds, or the sentence about it. */
async function sureConfig(file: string): Promise<{ root: YamlValue } | string> {
  let text: string;
  try {
    const stat = await fs.promises.stat(onDisk(file));
    if (stat.isDirectory()) return `${file} is a folder and no configuration`;
    // what a pipe gives is falcon's, who reads it once
    if (!stat.isFile() || stat.size > largestConfig) return { root: null };
    text = readRegular(file, 0, largestConfig).toString("utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR"
      ? `there is no ${path.basename(file)} in ${path.dirname(file)}`
      : `${file} cannot be read (${code})`;
  }
  try {
    return { root: readYaml(text) };
  } catch (error) {
    if (error instanceof UnsureYaml) return { root: null };
    return `${file} is no YAML: ${(error as Error).message}`;
  }
}

/** Of the folders on the way, the nearest that exists has to take a new one. */
function cannotWrite(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    let stat: fs.Stats;
    try {
      stat = fs.statSync(onDisk(at));
    } catch {
      if (at === path.dirname(at)) return undefined;
      continue;
    }
    if (!stat.isDirectory()) return `the run directory ${folder} cannot be made: ${at} is a file`;
    try {
      fs.accessSync(onDisk(at), fs.constants.W_OK | fs.constants.X_OK);
      return undefined;
    } catch {
      return `the run directory ${folder} cannot be written: ${at} does not let you`;
    }
  }
}

/**
 * The first observation file of the graph that is not there. What is interpolated (`${…}`), or set by an
 * override of the whole node, is passed over.
 */
function missingObservation(
  root: YamlValue,
  settings: LaunchArguments["overrides"],
  directory: string,
  config: string,
): string | undefined {
  const graph = valueAt(root, "graph");
  for (const [node, value] of Object.entries(isMap(graph) ? graph : {})) {
    if (settings.some(([key]) => key === "graph" || key === `graph.${node}`)) continue;
    const own = settings.findLast(([key]) => key === `graph.${node}.observed`);
    const observed = own === undefined ? valueAt(value, "observed") : own[1];
    if (typeof observed !== "string" || observed.includes("${") || /^(|null|~|true|false)$/i.test(observed)) continue;
    const file = /^(.+\.npz)\['[^']+'\]$/.exec(observed)?.[1] ?? observed;
    if (fs.existsSync(onDisk(path.resolve(directory, file)))) continue;
    const where = own === undefined ? config : `graph.${node}.observed`;
    return `the observation of ${node}, ${path.resolve(directory, file)}, is not there (${where})`;
  }
  return undefined;
}
