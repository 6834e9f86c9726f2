// The lines of a log: what a program printed, without what it drew. A function of the bytes and sizes alone,
// that can stop and go on anywhere.
// Long: one state machine over the tokens of a log.

import { Chunk, type Params, type TokenHandler, Tokenizer } from "../base/text/tokenizer.ts";
import { applySgr, defaultStyle } from "./cell-style.ts";
import { textWidth } from "./char-width.ts";
import { DrawnScreen } from "./drawn-screen.ts";
import { editRow, eraseRow, PrintedScreen } from "./printed-screen.ts";
import {
  copyOf,
  freshPen,
  type LogLine,
  type OpenLine,
  type PenState,
  type ReaderState,
  type Saved,
  savedFrom,
  savedState,
  styleOf,
} from "./reader-state.ts";
import { merged, type Run } from "./row.ts";

export type { LogLine, OpenLine, ReaderState } from "./reader-state.ts";

/**
 * A bottom margin above this is an idiom for the whole screen, not a terminal that was so tall a moment ago.
 */
const mostRowsSeen = 300;

const graphicsMap = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·";

/**
 * Reads a stream as a terminal would, as far as lines need it.
 *
 * On the normal screen (PrintedScreen) a line is finished when it scrolls off the top, or when it is about to
 * be cleared: until then a
 * progress bar may still write over it. On the alternate screen (DrawnScreen) only what flows through a
 * scroll region is a log (falcon's driver
 * lines, between its footers); there a line is finished by its line feed, wherever a later resize may have
 * put the row, so none is
 * lost and none is seen twice.
 */
export class LineReader implements TokenHandler {
  readonly #parser: Tokenizer;
  #offset = 0;
  #out: LogLine[] = [];
  #number = 0;
  readonly #printed: PrintedScreen;
  #drawn: DrawnScreen | null = null;
  #pen: PenState = freshPen();
  /** The normal screen's saved cursor. */
  #saved: Saved | null = null;
  /** The last character printed, for REP. */
  #last = "";

