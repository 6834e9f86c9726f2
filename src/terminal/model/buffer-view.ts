// One buffer of an xterm.js terminal, read and set in place: its lines, cursor, region, tabs, and how rows
// move.
import { Content, type Row, slots } from "./cells.ts";
import type { Charset, CoreAttributes, CoreBuffer, CoreExtended, CoreLine } from "./xterm-core.ts";

/** Which of the two buffers. */
export type Which = "normal" | "alternate";

/** What a buffer needs of the terminal that it belongs to. */
export interface BufferOwner {
  readonly cols: number;
  coreBuffer(which: Which): CoreBuffer;
  plainAttributes(): CoreAttributes;
  extended(underline: number, link: number): CoreExtended;
  charsetName(table: Charset | undefined): string;
  charsetTable(name: string): Charset | undefined;
}

class RowView implements Row {
  readonly #line: CoreLine;
  readonly data: Uint32Array;
  readonly length: number;
  readonly wrapped: boolean;

  constructor(line: CoreLine) {
    this.#line = line;
    this.data = line._data;
    this.length = line.length;
    this.wrapped = line.isWrapped;
  }

  combined(x: number): string {
    return this.#line._combined[x] ?? "";
  }

  underline(x: number): number {
    return this.#line._extendedAttrs[x]?._ext ?? 0;
  }

  link(x: number): number {
    return this.#line._extendedAttrs[x]?._urlId ?? 0;
  }
}

/**
 * What stands in a saved cursor of xterm.js. `y` counts from the top of the screen and may lie above or below
 * it.
 */
export interface SavedCursor {
  x: number;
  y: number;
  fg: number;
  bg: number;
  charset: string;
}

/** A line with everything that a cell can hold, for putting a stored screen back. */
export interface StoredLine {
  /** All slots of all columns; becomes the line's own. */
  data: Uint32Array;
  wrapped: boolean;
  combined: [x: number, text: string][];
  extended: [x: number, underline: number, link: number][];
}

/** One buffer, read and set in place. */
export class BufferView {
  readonly #owner: BufferOwner;
  readonly #which: Which;

  constructor(owner: BufferOwner, which: Which) {
    this.#owner = owner;
    this.#which = which;
  }

