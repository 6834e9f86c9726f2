// The files that a launch begins with: its configuration, and the console script and the Python that start
// it. Asks the file system itself: for work that is done aside.
import fs from "node:fs";
import path from "node:path";
import { head, readRegular } from "../../../base/aside/regular-file.ts";
import { onDisk } from "../../../base/text/bytes.ts";
import { readYaml, type YamlValue } from "../config/yaml.ts";
import type { LaunchArguments } from "./arguments.ts";

/** A configuration has a few KB; a longer one is left to falcon. */
export const largestConfig = 1 << 20;

/** A console script of pip has about 250 bytes. */
const scriptHead = 4096;

/** The configuration that a launch reads: a run that is resumed has its own. */
export function configFile(args: LaunchArguments, directory: string): { file: string; resumed: boolean } {
  const own = args.output === undefined ? undefined : path.resolve(directory, args.output, "config.yml");
  if (own !== undefined && fs.existsSync(onDisk(own))) return { file: own, resumed: true };
  return { file: path.resolve(directory, args.config ?? "config.yml"), resumed: false };
}

/** What a configuration holds; undefined where it cannot be read. */
export function readConfig(file: string): YamlValue | undefined {
  try {
    return readYaml(readRegular(file, 0, largestConfig).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** The head of falcon's console script, "" for `python -m falcon.cli`; undefined of another program. */
export function scriptOf([file = "", ...rest]: readonly string[]): string | undefined {
  if (rest.includes("falcon.cli")) return "";
  const script = head(file, scriptHead);
  return script.startsWith("#!") && /\bfalcon\.cli\b/.test(script) ? script : undefined;
}

/**
 * The Python that a command starts falcon with, as an absolute path; undefined where none is named so. Of any
 * script that names falcon, for one that pip did not write has its Python beside it, too.
 */
export function pythonOf([file = "", ...rest]: readonly string[]): string | undefined {
  if (rest.includes("falcon.cli")) return file;
  const script = head(file, scriptHead);
  if (!/\bfalcon\b/.test(script)) return undefined;
  // a long path stands on the second line of a shell's script
  return (/^#!\s*(\/\S*python\S*)/.exec(script) ?? /^'''exec' "?(\/[^"\s]*python[^"\s]*)/m.exec(script))?.[1];
}
