// The lines of a log: what a program printed, without what it drew. A function of the bytes and sizes alone, that can stop and go on anywhere.
import { charWidth, textWidth } from "./char-width.ts";
import { Row, type Run } from "./row.ts";
import { Chunk, type Params, type ParserState, type SequenceHandler, SequenceParser } from "./sequence-parser.ts";
import { applySgr, plain, type Style } from "./style.ts";

/** A line without an end is cut into pieces of this many characters, so that memory stays bounded. */
const longestLine = 1 << 16;
/** A cursor that was saved and not restored for so many bytes was not saved to draw a footer (falcon's takes 3 KB, at most 60 KB). */
const longestFooter = 256 << 10;
/** A bottom margin above this is an idiom for the whole screen, not a terminal that was so tall a moment ago. */
const mostRowsSeen = 300;
/** Rows kept of a terminal of any height. */
const mostRows = 1000;

/** A finished line of the log. */
export interface LogLine {
  /** Counts from 0, without gaps. */
  number: number;
  /** Where in the stream it was last written to. */
  offset: number;
  runs: Run[];
}

/** A row whose content may still change, with whether it has been left by a line feed. */
export interface OpenLine extends LogLine {
  complete: boolean;
}

/** Everything that a reader knows, as plain data; `LineReader.from` goes on from it. */
export interface ReaderState {
  version: 1;
  parser: ParserState;
  offset: number;
  number: number;
  cols: number;
  rows: number;
  screen: { runs: [string, string][]; width: number; wrapped: boolean; wrapsAt: number; touched: boolean; offset: number }[];
  joining: [string, string][];
  joiningOffset: number;
  x: number;
  y: number;
  top: number;
  bottom: number;
  sgr: string;
  wrap: boolean;
  graphics: [boolean, boolean];
  shifted: boolean;
  saved: SavedState | null;
  drawn: (PlaceState & { region: boolean; saved: (PlaceState & SavedState & { since: number }) | null }) | null;
  last: string;
}
interface SavedState {
  x: number;
  y: number;
  sgr: string;
  graphics: [boolean, boolean];
  shifted: boolean;
}
interface PlaceState {
  runs: [string, string][];
  width: number;
  offset: number;
  x: number;
  y: number;
  flow: boolean;
  afterLine: boolean;
}

/** The cursor as ESC 7 or CSI s saves it. */
interface Saved {
  x: number;
  y: number;
  style: Style;
  graphics: [boolean, boolean];
  shifted: boolean;
}

/** A place on the alternate screen. */
interface Place {
  row: Row;
  x: number;
  y: number;
  /** The cursor came to its row by printing, or by a move outside of save and restore: what a line feed ends here is a line. */
  flow: boolean;
  /** The last line was ended in this very place, so that an empty one after it is part of the same message. */
  afterLine: boolean;
}

/** The alternate screen: lines are what is printed there and ended by a line feed while a scroll region is set. */
interface Drawn extends Place {
  /** The program has set a scroll region that is not the whole screen. */
  region: boolean;
  /** What the cursor goes back to; `since` is the offset at which it was saved. */
  saved: (Place & Saved & { since: number }) | null;
}

const graphicsMap = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

/**
 * Reads a stream as a terminal would, as far as lines need it.
 *
 * On the normal screen a line is finished when it scrolls off the top, or when it is about to be cleared: until then a progress bar
 * may still write over it. On the alternate screen only what flows through a scroll region is a log (falcon's driver lines, between its footers);
 * there a line is finished by its line feed, wherever a later resize may have put the row, so none is lost and none is seen twice.
 */
export class LineReader implements SequenceHandler {
  readonly #parser: SequenceParser;
  #offset = 0;
  #out: LogLine[] = [];
  #number = 0;
  #cols: number;
  #rows: number;
  #screen: Row[] = [new Row()];
  #joining: Run[] = [];
  #joiningOffset = 0;
  #x = 0;
  #y = 0;
  #top = 0;
  #bottom: number;
  #style: Style = plain;
  #wrap = true;
  #graphics: [boolean, boolean] = [false, false];
  #shifted = false;
  #saved: Saved | null = null;
  #drawn: Drawn | null = null;
  /** The last character printed, for REP. */
  #last = "";