  constructor(cols: number, rows: number, from?: ReaderState) {
    this.#parser = new Tokenizer(this, from?.parser);
    this.#printed = new PrintedScreen(cols, rows, (runs, offset) => this.#finish(runs, offset));
    if (from === undefined) return;
    this.#offset = from.offset;
    this.#number = from.number;
    this.#printed.restore(from);
    this.#pen = { style: styleOf(from.sgr), graphics: [...from.graphics], shifted: from.shifted };
    this.#last = from.last;
    this.#saved = from.saved && savedFrom(from.saved);
    if (from.drawn) this.#drawn = this.#newDrawn(from.drawn);
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

  /**
   * The stream's beginning is gone: the next byte is this one. Only before the first one was fed.
   * @param assumed what the program said in the part that is gone, as far as it matters.
   */
  startAt(offset: number, assumed: string): void {
    this.feed(Buffer.from(assumed));
    this.#offset = offset;
  }

  /** Takes the next bytes of the stream and answers the lines that they finished. */
  feed(bytes: Buffer): LogLine[] {
    this.#parser.feed(bytes, this.#offset);
    this.#offset += bytes.length;
    return this.#taken();
  }

  /** Bytes that are missing: what was begun ends here. Answers the lines that this finished. */
  skip(length: number): LogLine[] {
    this.#parser.reset();
    this.#offset += length;
    if (this.#drawn) this.#redrawn(this.#drawn.region);
    else this.#printed.clear();
    return this.#taken();
  }

  /** The terminal has another size from here on. Answers the lines that no longer fit. */
  resize(cols: number, rows: number): LogLine[] {
    this.#printed.resize(cols, rows);
    return this.#taken();
  }

  /** The lines that stand on the screen and are not finished; their numbers go on from the finished ones. */
  open(): (LogLine & OpenLine)[] {
    return this.#screen.open().map((line, i) => ({ ...line, number: this.#number + i }));
  }

  /** The program has ended, or nobody waits for more: finishes what stands on the screen. */
  end(): LogLine[] {
    if (this.#drawn) {
      for (const { offset, runs } of this.#drawn.open()) this.#finish(runs, offset);
      this.#redrawn(this.#drawn.region);
    } else this.#printed.seal();
    return this.#taken();
  }

  state(): ReaderState {
    return {
      version: 1,
      parser: this.#parser.state(),
      offset: this.#offset,
      number: this.#number,
      ...this.#printed.state(),
      sgr: this.#pen.style.sgr,
      graphics: [...this.#pen.graphics],
      shifted: this.#pen.shifted,
      saved: this.#saved && savedState(this.#saved),
      drawn: this.#drawn?.state() ?? null,
      last: this.#last,
    };
  }

  // ---- what the parser finds

  text(chunk: Chunk, from: number, to: number, ascii: boolean, offset: number): void {
    const drawn = this.#drawn;
    if (drawn) {
      if (!drawn.takesText) return;
      const text = this.#decoded(chunk, from, to, ascii);
      drawn.print(text, ascii ? text.length : textWidth(text), this.#pen.style, offset);
      return;
    }
    const text = this.#decoded(chunk, from, to, ascii);
    // one character, which may be two units
    this.#last = ascii ? text.slice(-1) : ([...text.slice(-2)].at(-1) ?? "");
    if (ascii) this.#printed.printNarrow(text, this.#pen.style, offset);
    else this.#printed.print(text, this.#pen.style, offset);
  }

  control(code: number, offset: number): void {
    if (code === 0x0a || code === 0x0b || code === 0x0c || code === 0x84) this.#lineFeed(offset);
    else if (code === 0x0d) this.#column(0);
    else if (code === 0x85) {
      this.#lineFeed(offset);
      this.#column(0);
    } else if (code === 0x08) this.#column(Math.max(0, Math.min(this.#screen.x, this.#cols - 1) - 1));
    else if (code === 0x09) {
      const x = this.#screen.x;
      if (x < this.#cols || this.#drawn) this.#column(Math.min(Math.max(x, this.#cols - 1), (Math.floor(x / 8) + 1) * 8));
    } else if (code === 0x0e) this.#pen.shifted = true;
    else if (code === 0x0f) this.#pen.shifted = false;
    else if (code === 0x8d) this.#reverseLineFeed();
  }

  esc(final: number, intermediate: number): void {
    if (intermediate === 0x28 || intermediate === 0x29) {
      this.#pen.graphics[intermediate - 0x28] = final === 0x30;
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
      this.#pen.style = defaultStyle; // DECSTR
      this.#printed.wraps = true;
      if (this.#drawn) this.#drawn.region = false;
      else this.#printed.region(0, this.#rows - 1);
    }
    if (prefix || intermediate) return;
    const first = params.values[0] as number;
    const second = params.count > 1 ? (params.values[1] as number) : -1;
    const n = Math.max(1, first);
    switch (final) {
      case 0x6d: // m
        this.#pen.style = applySgr(this.#pen.style, params);
        return;
      case 0x48: // H
      case 0x66: // f
        this.#move(Math.min(this.#cols, Math.max(1, second)) - 1, n - 1);
        return;
      case 0x4a: // J
      case 0x4b: // K
        this.#erase(final, first);
        return;
      case 0x41: // A
        return this.#move(this.#screen.x, this.#screen.y - n);
      case 0x42: // B
      case 0x65: // e
        return this.#move(this.#screen.x, this.#screen.y + n);
      case 0x43: // C
      case 0x61: // a
        return this.#column(Math.min(this.#cols - 1, this.#screen.x + n));
      case 0x44: // D
        return this.#column(Math.max(0, Math.min(this.#screen.x, this.#cols - 1) - n));
      case 0x45: // E
        return this.#move(0, this.#screen.y + n);
      case 0x46: // F
        return this.#move(0, this.#screen.y - n);
      case 0x47: // G
      case 0x60: // `
        return this.#column(Math.min(this.#cols - 1, n - 1));
      case 0x64: // d
        return this.#move(this.#screen.x, n - 1);
      case 0x72: // r
        return this.#setRegion(n, second);
      case 0x73: // s
        return this.#save();
      case 0x75: // u
        return this.#restoreCursor();
      case 0x62: // b
        return this.#repeat(n);
      default:
        if (this.#drawn) editRow(this.#drawn.row, final, this.#drawn.x, n, this.#cols, this.#pen.style);
        else this.#printed.edit(final, n, this.#pen.style);
    }
  }

  // ---- the cursor, on whichever screen is shown

  get #cols(): number {
    return this.#printed.cols;
  }

  get #rows(): number {
    return this.#printed.rows;
  }

  get #screen(): DrawnScreen | PrintedScreen {
    return this.#drawn ?? this.#printed;
  }

  #column(x: number): void {
    this.#screen.x = x;
  }

  #move(x: number, y: number): void {
    if (this.#drawn) this.#drawn.move(x, y, this.#offset);
    else this.#printed.move(x, y);
  }

  #lineFeed(offset: number): void {
    this.#screen.lineFeed(offset);
  }

  #reverseLineFeed(): void {
    if (this.#drawn) this.#move(this.#drawn.x, this.#drawn.y - 1);
    else this.#printed.reverseLineFeed();
  }

  #save(): void {
    if (this.#drawn) this.#drawn.save(this.#pen, this.#offset);
    else this.#saved = { ...copyOf(this.#pen), x: this.#printed.x, y: this.#printed.y };
  }

  #restoreCursor(): void {
    if (this.#drawn) {
      this.#pen = this.#drawn.restore(this.#offset) ?? freshPen();
      return;
    }
    this.#pen = this.#saved ? copyOf(this.#saved) : freshPen();
    this.#printed.x = Math.min(this.#saved?.x ?? 0, this.#cols);
    this.#printed.y = Math.min(this.#saved?.y ?? 0, this.#rows - 1);
  }

  #setRegion(top: number, bottom: number): void {
    const last = Math.min(bottom <= 0 ? this.#rows : bottom, this.#rows);
    // DECSTBM homes the cursor; with a region of no height it does nothing
    if (top - 1 >= last - 1) return;
    // a bottom below the screen: the terminal became smaller between the program's look and its word
    if (this.#drawn) this.#drawn.region = top > 1 || last < this.#rows || (bottom > this.#rows && bottom <= mostRowsSeen);
    else this.#printed.region(top - 1, last - 1);
    this.#move(0, 0);
  }

  // ---- printing and erasing

  #decoded(chunk: Chunk, from: number, to: number, ascii: boolean): string {
    const text = ascii ? chunk.ascii(from, to) : chunk.utf8(from, to);
    if (!this.#pen.graphics[this.#pen.shifted ? 1 : 0]) return text;
    return text.replace(/[`-~]/g, (c) => graphicsMap[c.charCodeAt(0) - 0x60] as string);
  }

  #repeat(count: number): void {
    if (!this.#last) return;
    const bytes = Buffer.from(this.#last.repeat(Math.min(count, this.#cols)));
    this.text(new Chunk(bytes), 0, bytes.length, false, this.#offset);
  }

  #erase(final: number, param: number): void {
    const what = Math.max(0, param);
    const { style } = this.#pen;
    if (this.#drawn) {
      if (final === 0x4b) eraseRow(this.#drawn.row, what, this.#drawn.x, style);
    } else if (final === 0x4b) this.#printed.eraseInRow(what, style);
    else this.#printed.eraseInScreen(what, style);
  }

  // ---- modes

  #mode(mode: number, on: boolean): void {
    if (mode === 7) this.#printed.wraps = on;
    else if (mode === 1048 && on) this.#save();
    else if (mode === 1048) this.#restoreCursor();
    else if (mode === 47 || mode === 1047 || mode === 1049) this.#alternate(on, mode === 1049);
  }

  #alternate(on: boolean, cursorToo: boolean): void {
    if (on === (this.#drawn !== null)) return;
    if (on) {
      if (cursorToo) this.#save();
      // what was printed before comes before what scrolls through the alternate screen
      this.#printed.seal();
      this.#redrawn(false);
    } else {
      this.#drawn = null;
      if (cursorToo) this.#restoreCursor();
    }
  }

  #reset(): void {
    this.#drawn = null;
    this.#printed.clear();
    this.#printed.region(0, this.#rows - 1);
    this.#printed.wraps = true;
    this.#pen = freshPen();
    this.#saved = null;
  }

  #newDrawn(from?: NonNullable<ReaderState["drawn"]>): DrawnScreen {
    return new DrawnScreen((runs, offset) => this.#finish(runs, offset), from);
  }

  /** A fresh alternate screen. */
  #redrawn(region: boolean): void {
    this.#drawn = this.#newDrawn();
    this.#drawn.region = region;
  }

  // ---- finished lines

  #finish(runs: readonly Run[], offset: number): void {
    this.#out.push({ number: this.#number++, offset, runs: merged(runs) });
  }

  #taken(): LogLine[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }
}
