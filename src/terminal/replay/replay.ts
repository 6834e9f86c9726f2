// Writes the bytes that put a terminal of the same size into exactly the state of a model, whatever state it
// is in.
// Long: one step for each part of the state, in the order in which they must come.

import type { BufferView, SavedCursor } from "../model/buffer-view.ts";
import { Bg, Content, cellText, cellWidth, Fg, plainPen, type Row, slots, Underline } from "../model/cells.ts";
import type { Model } from "../model/model.ts";
import type { SavedExtra, Tracked } from "../model/tracked.ts";
import {
  allKeyboards,
  clear,
  plainText,
  writeBaseline,
  writeColours,
  writeKeyboard,
  writeKeyModes,
  writeTitles,
} from "./mode-writer.ts";
import { Painter, writePen } from "./painter.ts";
import { isConsistent, PenWriter } from "./pen.ts";
import { Writer } from "./writer.ts";

const ascii = ["B", "B", "B", "B"];

/** Letters of sets that are the same table in xterm.js. */
const sameCharset: Record<string, string> = { "5": "C", "6": "E", "7": "H" };

const shifts = ["\x0f", "\x0e", "\x1bn", "\x1bo"];

interface Designations {
  designated: string[];
  level: number;
}

/**
 * The whole state with the screen first: after `first` it is complete, `history` fills the scrollback above
 * it and leaves all else as it was. Without history the terminal's own scrollback is left as it is.
 * @param history lines of scrollback to put above the screen.
 * @param early gets the first part before the second one is made.
 */
export function replayInParts(
  model: Model,
  tracked: Tracked,
  history: number,
  early?: (first: Buffer) => void,
): { first: Buffer; history: Buffer } {
  const first = new Replay(model, tracked).write(0);
  early?.(first);
  const lines = Math.min(history, model.normal.base);
  return { first, history: lines <= 0 ? Buffer.alloc(0) : new Replay(model, tracked).writeHistory(lines) };
}

/**
 * Modes and colours of the program on an otherwise blank, plain screen: for a viewer that is shown frames.
 */
export function replayModes(model: Model, tracked: Tracked): Buffer {
  return new Replay(model, tracked).writeModes();
}

class Replay {
  readonly #model: Model;
  readonly #tracked: Tracked;
  readonly #out = new Writer();
  readonly #pen: PenWriter;
  readonly #painter: Painter;
  readonly #alternate: boolean;
  /** The title and those below it were sent before. */
  #titled = false;
  /** What the terminal has designated so far. */
  #sets: Designations = { designated: [...ascii], level: 0 };
  /** The pen came from DECRC and must be changed by SGR that leaves the underline alone. */
  #shiftFrom: SavedCursor | undefined;

  constructor(model: Model, tracked: Tracked) {
    this.#model = model;
    this.#tracked = tracked;
    this.#pen = new PenWriter(this.#out, model);
    this.#painter = new Painter(this.#out, this.#pen, model.cols);
    this.#alternate = model.active === "alternate";
  }