  constructor(cols: number, rows: number, from?: ReaderState) {
    this.#parser = new SequenceParser(this, from?.parser);
    this.#cols = Math.max(1, cols);
    this.#rows = Math.min(mostRows, Math.max(1, rows));
    this.#bottom = this.#rows - 1;
    if (from) this.#restore(from);
  }

  /** Goes on from a state. Throws when it is of another version. */
  static from(state: ReaderState): LineReader {
    if (state.version !== 1) throw new Error("a line reader's state of another version");
    return new LineReader(state.cols, state.rows, state);
  }

  /** The next byte that it has to be fed. */
  get offset(): number {
    return this.#offset;
  }

  /** Lines that are finished so far. */
  get count(): number {
    return this.#number;
  }

  /** The stream's beginning is gone: the next byte is this one. Only before the first one was fed. */
  startAt(offset: number): void {
    this.#offset = offset;
  }

  /** What the program said in the part that is gone, as far as it matters; these bytes are not counted. */
  assume(bytes: Buffer): void {
    const offset = this.#offset;
    this.feed(bytes);
    this.#offset = offset;
  }

  /** Takes the next bytes of the stream and answers the lines that they finished. */
  feed(bytes: Buffer, offset: number = this.#offset): LogLine[] {
    this.#parser.feed(bytes, offset);
    this.#offset = offset + bytes.length;
    return this.#taken();
  }

