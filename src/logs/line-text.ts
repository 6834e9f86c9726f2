// A line of the log as text: plain, with its looks, with matches marked, and cut at columns.

import { attributes } from "../base/text/control-sequences.ts";
import { defaultStyle } from "./cell-style.ts";
import { charWidth } from "./char-width.ts";
import type { Run } from "./row.ts";

/** The sequences that `styledText` makes; a line holds no other control characters. */
const look = new RegExp(attributes, "g");
const defaultSgr = "\x1b[0m";
const markLook = "\x1b[7m";

/** The text of a line with its looks, ending in the plain one. */
export function styledText(runs: readonly Run[]): string {
  let out = "";
  let current = defaultStyle;
  for (const { text, style } of runs) {
    if (style !== current) out += style === defaultStyle ? defaultSgr : style.sgr;
    current = style;
    out += text;
  }
  return current === defaultStyle ? out : `${out}${defaultSgr}`;
}

/** A stretch of a line's plain text, in UTF-16 units; `to` is exclusive. */
export interface Match {
  from: number;
  to: number;
}

/**
 * Every match in `text` that is not empty; undefined when the pattern does not match at all. `pattern` is
 * global.
 */
export function matchesIn(text: string, pattern: RegExp): Match[] | undefined {
  pattern.lastIndex = 0;
  let found: Match[] | undefined;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    found ??= [];
    if (match[0] === "") pattern.lastIndex++;
    else found.push({ from: match.index, to: match.index + match[0].length });
  }
  return found;
}

/** Finds a text, plainly; with a capital letter in it case counts. */
export function holding(wanted: string): (text: string) => Match[] {
  const exact = wanted !== wanted.toLowerCase();
  return (text) => {
    const within = exact ? text : text.toLowerCase();
    // a few letters change their length with their case: then only the exact text is found
    const searched = within.length === text.length ? within : text;
    const found: Match[] = [];
    for (let at = searched.indexOf(wanted); at >= 0; at = searched.indexOf(wanted, at + wanted.length))
      found.push({ from: at, to: at + wanted.length });
    return found;
  };
}

/**
 * `styled` with the matches inverted; each of its own sequences sets the whole look, so that after a match
 * the last one counts again.
 */
export function marked(styled: string, matches: readonly Match[]): string {
  if (matches.length === 0) return styled;
  let out = "";
  let current = defaultSgr;
  let at = 0; // in the plain text
  let next = 0;
  let inside = false;
  const text = (part: string) => {
    let from = 0;
    while (from < part.length && next < matches.length) {
      const match = matches[next] as Match;
      const edge = (inside ? match.to : match.from) - at;
      if (edge > part.length || (edge === part.length && !inside)) break;
      out += part.slice(from, edge) + (inside ? current : markLook);
      from = edge;
      if (inside) next++;
      inside = !inside;
    }
    out += part.slice(from);
    at += part.length;
  };
  let from = 0;
  for (const { 0: sequence, index } of styled.matchAll(look)) {
    text(styled.slice(from, index));
    current = sequence;
    out += inside ? `${sequence}${markLook}` : sequence;
    from = index + sequence.length;
  }
  text(styled.slice(from));
  return inside ? `${out}${defaultSgr}` : out;
}

const attributesOrText = new RegExp(`${attributes}|[^\\x1b]+`, "g");

/**
 * The part of a line with looks that stands in the columns `left` to `left + cols`; ends in the plain look.
 */
export function cutStyled(styled: string, left: number, cols: number): string {
  let out = "";
  let x = 0;
  for (const [part] of styled.matchAll(attributesOrText)) {
    if (part.startsWith("\x1b")) {
      out += part;
      continue;
    }
    for (const char of part) {
      const width = charWidth(char.codePointAt(0) as number);
      if (x >= left && x + width <= left + cols) out += char;
      else if (x < left && x + width > left) out += " "; // half of a wide character
      x += width;
    }
  }
  return styled.includes("\x1b") ? `${out}\x1b[0m` : out;
}
