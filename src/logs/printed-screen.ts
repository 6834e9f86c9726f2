// The normal screen as far as lines need it: a line is finished when it scrolls off the top or is about to be
// cleared, joined where it was wrapped.

import type { CellStyle } from "./cell-style.ts";
import { charWidth } from "./char-width.ts";
import { type OpenLine, packed, type ReaderState, rowFrom, unpacked } from "./reader-state.ts";
import { isCrowded, Row, type Run } from "./row.ts";

/** A line without an end is cut into pieces of this many characters, so that memory stays bounded. */
export const longestLine = 1 << 16;
/** Rows kept of a terminal of any height. */
export const mostRows = 1000;

export class PrintedScreen {
  readonly #finish: (runs: readonly Run[], offset: number) => void;
  cols: number;
  rows: number;
  x = 0;
  y = 0;
  /** A line that is longer than the terminal is wide goes on in the next row (DECAWM). */
  wraps = true;
  #screen: Row[] = [new Row()];
  /** The beginning of a wrapped line whose rows have scrolled off. */
  #joining: Run[] = [];
  #joiningOffset = 0;
  #top = 0;
  #bottom: number;

  /** @param finish told of every finished line. */
  constructor(cols: number, rows: number, finish: (runs: readonly Run[], offset: number) => void) {
    this.#finish = finish;
    this.cols = Math.max(1, cols);
    this.rows = Math.min(mostRows, Math.max(1, rows));
    this.#bottom = this.rows - 1;
  }

