// A line of facts where it has too little room: what is left of it is whole words and whole numbers, since
// half of a number is another number.
import { stripVTControlCharacters } from "node:util";
import { cut, isPlain, widthOf } from "./table.ts";

/** A trend of which a part is missing tells another story. */
const trend = / [▁-█]{2,}/g;

/**
 * Of a fact that does not fit its first words stand only where they are so many columns: "val loss …" says
 * nothing.
 */
const enough = 12;

/** A cut before the last word that leaves less than this part of the room in use is one inside that word. */
const used = 0.5;

/**
 * Facts with `joint` between them, in at most `width` columns. First the trend goes, then whole facts from
 * the end, for which an ellipsis stands where there is room; of a first one that is too long, its last
 * words. Colours stay.
 */
export function cutFacts(text: string, width: number, joint: " · " | ", " = " · "): string {
  if (widthOf(text) <= width) return text;
  const shorter = text.replace(trend, "");
  if (widthOf(shorter) <= width) return shorter;
  const plain = stripVTControlCharacters(shorter);
  if (!isPlain(plain)) return cut(shorter, width);
  // the ellipsis stands in place of the joint's dot, and behind its comma
  const before = joint === " · " ? 1 : joint.length;
  const last = plain.lastIndexOf(joint, width);
  if (last >= 0 && last > width - 1 - before) {
    // facts that fill the room as they are: the ellipsis has none
    const whole = cut(shorter, last + 1);
    const ellipsis = whole.lastIndexOf("…");
    return whole.slice(0, ellipsis) + whole.slice(ellipsis + 1);
  }
  const room = plain.slice(0, Math.max(0, width - 1));
  const begin = last < 0 ? 0 : last + joint.length;
  const word = room.lastIndexOf(" ") + 1;
  if (last >= 0 && word - begin < enough) return cut(shorter, last + before + 1);
  return cut(shorter, word < used * width ? width : word + 1);
}
