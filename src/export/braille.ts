// Braille characters as dots: DejaVu Sans Mono has none of them, and terminals draw curves and spinners with
// them.
import { round } from "./round.ts";

/** The Unicode block: the eight low bits of a character say which dots it has (Unicode 16, section 21.1). */
const first = 0x2800;
const braille = /[\u2800-\u28ff]/g;

/** Column (0, 1) and row (0 to 3) of the dot of each bit. */
const places = [
  [0, 0],
  [0, 1],
  [0, 2],
  [1, 0],
  [1, 1],
  [1, 2],
  [0, 3],
  [1, 3],
] as const;

/** Side of a dot, in cells' widths: four in a row of a terminal's line, with gaps. */
const dotSide = 0.3;

/** `text` with blanks where its braille characters were; as it is without them. */
export function withoutBraille(text: string): string {
  return text.replace(braille, " ");
}

/**
 * The dots of the braille characters of `text`, each of which takes one cell, as the data of an SVG
 * path; "" without any.
 * @param x left edge of the text, `top` its upper edge, `cell` and `height` a cell's size, in the drawing's
 * units.
 */
export function brailleDots(text: string, x: number, top: number, cell: number, height: number): string {
  const side = cell * dotSide;
  const dots: string[] = [];
  [...text].forEach((character, at) => {
    const bits = (character.codePointAt(0) as number) - first;
    if (bits < 0 || bits > 0xff) return;
    for (const [bit, [column, row]] of places.entries()) {
      if ((bits & (1 << bit)) === 0) continue;
      const left = x + cell * (at + 0.25 + column / 2) - side / 2;
      const upper = top + (height * (row + 0.5)) / 4 - side / 2;
      dots.push(`M${round(left)} ${round(upper)}h${round(side)}v${round(side)}h${round(-side)}z`);
    }
  });
  return dots.join("");
}
