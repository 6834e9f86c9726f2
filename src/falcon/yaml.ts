// Reads YAML, the language of falcon's config.yml. The one file that knows the yaml package.
import { parseDocument } from "yaml";

/** What a YAML text holds. */
export type YamlValue = string | number | boolean | null | YamlValue[] | { [key: string]: YamlValue };

/** A text that is not YAML; `line` counts from 1. */
export class YamlError extends Error {
  readonly line: number;
  constructor(message: string, line: number) {
    super(`line ${line}: ${message}`);
    this.name = "YamlError";
    this.line = line;
  }
}

/** Aliases that one text may resolve: a config has a handful, a text of nested ones could fill the memory. */
const mostAliases = 1000;

/**
 * Parses `text` as OmegaConf does it (YAML 1.1 merge keys included).
 * @throws YamlError with the line of the first mistake.
 */
export function readYaml(text: string): YamlValue {
  const document = parseDocument(text, { merge: true, prettyErrors: true, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined)
    throw new YamlError(
      (error.message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, ""),
      error.linePos?.[0].line ?? 1,
    );
  try {
    return document.toJS({ maxAliasCount: mostAliases }) ?? null;
  } catch (problem) {
    throw new YamlError(problem instanceof Error ? problem.message : String(problem), 1);
  }
}
