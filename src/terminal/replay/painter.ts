// Paints lines of a buffer on a blank screen, one after the other, so that wraps, blanks with colour and
// scrollback come out as they were.
import type { BufferView } from "../model/buffer-view.ts";
import { Bg, Colour, Content, cellWidth, Fg, type Row, slots } from "../model/cells.ts";
import type { PenWriter } from "./pen.ts";
import type { Writer } from "./writer.ts";

/**
 * Characters whose width terminals disagree about: an absolute move after one puts what follows in its place
 * anyway.
 * Emoji and symbols that later Unicode versions widened, and everything beyond the planes that are settled.
 */
export function isDisputed(code: number): boolean {
  if (code < 0x231a) return false;
  if (code < 0x2e80) return (code >= 0x2600 && code <= 0x27bf) || code <= 0x23ff || (code >= 0x2b00 && code <= 0x2bff);
  return code >= 0x1f000 && code < 0x20000;
}

/** Whether an erase can leave this blank cell: it has a background colour and nothing else. */
function isErased(fg: number, bg: number): boolean {
  return fg === 0 && (bg & ~Colour.all) === 0;
}

/** Writes the attributes of the cell at `x`. */
export function writePen(pen: PenWriter, line: Row, x: number): void {
  const fg = line.data[x * slots + 1] as number;
  const bg = line.data[x * slots + 2] as number;
  if (bg & Bg.extended) pen.set(fg, bg, fg & Fg.underline ? line.underline(x) : 0, line.link(x));
  else pen.set(fg, bg, 0, 0);
}

export class Painter {
  readonly #out: Writer;
  readonly #pen: PenWriter;
  readonly #cols: number;
  /** Column of the cursor; `cols` after a character in the last one, -1 where terminals may disagree. */
  #column = 0;

  constructor(out: Writer, pen: PenWriter, cols: number) {
    this.#out = out;
    this.#pen = pen;
    this.#cols = cols;
  }

  /**
   * Paints lines[from..to); the cursor must be in the upper left corner, what is below it blank and the
   * attributes plain. Lines that do not
   * fit scroll away, into the terminal's scrollback where it has one.
   */
  paint(view: BufferView, from: number, to: number, rows: number): void {
    this.#column = 0;
    let line = from < to ? view.line(from) : undefined;
    let continues = false;
    if (line?.wrapped && rows > 1) {
      this.#wrapIntoFirst(line);
      continues = true;
    }
    for (let y = from; line !== undefined; y++) {
      const next = y + 1 < to ? view.line(y + 1) : undefined;
      this.#row(line, continues);
      continues = next?.wrapped ?? false;
      if (next !== undefined) {
        if (continues) this.#fillToWrap(line, next);
        else this.#newLine();
      }
      line = next;
    }
  }

  /**
   * The topmost line goes on from one that is not painted: a blank one is put above it, wrapped out of, and
   * deleted.
   */
  #wrapIntoFirst(line: Row): void {
    this.#out.csi(`${this.#cols}G `);
    this.#cell(line, 0);
    this.#pen.plainBackground();
    this.#out.csi("H");
    this.#out.csi("M");
    this.#column = 0;
  }

  #newLine(): void {
    // the line that scrolls in is filled with the current background
    this.#pen.plainBackground();
    this.#out.ascii("\r\n");
    this.#column = 0;
  }

  #move(x: number): void {
    if (this.#column === x) return;
    if (x === 0) this.#out.ascii("\r");
    else this.#out.csi(`${x + 1}G`);
    this.#column = x;
  }

  /**
   * Paints one line; `continues`: the cursor stands past the end of the line above, and the first character
   * is to wrap.
   */
  #row(line: Row, continues: boolean): void {
    const { data } = line;
    const cols = Math.min(this.#cols, line.length);
    let x = 0;
    if (continues && this.#column === this.#cols && cellWidth(line, 0) === 0) {
      // a combining character of its own does not wrap: a blank does, and is printed over
      this.#pen.plainBackground();
      this.#out.byte(0x20);
      this.#column = -1;
    } else if (continues && this.#column === this.#cols) {
      x = this.#cell(line, 0);
      // where the wrap scrolled, the new line was filled with that character's background
      if (this.#pen.hasBackground && x < cols) {
        this.#move(x);
        this.#pen.plainBackground();
        this.#out.csi("K");
      }
    }
    let erased = 0;
    let erasedBg = 0;
    for (; x < cols; ) {
      const content = data[x * slots] as number;
      const fg = data[x * slots + 1] as number;
      const bg = data[x * slots + 2] as number;
      if ((content & Content.any) === 0) {
        if (content >>> Content.widthShift === 0) {
          // the right half of a wide character that is gone
          x++;
          continue;
        }
        if (isErased(fg, bg)) {
          if (bg !== erasedBg) {
            this.#erase(x - erased, erased, erasedBg);
            erased = 0;
            erasedBg = bg;
          }
          erased++;
          x++;
          continue;
        }
      }
      this.#erase(x - erased, erased, erasedBg);
      erased = 0;
      erasedBg = 0;
      if (content >>> Content.widthShift === 0) {
        // a combining character of its own: a move keeps it from joining what is before it
        this.#column = -1;
      }
      this.#move(x);
      x += this.#cell(line, x);
    }
    this.#erase(x - erased, erased, erasedBg);
  }

  #erase(x: number, count: number, bg: number): void {
    if (count === 0 || bg === 0) return;
    this.#move(x);
    this.#pen.set(0, bg, 0, 0);
    this.#out.csi(`${count}X`);
  }

  /** Prints one cell where the cursor is; a blank one as a space. Answers the columns it takes. */
  #cell(line: Row, x: number): number {
    const content = line.data[x * slots] as number;
    writePen(this.#pen, line, x);
    let width = Math.max(1, content >>> Content.widthShift);
    let disputed = true;
    if (x + width > this.#cols) {
      // half of a wide character, as a reflow can leave it in the last column: no output can put it there
      this.#out.byte(0x20);
      width = 1;
      disputed = false;
    } else if (content & Content.combined) this.#out.text(line.combined(x));
    else {
      const code = content & Content.codePoint;
      this.#out.codePoint(code === 0 ? 0x20 : code);
      disputed = isDisputed(code);
    }
    const after = (this.#column === this.#cols ? 0 : this.#column) + width;
    // in the last column a move would take the pending wrap away
    this.#column = disputed && after < this.#cols ? -1 : after;
    return width;
  }

  /** Brings the cursor past the end of a line whose successor is its continuation. */
  #fillToWrap(line: Row, next: Row): void {
    if (this.#column === this.#cols) return;
    const last = this.#cols - 1;
    const content = line.data[last * slots] as number;
    const first = next.data[0] as number;
    const blank = (content & Content.any) === 0;
    const same = line.data[last * slots + 1] === next.data[1] && line.data[last * slots + 2] === next.data[2];
    this.#move(last);
    if (blank && first >>> Content.widthShift === 2 && same && ((next.data[2] as number) & Bg.extended) === 0) {
      // a wide character that had no room left: it wraps by itself, and blanks the last column
      this.#column = this.#cols;
      return;
    }
    this.#cell(line, last);
  }
}
