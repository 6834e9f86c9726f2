// TOML as a person may have got it wrong: a line that is none is told and left out, and each key has its
// line.
import { parse, TomlError } from "smol-toml";
import type { Value } from "./setting-values.ts";

/** Lines with wrong syntax that are reported; a file with more of them is something else. */
const mostSyntaxErrors = 20;

/** Parses; a line with wrong syntax is reported and left out, so that the others still count. */
export function parseLeniently(text: string, file: string, problems: string[]): Record<string, Value> {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  for (let errors = 0; errors < mostSyntaxErrors; errors++) {
    try {
      return parse(lines.join("\n"));
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      // the parser may name the line after the statement's last one: the wrong line is then the last that is
      // not empty
      let line = Math.min(error.line, lines.length);
      while (line > 1 && lines[line - 1]?.trim() === "") line--;
      const said = error.message.replace(/^Invalid TOML document: /, "").split("\n")[0];
      const key = /^\s*([\w."'-]+)\s*=/.exec(lines[line - 1] ?? "")?.[1];
      problems.push(`${file}, line ${line}:${key ? ` ${key}` : ""} this line is not TOML (${said}); it is ignored`);
      if (lines[line - 1]?.trim() === "") break;
      lines[line - 1] = "";
    }
  }
  problems.push(`${file}: too many lines with wrong syntax; all settings have their defaults`);
  return {};
}

/**
 * The line where `key` is given (1 is the first), or 0 when it is not. The parser keeps no positions, hence
 * this second look.
 */
export function lineOf(text: string, key: string): number {
  const [first, second] = key.split(".");
  let table = "";
  let outer = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[\[?([^\]]*)\]/.exec(line);
    if (header) {
      table = bare((header[1] ?? "").trim());
      if (table === key || table === first) outer ||= index + 1;
      continue;
    }
    const given = /^\s*("[^"]*"|'[^']*'|[^=\s#"'.]+(?:\s*\.\s*[^=\s#]+)?)\s*(=|\.)/.exec(line);
    if (!given) continue;
    const name = bare(given[1] ?? "");
    if (table === "" ? name === key : table === first && name === second) return index + 1;
    if (table === "" && name === first) outer ||= index + 1;
  }
  return outer;
}

function bare(key: string): string {
  return key.replace(/["'\s]/g, "");
}
