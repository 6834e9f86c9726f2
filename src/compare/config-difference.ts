// In what the configurations of runs differ: nested keys by their dotted names, only those that are not the
// same everywhere.
import type { ConfigTree } from "../trainers/trainer.ts";

/** Keys of one configuration: a config has hundreds; more is none that a person compares. */
const mostKeys = 5_000;

/** Dotted keys and their values as JSON; a list is one value. */
export function flatConfig(root: ConfigTree): Map<string, string> {
  const flat = new Map<string, string>();
  const add = (value: ConfigTree, key: string): void => {
    if (flat.size >= mostKeys) return;
    const inner = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : undefined;
    if (inner === undefined || inner.length === 0) flat.set(key, JSON.stringify(value));
    else for (const [name, below] of inner) add(below, key === "" ? name : `${key}.${name}`);
  };
  add(root, "");
  return flat;
}

export interface ConfigDifference {
  key: string;
  /** The values as JSON, in the order of the runs; null: it has no such key, or no configuration. */
  values: (string | null)[];
}

/** Where each run writes is another place for each: no difference in what was trained. */
const places = /^(paths\.|run_dir$|output_dir$|logging\.wandb\.(dir|id|name)$)/;

/** @param configs null: its configuration could not be read, and says nothing. */
export function configDifferences(configs: readonly (ReadonlyMap<string, string> | null)[]): ConfigDifference[] {
  const known = configs.filter((config) => config !== null);
  if (known.length < 2) return [];
  const keys = [...new Set(known.flatMap((config) => [...config.keys()]))].filter((key) => !places.test(key));
  return keys
    .map((key) => ({ key, values: configs.map((config) => config?.get(key) ?? null) }))
    .filter(({ key }) => new Set(known.map((config) => config.get(key))).size > 1)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
