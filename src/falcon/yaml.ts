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

/** Levels of brackets, of list marks in one line, and columns of indentation: a config has ten or so, and the parser goes down a level by a call. */
const deepest = 200;

/** The first line that goes deeper than any config does; 0 where none does. A bracket within a text counts too: nobody writes 200 of them. */
function tooDeep(text: string): number {
  let open = 0;
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    const marks = /^[ \t?:-]*/.exec(line)?.[0].length ?? 0;
    for (const character of line) {
      if (character === "[" || character === "{") open++;
      else if (character === "]" || character === "}") open = Math.max(0, open - 1);
      if (open > deepest) return number;
    }
    if (marks > 2 * deepest) return number;
  }
  return 0;
}

/**
 * Parses `text` as OmegaConf does it (YAML 1.1 merge keys included).
 * @throws YamlError with the line of the first mistake.
 */
export function readYaml(text: string): YamlValue {
  const deep = tooDeep(text);
  // a stack that runs out within a regular expression ends the whole process
  if (deep > 0) throw new YamlError("nested too deeply", deep);
  const document = parseDocument(text, { merge: true, prettyErrors: false, logLevel: "silent" });
  const [error] = document.errors;
  // the package's own line numbers cost a look through the text for each of thousands of mistakes
  if (error !== undefined)
    throw new YamlError(error.message.split("\n")[0] ?? "", text.slice(0, error.pos[0]).split("\n").length);
  try {
    return document.toJS({ maxAliasCount: mostAliases }) ?? null;
  } catch (problem) {
    throw new YamlError(problem instanceof Error ? problem.message : String(problem), 1);
  }
}