  get #core(): CoreBuffer {
    return this.#owner.coreBuffer(this.#which);
  }

  get x(): number {
    return this.#core.x;
  }

  get y(): number {
    return this.#core.y;
  }

  /** Lines of scrollback above the screen. */
  get base(): number {
    return this.#core.ybase;
  }

  /** First and last row of the scroll region, from 0. */
  get top(): number {
    return this.#core.scrollTop;
  }

  get bottom(): number {
    return this.#core.scrollBottom;
  }

  /** Lines in all; 0 in an alternate buffer that is not in use. */
  get length(): number {
    return this.#core.lines.length;
  }

  line(index: number): Row {
    const line = this.#core.lines.get(index);
    if (line === undefined) throw new RangeError(`line ${index} of ${this.length}`);
    return new RowView(line);
  }

  /** Columns with a tab stop, ascending; may hold columns right of the edge. */
  get tabs(): number[] {
    const { tabs } = this.#core;
    return Object.keys(tabs)
      .map(Number)
      .filter((x) => tabs[x] === true);
  }

  get saved(): SavedCursor {
    const { savedX, savedY, ybase, savedCurAttrData, savedCharset } = this.#core;
    return {
      x: savedX,
      y: savedY - ybase,
      fg: savedCurAttrData.fg,
      bg: savedCurAttrData.bg,
      charset: this.#owner.charsetName(savedCharset),
    };
  }

  setCursor(x: number, y: number): void {
    this.#core.x = x;
    this.#core.y = y;
  }

  setRegion(top: number, bottom: number): void {
    this.#core.scrollTop = top;
    this.#core.scrollBottom = bottom;
  }

  setTabs(columns: readonly number[]): void {
    this.#core.tabs = Object.fromEntries(columns.map((x) => [x, true]));
  }

  setSaved(saved: SavedCursor): void {
    const core = this.#core;
    core.savedX = saved.x;
    core.savedY = saved.y + core.ybase;
    core.savedCurAttrData.fg = saved.fg;
    core.savedCurAttrData.bg = saved.bg;
    core.savedCharset = this.#owner.charsetTable(saved.charset);
  }

  /**
   * Replaces all lines; the screen begins at line `base`. More than the scrollback has room for go, from the
   * top.
   */
  setLines(lines: Iterable<StoredLine>, base: number): void {
    const core = this.#core;
    const { cols } = this.#owner;
    const plain = this.#owner.plainAttributes();
    core.lines.length = 0;
    const fill = core.getNullCell(plain);
    // made without cells, which would be filled one by one only to be replaced
    const BufferLine = core.getBlankLine(plain).constructor as new (cols: number, fill: unknown, wrapped: boolean) => CoreLine;
    let count = 0;
    for (const stored of lines) {
      count++;
      const line = new BufferLine(0, fill, stored.wrapped);
      line._data = stored.data;
      line.length = cols;
      for (const [x, text] of stored.combined) line._combined[x] = text;
      for (const [x, underline, link] of stored.extended) line._extendedAttrs[x] = this.#owner.extended(underline, link);
      core.lines.push(line);
    }
    core.ybase = Math.max(0, base - (count - core.lines.length));
    core.ydisp = core.ybase;
  }

  /**
   * After a change of size: cuts off what is right of the edge, gives an empty list of lines the length that
   * it may have, and blanks halves of
   * wide characters, which the reflow tears apart at some widths.
   */
  fitLines(cols: number, rows: number): void {
    const { lines } = this.#core;
    // xterm.js leaves an alternate screen that is not shown as high as it was, so that it scrolls into a
    // scrollback of its own
    if (lines.length === 0) lines.maxLength = this.#core._getCorrectBufferLength(rows);
    const fill = this.#core.getNullCell(this.#owner.plainAttributes());
    for (let i = 0; i < lines.length; i++) {
      const line = lines.get(i);
      if (line === undefined) continue;
      if (line.length > cols) line.resize(cols, fill);
      blankHalves(line._data, cols);
    }
  }

  /** Makes room for `count` lines in all, before rows are put in. */
  #roomFor(count: number): void {
    const { lines } = this.#core;
    if (lines.maxLength < count) lines.maxLength = count;
  }

  /** Takes rows of the screen out; those below move up, and the list of lines gets shorter. */
  removeRows(row: number, count: number): void {
    const core = this.#core;
    core.lines.splice(core.ybase + row, count);
  }

  /** Puts blank rows in; those below move down. */
  insertRows(row: number, count: number): void {
    const core = this.#core;
    this.#roomFor(core.lines.length + count);
    const blank = Array.from({ length: count }, () => core.getBlankLine(this.#owner.plainAttributes()));
    core.lines.splice(core.ybase + row, 0, ...blank);
  }

  /** For `Model.resize`: the last `count` rows are set aside while the rest is resized as if it were all. */
  resizeAboveFooter(cols: number, rows: number, count: number): void {
    const core = this.#core;
    const footer: CoreLine[] = [];
    const first = core.lines.length - count;
    for (let i = first; i < core.lines.length; i++) footer.push(core.lines.get(i) as CoreLine);
    core.lines.length = first;
    core._rows -= count;
    core.y = Math.min(core.y, core._rows - 1);
    // what has no room is cut off at its top
    const kept = footer.slice(Math.max(0, count - (rows - 1)));
    core.resize(cols, rows - kept.length);
    core._rows = rows;
    const plain = this.#owner.plainAttributes();
    this.#roomFor(core._getCorrectBufferLength(rows));
    while (core.lines.length < core.ybase + rows - kept.length) core.lines.push(core.getBlankLine(plain));
    core.lines.length = core.ybase + rows - kept.length;
    const fill = core.getNullCell(plain);
    for (const line of kept) {
      line.resize(cols, fill);
      core.lines.push(line);
    }
    core.scrollBottom = rows - 1;
  }
}

/** Makes a wide character without its right half, or a right half on its own, a blank. */
function blankHalves(data: Uint32Array, cols: number): void {
  for (let x = 0; x < cols; x++) {
    const content = data[x * slots] as number;
    const width = content >>> Content.widthShift;
    if (width === 1) continue;
    const next = x + 1 < cols ? (data[(x + 1) * slots] as number) : undefined;
    if (width === 2 && next !== undefined && next >>> Content.widthShift === 0 && (next & Content.any) === 0) x++;
    else if (width === 2 || (content & Content.any) === 0) data[x * slots] = 1 << Content.widthShift;
  }
}
