// One session's screen: bytes go in, its whole state can be had as a snapshot, as bytes to store, as text;
// pure, without clock, file or thread.
import type { Terminal } from "@xterm/headless";
import { FrameRenderer } from "../frames/frames.ts";
import { decodeScreen, encodeScreen } from "../replay/codec.ts";
import { replayInParts } from "../replay/replay.ts";
import { answerQueries, sizeReport } from "./answers.ts";
import { cellText, cellWidth, type Row } from "./cells.ts";
import { Model } from "./model.ts";
import { hearMarks, type KeptMarks } from "./progress-marks.ts";
import { resizeModel } from "./resize.ts";
import { Scanner } from "./scanner.ts";
import { Backlog, type PlainTextScan } from "./skip.ts";
import type { Tracked } from "./tracked.ts";
import { Tracker } from "./tracker.ts";

/** What puts a terminal of the same size into the screen's state. */
export interface Snapshot {
  /** Bytes of output that the state is made of, the tail included. */
  offset: number;
  cols: number;
  rows: number;
  /** Complete screen with all hidden state. */
  first: Buffer;
  /** Second part: fills the terminal's scrollback; may be empty. */
  history: Buffer;
  /** Bytes before `offset` that belong to an unfinished sequence. */
  tail: Buffer;
}

/** A screen as bytes to store; `Screen.restore` with it, fed from `offset`, goes on. */
export interface StoredScreen {
  /** Where the last whole sequence ended. */
  offset: number;
  cols: number;
  rows: number;
  replay: Buffer;
}

/** What is visible, as plain text. */
export interface ScreenText {
  /** Every row, as many columns as have text. */
  lines: string[];
  cursor: { x: number; y: number; shown: boolean };
  /** Whether the alternate screen is shown. */
  alternate: boolean;
  title: string;
  /**
   * First row of the normal screen below everything that stands on it; `rows` where it is full. Also while
   * the alternate one is shown.
   */
  free: number;
}

/** What the program asked of the keyboard, and whether it has the alternate screen. */
export interface InputModes {
  bracketedPaste: boolean;
  focus: boolean;
  alternate: boolean;
  applicationCursor: boolean;
  /** The program is told of the mouse. */
  mouse?: boolean;
  /** The program changed the terminal's colours: they are to be given back when a viewer leaves. */
  coloursTouched?: boolean;
  /** Titles that the program pushed and has not popped. */
  titles?: number;
}

/** What a screen tells while it is fed. */
export interface ScreenListener {
  /** The reply to a query of the program. */
  answer?(bytes: Buffer): void;
  title?(text: string): void;
  /** What a program told of its progress changed; `began`: by a command of a shell that has begun. */
  marks?(kept: KeptMarks, began: boolean): void;
  /** The alternate screen is about to be left: what stood on it. */
  left?(frame: { lines: string[] }): void;
}

export interface ScreenOptions {
  cols: number;
  rows: number;
  /** Lines kept above the screen. */
  scrollback: number;
  /** Position in the output of the first byte that will be fed. */
  offset?: number;
  /**
   * Where it is there the screen is lazy: plain output that comes in large pieces is not parsed before it has
   * to be, and what scrolls out of the scrollback until then is not parsed at all. `settle` must be called
   * when no more comes.
   */
  scanPlainText?: PlainTextScan | undefined;
}

/**
 * Largest and smallest sizes: xterm.js needs two columns, and a client may claim any size, but a cell costs
 * 12 bytes.
 */
const sizes = { cols: { least: 2, most: 2000 }, rows: { least: 1, most: 1000 } };

/** The size that a screen has where a terminal of this size is asked for. */
export function possibleSize(cols: number, rows: number): { cols: number; rows: number } {
  const within = (n: number, { least, most }: { least: number; most: number }) =>
    Math.min(most, Math.max(least, Math.floor(n) || 0));
  return { cols: within(cols, sizes.cols), rows: within(rows, sizes.rows) };
}

