// Tables of columns that fit the terminal, and colours where they are wanted. The one file that knows
// picocolors.
import picocolors from "picocolors";
import stringWidth from "string-width";
import { attributes } from "../../base/text/control-sequences.ts";
import { printableColoured } from "../../base/text/printable.ts";
import type { Request } from "../../protocol/client.ts";

export interface Column {
  title: string;
  /** Right-aligned: numbers. */
  right?: boolean;
}

export type Colours = ReturnType<typeof picocolors.createColors>;

/** Colours for this caller: only on a terminal, never with NO_COLOR (no-color.org). */
export function coloursFor(request: Request): Colours {
  const { NO_COLOR, TERM } = request.environment;
  return picocolors.createColors(request.terminal.stdout && !NO_COLOR && TERM !== "dumb");
}

/** For what is told apart in another way. */
export const colourless = picocolors.createColors(false);

/** @param width columns of the terminal; 0 for none: nothing is cut then. */
export function table(columns: readonly Column[], cells: readonly string[][], width: number): string {
  // names, titles and paths are what programs and people made of them
  const rows = cells.map((row) => row.map(printableColoured));
  const gap = 2;
  const natural = columns.map((column, i) => Math.max(widthOf(column.title), ...rows.map((row) => widthOf(row[i] ?? ""))));
  const widths = width === 0 ? natural : fit(natural, width, gap);
  const line = (texts: readonly string[]) =>
    columns
      .map((column, i) => {
        const text = cut(texts[i] ?? "", widths[i] ?? 0);
        const blank = " ".repeat(Math.max(0, (widths[i] ?? 0) - widthOf(text)));
        return column.right ? blank + text : text + blank;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  return [columns.map(({ title }) => title), ...rows].map(line).join("\n");
}

/**
 * Characters that take one column each, as nearly all cells have them: those need none of Unicode's tables,
 * which take milliseconds to load.
 */
const plain = /^[ -~·…─-▟●○■▸▾✗✓⠀-⣿]*$/;

/** Whether each character of a text takes one column, and none is a colour. */
export function isPlain(text: string): boolean {
  return plain.test(text);
}

/** Widths of texts with colours or wide characters, of which a table has few different ones in many lines. */
const known = new Map<string, number>();
/** Of so many; then it begins anew. */
const mostKnown = 1000;

/** Columns that a text takes. */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  // most of the others are plain but for their colours, and a drawn line is another one each second
  const bare = text.replace(attributesOnly, "");
  if (plain.test(bare)) return bare.length;
  let width = known.get(text);
  if (width !== undefined) return width;
  width = stringWidth(text);
  if (known.size >= mostKnown) known.clear();
  known.set(text, width);
  return width;
}

/**
 * A text in at most `width` columns, with an ellipsis where it was cut; every colour in it stays, so that
 * each is also switched off.
 */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (plain.test(text)) return `${text.slice(0, Math.max(0, width - 1))}…`;
  let used = 0;
  let result = "";
  let full = false;
  for (const [part] of text.matchAll(attributesOrCharacter)) {
    if (part.startsWith("\x1b")) {
      result += part;
      continue;
    }
    if (full) continue;
    const own = widthOf(part);
    full = used + own > width - 1;
    result += full ? "…" : part;
    used += own;
  }
  return result;
}

const attributesOnly = new RegExp(attributes, "g");
const attributesOrCharacter = new RegExp(`${attributes}|.`, "gsu");

/** Narrows the columns from the widest, so that a line fits. */
function fit(natural: readonly number[], width: number, gap: number): number[] {
  const widths = [...natural];
  const smallest = 4;
  const total = () => widths.reduce((sum, w) => sum + w, 0) + gap * (widths.length - 1);
  while (total() > width) {
    const widest = widths.indexOf(Math.max(...widths));
    if ((widths[widest] ?? 0) <= smallest) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
