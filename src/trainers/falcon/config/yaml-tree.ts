// Values of a configuration by their path, with the settings of the command line over them.
import { readYaml, type YamlValue } from "./yaml.ts";

/** The value at `a.b.c`; undefined: there is none. */
export function valueAt(root: YamlValue | undefined, key: string): YamlValue | undefined {
  let here = root;
  for (const part of key.split(".")) {
    if (here === null || typeof here !== "object") return undefined;
    here = Array.isArray(here) ? here[Number(part)] : Object.hasOwn(here, part) ? here[part] : undefined;
  }
  return here;
}

/** A copy in which these settings stand, as falcon takes them. */
export function withSettings(
  root: YamlValue | undefined,
  settings: readonly (readonly [key: string, text: string])[],
): YamlValue | undefined {
  const changed = structuredClone(root);
  for (const [key, text] of settings) {
    if (key === "") continue;
    const parts = key.split(".");
    let here: YamlValue | undefined = changed;
    for (const part of parts.slice(0, -1)) {
      if (!isMap(here) || part === "__proto__") {
        here = undefined;
        break;
      }
      if (!isMap(Object.hasOwn(here, part) ? here[part] : undefined)) here[part] = {};
      here = here[part] as YamlValue;
    }
    const last = parts.at(-1) as string;
    if (isMap(here) && last !== "__proto__") here[last] = settingOf(text);
  }
  return changed;
}

export function isMap(value: YamlValue | undefined): value is { [key: string]: YamlValue } {
  return value !== null && value !== undefined && typeof value === "object" && !Array.isArray(value);
}

/** A setting of the command line as falcon reads it; a text that is no YAML stands for itself. */
export function settingOf(text: string): YamlValue {
  try {
    return readYaml(text);
  } catch {
    return text;
  }
}