  /** Bytes that are missing: what was begun ends here. Answers the lines that this finished. */
  skip(length: number): LogLine[] {
    this.#parser.reset();
    this.#offset += length;
    if (this.#drawn) this.#drawn = { ...freshDrawn(), region: this.#drawn.region };
    else {
      this.#seal();
      this.#screen = [new Row()];
      this.#x = this.#y = 0;
    }
    return this.#taken();
  }

  /** The terminal has another size from here on. Answers the lines that no longer fit. */
  resize(cols: number, rows: number): LogLine[] {
    const before = this.#rows;
    this.#cols = Math.max(1, cols);
    this.#rows = Math.min(mostRows, Math.max(1, rows));
    while (this.#screen.length > this.#rows) {
      if (this.#y < this.#screen.length - 1 && !this.#screen.at(-1)?.touched) this.#screen.pop();
      else {
        this.#leave(this.#screen.shift() as Row, this.#screen[0]);
        this.#y = Math.max(0, this.#y - 1);
      }
    }
    this.#y = Math.min(this.#y, this.#rows - 1);
    this.#x = Math.min(this.#x, this.#cols);
    // a region keeps its distance to the bottom edge, as the screen does it
    this.#bottom = Math.max(0, this.#rows - (before - this.#bottom));
    if (this.#top >= this.#bottom) {
      this.#top = 0;
      this.#bottom = this.#rows - 1;
    }
    return this.#taken();
  }

  /** The lines that stand on the screen and are not finished; their numbers go on from the finished ones. */
  open(): OpenLine[] {
    const open: OpenLine[] = [];
    if (this.#drawn) {
      const { row, flow } = this.#drawn.saved ?? this.#drawn;
      if (flow && this.#drawn.region && !row.blank) {
        open.push({ number: this.#number, offset: row.offset, runs: row.runs(), complete: false });
      }
      return open;
    }
    let last = this.#screen.length - 1;
    while (last >= 0 && !this.#screen[last]?.touched) last--;
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
      open.push({ number: this.#number + open.length, offset, runs, complete: y < this.#y });
      runs = [];
      offset = 0;
    }
    return open;
  }

  /** The program has ended, or nobody waits for more: finishes what stands on the screen. */
  end(): LogLine[] {
    if (this.#drawn) {
      for (const { offset, runs } of this.open()) this.#emit(runs, offset);
      this.#drawn = { ...freshDrawn(), region: this.#drawn.region };
    } else this.#seal();
    return this.#taken();
  }

  state(): ReaderState {
    const drawn = this.#drawn;
    return {
      version: 1,
      parser: this.#parser.state(),
      offset: this.#offset,
      number: this.#number,
      cols: this.#cols,
      rows: this.#rows,
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
      x: this.#x,
      y: this.#y,
      top: this.#top,
      bottom: this.#bottom,
      sgr: this.#style.sgr,
      wrap: this.#wrap,
      graphics: [...this.#graphics],
      shifted: this.#shifted,
      saved: this.#saved ? savedState(this.#saved) : null,
      drawn: drawn && {
        ...placeState(drawn),
        region: drawn.region,
        saved: drawn.saved && { ...placeState(drawn.saved), ...savedState(drawn.saved), since: drawn.saved.since },
      },
      last: this.#last,
    };
  }

  // ---- what the parser finds

  text(chunk: Chunk, from: number, to: number, ascii: boolean, offset: number): void {
    const drawn = this.#drawn;
    if (drawn) {
      if (!drawn.flow || !drawn.region || drawn.row.width > longestLine) return;
      const text = this.#decoded(chunk, from, to, ascii);
      const width = ascii ? text.length : textWidth(text);
      drawn.row.put(drawn.x, text, width, this.#style, offset);
      drawn.x += width;
      return;
    }
    let text = this.#decoded(chunk, from, to, ascii);
    this.#last = text.slice(ascii ? -1 : -2);
    if (!ascii) {
      this.#printWide(text, offset);
      return;
    }
    while (text.length) {
      if (this.#x >= this.#cols) {
        if (this.#wrap) this.#wrapLine();
        else this.#x = this.#cols - 1;
      }
      const part = text.length <= this.#cols - this.#x ? text : text.slice(0, this.#cols - this.#x);
      this.#row().put(this.#x, part, part.length, this.#style, offset);
      this.#x += part.length;
      text = text.slice(part.length);
      if (!this.#wrap && this.#x >= this.#cols) return;
    }
  }

  control(code: number, offset: number): void {
    if (code === 0x0a || code === 0x0b || code === 0x0c || code === 0x84) this.#lineFeed(offset);
    else if (code === 0x0d) this.#column(0);
    else if (code === 0x85) {
      this.#lineFeed(offset);
      this.#column(0);
    } else if (code === 0x08) this.#column(Math.max(0, Math.min(this.#at(), this.#cols - 1) - 1));
    else if (code === 0x09) {
      const x = this.#at();
      if (x < this.#cols || this.#drawn) this.#column(Math.min(Math.max(x, this.#cols - 1), (Math.floor(x / 8) + 1) * 8));
    } else if (code === 0x0e) this.#shifted = true;
    else if (code === 0x0f) this.#shifted = false;
    else if (code === 0x8d) this.#reverseLineFeed();
  }

  esc(final: number, intermediate: number): void {
    if (intermediate === 0x28 || intermediate === 0x29) {
      this.#graphics[intermediate - 0x28] = final === 0x30;
      return;
    }
    if (intermediate) return;
    if (final === 0x37) this.#save();
    else if (final === 0x38) this.#restoreCursor();
    else if (final === 0x44) this.#lineFeed(this.#offset);
    else if (final === 0x45) {
      this.#lineFeed(this.#offset);
      this.#column(0);
    } else if (final === 0x4d) this.#reverseLineFeed();
    else if (final === 0x63) this.#reset();
  }

  csi(final: number, prefix: number, intermediate: number, params: Params): void {
    if (prefix === 0x3f && !intermediate) {
      if (final === 0x68 || final === 0x6c)
        for (const mode of params.values.subarray(0, params.count)) this.#mode(mode, final === 0x68);
      else if (final === 0x4a || final === 0x4b) this.#erase(final, params.values[0] as number);
      return;
    }
    if (intermediate === 0x21 && final === 0x70) {
      this.#style = plain; // DECSTR
      this.#wrap = true;
      this.#region(0, this.#rows - 1);
    }
    if (prefix || intermediate) return;
    const first = params.values[0] as number;
    const second = params.count > 1 ? (params.values[1] as number) : -1;
    const n = Math.max(1, first);
    switch (final) {
      case 0x6d: // m
        this.#style = applySgr(this.#style, params);
        return;
      case 0x48: // H
      case 0x66: // f
        this.#move(Math.max(1, second) - 1, n - 1);
        return;
      case 0x4a: // J
      case 0x4b: // K
        this.#erase(final, first);
        return;
      case 0x41: // A
        return this.#move(this.#at(), this.#line() - n);
      case 0x42: // B
      case 0x65: // e
        return this.#move(this.#at(), this.#line() + n);
      case 0x43: // C
      case 0x61: // a
        return this.#column(Math.min(this.#cols - 1, this.#at() + n));
      case 0x44: // D
        return this.#column(Math.max(0, Math.min(this.#at(), this.#cols - 1) - n));
      case 0x45: // E
        return this.#move(0, this.#line() + n);
      case 0x46: // F
        return this.#move(0, this.#line() - n);
      case 0x47: // G
      case 0x60: // `
        return this.#column(Math.min(this.#cols - 1, n - 1));
      case 0x64: // d
        return this.#move(this.#at(), n - 1);
      case 0x72: // r
        return this.#setRegion(n, second);
      case 0x73: // s
        return this.#save();
      case 0x75: // u
        return this.#restoreCursor();
      default:
        this.#edit(final, n);
    }
  }

  // ---- the cursor

  #at(): number {
    return this.#drawn ? this.#drawn.x : this.#x;
  }

  #line(): number {
    return this.#drawn ? this.#drawn.y : this.#y;
  }

  #column(x: number): void {
    if (this.#drawn) this.#drawn.x = x;
    else this.#x = x;
  }

  #move(x: number, y: number): void {
    const drawn = this.#drawn;
    if (!drawn) {
      this.#y = Math.min(Math.max(0, y), this.#rows - 1);
      this.#x = Math.min(Math.max(0, x), this.#cols - 1);
      return;
    }
    const row = Math.min(Math.max(0, y), mostRows);
    if (drawn.saved && this.#offset - drawn.saved.since > longestFooter) drawn.saved = null;
    if (drawn.saved || row !== drawn.y) {
      drawn.row = new Row();
      drawn.afterLine = false;
    }
    drawn.flow = !drawn.saved;
    drawn.y = row;
    drawn.x = Math.max(0, x);
  }

  #save(): void {
    const look = { style: this.#style, graphics: [...this.#graphics] as [boolean, boolean], shifted: this.#shifted };
    const d = this.#drawn;
    if (d) {
      d.saved = { ...look, row: d.row, x: d.x, y: d.y, flow: d.flow, afterLine: d.afterLine, since: this.#offset };
      // on a terminal lower than the footer the program's moves are invalid, and it draws into this very row
      d.row = Object.assign(Row.from(d.row.wholeRuns(), d.row.width), { offset: d.row.offset });
    } else this.#saved = { ...look, x: this.#x, y: this.#y };
  }

  #restoreCursor(): void {
    const d = this.#drawn;
    const saved = d ? d.saved : this.#saved;
    this.#style = saved?.style ?? plain;
    this.#graphics = [...(saved?.graphics ?? ([false, false] as const))] as [boolean, boolean];
    this.#shifted = saved?.shifted ?? false;
    if (!d) {
      this.#x = Math.min(saved?.x ?? 0, this.#cols);
      this.#y = Math.min(saved?.y ?? 0, this.#rows - 1);
    } else if (d.saved) {
      const { row, x, y, flow, afterLine } = d.saved;
      Object.assign(d, { row, x, y, flow, afterLine, saved: null });
    } else this.#move(0, 0);
  }

  #setRegion(top: number, bottom: number): void {
    const last = Math.min(bottom <= 0 ? this.#rows : bottom, this.#rows);
    // DECSTBM homes the cursor; with a region of no height it does nothing
    if (top - 1 >= last - 1) return;
    if (this.#drawn) {
      // a bottom below the screen: the terminal became smaller between the program's look and its word
      this.#drawn.region = top > 1 || last < this.#rows || (bottom > this.#rows && bottom <= mostRowsSeen);
      this.#move(0, 0);
      return;
    }
    this.#region(top - 1, last - 1);
    this.#move(0, 0);
  }

  #region(top: number, bottom: number): void {
    if (this.#drawn) {
      this.#drawn.region = false;
      return;
    }
    this.#top = top;
    this.#bottom = bottom;
  }

  // ---- printing

  #decoded(chunk: Chunk, from: number, to: number, ascii: boolean): string {
    const text = ascii ? chunk.ascii(from, to) : chunk.utf8(from, to);
    if (!this.#graphics[this.#shifted ? 1 : 0]) return text;
    return text.replace(/[`-~]/g, (c) => graphicsMap[c.charCodeAt(0) - 0x60] as string);
  }

  /** Text whose characters differ in width. */
  #printWide(text: string, offset: number): void {
    let part = "";
    let width = 0;
    for (const char of text) {
      const columns = charWidth(char.codePointAt(0) as number);
      if (columns === 0) {
        if (part) part += char;
        else this.#row().combine(this.#x, char);
        continue;
      }
      if (this.#x + width + columns > this.#cols) {
        this.#putPart(part, width, offset);
        part = "";
        width = 0;
        // the column that is too few for it is blanked
        this.#row().erase(this.#x, this.#cols, this.#style);
        if (this.#wrap) this.#wrapLine();
        else this.#x = Math.max(0, this.#cols - columns);
      }
      part += char;
      width += columns;
    }
    this.#putPart(part, width, offset);
  }

  #putPart(text: string, width: number, offset: number): void {
    if (text) this.#row().put(this.#x, text, width, this.#style, offset);
    this.#x += width;
  }

  #repeat(count: number): void {
    if (!this.#last) return;
    const bytes = Buffer.from(this.#last.repeat(Math.min(count, this.#cols)));
    this.text(new Chunk(bytes), 0, bytes.length, false, this.#offset);
  }

  #row(y: number = this.#y): Row {
    while (this.#screen.length <= y) this.#screen.push(new Row());
    return this.#screen[y] as Row;
  }

  #wrapLine(): void {
    this.#row().touched = true;
    this.#row().wrapsAt = this.#cols;
    this.#down();
    this.#x = 0;
    this.#row().wrapped = true;
  }

  #lineFeed(offset: number): void {
    const d = this.#drawn;
    if (!d) {
      const row = this.#row();
      if (!row.touched) {
        row.touched = true;
        row.offset = offset;
      }
      this.#down();
      // reached by a line feed, a row begins a line
      this.#row().wrapped = false;
      return;
    }
    if (d.flow && d.region) {
      const blank = d.row.blank;
      if (!blank || d.afterLine) {
        this.#emit(d.row.runs(), blank ? offset : d.row.offset);
        d.afterLine = true;
      }
    }
    d.row = new Row();
  }

  #down(): void {
    if (this.#y === this.#bottom) this.#scroll(1);
    else if (this.#y < this.#rows - 1) this.#y++;
    this.#row();
  }

  #scroll(count: number): void {
    for (let i = 0; i < Math.min(count, this.#rows); i++) {
      this.#row(this.#bottom);
      if (this.#top === 0 && this.#bottom === this.#screen.length - 1) {
        const gone = this.#screen.shift() as Row;
        this.#screen.push(new Row());
        this.#leave(gone, this.#screen[0]);
        continue;
      }
      const [gone] = this.#screen.splice(this.#top, 1);
      this.#screen.splice(this.#bottom, 0, new Row());
      if (gone) this.#leave(gone, this.#screen[this.#top]);
    }
  }

  #reverseLineFeed(): void {
    if (this.#drawn) this.#move(this.#drawn.x, this.#drawn.y - 1);
    else if (this.#y === this.#top) this.#insertRows(1, this.#top);
    else this.#y = Math.max(0, this.#y - 1);
  }

  // ---- erasing and editing

  #erase(final: number, param: number): void {
    const what = Math.max(0, param);
    const x = this.#at();
    if (final === 0x4b) {
      const row = this.#drawn?.row ?? this.#row();
      // wiped from its beginning, a row is no longer the end of the one above
      if (what === 2 || (what === 0 && x === 0)) row.wrapped = false;
      row.erase(what === 0 ? x : 0, what === 1 ? x + 1 : Number.POSITIVE_INFINITY, this.#style);
      return;
    }
    if (this.#drawn) return;
    if (what >= 2 || (what === 0 && this.#x === 0 && this.#y === 0)) {
      // a screen that is wiped was read by someone: what stood there is part of the log
      this.#seal();
      if (what !== 3) this.#screen = this.#screen.map(() => new Row());
    } else if (what === 0) {
      this.#row().erase(x, Number.POSITIVE_INFINITY, this.#style);
      this.#screen.length = this.#y + 1;
    } else {
      this.#row().erase(0, x + 1, this.#style);
      for (let y = 0; y < this.#y; y++) this.#screen[y] = new Row();
    }
  }

  #edit(final: number, n: number): void {
    const d = this.#drawn;
    const row = d ? d.row : this.#row();
    const x = d ? d.x : Math.min(this.#x, this.#cols - 1);
    if (final === 0x58)
      row.erase(x, x + n, this.#style); // X
    else if (final === 0x50)
      row.remove(x, n); // P
    else if (final === 0x40)
      row.insert(x, n, this.#cols, this.#style); // @
    else if (final === 0x62) this.#repeat(n); // b
    if (d) return;
    if (final === 0x4c)
      this.#insertRows(n, this.#y); // L
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
    if (this.#y < this.#top || this.#y > this.#bottom) return;
    const n = Math.min(count, this.#bottom - this.#y + 1);
    this.#row(this.#bottom);
    this.#screen.splice(this.#y, n);
    this.#screen.splice(this.#bottom - n + 1, 0, ...Array.from({ length: n }, () => new Row()));
  }

  // ---- modes

  #mode(mode: number, on: boolean): void {
    if (mode === 7) this.#wrap = on;
    else if (mode === 1048 && on) this.#save();
    else if (mode === 1048) this.#restoreCursor();
    else if (mode === 47 || mode === 1047 || mode === 1049) this.#alternate(on, mode === 1049);
  }

  #alternate(on: boolean, cursorToo: boolean): void {
    if (on === (this.#drawn !== null)) return;
    if (on) {
      if (cursorToo) this.#save();
      // what was printed before comes before what scrolls through the alternate screen
      this.#seal();
      this.#drawn = freshDrawn();
    } else {
      this.#drawn = null;
      if (cursorToo) this.#restoreCursor();
    }
  }

  #reset(): void {
    this.#drawn = null;
    this.#seal();
    this.#screen = [new Row()];
    this.#x = this.#y = this.#top = 0;
    this.#bottom = this.#rows - 1;
    this.#style = plain;
    this.#wrap = true;
    this.#graphics = [false, false];
    this.#shifted = false;
    this.#saved = null;
  }

  // ---- finishing lines

  /** A row leaves the screen at its top: its line is finished unless it goes on in `next`. */
  #leave(row: Row, next: Row | undefined): void {
    if (!row.touched && !this.#joining.length) return;
    this.#joiningOffset = Math.max(this.#joiningOffset, row.offset);
    if (next?.wrapped) {
      this.#joining.push(...row.runsBeforeWrap());
      if (lengthOf(this.#joining) < longestLine) return;
    } else this.#joining.push(...row.runs());
    this.#emit(this.#joining, this.#joiningOffset);
    this.#joining = [];
    this.#joiningOffset = 0;
  }

  /** Finishes every line on the screen; the rows stay, to be finished again only when they change. */
  #seal(): void {
    let last = this.#screen.length - 1;
    while (last >= 0 && !this.#screen[last]?.touched) last--;
    for (let y = 0; y <= last; y++) {
      const row = this.#screen[y] as Row;
      this.#leave(row, this.#screen[y + 1]);
      row.touched = false;
    }
    if (this.#joining.length) this.#emit(this.#joining, this.#joiningOffset);
    this.#joining = [];
    this.#joiningOffset = 0;
    for (const row of this.#screen) row.wrapped = false;
  }

  #emit(runs: readonly Run[], offset: number): void {
    const joined: Run[] = [];
    for (const run of runs) {
      const last = joined.at(-1);
      if (last && last.style === run.style) last.text += run.text;
      else joined.push({ ...run });
    }
    this.#out.push({ number: this.#number++, offset, runs: joined });
  }

  #taken(): LogLine[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #restore(from: ReaderState): void {
    this.#offset = from.offset;
    this.#number = from.number;
    this.#screen = from.screen.map((r) => {
      const row = Row.from(unpacked(r.runs), r.width);
      return Object.assign(row, { wrapped: r.wrapped, wrapsAt: r.wrapsAt, touched: r.touched, offset: r.offset });
    });
    this.#joining = unpacked(from.joining);
    this.#joiningOffset = from.joiningOffset;
    this.#x = from.x;
    this.#y = from.y;
    this.#top = from.top;
    this.#bottom = from.bottom;
    this.#style = styleOf(from.sgr);
    this.#wrap = from.wrap;
    this.#graphics = [...from.graphics];
    this.#shifted = from.shifted;
    this.#last = from.last;
    this.#saved = from.saved && savedFrom(from.saved);
    const { drawn } = from;
    if (!drawn) return;
    const { saved } = drawn;
    this.#drawn = {
      ...placeFrom(drawn),
      region: drawn.region,
      saved: saved && { ...placeFrom(saved), ...savedFrom(saved), since: saved.since },
    };
  }
}

function freshDrawn(): Drawn {
  return { region: false, flow: true, row: new Row(), x: 0, y: 0, afterLine: false, saved: null };
}

function placeState(place: Place): PlaceState {
  const { row, x, y, flow, afterLine } = place;
  return { runs: packed(row.wholeRuns()), width: row.width, offset: row.offset, x, y, flow, afterLine };
}

function placeFrom({ runs, width, offset, x, y, flow, afterLine }: PlaceState): Place {
  return { row: Object.assign(Row.from(unpacked(runs), width), { offset }), x, y, flow, afterLine };
}

function savedState({ x, y, style, graphics, shifted }: Saved): SavedState {
  return { x, y, sgr: style.sgr, graphics: [...graphics], shifted };
}

function savedFrom({ x, y, sgr, graphics, shifted }: SavedState): Saved {
  return { x, y, style: styleOf(sgr), graphics: [...graphics], shifted };
}

function lengthOf(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.text.length, 0);
}

function packed(runs: readonly Run[]): [string, string][] {
  return runs.map(({ text, style }) => [text, style.sgr]);
}

function unpacked(runs: readonly [string, string][]): Run[] {
  return runs.map(([text, sgr]) => ({ text, style: styleOf(sgr) }));
}

/** The style that its own sequence sets. */
function styleOf(sgr: string): Style {
  let style = plain;
  new SequenceParser({
    text() {},
    control() {},
    esc() {},
    csi(_final, _prefix, _intermediate, params) {
      style = applySgr(plain, params);
    },
  }).feed(Buffer.from(sgr), 0);
  return style;
}
