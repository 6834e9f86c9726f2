// The pen of characters in a log line, in the bits of the screen's cells: made from SGR sequences, and
// written as the screen's own are.

import type { Params } from "../base/text/tokenizer.ts";
import { Bg, Colour, Fg, Underline } from "../terminal/model/cells.ts";
import { sgr, switches } from "../terminal/replay/pen.ts";

/** Immutable; equal looks are the same object as long as they are in use together. */
export interface CellStyle {
  /** The slots of a cell: foreground and background with their flags, underline style and colour. */
  readonly fg: number;
  readonly bg: number;
  readonly underline: number;
  /** Styles that a single-numbered sequence leads to from here, by its number. */
  readonly next: (CellStyle | undefined)[];
  /** The sequence that sets exactly this pen, whatever was before. */
  readonly sgr: string;
}

/** A program that draws gradients makes thousands of styles; the table is begun anew past this many. */
const tableLimit = 4096;
let table = new Map<string, CellStyle>();

function style(fg: number, bg: number, underline: number): CellStyle {
  const key = sgr(fg, bg, underline);
  const known = table.get(key);
  if (known) return known;
  // the default one is compared by identity, so it stays; what it leads to begins anew with the table
  if (table.size >= tableLimit) {
    defaultStyle.next.length = 0;
    table = new Map([[defaultStyle.sgr, defaultStyle]]);
  }
  const fresh: CellStyle = { fg, bg, underline, next: [], sgr: key };
  table.set(key, fresh);
  return fresh;
}

export const defaultStyle: CellStyle = style(0, 0, 0);

/** Whether a blank with this style looks like nothing at all. */
export function blankIsInvisible({ fg, bg }: CellStyle): boolean {
  return (fg & (Fg.underline | Fg.inverse | Fg.strike)) === 0 && (bg & (Colour.all | Bg.overline)) === 0;
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
  const pen = { fg: from.fg, bg: from.bg, underline: from.underline };
  for (let i = 0; i < count; ) {
    const code = Math.max(0, values[i] as number);
    let next = i + 1;
    while (next < count && joined[next]) next++;
    const subs = next - i - 1;
    if (code === 0) pen.fg = pen.bg = pen.underline = 0;
    else if (code === 1) pen.fg |= Fg.bold;
    else if (code === 2) pen.bg |= Bg.dim;
    else if (code === 22) {
      pen.fg &= ~Fg.bold;
      pen.bg &= ~Bg.dim;
    } else if (code === 4) underlined(pen, subs ? Math.min(5, Math.max(0, values[i + 1] as number)) : 1);
    else if (code === 21) underlined(pen, 2);
    else if (code === 24) underlined(pen, 0);
    else if (code === 6) pen.fg |= Fg.blink;
    else if (code >= 30 && code <= 37) coloured(pen, "fg", Colour.palette16 | (code - 30));
    else if (code >= 90 && code <= 97) coloured(pen, "fg", Colour.palette16 | (code - 82));
    else if (code === 39) coloured(pen, "fg", Colour.default);
    else if (code >= 40 && code <= 47) coloured(pen, "bg", Colour.palette16 | (code - 40));
    else if (code >= 100 && code <= 107) coloured(pen, "bg", Colour.palette16 | (code - 92));
    else if (code === 49) coloured(pen, "bg", Colour.default);
    else if (code === 59) coloured(pen, "underline", Colour.default);
    else if (code === 38 || code === 48 || code === 58) {
      const colons = subs > 0;
      // the old form: the colour's numbers follow as parameters of their own
      const taken = colons ? subs : values[i + 1] === 5 ? 2 : values[i + 1] === 2 ? 4 : 0;
      const value = colourFrom(params, i + 1, Math.min(taken, count - i - 1), colons);
      if (!colons) next = i + 1 + taken;
      if (value !== null) coloured(pen, code === 38 ? "fg" : code === 48 ? "bg" : "underline", value);
    } else {
      for (const [slot, bit, on, off] of switches)
        if (code === on) pen[slot] |= bit;
        else if (code === off) pen[slot] &= ~bit;
    }
    i = next;
  }
  return style(pen.fg, pen.bg, pen.underline);
}

type Slots = Record<"fg" | "bg" | "underline", number>;

function coloured(pen: Slots, slot: keyof Slots, colour: number): void {
  pen[slot] = (pen[slot] & ~Colour.all) | colour;
}

/** @param style 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed. */
function underlined(pen: Slots, style: number): void {
  pen.fg = style === 0 ? pen.fg & ~Fg.underline : pen.fg | Fg.underline;
  pen.underline = (pen.underline & ~Underline.styleMask) | (style << Underline.styleShift);
}

/**
 * From the number at `at`: `5, n`; `2, r, g, b`; with colons also `2, colour space, r, g, b`. Null when it is
 * none of them.
 */
function colourFrom({ values }: Params, at: number, length: number, colons: boolean): number | null {
  if (values[at] === 5 && length > 0) {
    const n = length > 1 ? Math.max(0, values[at + 1] as number) : 0;
    return n < 256 ? Colour.palette256 | n : null;
  }
  if (values[at] !== 2 || length < 1) return null;
  const first = colons && length >= 5 ? 2 : 1;
  let value = 0;
  for (let i = first; i < first + 3; i++)
    value = (value << 8) | (i < length ? Math.min(255, Math.max(0, values[at + i] as number)) : 0);
  return Colour.rgb | value;
}
