// Draws a screen on a terminal of another size: cropped or letterboxed, changed lines only, each frame whole
// between synchronized-output brackets.
import { Colour, Content, cellWidth, type Row, slots } from "../model/cells.ts";
import type { Model } from "../model/model.ts";
import type { Tracker } from "../model/tracker.ts";
import { isDisputed, writePen } from "../replay/painter.ts";
import { PenWriter } from "../replay/pen.ts";
import { replayModes } from "../replay/replay.ts";
import { Writer } from "../replay/writer.ts";

/** The edge of a screen that is smaller than the terminal. */
const edge = { right: "│", below: "─", corner: "┘", sgr: "\x1b[0;2m" };

/** Part of the screen that a terminal has room for. */
interface Window {
  /** First column and row of the screen that are shown. */
  left: number;
  top: number;
  /** Columns and rows of the screen that are shown. */
  cols: number;
  rows: number;
}

export class FrameRenderer {
  readonly #model: Model;
  readonly #tracker: Tracker;
  /** The terminal's size. */
  cols: number;
  rows: number;
  /** What the terminal shows, row by row; empty before the first frame. */
  #shown: Buffer[] = [];
  #modes: Buffer = Buffer.alloc(0);
  #cursor = "";
  /** The title that the terminal was sent; "": none yet; undefined: it may have been dropped. */
  #title: string | undefined = "";
  #hadTitle = false;
  #window: Window = { left: 0, top: 0, cols: 0, rows: 0 };
  /** A cursor has said since the last size which part is shown. */
  #followed = false;

  constructor(model: Model, tracker: Tracker, cols: number, rows: number) {
    this.#model = model;
    this.#tracker = tracker;
    this.cols = cols;
    this.rows = rows;
  }

  /** The terminal has another size; the next frame is a complete one. */
  resize(cols: number, rows: number): void {
    this.cols = cols;
    this.rows = rows;
    this.again();
  }

  /** What the terminal shows is not known: the next frame is a complete one. */
  again(): void {
    this.#shown = [];
    if (this.#hadTitle) this.#title = undefined;
  }

  /** Brings the terminal up to date; undefined where it is. */
  draw(): Buffer | undefined {
    const modes = replayModes(this.#model, this.#tracker.state);
    const complete = this.#shown.length === 0 || !modes.equals(this.#modes);
    const window = this.#place();
    const out = new Writer();
    if (complete) {
      out.bytes(modes);
      // what a terminal thinks to be wider than we do must not wrap
      out.csi("?7l");
    } else out.ascii("\x1b[?2026h\x1b[?25l");
    const before = out.length;
    const { title } = this.#tracker;
    if (title !== this.#title) out.osc(`2;${title}`);
    this.#title = title;
    this.#hadTitle ||= title !== "";
    const shown: Buffer[] = [];
    for (let y = 0; y < this.rows; y++) {
      const row = this.#row(window, y);
      shown.push(row);
      if (complete ? row.equals(blankRow) : row.equals(this.#shown[y] as Buffer)) continue;
      out.csi(`${y + 1}H`);
      out.bytes(row);
    }
    const cursor = this.#cursorIn(window);
    if (!complete && out.length === before && cursor === this.#cursor) return undefined;
    this.#shown = shown;
    this.#modes = modes;
    this.#cursor = cursor;
    out.ascii(cursor);
    out.csi("?2026l");
    return out.take();
  }

  /**
   * Which part is shown: the one that was, moved no further than the cursor needs; at first, and without a
   * cursor, the lower left one of what is used, where prompts and footers are.
   */
  #place(): Window {
    const { screen, cols, rows, cursorHidden } = this.#model;
    const width = Math.min(cols, this.cols);
    const height = Math.min(rows, this.rows);
    let { left, top } = this.#window;
    if (this.#window.cols !== width || this.#window.rows !== height) {
      left = top = 0;
      this.#followed = false;
    }
    // what stands in a screen's upper rows is not pushed out of sight by blank ones below it
    if (!this.#followed && height < rows) top = Math.max(top, this.#usedRows() - height);
    left = Math.min(left, cols - width);
    top = Math.min(top, rows - height);
    if (!cursorHidden) {
      const x = Math.min(screen.x, cols - 1);
      left = Math.max(Math.min(left, x), x - width + 1);
      top = Math.max(Math.min(top, screen.y), screen.y - height + 1);
      this.#followed = true;
    } else left = 0;
    this.#window = { left, top, cols: width, rows: height };
    return this.#window;
  }

  /** Rows down to the last one that is not blank. */
  #usedRows(): number {
    const { screen, cols } = this.#model;
    for (let y = this.#model.rows; y > 0; y--) {
      const { data, length } = screen.line(screen.base + y - 1);
      for (let x = 0; x < Math.min(cols, length); x++) if (!isBlank(data, x)) return y;
    }
    return 0;
  }

  #cursorIn(window: Window): string {
    const { screen, cols, cursorHidden } = this.#model;
    if (cursorHidden) return "";
    return `\x1b[${screen.y - window.top + 1};${Math.min(screen.x, cols - 1) - window.left + 1}H\x1b[?25h`;
  }

  /** One row of the terminal from its first column on; begins and ends with plain attributes. */
  #row(window: Window, y: number): Buffer {
    if (y > window.rows) return blankRow;
    const out = new Writer();
    if (y === window.rows) {
      out.ascii(edge.sgr);
      out.text(edge.below.repeat(window.cols) + (this.cols > window.cols ? edge.corner : ""));
      out.ascii("\x1b[m");
    } else {
      const { screen } = this.#model;
      const line = screen.line(screen.base + window.top + y);
      const end = paintRow(out, this.#model, line, window.left, window.left + window.cols);
      if (this.cols > window.cols) {
        if (end < window.left + window.cols) out.csi(`K\x1b[${window.cols + 1}G`);
        out.ascii(edge.sgr);
        out.text(edge.right);
        out.ascii("\x1b[m");
      } else if (end < window.left + window.cols) out.csi("K");
    }
    if (y === window.rows && this.cols > window.cols + 1) out.csi("K");
    return out.take();
  }
}

const blankRow = Buffer.from("\x1b[K");

/**
 * Paints the cells [from..to) of a line; blanks at the end are left out. Answers the column behind the last
 * cell that was painted.
 */
function paintRow(out: Writer, model: Model, line: Row, from: number, to: number): number {
  const { data } = line;
  const limit = Math.min(to, line.length);
  let end = limit;
  while (end > from && isBlank(data, end - 1)) end--;
  const pen = new PenWriter(out, model);
  pen.isPlain();
  for (let x = from; x < end; ) {
    const content = data[x * slots] as number;
    const width = cellWidth(line, x);
    writePen(pen, line, x);
    // half of a wide character is cut off, or the character itself is gone
    const whole = width > 0 && x + width <= to;
    const code = content & Content.codePoint;
    if (!whole || (content & Content.any) === 0) out.byte(0x20);
    else if (content & Content.combined) out.text(line.combined(x));
    else out.codePoint(code);
    const step = whole ? width : 1;
    x += step;
    if (whole && x < end && (content & Content.combined || isDisputed(code))) out.csi(`${x - from + 1}G`);
  }
  pen.reset();
  return end;
}

function isBlank(data: Uint32Array, x: number): boolean {
  return (
    ((data[x * slots] as number) & Content.any) === 0 &&
    data[x * slots + 1] === 0 &&
    ((data[x * slots + 2] as number) & Colour.all) === 0
  );
}
