// The look of characters in a log line: parsed from SGR sequences, and written back as the shortest that gives it.

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
export interface Style {
  readonly bits: number;
  /** 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed. */
  readonly underline: number;
  readonly fg: number;
  readonly bg: number;
  readonly underlineColour: number;
  /** The sequence that sets exactly this look, whatever was before. Empty parameters for the plain one: `ESC [ 0 m`. */
  readonly sgr: string;
}

/** A program that draws gradients makes thousands of styles; the table is begun anew past this many. */
const tableLimit = 4096;
const table = new Map<string, Style>();

export const plain: Style = style(0, 0, defaultColour, defaultColour, defaultColour);

function style(bits: number, underline: number, fg: number, bg: number, underlineColour: number): Style {
  const parts = ["0"];
  for (const [i, [, code]] of attributes.entries()) if (bits & (1 << i)) parts.push(String(code));
  if (underline) parts.push(underline === 1 ? "4" : `4:${underline}`);
  if (underlineColour !== defaultColour) parts.push(colour(underlineColour, 58).replaceAll(";", ":").replace("58:2:", "58:2::"));
  if (fg !== defaultColour) parts.push(fg < 8 ? String(30 + fg) : fg < 16 ? String(82 + fg) : colour(fg, 38));
  if (bg !== defaultColour) parts.push(bg < 8 ? String(40 + bg) : bg < 16 ? String(92 + bg) : colour(bg, 48));
  const sgr = `\x1b[${parts.join(";")}m`;
  const known = table.get(sgr);
  if (known) return known;
  if (table.size >= tableLimit) table.clear();
  const fresh: Style = { bits, underline, fg, bg, underlineColour, sgr };
  table.set(sgr, fresh);
  return fresh;
}

function colour(value: number, code: number): string {
  if (value < rgb) return `${code};5;${value}`;
  return `${code};2;${(value >> 16) & 255};${(value >> 8) & 255};${value & 255}`;
}

/** Whether a blank with this style looks like nothing at all. */
export function blankIsInvisible(of: Style): boolean {
  return of.bg === defaultColour && !of.underline && !(of.bits & (bit.inverse | bit.strike | bit.overline));
}

/**
 * The style after an SGR sequence.
 * @param params its numbers, -1 where one was left out
 * @param joined whether a number was separated from the one before it by a colon
 */
export function applySgr(from: Style, params: readonly number[], joined: readonly boolean[]): Style {
  let { bits, underline, fg, bg, underlineColour } = from;
  for (let i = 0; i < params.length; ) {
    const code = Math.max(0, params[i] as number);
    let next = i + 1;
    while (next < params.length && joined[next]) next++;
    const sub = params.slice(i + 1, next);
    i = next;
    if (code === 0) {
      bits = underline = 0;
      fg = bg = underlineColour = defaultColour;
    } else if (code === 4) underline = sub.length ? Math.min(5, Math.max(0, sub[0] as number)) : 1;
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
      let given = sub;
      if (!sub.length) {
        // the old form: the colour's numbers follow as parameters of their own
        const count = params[i] === 5 ? 2 : params[i] === 2 ? 4 : 0;
        given = params.slice(i, i + count);
        i += count;
      }
      const value = colourFrom(given, sub.length > 0);
      if (value === null) continue;
      if (code === 38) fg = value;
      else if (code === 48) bg = value;
      else underlineColour = value;
    } else {
      const found = attributes.findIndex(([, set]) => set === code);
      if (found >= 0) bits |= 1 << found;
    }
  }
  return style(bits, underline, fg, bg, underlineColour);
}

/** `5, n`; `2, r, g, b`; with colons also `2, colour space, r, g, b`. Null when it is none of them. */
function colourFrom(given: readonly number[], colons: boolean): number | null {
  if (given[0] === 5) {
    const n = Math.max(0, given[1] ?? 0);
    return n < 256 ? n : null;
  }
  if (given[0] !== 2) return null;
  const [r = 0, g = 0, b = 0] = (colons && given.length >= 5 ? given.slice(2) : given.slice(1)).map((n) =>
    Math.min(255, Math.max(0, n)),
  );
  return rgb | (r << 16) | (g << 8) | b;
}