  /** Its part of a reader's state. */
  state(): Pick<ReaderState, "cols" | "rows" | "screen" | "joining" | "joiningOffset" | "x" | "y" | "top" | "bottom" | "wrap"> {
    return {
      cols: this.cols,
      rows: this.rows,
      screen: this.#screen.map((r) => ({
        runs: packed(r.wholeRuns()),
        width: r.width,
        wrapped: r.wrapped,
        wrapsAt: r.wrapsAt,
        touched: r.touched,
        offset: r.offset,
      })),
      joining: packed(this.#joining),
      joiningOffset: this.#joiningOffset,
      x: this.x,
      y: this.y,
      top: this.#top,
      bottom: this.#bottom,
      wrap: this.wraps,
    };
  }

  restore(from: ReaderState): void {
    this.#screen = from.screen.map(({ runs, width, wrapped, wrapsAt, touched, offset }) =>
      Object.assign(rowFrom(runs, width, offset), { wrapped, wrapsAt, touched }),
    );
    this.#joining = unpacked(from.joining);
    this.#joiningOffset = from.joiningOffset;
    this.x = from.x;
    this.y = from.y;
    this.#top = from.top;
    this.#bottom = from.bottom;
    this.wraps = from.wrap;
  }

  resize(cols: number, rows: number): void {
    const before = this.rows;
    this.cols = Math.max(1, cols);
    this.rows = Math.min(mostRows, Math.max(1, rows));
    while (this.#screen.length > this.rows) {
      if (this.y < this.#screen.length - 1 && !this.#screen.at(-1)?.touched) this.#screen.pop();
      else {
        this.#leave(this.#screen.shift() as Row, this.#screen[0]);
        this.y = Math.max(0, this.y - 1);
      }
    }
    this.y = Math.min(this.y, this.rows - 1);
    this.x = Math.min(this.x, this.cols);
    // a region keeps its distance to the bottom edge, as the screen does it
    this.#bottom = Math.max(0, this.rows - (before - this.#bottom));
    if (this.#top >= this.#bottom) this.region(0, this.rows - 1);
  }

  /** The lines that stand on it and are not finished. */
  open(): OpenLine[] {
    const open: OpenLine[] = [];
    const last = this.#lastTouched();
    let runs = this.#joining.map((run) => ({ ...run }));
    let offset = this.#joiningOffset;
    for (let y = 0; y <= last; y++) {
      const row = this.#screen[y] as Row;
      if (!row.touched && !runs.length) continue;
      offset = Math.max(offset, row.offset);
      if (this.#screen[y + 1]?.wrapped) {
        runs.push(...row.runsBeforeWrap());
        continue;
      }
      runs.push(...row.runs());
      open.push({ offset, runs, complete: y < this.y });
      runs = [];
      offset = 0;
    }
    return open;
  }

  /** Finishes every line on the screen; the rows stay, to be finished again only when they change. */
  seal(): void {
    const last = this.#lastTouched();
    for (let y = 0; y <= last; y++) {
      const row = this.#screen[y] as Row;
      this.#leave(row, this.#screen[y + 1]);
      row.touched = false;
    }
    if (this.#joining.length) this.#finish(this.#joining, this.#joiningOffset);
    this.#joining = [];
    this.#joiningOffset = 0;
    for (const row of this.#screen) row.wrapped = false;
  }

  /** Finishes what stands on it and begins with an empty one. */
  clear(): void {
    this.seal();
    this.#screen = [new Row()];
    this.x = this.y = 0;
  }

  region(top: number, bottom: number): void {
    this.#top = top;
    this.#bottom = bottom;
  }

  move(x: number, y: number): void {
    this.y = Math.min(Math.max(0, y), this.rows - 1);
    this.x = Math.min(Math.max(0, x), this.cols - 1);
  }

  // ---- printing

  /** Characters of one column each. */
  printNarrow(text: string, style: CellStyle, offset: number): void {
    let rest = text;
    while (rest.length) {
      if (this.x >= this.cols) {
        if (this.wraps) this.#wrapLine();
        else this.x = this.cols - 1;
      }
      const room = this.cols - this.x;
      let part = rest.length <= room ? rest : rest.slice(0, room);
      // without wrapping every further character replaces the one in the last column
      if (!this.wraps && rest.length > room) part = rest.slice(0, room - 1) + rest.slice(-1);
      this.#row().put(this.x, part, part.length, style, offset);
      this.x += part.length;
      if (!this.wraps) return;
      rest = rest.slice(part.length);
    }
  }

  /** Text whose characters differ in width. */
  print(text: string, style: CellStyle, offset: number): void {
    let part = "";
    let width = 0;
    const put = () => {
      if (part) this.#row().put(this.x, part, width, style, offset);
      this.x += width;
    };
    for (const char of text) {
      const columns = charWidth(char.codePointAt(0) as number);
      if (columns === 0) {
        if (part) part += isCrowded(part) ? "" : char;
        else this.#row().combine(this.x, char);
        continue;
      }
      if (this.x + width + columns > this.cols) {
        put();
        part = "";
        width = 0;
        // the column that is too few for it is blanked
        this.#row().erase(this.x, this.cols, style);
        if (this.wraps) this.#wrapLine(this.x);
        else this.x = Math.max(0, this.cols - columns);
      }
      part += char;
      width += columns;
    }
    put();
  }

  lineFeed(offset: number): void {
    const row = this.#row();
    if (!row.touched) {
      row.touched = true;
      row.offset = offset;
    }
    this.#down();
    // reached by a line feed, a row begins a line
    this.#row().wrapped = false;
  }

  reverseLineFeed(): void {
    if (this.y === this.#top) this.#insertRows(1, this.#top);
    else this.y = Math.max(0, this.y - 1);
  }

  #row(y: number = this.y): Row {
    while (this.#screen.length <= y) this.#screen.push(new Row());
    return this.#screen[y] as Row;
  }

  /** @param at where the line goes on below: a wide character that did not fit has left the last column. */
  #wrapLine(at = this.cols): void {
    this.#row().touched = true;
    this.#row().wrapsAt = at;
    this.#down(true);
    this.x = 0;
    this.#row().wrapped = true;
  }

  #down(wraps = false): void {
    if (this.y === this.#bottom) this.#scroll(1, wraps);
    else if (this.y < this.rows - 1) this.y++;
    this.#row();
  }

  /** @param wraps the new row goes on: on a screen of one row it is what follows the row that leaves. */
  #scroll(count: number, wraps = false): void {
    for (let i = 0; i < Math.min(count, this.rows); i++) {
      this.#row(this.#bottom);
      const fresh = new Row();
      fresh.wrapped = wraps;
      if (this.#top === 0 && this.#bottom === this.#screen.length - 1) {
        const gone = this.#screen.shift() as Row;
        this.#screen.push(fresh);
        this.#leave(gone, this.#screen[0]);
        continue;
      }
      const [gone] = this.#screen.splice(this.#top, 1);
      this.#screen.splice(this.#bottom, 0, fresh);
      if (gone) this.#leave(gone, this.#screen[this.#top]);
    }
  }

  // ---- erasing and editing

  /** EL: 0 to the end of the row, 1 from its beginning, 2 all of it. */
  eraseInRow(what: number, style: CellStyle): void {
    eraseRow(this.#row(), what, this.x, style);
  }

  /** ED: 0 to the end of the screen, 1 from its beginning, 2 all of it, 3 what has scrolled off. */
  eraseInScreen(what: number, style: CellStyle): void {
    if (what >= 2 || (what === 0 && this.x === 0 && this.y === 0)) {
      // a screen that is wiped was read by someone: what stood there is part of the log
      this.seal();
      if (what !== 3) this.#screen = this.#screen.map(() => new Row());
    } else if (what === 0) {
      this.#row().erase(this.x, Number.POSITIVE_INFINITY, style);
      this.#screen.length = this.y + 1;
    } else {
      this.#row().erase(0, this.x + 1, style);
      for (let y = 0; y < this.y; y++) this.#screen[y] = new Row();
    }
  }

  /** Sequences that move what stands in the row or the rows themselves, by their final byte. */
  edit(final: number, n: number, style: CellStyle): void {
    editRow(this.#row(), final, Math.min(this.x, this.cols - 1), n, this.cols, style);
    if (final === 0x4c)
      this.#insertRows(n, this.y); // L
    else if (final === 0x4d)
      this.#deleteRows(n); // M
    else if (final === 0x53)
      this.#scroll(n); // S
    else if (final === 0x54) this.#insertRows(n, this.#top); // T
  }

  #insertRows(count: number, at: number): void {
    if (at < this.#top || at > this.#bottom) return;
    const n = Math.min(count, this.#bottom - at + 1);
    this.#row(this.#bottom);
    this.#screen.splice(this.#bottom - n + 1, n);
    this.#screen.splice(at, 0, ...Array.from({ length: n }, () => new Row()));
  }

  #deleteRows(count: number): void {
    if (this.y < this.#top || this.y > this.#bottom) return;
    const n = Math.min(count, this.#bottom - this.y + 1);
    this.#row(this.#bottom);
    this.#screen.splice(this.y, n);
    this.#screen.splice(this.#bottom - n + 1, 0, ...Array.from({ length: n }, () => new Row()));
  }

  // ---- finishing lines

  #lastTouched(): number {
    return this.#screen.findLastIndex((row) => row.touched);
  }

  /** A row leaves the screen at its top: its line is finished unless it goes on in `next`. */
  #leave(row: Row, next: Row | undefined): void {
    if (!row.touched && !this.#joining.length) return;
    this.#joiningOffset = Math.max(this.#joiningOffset, row.offset);
    if (next?.wrapped) {
      this.#joining.push(...row.runsBeforeWrap());
      if (lengthOf(this.#joining) < longestLine) return;
    } else this.#joining.push(...row.runs());
    this.#finish(this.#joining, this.#joiningOffset);
    this.#joining = [];
    this.#joiningOffset = 0;
  }
}

/** EL in a row whose cursor is in column `x`. */
export function eraseRow(row: Row, what: number, x: number, style: CellStyle): void {
  // wiped from its beginning, a row is no longer the end of the one above
  if (what === 2 || (what === 0 && x === 0)) row.wrapped = false;
  row.erase(what === 0 ? x : 0, what === 1 ? x + 1 : Number.POSITIVE_INFINITY, style);
}

/** ECH, DCH and ICH at column `x` of a row. */
export function editRow(row: Row, final: number, x: number, n: number, cols: number, style: CellStyle): void {
  if (final === 0x58)
    row.erase(x, x + n, style); // X
  else if (final === 0x50)
    row.remove(x, n); // P
  else if (final === 0x40) row.insert(x, n, cols, style); // @
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.text.length, 0);
}
