// A screen as a picture is made of it: rows of text in one look each, colours as numbers, the cursor.
import type { IBufferCell, Terminal } from "@xterm/headless";
import { cubeColour, namedColours } from "../terminal/model/cube-colour.ts";

/** The look of a stretch of text. Colours are `#rrggbb`. */
export interface CellLook {
  fg: string;
  bg: string;
  bold: boolean;
  italic: boolean;
  dim: boolean;
  underline: boolean;
  strike: boolean;
  overline: boolean;
}

/** A stretch of text that begins in column `x` and takes `width` columns. */
export interface Stretch extends CellLook {
  x: number;
  width: number;
  text: string;
}

export interface Picture {
  cols: number;
  rows: Stretch[][];
}

/** Light on dark: what a terminal looks like when nothing is said about colours. */
export const foreground = "#d4d4d4";
export const background = "#1e1e1e";

/** The red, the blue and the magenta that have names would be too dark on this background. */
const brighter: Readonly<Record<number, string>> = { 1: "#e5484d", 4: "#5b8fd0", 5: "#a678b4" };

/** A colour of the palette of 256. */
export function paletteColour(index: number): string {
  return brighter[index] ?? namedColours[index] ?? hex(...cubeColour(index));
}

function hex(r: number, g: number, b: number): string {
  return `#${((1 << 24) | (r << 16) | (g << 8) | b).toString(16).slice(1)}`;
}

function rgb(value: number): string {
  return hex((value >> 16) & 255, (value >> 8) & 255, value & 255);
}

/** What is visible. */
export function pictureOf(terminal: Terminal): Picture {
  return { cols: terminal.cols, rows: rowsOf(terminal, terminal.buffer.active.viewportY, terminal.rows).map(({ row }) => row) };
}

/**
 * `count` rows of the buffer from its row `first` on, and whether each goes on the one before. Cells of the
 * same look are one stretch; a wide character is one of its own, so that what follows stays in its column.
 * @param written only the cells up to the last that was written, which spares a history most of the work.
 */
export function rowsOf(
  terminal: Terminal,
  first: number,
  count: number,
  written = false,
): { row: Stretch[]; wrapped: boolean }[] {
  const buffer = terminal.buffer.active;
  const cell = buffer.getNullCell();
  return Array.from({ length: count }, (_, y) => {
    const row: Stretch[] = [];
    // whether the last stretch takes more cells
    let open = false;
    const line = buffer.getLine(first + y);
    // a character of the text takes two columns at most
    const cols = written ? Math.min(terminal.cols, 2 * (line?.translateToString(true).length ?? 0)) : terminal.cols;
    for (let x = 0; line !== undefined && x < cols; x++) {
      line.getCell(x, cell);
      const width = cell.getWidth();
      if (width === 0) continue;
      const text = cell.isInvisible() ? " ".repeat(width) : cell.getChars() || " ";
      const look = lookOf(cell);
      const last = row.at(-1);
      const narrow = width === 1 && text.length === 1;
      if (last !== undefined && open && narrow && sameLook(last, look)) {
        last.text += text;
        last.width += width;
      } else row.push({ ...look, x, width, text });
      open = narrow;
    }
    return { row, wrapped: line?.isWrapped === true };
  });
}

function lookOf(cell: IBufferCell): CellLook {
  let fg = cell.isFgRGB() ? rgb(cell.getFgColor()) : cell.isFgPalette() ? paletteColour(cell.getFgColor()) : foreground;
  let bg = cell.isBgRGB() ? rgb(cell.getBgColor()) : cell.isBgPalette() ? paletteColour(cell.getBgColor()) : background;
  if (cell.isInverse()) [fg, bg] = [bg, fg];
  return {
    fg,
    bg,
    bold: cell.isBold() !== 0,
    italic: cell.isItalic() !== 0,
    dim: cell.isDim() !== 0,
    underline: cell.isUnderline() !== 0,
    strike: cell.isStrikethrough() !== 0,
    overline: cell.isOverline() !== 0,
  };
}

function sameLook(a: CellLook, b: CellLook): boolean {
  return (
    a.fg === b.fg &&
    a.bg === b.bg &&
    a.bold === b.bold &&
    a.italic === b.italic &&
    a.dim === b.dim &&
    a.underline === b.underline &&
    a.strike === b.strike &&
    a.overline === b.overline
  );
}