  write(history: number): Buffer {
    const { normal, alternate, rows } = this.#model;
    this.#baseline();
    this.#painter.paint(normal, Math.max(0, normal.base - history), normal.base + rows, rows);
    this.#pen.reset();
    this.#staleAlternate();
    writeKeyboard(this.#out, this.#tracked.keyboards[0]);
    this.#tabs(normal, true);
    if (this.#alternate) {
      this.#enterAlternate();
      this.#painter.paint(alternate, 0, rows, rows);
      this.#pen.reset();
      this.#out.ascii(allKeyboards);
      writeKeyboard(this.#out, this.#tracked.keyboards[1]);
      this.#tabs(alternate, this.#hasOwnTabs(normal));
      this.#saved(alternate, this.#tracked.saved[1], true);
    } else this.#saved(normal, this.#tracked.saved[0], false);
    this.#restorePen();
    writeKeyModes(this.#out, this.#model.modes, this.#tracked);
    writeColours(this.#out, this.#tracked);
    if (!this.#titled) writeTitles(this.#out, this.#tracked);
    this.#geometry();
    this.#cursor();
    return this.#out.take();
  }

  /**
   * Scrollback for a terminal that shows the screen already. Lines reach it only by scrolling out at the top:
   * they run through the topmost
   * rows, the first rows of the screen last, while the rest of the screen stands still. The alternate screen
   * has to be left for it, and is
   * painted again. Either way inside of synchronized output: nothing of it is seen.
   */
  writeHistory(history: number): Buffer {
    const { normal, rows } = this.#model;
    const top = this.#rowsForHistory();
    if (this.#alternate || top === undefined) {
      this.#titled = true;
      return this.write(history);
    }
    this.#out.ascii(`\x1b[?2026h\x1b[?25l\x1b[?6l\x1b[?7h\x1b[4;20l${plainText}`);
    this.#pen.isPlain();
    if (top < rows) this.#out.csi(`1;${top}r`);
    else this.#out.csi("r");
    for (let y = top; y >= 1; y--) this.#out.csi(`${y}H\x1b[2K`);
    this.#painter.paint(normal, normal.base - history, normal.base + top, top);
    this.#pen.reset();
    this.#out.csi("r");
    this.#saved(normal, this.#tracked.saved[0], false);
    this.#restorePen();
    this.#geometry();
    this.#cursor();
    return this.#out.take();
  }

  /**
   * Rows at the top whose last one does not go on in the next; undefined where a scroll region of them is not
   * possible.
   */
  #rowsForHistory(): number | undefined {
    const { normal, rows } = this.#model;
    if (rows < 2) return undefined;
    for (let top = 2; top < rows; top++) if (!normal.line(normal.base + top).wrapped) return top;
    return rows;
  }

  /**
   * Everything but cells, cursor and title: the screen is left blank, the cursor hidden, in synchronized
   * output.
   */
  writeModes(): Buffer {
    this.#baseline();
    writeKeyboard(this.#out, this.#tracked.keyboards[this.#alternate ? 1 : 0]);
    writeKeyModes(this.#out, this.#model.modes, this.#tracked);
    writeColours(this.#out, this.#tracked);
    return this.#out.take();
  }

  #baseline(): void {
    writeBaseline(this.#out, this.#tracked);
    this.#out.ascii(clear);
    this.#pen.isPlain();
  }

  /** The alternate screen is not shown, but a program may come back to its saved cursor and its keyboard. */
  #staleAlternate(): void {
    const { alternate } = this.#model;
    const extra = this.#tracked.saved[1];
    const keyboard = this.#tracked.keyboards[1];
    const plainKeyboard = keyboard.flags === 0 && keyboard.stack.length === 0;
    if (this.#alternate || (extra === null && plainKeyboard && isUntouched(alternate.saved))) return;
    this.#out.csi("?47h");
    this.#out.ascii(clear);
    if (!plainKeyboard) {
      this.#out.ascii(allKeyboards);
      writeKeyboard(this.#out, keyboard);
    }
    this.#saved(alternate, extra === null ? null : { ...extra, origin: false, pending: false }, true);
    this.#pen.reset();
    this.#out.csi("?47l");
  }

  #enterAlternate(): void {
    const { normal } = this.#model;
    const { enteredBy, saved } = this.#tracked;
    if (!this.#isFull(normal)) this.#out.csi(region(normal));
    // 1049 saves the cursor once more: it must stand where it was saved
    this.#saved(normal, saved[0], enteredBy !== 47 && enteredBy !== 1047, false);
    this.#out.csi(`?${enteredBy === 0 ? 1049 : enteredBy}h`);
    this.#out.osc("8;;");
    this.#pen.reset();
    this.#designate(ascii, 0);
    this.#out.csi("?6l");
    this.#out.csi("r");
    this.#out.ascii(clear);
  }

  #isFull(view: BufferView): boolean {
    return view.top === 0 && view.bottom === this.#model.rows - 1;
  }

  #hasOwnTabs(view: BufferView): boolean {
    const { cols } = this.#model;
    const stops = view.tabs.filter((x) => x < cols);
    return stops.length !== Math.ceil(cols / 8) || stops.some((x) => x % 8 !== 0);
  }

  /**
   * Only what differs from a stop every eight columns, so that stops right of the edge survive a later
   * widening.
   */
  #tabs(view: BufferView, wanted: boolean): void {
    const { cols } = this.#model;
    const own = this.#hasOwnTabs(view);
    if (!own && !(wanted && this.#tracked.tabsTouched)) return;
    const stops = new Set(view.tabs.filter((x) => x < cols));
    if (this.#tracked.tabsCleared) {
      this.#out.csi("3g");
      for (const x of stops) this.#out.ascii(`\x1b[${x + 1}G\x1bH`);
      return;
    }
    for (let x = 0; x < cols; x++) {
      if (stops.has(x) !== (x % 8 === 0)) this.#out.ascii(`\x1b[${x + 1}G${stops.has(x) ? "\x1bH" : "\x1b[g"}`);
      // a terminal that is not fresh may have lost a stop that the program has
      else if (stops.has(x) && this.#tracked.tabsTouched) this.#out.ascii(`\x1b[${x + 1}G\x1bH`);
    }
  }

  #designate(designated: readonly string[], level: number): void {
    for (let i = 0; i < 4; i++) {
      const letter = designated[i] as string;
      if (letter === this.#sets.designated[i]) continue;
      this.#out.ascii(`\x1b${"()*+"[i]}${letter}`);
      this.#sets.designated[i] = letter;
    }
    if (level !== this.#sets.level) this.#out.ascii(shifts[level] as string);
    this.#sets.level = level;
  }

  #goTo(view: BufferView, x: number, y: number, origin: boolean): void {
    this.#out.csi(`${(origin ? y - view.top : y) + 1};${x + 1}H`);
  }

  /** The line of a row of the screen. */
  #line(view: BufferView, y: number): Row | undefined {
    return view.base + y < view.length ? view.line(view.base + y) : undefined;
  }

  /**
   * Saves the cursor as the program did.
   * @param always also where it was never saved: the terminal may remember another one.
   * @param leave the cursor may be left elsewhere afterwards.
   */
  #saved(view: BufferView, extra: SavedExtra | null, always: boolean, leave = true): void {
    const { rows, cols } = this.#model;
    const saved = view.saved;
    if (extra === null && isUntouched(saved) && !always) return;
    const y = Math.min(Math.max(saved.y, 0), rows - 1);
    const origin = extra?.origin === true && y >= view.top && y <= view.bottom;
    if (origin) {
      this.#out.csi(region(view));
      this.#out.csi("?6h");
    }
    const line = saved.x >= cols ? this.#line(view, y) : undefined;
    if (line !== undefined) this.#reprint(view, line, y, origin);
    else this.#goTo(view, Math.min(saved.x, cols - 1), y, origin);
    const underlined = (saved.fg & Fg.underline) !== 0;
    this.#pen.set(saved.fg, saved.bg, extra?.underline ?? 0, 0);
    // an extended pen that is not underlined had a link
    if ((saved.bg & Bg.extended) !== 0 && !underlined && extra?.link)
      this.#out.osc(`8;${extra.link.id === "" ? "" : `id=${extra.link.id}`};${extra.link.uri}`);
    const designated = [...(extra?.designated ?? ascii)];
    const level = extra?.level ?? 0;
    // xterm.js keeps only the set that was in effect
    if (canonical(designated[level]) !== saved.charset) designated[level] = saved.charset;
    this.#designate(designated, level);
    this.#out.ascii("\x1b7");
    if (leave && (saved.bg & Bg.extended) !== 0 && !underlined && extra?.link) this.#out.osc("8;;");
    if (origin && leave) {
      this.#out.csi("?6l");
      this.#out.csi("r");
    }
  }

  /** Prints the cell left of the edge again, so that the next character wraps. */
  #reprint(view: BufferView, line: Row, y: number, origin: boolean): void {
    const { cols } = this.#model;
    const x = startOfCell(line, cols - 1);
    this.#goTo(view, x, y, origin);
    this.#designate(ascii, 0);
    writePen(this.#pen, line, x);
    this.#out.text(cellText(line, x) || " ");
  }

  /**
   * DECRC brings back colours and flags but, in xterm.js, neither underline style nor link, and replaces the
   * character set in effect without
   * a designation. Where that shows in the pen or the sets, it is done here in the same way, from the same
   * saved cursor.
   */
  #restorePen(): void {
    const { pen, charsets, screen } = this.#model;
    const saved = screen.saved;
    const extended = (pen.bg & Bg.extended) !== 0;
    const special = (pen.underline & Underline.styleMask) !== 0 || pen.link !== 0;
    // OSC 8 makes xterm.js look again whether there is anything special about the pen
    const lookedAgain = extended === special && extended !== ((saved.bg & Bg.extended) !== 0);
    const oddPen =
      !isConsistent(pen) &&
      ((saved.fg ^ pen.fg) & Fg.underline) === 0 &&
      (lookedAgain || ((saved.bg ^ pen.bg) & Bg.extended) === 0);
    const oddSet = charsets.effective !== charsets.designated[charsets.level] && saved.charset === charsets.effective;
    if (!oddPen && !oddSet) return;
    this.#designate(charsets.designated, charsets.level);
    if (oddPen) {
      const style = (pen.underline & Underline.styleMask) >>> Underline.styleShift;
      this.#pen.set(style === 0 ? 0 : Fg.underline, style === 0 ? 0 : Bg.extended, pen.underline, pen.link);
    }
    this.#out.ascii("\x1b8\x1b[?6l");
    this.#pen.forget();
    if (oddPen && lookedAgain) this.#pen.openLink(pen.link);
    if (oddPen) this.#shiftFrom = { ...saved, bg: lookedAgain ? saved.bg ^ Bg.extended : saved.bg };
    // whatever is designated from here on would undo it
    if (oddSet) this.#sets = { designated: [...charsets.designated], level: charsets.level };
    else this.#sets.designated[charsets.level] = "";
    this.#oddSet = oddSet;
  }

  #oddSet = false;

  /** DECSTBM and DECOM move the cursor: they come before it. */
  #geometry(): void {
    const model = this.#model;
    const out = this.#out;
    const { screen, modes } = model;
    if (!this.#isFull(screen) || (this.#alternate && !this.#isFull(model.normal))) out.csi(region(screen));
    if (modes.origin) out.csi("?6h");
    if (!modes.autowrap) out.csi("?7l");
    if (model.insertMode) out.csi("4h");
    if (model.newLineMode) out.csi("20h");
  }

  /**
   * Position, pending wrap, the character that REP would repeat, attributes and character sets; the cursor is
   * shown last of all.
   */
  #cursor(): void {
    const { screen, cols, joining, modes, pen } = this.#model;
    const pending = screen.x >= cols;
    const line = this.#line(screen, screen.y);
    const origin = modes.origin && screen.y >= screen.top && screen.y <= screen.bottom;
    const left = Math.min(screen.x, cols) - 1;
    if (line !== undefined && left >= 0 && (pending || joining !== 0)) {
      const x = startOfCell(line, left);
      const width = (joining >> 1) & 3;
      // it ends at the cursor: without autowrap a character that finds no room leaves the cursor before the
      // last column
      const ends = x + Math.max(1, cellWidth(line, x)) === Math.min(screen.x, cols);
      const own = line.data[x * slots + 1] === pen.fg && line.data[x * slots + 2] === pen.bg;
      const printed =
        joining !== 0 && ends && own && cellText(line, x) !== "" && (cellWidth(line, x) === width || cellWidth(line, x) === 0);
      if (printed || pending) return this.#cursorAfter(line, x, printed, origin);
      if (width === 2 && screen.x === cols - 1 && !modes.autowrap && cellWidth(line, left) !== 2) {
        // a wide character that found no room: it changes nothing, but counts as printed
        this.#goTo(screen, screen.x, screen.y, origin);
        this.#finish();
        this.#out.text("\u4e00");
        return;
      }
    }
    this.#goTo(screen, Math.min(screen.x, cols - 1), screen.y, origin);
    this.#finish();
  }

  /**
   * Prints the character at `x` again, after which a pending wrap and REP are as in the model.
   * @param printed the program's attributes are still the cell's; otherwise only the wrap is pending, and
   * they are set afterwards.
   */
  #cursorAfter(line: Row, x: number, printed: boolean, origin: boolean): void {
    const { screen, insertMode } = this.#model;
    this.#goTo(screen, x, screen.y, origin);
    if (insertMode) {
      // makes the room that the character takes again
      if (this.#shiftFrom === undefined) this.#pen.plainBackground();
      this.#out.csi(`${Math.max(1, cellWidth(line, x))}P`);
    }
    const text = cellText(line, x) || " ";
    if (printed) {
      this.#finish();
      this.#out.text(this.#untranslated(text));
      return;
    }
    if (this.#oddSet) this.#finalSets();
    else this.#designate(ascii, 0);
    if (this.#shiftFrom === undefined) writePen(this.#pen, line, x);
    else {
      const cell = { fg: line.data[x * slots + 1] as number, bg: line.data[x * slots + 2] as number };
      this.#pen.shift(this.#shiftFrom, cell);
      this.#shiftFrom = { ...this.#shiftFrom, ...cell };
    }
    this.#out.text(this.#oddSet ? this.#untranslated(text) : text);
    this.#finish();
  }

  /** A cell holds what the character set made of the byte: the byte again. */
  #untranslated(text: string): string {
    if (text.length !== 1 || text.charCodeAt(0) < 0x7f) return text;
    const table = this.#model.charsetTable(this.#model.charsets.effective);
    return Object.keys(table ?? {}).find((key) => table?.[key] === text) ?? text;
  }

  #finalSets(): void {
    if (this.#oddSet) return;
    const { designated, level, effective } = this.#model.charsets;
    const wanted = [...designated];
    // out of reach otherwise: what is in effect counts
    if (wanted[level] !== effective) wanted[level] = effective;
    this.#designate(wanted, level);
  }

  #finalPen(): void {
    const { pen } = this.#model;
    if (this.#shiftFrom !== undefined) {
      this.#pen.shift(this.#shiftFrom, pen);
      this.#shiftFrom = { ...this.#shiftFrom, fg: pen.fg, bg: pen.bg };
    } else this.#pen.force(pen);
  }

  /** What comes last, before a character that is to count as printed. */
  #finish(): void {
    this.#finalSets();
    this.#finalPen();
    if (!this.#model.cursorHidden) this.#out.csi("?25h");
    this.#out.csi(`?2026${this.#model.modes.synchronized ? "h" : "l"}`);
  }
}

function region(view: BufferView): string {
  return `${view.top + 1};${view.bottom + 1}r`;
}

function canonical(letter: string | undefined): string | undefined {
  return letter === undefined ? undefined : (sameCharset[letter] ?? letter);
}

/** The column where the character in a cell begins. */
function startOfCell(line: Row, x: number): number {
  const content = line.data[x * slots] as number;
  return x > 0 && (content & Content.any) === 0 && content >>> Content.widthShift === 0 ? x - 1 : x;
}

/**
 * DECSTR leaves a saved cursor like this. An explicit DECSC would differ: xterm.js lets it scroll away with
 * the text.
 */
function isUntouched(saved: SavedCursor): boolean {
  return saved.x === 0 && saved.y <= 0 && saved.fg === plainPen.fg && saved.bg === plainPen.bg && saved.charset === "B";
}
