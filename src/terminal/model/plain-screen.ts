// The screen of last resort, over what xterm.js promises to everyone: chosen where the self-test finds
// internals that it does not know.
import { SerializeAddon } from "@xterm/addon-serialize";
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless, { type IBuffer, type IBufferCell, type Terminal } from "@xterm/headless";
import type { FrameRenderer } from "../frames/frames.ts";
import {
  allKeyboards,
  clear,
  writeBaseline,
  writeColours,
  writeKeyboard,
  writeKeyModes,
  writeTitles,
} from "../replay/mode-writer.ts";
import { Writer } from "../replay/writer.ts";
import { plainPen } from "./cells.ts";
import type { Modes } from "./internals.ts";
import { Scanner } from "./scanner.ts";
import type { ScreenText, Snapshot, StoredScreen } from "./screen.ts";
import { type InputModes, possibleSize, type Screen, type ScreenListener, type ScreenOptions } from "./screen.ts";
import { Tracker, type Watched } from "./tracker.ts";

/** What the worker asks of a screen, whichever it is. */
export type AnyScreen = Pick<
  Screen,
  | "cols"
  | "rows"
  | "offset"
  | "title"
  | "synchronized"
  | "inputModes"
  | "feed"
  | "fetch"
  | "unsettled"
  | "settle"
  | "tail"
  | "resize"
  | "snapshot"
  | "encode"
  | "text"
  | "dispose"
> & {
  frames(cols: number, rows: number): Frames;
  /** Where output is parsed in the background: nothing else may be asked until then. */
  readonly parsing?: Promise<void> | undefined;
};

export type Frames = Pick<FrameRenderer, "draw" | "resize" | "again">;

/** Begins a stored screen that is made of sequences; behind it columns and rows, two bytes each. */
const magic = Buffer.from("sequences\n");

/**
 * A sequence that wants something done more often than this is left out: xterm.js would be at it for minutes.
 */
const mostOften = 1 << 14;

/** First and last row of a scroll region, from 0. */
interface Region {
  top: number;
  bottom: number;
}

/**
 * A screen as sequences that draw it, as `PlainScreen` stores it; undefined where it is stored otherwise. Any
 * screen can be fed with it.
 */
