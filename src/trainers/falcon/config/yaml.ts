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

/** A text that falcon may read all the same. */
export class UnsureYaml extends YamlError {}

/** Aliases that one text may resolve: a config has a handful, a text of nested ones could fill the memory. */
const mostAliases = 1000;

/**
 * Levels of brackets, of list marks in one line, and columns of indentation: a config has ten or so, and the
 * parser goes down a level by a call.
 */
const deepest = 200;

/**
 * Entries of one text: a config has some hundred, and the parser compares each key of a map with all the
 * others.
 */
const mostEntries = 10_000;

/**
 * Merge keys of one text, and entries beside them: each merge compares all the keys of two maps. A config
 * that OmegaConf wrote has none.
 */
const mostMerges = 16;
const mostBesideMerges = 2_000;

/**
 * What would take long to read, in words; undefined where nothing does. Counted in one pass: a text inside
 * which these marks stand counts as well.
 */
function tooMuch(text: string): string | undefined {
  let separators = 1;
  let keys = 0;
  let braces = 0;
  let merges = 0;
  let aliases = 0;
  let begins = true;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "\n" || character === ",") separators++;
    // a key stands before a colon, within braces without one too, or behind a question mark
    if (character === ":" ? /[\s"']/.test(text[at + 1] ?? " ") || /["']/.test(text[at - 1] ?? "") : character === "?" && begins)
      keys++;
    else if (character === "," && braces > 0) keys++;
    else if (character === "{") braces++;
    else if (character === "}") braces--;
    else if (character === "*") aliases++;
    else if (character === "<" && text[at + 1] === "<") merges++;
    begins = character === "\n" || (begins && character === " ");
  }
  if (keys > mostEntries || separators + keys > 2 * mostEntries) return "more entries than a configuration has";
  if (merges > mostMerges || (merges > 0 && separators + keys > 2 * mostBesideMerges))
    return "more merge keys than a configuration has";
  return aliases > mostAliases ? "more aliases than a configuration has" : undefined;
}

/**
 * The first line that goes deeper than any config does; 0 where none does. A bracket within a text counts
 * too: nobody writes 200 of them.
 */
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
 * Whether PyYAML may take what the package does not: brackets and quotes that are closed further down, in
 * lines that stand no further in than their key, and comments without a space before them.
 */
function isLenient(message: string, behind: string): boolean {
  const [, bracket, quote] = /^(?:Flow .* end with a (.)|Missing closing (.)quote)$/.exec(message) ?? [];
  const closer = bracket ?? quote;
  return closer === undefined ? message.startsWith("Comments must be separated") : behind.includes(closer);
}

/**
 * Parses `text` as OmegaConf does it (YAML 1.1 merge keys included).
 * @throws YamlError with the line of the first mistake; UnsureYaml where only we do not read it.
 */
export function readYaml(text: string): YamlValue {
  const deep = tooDeep(text);
  // a stack that runs out within a regular expression ends the whole process
  if (deep > 0) throw new UnsureYaml("nested too deeply", deep);
  const much = tooMuch(text);
  if (much !== undefined) throw new UnsureYaml(`too large to read: ${much}`, 1);
  const document = parseDocument(text, { merge: true, prettyErrors: false, logLevel: "silent" });
  const [error] = document.errors;
  if (error !== undefined) {
    const [at] = error.pos;
    const message = error.message.split("\n")[0] ?? "";
    const Kind = isLenient(message, text.slice(at)) ? UnsureYaml : YamlError;
    // the package's own line numbers cost a look through the text for each of thousands of mistakes
    throw new Kind(message, text.slice(0, at).split("\n").length);
  }
  try {
    return document.toJS({ maxAliasCount: mostAliases }) ?? null;
  } catch (problem) {
    const message = problem instanceof Error ? problem.message : String(problem);
    throw new (message.startsWith("Excessive alias count") ? UnsureYaml : YamlError)(message, 1);
  }
}