export class Screen {
  readonly #model: Model;
  readonly #tracker: Tracker;
  readonly #scanner = new Scanner();
  readonly #listener: ScreenListener;
  readonly #backlog: Backlog | undefined;
  #offset: number;

  /** @param stored for `restore` only. */
  constructor(options: ScreenOptions, listener: ScreenListener = {}, stored?: { model: Model; tracked: Tracked }) {
    const { cols, rows } = possibleSize(options.cols, options.rows);
    this.#listener = listener;
    this.#offset = options.offset ?? 0;
    this.#model = stored?.model ?? new Model(cols, rows, options.scrollback);
    this.#tracker = new Tracker(this.#model, (title) => listener.title?.(title));
    if (stored !== undefined) this.#tracker.state = stored.tracked;
    const { scrollback, scanPlainText } = options;
    if (scanPlainText !== undefined) this.#backlog = new Backlog(this.#model, scrollback, scanPlainText);
    answerQueries(this.#model, this.#tracker, (bytes) => listener.answer?.(bytes));
    hearMarks(this.#model.terminal.parser, (change) => {
      this.#tracker.mark(change);
      listener.marks?.(this.#tracker.marks, change.prompt === false);
    });
    this.#watchLeaving();
  }

  /**
   * Opens a stored screen; it has the size that it was stored with.
   * @throws Error when the bytes are no stored screen of this version.
   */
  static restore(bytes: Uint8Array, options: Omit<ScreenOptions, "cols" | "rows">, listener: ScreenListener = {}): Screen {
    const stored = decodeScreen(bytes, options.scrollback);
    return new Screen({ ...options, cols: stored.model.cols, rows: stored.model.rows }, listener, stored);
  }

  /** The emulator itself, to be read only: for tests. */
  get terminal(): Terminal {
    return this.#model.terminal;
  }

  get cols(): number {
    return this.#model.cols;
  }

  /** Whether what is written moves the rest of its line. */
  get insertMode(): boolean {
    return this.#model.insertMode;
  }

  get rows(): number {
    return this.#model.rows;
  }

  /** Position in the output of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  get title(): string {
    return this.#tracker.title;
  }

  get marks(): KeptMarks {
    return this.#tracker.marks;
  }

  /** The program asked for its output to be shown only when it is whole (DEC mode 2026). */
  get synchronized(): boolean {
    return this.#model.modes.synchronized;
  }

  get inputModes(): InputModes {
    const { bracketedPaste, focus, applicationCursor } = this.#model.modes;
    return {
      bracketedPaste,
      focus,
      applicationCursor,
      alternate: this.#model.active === "alternate",
      mouse: this.#model.mouse.protocol !== "NONE",
      coloursTouched: this.#tracker.coloursTouched,
      titles: this.#tracker.titleCount,
    };
  }

  #watchLeaving(): void {
    const { parser } = this.#model.terminal;
    const leaving = () => {
      if (this.#listener.left !== undefined && this.#model.active === "alternate")
        this.#listener.left({ lines: this.text().lines });
    };
    parser.registerCsiHandler({ prefix: "?", final: "l" }, (modes) => {
      if (modes.includes(1049) || modes.includes(1047) || modes.includes(47)) leaving();
      return false;
    });
    parser.registerEscHandler({ final: "c" }, () => {
      leaving();
      return false;
    });
  }

  /**
   * Applies output.
   * @throws whatever xterm.js throws; the screen can be stored then, but not be fed any more.
   */
  feed(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#offset += bytes.length;
    const whole = this.#scanner.feed(bytes);
    const held = this.#backlog?.hold(whole) ?? 0;
    if (held < whole.length || this.#backlog?.full) {
      this.settle();
      this.#model.parse(whole.subarray(held));
    }
  }

  /** The next byte stands here: what lies between is not to be had. */
  passOver(offset: number): void {
    this.#offset = Math.max(this.#offset, offset);
  }

  /**
   * Applies plain lines that it reads itself, where it is lazy: they are not copied, and most of a long flood
   * is dropped where it was read.
   * @param read fills the memory with what comes next; answers how many bytes that were.
   * @returns how many bytes were taken; 0 where what comes next has to be fed.
   */
  fetch(read: (into: Uint8Array) => number): number {
    if (!this.#scanner.ground || this.#backlog?.ready !== true) return 0;
    const taken = this.#backlog.fetch(read);
    this.#offset += taken;
    return taken;
  }

  /** Whether output waits to be parsed (only where the screen is lazy). */
  get unsettled(): boolean {
    return this.#backlog?.waiting === true;
  }

  /**
   * Parses what was held back.
   * @throws whatever xterm.js throws.
   */
  settle(): void {
    this.#backlog?.parse();
  }

  /** The bytes of an unfinished sequence; undefined where there are too many to be kept. */
  tail(): Buffer | undefined {
    const tail = this.#scanner.tail();
    return tail.length === this.#scanner.pending ? tail : undefined;
  }

  /** Gives the screen another size, within what is possible. */
  resize(cols: number, rows: number): void {
    this.settle();
    const size = possibleSize(cols, rows);
    if (size.cols === this.cols && size.rows === this.rows) return;
    resizeModel(this.#model, this.#tracker, size.cols, size.rows);
    if (this.#tracker.inBandResize) this.#listener.answer?.(sizeReport(size.cols, size.rows));
  }

  /**
   * The whole state, screen first. Bracketed paste is on in it, for a viewer.
   * @param history lines of scrollback in the second part.
   * @param early gets the first part before the second one is made.
   */
  snapshot(history: number, early?: (first: Buffer) => void): Snapshot {
    // without a history a viewer needs of a flood only what it can still see: a tenth of the work
    const shown = history > 0 ? undefined : this.#backlog?.shown();
    if (shown === undefined) this.settle();
    const parts = replayInParts(this.#model, this.#tracker.state, history, early);
    if (shown !== undefined) parts.first = Buffer.concat([parts.first, ...shown]);
    return { offset: this.#offset, cols: this.cols, rows: this.rows, ...parts, tail: this.#scanner.tail() };
  }

  /** The screen with its scrollback, to store. */
  encode(): StoredScreen {
    this.settle();
    return {
      offset: this.#offset - this.#scanner.pending,
      cols: this.cols,
      rows: this.rows,
      replay: encodeScreen(this.#model, this.#tracker.state),
    };
  }

  text(): ScreenText {
    this.settle();
    const { screen, active, cursorHidden } = this.#model;
    const lines: string[] = [];
    for (let y = 0; y < this.rows; y++) lines.push(lineText(screen.line(screen.base + y), this.cols));
    return {
      lines,
      cursor: { x: Math.min(screen.x, this.cols - 1), y: screen.y, shown: !cursorHidden },
      alternate: active === "alternate",
      title: this.title,
      free: this.#freeRow(),
    };
  }

  #freeRow(): number {
    const { normal } = this.#model;
    let used = this.rows;
    while (used > 0 && lineText(normal.line(normal.base + used - 1), this.cols) === "") used--;
    // a line that was begun is not written over; while the alternate screen is shown, the cursor is where it
    // was left
    const { x, y } = this.#model.active === "normal" ? normal : normal.saved;
    return Math.max(used, x > 0 ? y + 1 : y);
  }

  /** What draws this screen for a viewer of another size. */
  frames(cols: number, rows: number): FrameRenderer {
    return new FrameRenderer(this.#model, this.#tracker, cols, rows);
  }

  dispose(): void {
    this.#model.dispose();
  }
}

/** A line's text without the blanks behind it; xterm.js keeps cells that a narrower size has cut off. */
function lineText(line: Row, cols: number): string {
  let text = "";
  for (let x = 0; x < Math.min(cols, line.length); x++) {
    const cell = cellText(line, x);
    // the right half of a wide character has no text of its own
    text += cell === "" && cellWidth(line, x) > 0 ? " " : cell;
  }
  return text.trimEnd();
}