export function storedSequences(stored: Uint8Array): { cols: number; rows: number; bytes: Buffer } | undefined {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const head = magic.length + 4;
  if (bytes.length < head || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  const size = possibleSize(bytes.readUInt16LE(magic.length), bytes.readUInt16LE(magic.length + 2));
  return { ...size, bytes: bytes.subarray(head) };
}

/**
 * A screen with the face of `Screen`. Cells come from the public buffer and addon-serialize, hidden state
 * from the tracker and from what is watched
 * here. Not kept: pending wrap, tab stops, shifts between character sets, underline styles, links, attributes
 * of saved cursors. Queries get
 * xterm.js' own answers.
 */
export class PlainScreen implements AnyScreen {
  readonly #terminal: Terminal;
  readonly #serializer = new SerializeAddon();
  readonly #scanner = new Scanner();
  readonly #tracker: Tracker;
  #offset: number;
  #unparsed = 0;
  #parsing: Promise<void> | undefined;
  #cursorHidden = false;
  #style: Pick<Modes, "cursorStyle" | "cursorBlink"> = { cursorStyle: undefined, cursorBlink: undefined };
  /** Of the normal and the alternate screen. */
  #regions: [Region, Region];
  /** Where the cursor was saved last. */
  readonly #saved: [{ x: number; y: number } | undefined, { x: number; y: number } | undefined] = [undefined, undefined];

  constructor(options: ScreenOptions, listener: ScreenListener = {}) {
    const { cols, rows } = possibleSize(options.cols, options.rows);
    this.#offset = options.offset ?? 0;
    this.#terminal = new headless.Terminal({
      cols,
      rows,
      scrollback: options.scrollback,
      allowProposedApi: true,
      logLevel: "off",
    });
    const terminal = this.#terminal;
    terminal.loadAddon(new Unicode11Addon());
    terminal.unicode.activeVersion = "11";
    // the addon is written for the terminal of browsers; of that it uses the part which this one has, too
    terminal.loadAddon(this.#serializer as unknown as Parameters<Terminal["loadAddon"]>[0]);
    this.#regions = [this.#whole(), this.#whole()];
    this.#tracker = new Tracker(this.#watched(), (title) => listener.title?.(title));
    this.#watch(listener);
    terminal.onData((text) => listener.answer?.(Buffer.from(text, "utf8")));
    terminal.onBell(() => listener.bell?.());
  }

  /** What the tracker may look at: what is not public is not known. */
  #watched(): Watched {
    const terminal = this.#terminal;
    return {
      terminal,
      get cols() {
        return terminal.cols;
      },
      get screen() {
        return { x: terminal.buffer.active.cursorX };
      },
      get modes() {
        return { origin: terminal.modes.originMode };
      },
      charsets: { level: 0 },
      pen: plainPen,
      link: () => undefined,
    };
  }

  #whole(): Region {
    return { top: 0, bottom: this.#terminal.rows - 1 };
  }

  get #index(): 0 | 1 {
    return this.#terminal.buffer.active.type === "alternate" ? 1 : 0;
  }

  #watch(listener: ScreenListener): void {
    const { parser } = this.#terminal;
    const first = (all: (number | number[])[], i = 0) => {
      const value = all[i];
      return typeof value === "number" ? value : 0;
    };
    const save = () => {
      const { cursorX, cursorY } = this.#terminal.buffer.active;
      this.#saved[this.#index] = { x: cursorX, y: cursorY };
    };
    const leave = () => {
      if (this.#index === 1) listener.left?.({ lines: this.text().lines });
      this.#regions[1] = this.#whole();
    };
    const seen = (work: () => void) => () => {
      work();
      return false;
    };
    parser.registerCsiHandler({ final: "r" }, (all) => {
      const { rows } = this.#terminal;
      const top = Math.max(1, first(all));
      const wanted = first(all, 1);
      const bottom = wanted === 0 || wanted > rows ? rows : wanted;
      if (bottom > top) this.#regions[this.#index] = { top: top - 1, bottom: bottom - 1 };
      return false;
    });
    for (const [final, on] of [
      ["h", true],
      ["l", false],
    ] as const)
      parser.registerCsiHandler({ prefix: "?", final }, (modes) => {
        if (modes.includes(25)) this.#cursorHidden = !on;
        if (on && (modes.includes(1048) || modes.includes(1049))) save();
        if (!on && (modes.includes(1049) || modes.includes(1047) || modes.includes(47))) leave();
        return false;
      });
    parser.registerCsiHandler({ intermediates: " ", final: "q" }, (all) => {
      const style = first(all);
      const shapes = [undefined, "block", "underline", "bar"] as const;
      this.#style = { cursorStyle: shapes[Math.ceil(style / 2)], cursorBlink: style === 0 ? undefined : style % 2 === 1 };
      return false;
    });
    parser.registerEscHandler({ final: "7" }, seen(save));
    parser.registerCsiHandler({ final: "s" }, seen(save));
    const reset = () => {
      this.#regions[this.#index] = this.#whole();
      this.#cursorHidden = false;
      this.#saved[this.#index] = undefined;
    };
    parser.registerCsiHandler({ intermediates: "!", final: "p" }, seen(reset));
    parser.registerEscHandler(
      { final: "c" },
      seen(() => {
        leave();
        reset();
        this.#regions = [this.#whole(), this.#whole()];
        this.#saved.fill(undefined);
        this.#style = { cursorStyle: undefined, cursorBlink: undefined };
      }),
    );
    for (const final of ["L", "M", "S", "T", "I", "Z", "b"])
      parser.registerCsiHandler({ final }, (all) => first(all) > mostOften);
  }

  get cols(): number {
    return this.#terminal.cols;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  get offset(): number {
    return this.#offset;
  }

  get title(): string {
    return this.#tracker.title;
  }

  get synchronized(): boolean {
    return this.#terminal.modes.synchronizedOutputMode;
  }

  get inputModes(): InputModes {
    const { bracketedPasteMode, sendFocusMode, applicationCursorKeysMode } = this.#terminal.modes;
    return {
      bracketedPaste: bracketedPasteMode,
      focus: sendFocusMode,
      applicationCursor: applicationCursorKeysMode,
      alternate: this.#index === 1,
      coloursTouched: this.#tracker.coloursTouched,
      titles: this.#tracker.titleCount,
    };
  }

  get parsing(): Promise<void> | undefined {
    return this.#parsing;
  }

  /** It is fed all of it. */
  fetch(): number {
    return 0;
  }

  readonly unsettled = false;

  settle(): void {}

  /** Takes output; it is parsed when `parsing` is done. */
  feed(bytes: Uint8Array): void {
    this.#offset += bytes.length;
    const whole = this.#scanner.feed(bytes);
    if (whole.length > 0) this.#write(whole);
  }

  #write(bytes: Uint8Array | string): void {
    this.#unparsed++;
    const written = new Promise<void>((resolve) => this.#terminal.write(bytes, resolve));
    this.#parsing = written.then(() => {
      if (--this.#unparsed === 0) this.#parsing = undefined;
    });
  }

  tail(): Buffer | undefined {
    const tail = this.#scanner.tail();
    return tail.length === this.#scanner.pending ? tail : undefined;
  }

  /**
   * A scroll region keeps its distance to both edges; xterm.js forgets it. Rows are not moved: falcon draws
   * its footer anew in a second.
   */
  resize(cols: number, rows: number): void {
    const size = possibleSize(cols, rows);
    if (size.cols === this.cols && size.rows === this.rows) return;
    const grown = size.rows - this.rows;
    const full = this.rows - 1;
    this.#terminal.resize(size.cols, size.rows);
    this.#regions = this.#regions.map(({ top, bottom }) =>
      bottom + grown > top && (top > 0 || bottom < full) ? { top, bottom: bottom + grown } : this.#whole(),
    ) as [Region, Region];
    const { cursorX, cursorY } = this.#terminal.buffer.active;
    const region = this.#regions[this.#index];
    const origin = this.#terminal.modes.originMode;
    if (region.top > 0 || region.bottom < this.rows - 1) this.#write(regionAndCursor(region, cursorX, cursorY, origin));
  }

  snapshot(history: number, pasteOn = false, early?: (first: Buffer) => void): Snapshot {
    const first = this.#draw(0, pasteOn, true);
    early?.(first);
    const lines = Math.min(history, this.#terminal.buffer.normal.baseY);
    const second = lines <= 0 ? Buffer.alloc(0) : this.#draw(lines, pasteOn, false);
    return { offset: this.#offset, cols: this.cols, rows: this.rows, first, history: second, tail: this.#scanner.tail() };
  }

  /** The whole state as sequences, with so many lines of scrollback. */
  #draw(history: number, pasteOn: boolean, titles: boolean): Buffer {
    const out = new Writer();
    const tracked = this.#tracker.state;
    const terminal = this.#terminal;
    const { cursorX, cursorY } = terminal.buffer.active;
    writeBaseline(out, tracked, pasteOn);
    out.ascii(clear);
    writeKeyboard(out, tracked.keyboards[0]);
    // the addon forgets that the alternate screen is entered with the attributes of the moment
    const enter = "\x1b[?1049h\x1b[H";
    out.text(this.#serializer.serialize({ scrollback: history, excludeModes: true }).replace(enter, `${enter}\x1b[m`));
    if (this.#index === 1) {
      out.ascii(allKeyboards);
      writeKeyboard(out, tracked.keyboards[1]);
    }
    const saved = this.#saved[this.#index];
    if (saved !== undefined) out.ascii(`\x1b[${saved.y + 1};${saved.x + 1}H\x1b7`);
    writeKeyModes(out, this.#modes(), tracked, pasteOn);
    writeColours(out, tracked);
    if (titles) writeTitles(out, tracked);
    const { originMode, wraparoundMode, insertMode } = terminal.modes;
    out.ascii(regionAndCursor(this.#regions[this.#index], cursorX, cursorY, originMode));
    if (!wraparoundMode) out.csi("?7l");
    if (insertMode) out.csi("4h");
    if (terminal.options.convertEol === true) out.csi("20h");
    for (const [i, letter] of tracked.designated.entries()) if (letter !== "B") out.ascii(`\x1b${"()*+"[i]}${letter}`);
    if (!this.#cursorHidden) out.csi("?25h");
    out.csi(`?2026${this.synchronized ? "h" : "l"}`);
    return out.take();
  }

  #modes(): Modes {
    const modes = this.#terminal.modes;
    return {
      ...this.#style,
      applicationCursor: modes.applicationCursorKeysMode,
      applicationKeypad: modes.applicationKeypadMode,
      bracketedPaste: modes.bracketedPasteMode,
      origin: modes.originMode,
      reverseWrap: modes.reverseWraparoundMode,
      focus: modes.sendFocusMode,
      synchronized: modes.synchronizedOutputMode,
      autowrap: modes.wraparoundMode,
    };
  }

  encode(): StoredScreen {
    const size = Buffer.alloc(4);
    size.writeUInt16LE(this.cols, 0);
    size.writeUInt16LE(this.rows, 2);
    const replay = Buffer.concat([magic, size, this.#draw(this.#terminal.buffer.normal.baseY, false, true)]);
    return { offset: this.#offset - this.#scanner.pending, cols: this.cols, rows: this.rows, replay };
  }

  text(): ScreenText {
    const { active, normal } = this.#terminal.buffer;
    const linesOf = (buffer: IBuffer) =>
      Array.from({ length: this.rows }, (_, y) => buffer.getLine(buffer.baseY + y)?.translateToString(true, 0, this.cols) ?? "");
    const lines = linesOf(active);
    const used = linesOf(normal).findLastIndex((line) => line !== "") + 1;
    const { cursorX, cursorY } = normal;
    return {
      lines,
      cursor: { x: Math.min(active.cursorX, this.cols - 1), y: active.cursorY, shown: !this.#cursorHidden },
      alternate: this.#index === 1,
      title: this.title,
      free: Math.max(used, cursorX > 0 ? cursorY + 1 : cursorY),
    };
  }

  frames(cols: number, rows: number): Frames {
    return new PlainFrames(this.#terminal, cols, rows, (out) => {
      const tracked = this.#tracker.state;
      writeBaseline(out, tracked, true);
      out.ascii(clear);
      writeKeyboard(out, tracked.keyboards[this.#index]);
      writeKeyModes(out, this.#modes(), tracked, true);
      writeColours(out, tracked);
      out.ascii(`\x1b[?7l${this.#cursorHidden ? "" : "\x1b[?25h"}`);
    });
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

/** DECSTBM and DECOM home the cursor: its place comes behind them. */
function regionAndCursor({ top, bottom }: Region, x: number, y: number, origin: boolean): string {
  const row = origin ? Math.max(0, y - top) : y;
  return `\x1b[${top + 1};${bottom + 1}r${origin ? "\x1b[?6h" : ""}\x1b[${row + 1};${x + 1}H`;
}

/** Draws the lower left part of a screen on a terminal of another size, changed rows only. */
class PlainFrames implements Frames {
  readonly #terminal: Terminal;
  readonly #prepare: (out: Writer) => void;
  #cols: number;
  #rows: number;
  #shown: string[] = [];
  #modes: Buffer = Buffer.alloc(0);
  #cursor = "";

  /** @param prepare writes modes, with the screen cleared, for a complete frame. */
  constructor(terminal: Terminal, cols: number, rows: number, prepare: (out: Writer) => void) {
    this.#terminal = terminal;
    this.#cols = cols;
    this.#rows = rows;
    this.#prepare = prepare;
  }

  resize(cols: number, rows: number): void {
    this.#cols = cols;
    this.#rows = rows;
    this.again();
  }

  again(): void {
    this.#shown = [];
  }

  draw(): Buffer | undefined {
    const modes = new Writer();
    this.#prepare(modes);
    const wanted = modes.take();
    const { active } = this.#terminal.buffer;
    const height = Math.min(this.#rows, this.#terminal.rows);
    // the bottom, unless the cursor is above it
    const top = Math.min(this.#terminal.rows - height, active.cursorY);
    const shown = Array.from({ length: height }, (_, y) => this.#row(active, active.baseY + top + y));
    const cursor = `\x1b[${active.cursorY - top + 1};${Math.min(active.cursorX, this.#cols - 1) + 1}H`;
    const complete = this.#shown.length === 0 || !wanted.equals(this.#modes);
    const changed = shown
      .map((row, y) => (complete || row !== this.#shown[y] ? `\x1b[${y + 1}H${row}\x1b[m\x1b[K` : ""))
      .join("");
    if (!complete && changed === "" && cursor === this.#cursor) return undefined;
    this.#shown = shown;
    this.#modes = wanted;
    this.#cursor = cursor;
    const out = new Writer();
    out.ascii("\x1b[?2026h");
    if (complete) out.bytes(wanted);
    out.text(changed);
    out.ascii(`${cursor}\x1b[?2026l`);
    return out.take();
  }

  #row(buffer: IBuffer, y: number): string {
    const line = buffer.getLine(y);
    const cols = Math.min(this.#cols, this.#terminal.cols);
    const plain = line?.translateToString(true, 0, cols).length ?? 0;
    let text = "";
    let sgr = "";
    let cell: IBufferCell | undefined;
    let blank = "";
    for (let x = 0; x < cols; x++) {
      cell = line?.getCell(x, cell);
      if (cell === undefined) break;
      const width = cell.getWidth();
      if (width === 0) continue;
      const next = sgrOf(cell);
      const piece = `${next === sgr ? "" : `\x1b[0${next}m`}${x + width > cols ? " " : cell.getChars() || " "}`;
      sgr = next;
      // blanks at the end are left to the erasing
      if (next === "" && cell.getChars() === "" && x >= plain) blank += piece;
      else {
        text += blank + piece;
        blank = "";
      }
    }
    return text;
  }
}

/** Attributes of a cell as SGR parameters, each behind a semicolon. */
function sgrOf(cell: IBufferCell): string {
  if (cell.isAttributeDefault()) return "";
  const flags: [number, string][] = [
    [cell.isBold(), "1"],
    [cell.isDim(), "2"],
    [cell.isItalic(), "3"],
    [cell.isUnderline(), "4"],
    [cell.isBlink(), "5"],
    [cell.isInverse(), "7"],
    [cell.isInvisible(), "8"],
    [cell.isStrikethrough(), "9"],
    [cell.isOverline(), "53"],
  ];
  let sgr = flags.map(([on, number]) => (on ? `;${number}` : "")).join("");
  const rgb = (colour: number) => `2;${colour >> 16};${(colour >> 8) & 255};${colour & 255}`;
  if (cell.isFgRGB()) sgr += `;38;${rgb(cell.getFgColor())}`;
  else if (cell.isFgPalette()) sgr += `;38;5;${cell.getFgColor()}`;
  if (cell.isBgRGB()) sgr += `;48;${rgb(cell.getBgColor())}`;
  else if (cell.isBgPalette()) sgr += `;48;5;${cell.getBgColor()}`;
  return sgr;
}
