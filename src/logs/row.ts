// One row of text with its styles: cheap while it is only appended to, a row of cells once something is
// written over.

import { blankIsInvisible, type CellStyle, defaultStyle } from "./cell-style.ts";
import { charWidth, textWidth } from "./char-width.ts";

/** Text of one style. */
export interface Run {
  text: string;
  style: CellStyle;
}

export class Row {
  /** Goes on from the row above: a long line that the terminal wrapped. */
  wrapped = false;
  /**
   * The column at which the line went on to the next row: the terminal's width, or one less where a wide
   * character did not fit; 0 when it never did.
   */
  wrapsAt = 0;
  /** Something was printed here, or a line feed left it: it is part of the log even when it is blank. */
  touched = false;
  /** Where in the stream it was last written to. */
  offset = 0;
  #runs: Run[] = [];
  /** Columns written so far; cells beyond are blank. */
  #width = 0;
  /** One run for each column, once something was written over. */
  #cells: Run[] | null = null;

  get width(): number {
    return this.#width;
  }

  get blank(): boolean {
    return this.runs().length === 0;
  }

  /**
   * Writes text that takes `width` columns at column `x`. A wide character takes two cells, the second one
   * empty.
   */
  put(x: number, text: string, width: number, style: CellStyle, offset: number): void {
    this.touched = true;
    this.offset = offset;
    if (!this.#cells && x >= this.#width) {
      if (x > this.#width) this.#append(" ".repeat(x - this.#width), defaultStyle);
      this.#append(text, style);
      this.#width = x + width;
      return;
    }
    const cells = this.#exploded();
    let at = x;
    if (/^[\x20-\x7e]*$/.test(text)) {
      for (let i = 0; i < width; i++) this.#set(cells, at++, text[i] as string, style);
    } else {
      for (const char of text) {
        const columns = charWidth(char.codePointAt(0) as number);
        if (columns === 0) this.combine(at, char);
        else {
          this.#set(cells, at, char, style);
          if (columns === 2) this.#set(cells, at + 1, "", style);
          at += columns;
        }
      }
    }
    this.#width = Math.max(this.#width, at);
  }

  /** Adds a combining character to the one before column `x`. */
  combine(x: number, char: string): void {
    if (!this.#cells && x === this.#width) {
      const last = this.#runs.at(-1);
      if (last && !isCrowded(last.text)) last.text += char;
      return;
    }
    const cells = this.#exploded();
    const before = cells[x - 1]?.text === "" ? x - 2 : x - 1;
    const cell = cells[before];
    if (cell && !isCrowded(cell.text)) cell.text = (cell.text || " ") + char;
  }

  /** Blanks the columns `from`..`to` (exclusive). */
  erase(from: number, to: number, style: CellStyle): void {
    if (from >= this.#width) return;
    if (to >= this.#width && blankIsInvisible(style)) {
      this.#cut(from);
      return;
    }
    const cells = this.#exploded();
    for (let x = from; x < Math.min(to, this.#width); x++) this.#set(cells, x, " ", style);
  }

  /** Takes `count` columns out at `x`; what is right of them moves left. */
  remove(x: number, count: number): void {
    if (x >= this.#width) return;
    const cells = this.#exploded();
    part(cells, x);
    part(cells, x + count);
    cells.splice(x, count);
    this.#width = cells.length;
  }

  /** Puts `count` blanks in at `x`; what would pass column `limit` falls off. */
  insert(x: number, count: number, limit: number, style: CellStyle): void {
    if (x >= this.#width) return;
    const cells = this.#exploded();
    part(cells, x);
    cells.splice(x, 0, ...Array.from({ length: Math.min(count, limit) }, () => ({ text: " ", style })));
    part(cells, limit);
    cells.length = Math.min(cells.length, limit);
    this.#width = cells.length;
  }

  /** What stands in it, without the blanks at its end that look like nothing. */
  runs(): Run[] {
    const runs = this.wholeRuns();
    for (;;) {
      const last = runs.at(-1);
      if (!last) return runs;
      if (blankIsInvisible(last.style)) last.text = last.text.replace(/(?<! ) +$/, "");
      if (last.text) return runs;
      runs.pop();
    }
  }

  /** Its runs with the blanks at the end. */
  wholeRuns(): Run[] {
    return merged(this.#cells ?? this.#runs);
  }

  /** Its runs when the next row goes on: blanks up to where it was wrapped belong to the line. */
  runsBeforeWrap(): Run[] {
    const runs = this.wholeRuns();
    const blanks = this.wrapsAt - this.#width;
    if (blanks > 0) runs.push({ text: " ".repeat(blanks), style: defaultStyle });
    return runs;
  }

  /** A row with these runs, `width` columns wide, last written to at `offset`. */
  static from(runs: readonly Run[], width: number, offset: number): Row {
    const row = new Row();
    row.#runs = merged(runs);
    row.#width = width;
    row.offset = offset;
    return row;
  }

  #append(text: string, style: CellStyle): void {
    const last = this.#runs.at(-1);
    if (last && last.style === style) last.text += text;
    else this.#runs.push({ text, style });
  }

  #cut(width: number): void {
    if (width === 0) {
      this.#runs = [];
      this.#cells = null;
    } else {
      const cells = this.#exploded();
      cells.length = width;
      const last = cells.at(-1);
      // half of a wide character
      if (last?.text && charWidth(last.text.codePointAt(0) as number) === 2) last.text = " ";
    }
    this.#width = width;
  }

  #set(cells: Run[], x: number, text: string, style: CellStyle): void {
    // whoever writes over one half of a wide character blanks the other
    const old = cells[x];
    if (old) {
      if (old.text === "" && text !== "" && cells[x - 1]) (cells[x - 1] as Run).text = " ";
      if (cells[x + 1]?.text === "" && old.text !== "") (cells[x + 1] as Run).text = " ";
    }
    while (cells.length < x) cells.push({ text: " ", style: defaultStyle });
    cells[x] = { text, style };
  }

  #exploded(): Run[] {
    if (this.#cells) return this.#cells;
    const cells: Run[] = [];
    for (const { text, style } of this.#runs) {
      for (const char of text) {
        const width = charWidth(char.codePointAt(0) as number);
        if (width === 0) {
          const before = cells.at(-1)?.text === "" ? cells.at(-2) : cells.at(-1);
          if (before) before.text += char;
          continue;
        }
        cells.push({ text: char, style });
        if (width === 2) cells.push({ text: "", style });
      }
    }
    while (cells.length < this.#width) cells.push({ text: " ", style: defaultStyle });
    this.#runs = [];
    this.#cells = cells;
    return cells;
  }
}

/** A wide character that has one half on each side of column `x` becomes two blanks, as in the terminal. */
function part(cells: Run[], x: number): void {
  const [left, right] = [cells[x - 1], cells[x]];
  if (left === undefined || right?.text !== "") return;
  left.text = " ";
  right.text = " ";
}

/** A copy in which those of one style that follow each other are one. */
export function merged(runs: readonly Run[]): Run[] {
  const joined: Run[] = [];
  for (const { text, style } of runs) {
    const last = joined.at(-1);
    if (last && last.style === style) last.text += text;
    else joined.push({ text, style });
  }
  return joined;
}

/**
 * Marks on one character past which further ones are left out: the longest emoji has some ten, and a line is
 * to stay a line.
 */
const mostMarks = 32;

/** Whether a text ends in as many marks as a character may have. */
export function isCrowded(text: string): boolean {
  if (text.length < mostMarks) return false;
  return textWidth(text.slice(-mostMarks)) === 0;
}
