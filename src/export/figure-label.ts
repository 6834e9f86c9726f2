// A label among the curves of a figure: it stands where it covers least of them, on a light ground.
import { least } from "../base/extremes.ts";
import type { Frame } from "./plot.ts";
import { xml } from "./svg.ts";

/** A point of the page. */
export type Dot = readonly [x: number, y: number];

/** Where a label may stand: the place of its baseline, and which end of the text is there. */
export interface LabelPlace {
  x: number;
  y: number;
  anchor: "start" | "middle" | "end";
}

/** Width of a character of the figure's font, by its size: of digits and small letters. */
const characterWidth = 0.6;

/** Part of the size that a text has above its baseline, and below it. */
const above = 0.8;
const below = 0.25;

/** Room (of the page's units) around the text. */
const margin = 2;

/** Between two dots of a line that is looked at (of the page's units): less than a label is high. */
const stride = 4;

/** The dots of lines through points of the page: a line covers what is between its points as well. */
export function dotsOf(lines: readonly (readonly Dot[])[]): Dot[] {
  return lines.flatMap((line) =>
    line.flatMap(([x, y], i) => {
      const [fromX, fromY] = line[i - 1] ?? [x, y];
      const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) / stride));
      return Array.from({ length: steps }, (_, n): Dot => {
        const part = (n + 1) / steps;
        return [fromX + (x - fromX) * part, fromY + (y - fromY) * part];
      });
    }),
  );
}

/**
 * The text at that of `places` where the fewest dots are below it; of equal ones the first. @param bounds
 * what it must not leave
 */
export function label(text: string, size: number, places: readonly LabelPlace[], dots: readonly Dot[], bounds: Frame): string {
  const width = text.length * size * characterWidth;
  const covered = ({ x, y, anchor }: LabelPlace): number => {
    const left = x - (anchor === "start" ? 0 : anchor === "end" ? width : width / 2) - margin;
    const right = left + width + 2 * margin;
    const [top, bottom] = [y - size * above - margin, y + size * below + margin];
    if (left < bounds.left || right > bounds.right || top < bounds.ceiling - size || bottom > bounds.floor) return Infinity;
    return dots.filter(([dx, dy]) => dx >= left && dx <= right && dy >= top && dy <= bottom).length;
  };
  const counts = places.map(covered);
  const { x, y, anchor } = places[Math.max(0, counts.indexOf(least(counts)))] as LabelPlace;
  const end = anchor === "start" ? "" : ` text-anchor="${anchor}"`;
  // a curve that passes all places stays readable as well: the ground is the width of a stroke
  return `<text x="${x}" y="${y}" font-size="${size}"${end} stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke">${xml(text)}</text>`;
}
