// The pen of characters in a log line: parsed from SGR sequences, and written back as the shortest that
// gives it.

import type { Params } from "../base/text/tokenizer.ts";

/** Colours: -1 the default, 0 to 255 the palette, from `rgb` on 24 bits of red, green and blue. */
export const defaultColour = -1;
export const rgb = 0x1000000;

/** Attribute bits of a style, each with the SGR number that sets it. */
export const attributes = [
  ["bold", 1],
  ["dim", 2],
  ["italic", 3],
  ["blink", 5],
  ["inverse", 7],
  ["invisible", 8],
  ["strike", 9],
  ["overline", 53],
] as const;
export type Attribute = (typeof attributes)[number][0];
const bit = Object.fromEntries(attributes.map(([name], i) => [name, 1 << i])) as Record<Attribute, number>;

/** Immutable; equal looks are the same object as long as they are in use together. */
export interface CellStyle {
  readonly bits: number;
  /** 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed. */
  readonly underline: number;
  readonly fg: number;
  readonly bg: number;
  readonly underlineColour: number;
  /** Styles that a single-numbered sequence leads to from here, by its number. */
  readonly next: (CellStyle | undefined)[];
  /**
   * The sequence that sets exactly this pen, whatever was before. Empty parameters for the plain one: `ESC [
   * 0 m`.
   */
  readonly sgr: string;
}

/** A program that draws gradients makes thousands of styles; the table is begun anew past this many. */
const tableLimit = 4096;
let table = new Map<string, CellStyle>();

function style(bits: number, underline: number, fg: number, bg: number, underlineColour: number): CellStyle {
  const key = `${bits},${underline},${fg},${bg},${underlineColour}`;
  const known = table.get(key);
  if (known) return known;
  const parts = ["0"];
  for (const [i, [, code]] of attributes.entries()) if (bits & (1 << i)) parts.push(String(code));
  if (underline) parts.push(underline === 1 ? "4" : `4:${underline}`);
  if (underlineColour !== defaultColour) parts.push(colour(underlineColour, 58).replaceAll(";", ":").replace("58:2:", "58:2::"));
  if (fg !== defaultColour) parts.push(fg < 8 ? String(30 + fg) : fg < 16 ? String(82 + fg) : colour(fg, 38));
  if (bg !== defaultColour) parts.push(bg < 8 ? String(40 + bg) : bg < 16 ? String(92 + bg) : colour(bg, 48));
  const fresh: CellStyle = { bits, underline, fg, bg, underlineColour, next: [], sgr: `\x1b[${parts.join(";")}m` };
  // the default one is compared by identity, so it stays; what it leads to begins anew with the table
  if (table.size >= tableLimit) {
    defaultStyle.next.length = 0;
    table = new Map([[plainKey, defaultStyle]]);
  }
  table.set(key, fresh);
  return fresh;
}

export const defaultStyle: CellStyle = style(0, 0, defaultColour, defaultColour, defaultColour);
const plainKey = table.keys().next().value as string;

function colour(value: number, code: number): string {
  if (value < rgb) return `${code};5;${value}`;
  return `${code};2;${(value >> 16) & 255};${(value >> 8) & 255};${value & 255}`;
}

/** Whether a blank with this style looks like nothing at all. */
export function blankIsInvisible(of: CellStyle): boolean {
  return of.bg === defaultColour && !of.underline && !(of.bits & (bit.inverse | bit.strike | bit.overline));
}

/** The style after an SGR sequence. */
export function applySgr(from: CellStyle, params: Params): CellStyle {
  const single = Math.max(0, params.values[0] as number);
  // nearly all have one number, and come again and again
  if (params.count !== 1 || single >= 108) return applied(from, params);
  from.next[single] ??= applied(from, params);
  return from.next[single] as CellStyle;
}

function applied(from: CellStyle, params: Params): CellStyle {
  const { count, values, joined } = params;
  let { bits, underline, fg, bg, underlineColour } = from;
  for (let i = 0; i < count; ) {
    const code = Math.max(0, values[i] as number);
    let next = i + 1;
    while (next < count && joined[next]) next++;
    const subs = next - i - 1;
    if (code === 0) {
      bits = underline = 0;
      fg = bg = underlineColour = defaultColour;
    } else if (code === 4) underline = subs ? Math.min(5, Math.max(0, values[i + 1] as number)) : 1;
    else if (code === 21) underline = 2;
    else if (code === 24) underline = 0;
    else if (code === 22) bits &= ~(bit.bold | bit.dim);
    else if (code === 23) bits &= ~bit.italic;
    else if (code === 25) bits &= ~bit.blink;
    else if (code === 27) bits &= ~bit.inverse;
    else if (code === 28) bits &= ~bit.invisible;
    else if (code === 29) bits &= ~bit.strike;
    else if (code === 55) bits &= ~bit.overline;
    else if (code === 6) bits |= bit.blink;
    else if (code >= 30 && code <= 37) fg = code - 30;
    else if (code >= 90 && code <= 97) fg = code - 82;
    else if (code === 39) fg = defaultColour;
    else if (code >= 40 && code <= 47) bg = code - 40;
    else if (code >= 100 && code <= 107) bg = code - 92;
    else if (code === 49) bg = defaultColour;
    else if (code === 59) underlineColour = defaultColour;
    else if (code === 38 || code === 48 || code === 58) {
      const colons = subs > 0;
      // the old form: the colour's numbers follow as parameters of their own
      const taken = colons ? subs : values[i + 1] === 5 ? 2 : values[i + 1] === 2 ? 4 : 0;
      const value = colourFrom(params, i + 1, Math.min(taken, count - i - 1), colons);
      if (!colons) next = i + 1 + taken;
      if (value !== null) {
        if (code === 38) fg = value;
        else if (code === 48) bg = value;
        else underlineColour = value;
      }
    } else {
      for (let k = 0; k < attributes.length; k++) if (attributes[k]?.[1] === code) bits |= 1 << k;
    }
    i = next;
  }
  return style(bits, underline, fg, bg, underlineColour);
}

/**
 * From the number at `at`: `5, n`; `2, r, g, b`; with colons also `2, colour space, r, g, b`. Null when it is
 * none of them.
 */
function colourFrom({ values }: Params, at: number, length: number, colons: boolean): number | null {
  if (values[at] === 5 && length > 0) {
    const n = length > 1 ? Math.max(0, values[at + 1] as number) : 0;
    return n < 256 ? n : null;
  }
  if (values[at] !== 2 || length < 1) return null;
  const first = colons && length >= 5 ? 2 : 1;
  let value = 0;
  for (let i = first; i < first + 3; i++)
    value = (value << 8) | (i < length ? Math.min(255, Math.max(0, values[at + i] as number)) : 0);
  return rgb | value;
}
