// What a falcon run was started with, by files alone: falcon's and Python's versions, and in which settings
// its command differs from its config.yml.
import fs from "node:fs";
import path from "node:path";
import { head } from "../../base/aside/regular-file.ts";
import { namesIn } from "../../base/names-in.ts";
import { onDisk } from "../../base/text/bytes.ts";
import type { Override, StartedWith, TrainedSession } from "../trainer.ts";
import type { YamlValue } from "./config/yaml.ts";
import { isMap, settingOf, valueAt } from "./config/yaml-tree.ts";
import { parseLaunch } from "./launch/arguments.ts";
import { pythonOf, readConfig } from "./launch/launch-files.ts";

/** What a virtual environment says of itself (bytes): some hundred. */
const environmentHead = 4096;

/** Settings that are compared: a person types a handful. */
const mostOverrides = 100;

/** Of a run that is just being started. Asks the file system itself: for work that is done aside. */
export function startedWith({ command, directory, runDirectory, created }: TrainedSession): StartedWith {
  const args = command.slice(command.indexOf("launch") + 1);
  return { ...versions(command), overrides: overrides(args, directory, runDirectory, created) };
}

/** By the files that pip and venv wrote beside the Python that starts falcon. */
function versions(command: readonly string[]): Omit<StartedWith, "overrides"> {
  const python = pythonOf(command);
  if (python === undefined) return { falcon: null, python: null };
  const prefix = path.dirname(path.dirname(python));
  const library = namesIn(path.join(prefix, "lib")).find((name) => /^python3\.\d+$/.test(name));
  const packages = library === undefined ? [] : namesIn(path.join(prefix, "lib", library, "site-packages"));
  const told = packages.flatMap((name) => /^falcon_sbi-(.+)\.dist-info$/.exec(name)?.[1] ?? [])[0];
  const venv = /^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)/m.exec(head(path.join(prefix, "pyvenv.cfg"), environmentHead))?.[1];
  const conda = namesIn(path.join(prefix, "conda-meta")).flatMap((name) => /^python-(\d+\.\d+\.\d+)-/.exec(name)?.[1] ?? [])[0];
  return { falcon: told ?? null, python: venv ?? conda ?? library?.slice("python".length) ?? null };
}

/**
 * A resumed run has a configuration of its own; one that was written since the start holds the settings
 * already.
 */
function overrides(args: readonly string[], directory: string, run: string | null, created: number): Override[] {
  const read = parseLaunch(args);
  const own = run === null ? undefined : path.join(run, "config.yml");
  const file = own !== undefined && isOlder(own, created) ? own : path.resolve(directory, read.config ?? "config.yml");
  // where it cannot be read, every setting is one that the file does not have
  const root = readConfig(file);
  return [...new Map(read.overrides)]
    .slice(0, mostOverrides)
    .flatMap(([key, value]) => differences(key, value, valueAt(root, key)))
    .slice(0, mostOverrides);
}

/** Falcon merges a map into the one of its file: what it names is set, the rest stays. */
function differences(key: string, value: string, there: YamlValue | undefined): Override[] {
  if (there === undefined) return [{ key, value, config: null }];
  const wanted = settingOf(value);
  if (JSON.stringify(wanted) === JSON.stringify(there)) return [];
  if (isMap(wanted) && isMap(there)) {
    return Object.entries(wanted).flatMap(([name, part]) =>
      differences(`${key}.${name}`, JSON.stringify(part), Object.hasOwn(there, name) ? there[name] : undefined),
    );
  }
  return [{ key, value, config: JSON.stringify(there) }];
}

function isOlder(file: string, time: number): boolean {
  const stat = fs.statSync(onDisk(file), { throwIfNoEntry: false });
  return stat !== undefined && stat.mtimeMs < time;
}
