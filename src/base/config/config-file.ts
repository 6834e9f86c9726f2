// The user's configuration file: where it is, what it says, and one sentence for everything in it that cannot
// be used.
import fs from "node:fs";
import path from "node:path";
import { aside, NoAnswer } from "../aside/aside.ts";
import { editDistance } from "../text/edit-distance.ts";
import { homeOf } from "../user.ts";
import { WrongChannel } from "./channels.ts";
import { type Config, defaultConfig } from "./config.ts";
import { lineOf, parseLeniently } from "./lenient-toml.ts";
import { isTable, Unfit, type Value } from "./setting-values.ts";
import { freeKey, settings, tables, type Writable } from "./settings.ts";

/** A file longer than this is not a configuration that a person wrote. */
export const longestConfig = 256 << 10;

/**
 * Unknown keys past so many sentences are passed over in silence: the file is something else, and each costs
 * a look through all of it.
 */
const mostProblems = 40;

/** A longer key is no slip of the finger. */
const longestKey = 64;

/**
 * The file's place: `$XDG_CONFIG_HOME/falcon-sessions/config.toml`; a relative XDG_CONFIG_HOME counts as
 * unset, as its standard says.
 */
export function configPath(environment: Readonly<Record<string, string | undefined>>): string {
  const xdg = environment.XDG_CONFIG_HOME;
  const base = xdg && path.isAbsolute(xdg) ? xdg : path.join(homeOf(environment), ".config");
  return path.join(base, "falcon-sessions", "config.toml");
}

/** What a file says, and what is wrong with it: each problem one sentence with file, line and key. */
export interface LoadedConfig {
  config: Config;
  problems: string[];
}

const readAside = aside("settings", loadConfig, ([file]) => file);

/** Reads the file as `loadConfig`, aside; one that does not answer is a problem among others. */
export async function readSettings(file: string): Promise<LoadedConfig> {
  try {
    return await readAside(file);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { config: defaultConfig, problems: [`${error.message}; all settings have their defaults`] };
  }
}

/** Settings that name programs, whom one is run for, or where facts are sent. */
const programs: readonly [string, keyof Config][] = [
  ["ssh", "ssh"],
  ["reach", "reach"],
  ["hosts", "hosts"],
  ["on_event", "onEvent"],
  ["notify", "channels"],
];

/** Reads the file; one that does not exist says nothing and is no problem. Never throws. */
export function loadConfig(file: string): LoadedConfig {
  const nothing = (problem: string): LoadedConfig => ({
    config: defaultConfig,
    problems: [`${file}: ${problem}; all settings have their defaults`],
  });
  let text: string;
  let stat: fs.Stats;
  try {
    // not opened before it is known to be a plain file: opening a named pipe would wait for its writer
    stat = fs.statSync(file);
    if (!stat.isFile()) return nothing("it is not a plain file");
    if (stat.size > longestConfig) return nothing(`it has ${stat.size} bytes, more than the ${longestConfig} that are read`);
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return { config: defaultConfig, problems: [] };
    return nothing(`it cannot be read (${code ?? String(error)})`);
  }
  const loaded = parseConfig(text, file);
  const stranger = stat.uid !== process.getuid?.() && stat.uid !== 0;
  if (!stranger && (stat.mode & 0o002) === 0) return loaded;
  // whoever can write these lines can run a program as the user
  const whose = stranger ? "belongs to another user" : "can be written by everyone (chmod o-w it)";
  for (const [key, field] of programs) {
    if (loaded.config[field] === defaultConfig[field]) continue;
    loaded.config = { ...loaded.config, [field]: defaultConfig[field] };
    loaded.problems.push(`${file}, line ${lineOf(text, key)}: ${key} is not used, because the file ${whose}`);
  }
  return loaded;
}

/** Reads the text of a configuration; `file` is only for the problems' sentences. */
export function parseConfig(text: string, file: string): LoadedConfig {
  const problems: string[] = [];
  const root = parseLeniently(text, file, problems);
  const config: Writable = { ...defaultConfig };
  for (const { key, value } of leaves(root)) {
    const setting = settings.find((s) => s.key === key) ?? settings.find((s) => s.key === freeKey(key));
    if (setting === undefined && problems.length >= mostProblems) continue;
    const at = `${file}, line ${lineOf(text, key)}: ${key}`;
    if (setting === undefined) {
      problems.push(`${at} ${unknownKey(key)}`);
      continue;
    }
    try {
      setting.set(config, value, key.slice(key.indexOf(".") + 1));
    } catch (error) {
      // what a channel has may be a secret, and is not shown
      if (error instanceof WrongChannel) {
        problems.push(`${at} ${error.message}; nothing is sent there`);
        continue;
      }
      if (!(error instanceof Unfit)) throw error;
      problems.push(`${at} must be ${error.message}, not ${shown(value)}; the default is used`);
    }
  }
  if (config.detachKey === null && config.prefix === null) {
    config.prefix = defaultConfig.prefix;
    const at = `${file}, line ${lineOf(text, "prefix")}`;
    problems.push(`${at}: prefix cannot be off while detach_key is off too, since nothing would detach; Ctrl-\\ does`);
  }
  const historyLine = lineOf(text, "history");
  const { history, scrollback } = config;
  if (history > scrollback && historyLine > 0) {
    const kept = `more than the ${scrollback} that scrollback keeps; ${scrollback} are sent`;
    problems.push(`${file}, line ${historyLine}: history is ${history} lines, ${kept}`);
  }
  config.history = Math.min(config.history, config.scrollback);
  return { config, problems };
}

/**
 * Every value with its full key; a table that we know is entered, any other is one value with an unknown key.
 */
function* leaves(root: Record<string, Value>): Generator<{ key: string; value: Value }> {
  for (const [key, value] of Object.entries(root)) {
    if (tables.includes(key) && isTable(value)) {
      for (const [inner, v] of Object.entries(value)) yield { key: `${key}.${inner}`, value: v };
    } else yield { key, value };
  }
}

function unknownKey(key: string): string {
  if (key.length > longestKey) return "is not a setting; it is ignored";
  const scored = settings.map((s) => ({ key: s.key, distance: editDistance(s.key, key.toLowerCase().replaceAll("-", "_")) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  // a third of the letters wrong is still a slip of the finger, more is another word
  if (best !== undefined && best.distance <= Math.max(1, Math.floor(best.key.length / 3)))
    return `is not a setting (did you mean ${best.key}?); it is ignored`;
  const group = key.includes(".")
    ? settings.filter((s) => s.key.startsWith(`${key.split(".")[0]}.`))
    : settings.filter((s) => !s.key.includes("."));
  return `is not a setting (there are ${group.map((s) => s.key).join(", ")}); it is ignored`;
}

function shown(value: Value): string {
  const text = typeof value === "bigint" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
