// The one place that reaches into xterm.js: buffers, pen, charsets and modes that it does not export
// (scripts/internals-known.ts tests that they are there).
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless, { type Terminal } from "@xterm/headless";
import { Content, type Line, type Link, type Pen, slots } from "./cells.ts";

/** Which of the two buffers. */
export type Which = "normal" | "alternate";

/** Mouse reports that a program asked for, in xterm.js' words. */
export interface Mouse {
  protocol: string;
  encoding: string;
}

/** Modes that xterm.js keeps. */
export interface Modes {
  applicationCursor: boolean;
  applicationKeypad: boolean;
  bracketedPaste: boolean;
  cursorBlink: boolean | undefined;
  cursorStyle: "block" | "underline" | "bar" | undefined;
  origin: boolean;
  reverseWrap: boolean;
  focus: boolean;
  synchronized: boolean;
  autowrap: boolean;
}

/** Letters that designate a character set, `B` being ASCII; letters of the same set are not told apart. */
const charsetLetters = "0A4CRQKYEZH=";

interface CoreExtended {
  _ext: number;
  _urlId: number;
  clone(): CoreExtended;
}

interface CoreAttributes {
  fg: number;
  bg: number;
  extended: CoreExtended;
}

interface CoreLine {
  _data: Uint32Array;
  _combined: Record<number, string>;
  _extendedAttrs: Record<number, CoreExtended | undefined>;
  length: number;
  isWrapped: boolean;
  resize(cols: number, fill: unknown): boolean;
}

interface CoreLines {
  maxLength: number;
  length: number;
  get(index: number): CoreLine | undefined;
  set(index: number, line: CoreLine): void;
  push(line: CoreLine): void;
  splice(start: number, deleted: number, ...lines: CoreLine[]): void;
}

interface CoreBuffer {
  lines: CoreLines;
  x: number;
  y: number;
  ybase: number;
  ydisp: number;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
  savedX: number;
  savedY: number;
  savedCurAttrData: CoreAttributes;
  savedCharset: object | undefined;
  _cols: number;
  _rows: number;
  resize(cols: number, rows: number): void;
  getBlankLine(attributes: CoreAttributes, wrapped?: boolean): CoreLine;
  getNullCell(attributes?: CoreAttributes): unknown;
  _getCorrectBufferLength(rows: number): number;
}

interface CoreParser {
  currentState: number;
  precedingJoinState: number;
}

type Counting = (parameters: { params: Int32Array }) => boolean;

interface Core {
  _inputHandler: {
    insertLines: Counting;
    deleteLines: Counting;
    scrollUp: Counting;
    scrollDown: Counting;
    cursorForwardTab: Counting;
    cursorBackwardTab: Counting;
    repeatPrecedingCharacter: Counting;
    parse(bytes: Uint8Array): unknown;
    eraseInDisplay(parameters: { params: ArrayLike<number> }, respectProtect: boolean): boolean;
    _resetBufferLine(y: number, respectProtect: boolean): void;
    _curAttrData: CoreAttributes;
    _parser: CoreParser;
  };
  _bufferService: {
    cols: number;
    rows: number;
    buffers: { normal: CoreBuffer; alt: CoreBuffer; active: CoreBuffer; activateAltBuffer(): void; activateNormalBuffer(): void };
    resize(cols: number, rows: number): void;
  };
  _charsetService: { charset: object | undefined; glevel: number; _charsets: (object | undefined)[] };
  _oscLinkService: {
    registerLink(link: { id: string | undefined; uri: string }): number;
    getLinkData(id: number): { id: string | undefined; uri: string } | undefined;
  };
  coreService: {
    isCursorHidden: boolean;
    modes: { insertMode: boolean };
    decPrivateModes: {
      applicationCursorKeys: boolean;
      applicationKeypad: boolean;
      bracketedPasteMode: boolean;
      cursorBlink: boolean | undefined;
      cursorStyle: "block" | "underline" | "bar" | undefined;
      origin: boolean;
      reverseWraparound: boolean;
      sendFocus: boolean;
      synchronizedOutput: boolean;
      wraparound: boolean;
    };
  };
  coreMouseService: { activeProtocol: string; activeEncoding: string };
}

class LineView implements Line {
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
  readonly #model: Model;
  readonly #which: Which;

  constructor(model: Model, which: Which) {
    this.#model = model;
    this.#which = which;
  }

  get #core(): CoreBuffer {
    return this.#model.coreBuffer(this.#which);
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

  line(index: number): Line {
    const line = this.#core.lines.get(index);
    if (line === undefined) throw new RangeError(`line ${index} of ${this.length}`);
    return new LineView(line);
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
      charset: this.#model.charsetName(savedCharset),
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
    core.savedCharset = this.#model.charsetTable(saved.charset);
  }

  /**
   * Replaces all lines; the screen begins at line `base`. More than the scrollback has room for go, from the
   * top.
   */
  setLines(lines: Iterable<StoredLine>, base: number): void {
    const core = this.#core;
    const { cols } = this.#model;
    const plain = this.#model.plainAttributes();
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
      for (const [x, underline, link] of stored.extended) line._extendedAttrs[x] = this.#model.extended(underline, link);
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
    const fill = this.#core.getNullCell(this.#model.plainAttributes());
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
    if (count <= 0) return;
    const core = this.#core;
    core.lines.splice(core.ybase + row, count);
  }

  /** Puts blank rows in; those below move down. */
  insertRows(row: number, count: number): void {
    if (count <= 0) return;
    const core = this.#core;
    this.#roomFor(core.lines.length + count);
    const blank = Array.from({ length: count }, () => core.getBlankLine(this.#model.plainAttributes()));
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
    const plain = this.#model.plainAttributes();
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

/**
 * Mends two faults of xterm.js' ED. Erasing from the start to a cursor in the lower right corner (ED 1)
 * throws, because the line below does not
 * exist: what it had still to do is done here. Clearing the scrollback (ED 3) leaves saved cursors at their
 * line's old number, so that they move
 * down by as many lines as went, in a viewer's terminal by others than here; no other terminal moves them.
 */
export function mendErase(terminal: Terminal): void {
  const { _inputHandler: input, _bufferService: service } = (terminal as unknown as { _core: Core })._core;
  const erase = input.eraseInDisplay.bind(input);
  input.eraseInDisplay = (parameters, respectProtect) => {
    const buffer = service.buffers.active;
    const { ybase } = buffer;
    try {
      return erase(parameters, respectProtect);
    } catch (error) {
      if (parameters.params[0] !== 1) throw error;
      for (let y = terminal.buffer.active.cursorY - 1; y >= 0; y--) input._resetBufferLine(y, respectProtect);
      return true;
    } finally {
      buffer.savedY += buffer.ybase - ybase;
    }
  };
}

/**
 * Methods of xterm.js that do something as often as a program says, each time anew, up to 2^31 times:
 * minutes, for all sessions of a worker.
 */
const counting = [
  "insertLines",
  "deleteLines",
  "scrollUp",
  "scrollDown",
  "cursorForwardTab",
  "cursorBackwardTab",
  "repeatPrecedingCharacter",
] as const;

/**
 * Characters that one REP prints, in any case: more are printed where they can still be seen on the screen.
 */
const mostRepeated = 1 << 14;

/**
 * Bounds what one sequence may make xterm.js do. More lines than the screen has, more tabs than columns,
 * change nothing that fewer would not; of
 * a character that is repeated as many are printed as screen and scrollback hold, at the columns where all
 * would have come to stand. Of more
 * than `mostRepeated` those that scroll out of the screen are missing in the scrollback.
 */
export function boundCounts(terminal: Terminal): void {
  const input = (terminal as unknown as { _core: Core })._core._inputHandler;
  for (const name of counting) {
    const method = input[name].bind(input);
    input[name] = (parameters) => {
      const { params } = parameters;
      const count = params[0] as number;
      const { cols, rows } = terminal;
      if (name !== "repeatPrecedingCharacter") params[0] = Math.min(count, Math.max(cols, rows));
      else {
        const most = Math.max(cols * rows, Math.min(mostRepeated, cols * (rows + (terminal.options.scrollback ?? 0))));
        // in a row there is room for so many of them: the bits of its width
        const inRow = Math.max(1, Math.floor(cols / Math.max(1, (input._parser.precedingJoinState >> 1) & 3)));
        if (count > most) params[0] = most + ((count - most) % inRow);
      }
      return method(parameters);
    };
  }
}

/**
 * UTF-16 units of one cell's character with its marks: the longest emoji has 35, and what goes on for ever is
 * nothing that is seen.
 */
const longestCell = 64;

/**
 * Bounds the marks that are put on one character; without it one cell grows with everything that a program
 * prints.
 */
export function boundMarks(terminal: Terminal): void {
  const { active } = (terminal as unknown as { _core: Core })._core._bufferService.buffers;
  // the lines of all terminals have their methods in one place
  const lines = Object.getPrototypeOf(active.lines.get(0)) as MarkedLines;
  const { addCodepointToCell } = lines;
  if (addCodepointToCell === undefined || addCodepointToCell.bounded) return;
  const bounded: MarkedLines["addCodepointToCell"] = function (this: CoreLine, x, codePoint, width) {
    if ((this._combined[x]?.length ?? 0) < longestCell) addCodepointToCell.call(this, x, codePoint, width);
  };
  bounded.bounded = true;
  lines.addCodepointToCell = bounded;
}

interface MarkedLines {
  addCodepointToCell: {
    (this: CoreLine, x: number, codePoint: number, width: number): void;
    bounded?: boolean;
  };
}

/** How many links are remembered before those that no cell shows any more are forgotten. */
const mostLinks = 4096;

/** An xterm.js terminal with its hidden state. Feeding is synchronous. */
export class Model {
  readonly terminal: Terminal;
  readonly normal: BufferView;
  readonly alternate: BufferView;
  readonly #core: Core;
  readonly #charsets = new Map<object, string>();
  readonly #tables = new Map<string, object>();
  /**
   * Links by number, kept longer than xterm.js does: it drops one when its lines are gone, even while it is
   * open.
   */
  readonly #links = new Map<number, Link>();

  constructor(cols: number, rows: number, scrollback: number) {
    this.terminal = new headless.Terminal({
      cols,
      rows,
      scrollback,
      allowProposedApi: true,
      // a DEL in a text is an "error" that xterm.js would print
      logLevel: "off",
      windowOptions: {
        pushTitle: true,
        popTitle: true,
        getWinSizePixels: true,
        getCellSizePixels: true,
        getWinSizeChars: true,
        getScreenSizeChars: true,
        getScreenSizePixels: true,
        getWinState: true,
        getWinPosition: true,
        getIconTitle: true,
        getWinTitle: true,
      },
    });
    this.terminal.loadAddon(new Unicode11Addon());
    this.terminal.unicode.activeVersion = "11";
    this.#core = (this.terminal as unknown as { _core: Core })._core;
    this.normal = new BufferView(this, "normal");
    this.alternate = new BufferView(this, "alternate");
    mendErase(this.terminal);
    boundCounts(this.terminal);
    boundMarks(this.terminal);
    this.#rememberLinks();
    this.#learnCharsets();
  }

  dispose(): void {
    this.terminal.dispose();
  }

  #rememberLinks(): void {
    const service = this.#core._oscLinkService;
    const register = service.registerLink.bind(service);
    service.registerLink = (data) => {
      const number = register(data);
      this.#links.set(number, { id: data.id ?? "", uri: data.uri });
      if (this.#links.size > mostLinks) this.#forgetLinks(number);
      return number;
    };
  }

  #forgetLinks(newest: number): void {
    const shown = new Set<number>([newest, this.#core._inputHandler._curAttrData.extended._urlId]);
    const { normal, alt } = this.#core._bufferService.buffers;
    for (const { lines } of [normal, alt]) {
      for (let i = 0; i < lines.length; i++) {
        for (const extended of Object.values(lines.get(i)?._extendedAttrs ?? {}))
          if (extended !== undefined) shown.add(extended._urlId);
      }
    }
    for (const number of this.#links.keys()) if (!shown.has(number)) this.#links.delete(number);
  }

  #learnCharsets(): void {
    const service = this.#core._charsetService;
    for (const letter of charsetLetters) {
      this.parse(Buffer.from(`\x1b(${letter}`));
      const table = service._charsets[0];
      if (table === undefined || this.#charsets.has(table)) continue;
      this.#charsets.set(table, letter);
      this.#tables.set(letter, table);
    }
    service.charset = undefined;
    service._charsets = [];
  }

  get cols(): number {
    return this.#core._bufferService.cols;
  }

  get rows(): number {
    return this.#core._bufferService.rows;
  }

  /** Applies bytes at once; they must end where no sequence and no character is unfinished. */
  parse(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#core._inputHandler.parse(bytes);
  }

  get active(): Which {
    const { active, alt } = this.#core._bufferService.buffers;
    return active === alt ? "alternate" : "normal";
  }

  /** The buffer that is shown. */
  get screen(): BufferView {
    return this.active === "alternate" ? this.alternate : this.normal;
  }

  /** For this file only. */
  coreBuffer(which: Which): CoreBuffer {
    const { normal, alt } = this.#core._bufferService.buffers;
    return which === "normal" ? normal : alt;
  }

  /** For this file only. */
  plainAttributes(): CoreAttributes {
    return { fg: 0, bg: 0, extended: this.extended(0, 0) };
  }

  /** For this file only. */
  extended(underline: number, link: number): CoreExtended {
    const extended = this.#core._inputHandler._curAttrData.extended.clone();
    extended._ext = underline;
    extended._urlId = link;
    return extended;
  }

  charsetName(table: object | undefined): string {
    return table === undefined ? "B" : (this.#charsets.get(table) ?? "B");
  }

  charsetTable(name: string): object | undefined {
    return this.#tables.get(name);
  }

  get pen(): Pen {
    const { fg, bg, extended } = this.#core._inputHandler._curAttrData;
    return { fg, bg, underline: extended._ext, link: extended._urlId };
  }

  set pen(pen: Pen) {
    const current = this.#core._inputHandler._curAttrData;
    current.fg = pen.fg;
    current.bg = pen.bg;
    current.extended = this.extended(pen.underline, pen.link);
  }

  /**
   * Character sets: what G0 to G3 are, which of them is shifted in, and which is in effect (DECRC can make
   * that another one).
   */
  get charsets(): { designated: [string, string, string, string]; level: number; effective: string } {
    const { _charsets, glevel, charset } = this.#core._charsetService;
    const name = (i: number) => this.charsetName(_charsets[i]);
    return { designated: [name(0), name(1), name(2), name(3)], level: glevel, effective: this.charsetName(charset) };
  }

  set charsets(sets: { designated: readonly string[]; level: number; effective: string }) {
    const service = this.#core._charsetService;
    service._charsets = sets.designated.map((name) => this.charsetTable(name));
    service.glevel = sets.level;
    service.charset = this.charsetTable(sets.effective);
  }

  /** The characters that a set shows instead of ASCII; undefined for ASCII itself. */
  translation(name: string): Record<string, string> | undefined {
    return this.charsetTable(name) as Record<string, string> | undefined;
  }

  get modes(): Modes {
    const m = this.#core.coreService.decPrivateModes;
    return {
      applicationCursor: m.applicationCursorKeys,
      applicationKeypad: m.applicationKeypad,
      bracketedPaste: m.bracketedPasteMode,
      cursorBlink: m.cursorBlink,
      cursorStyle: m.cursorStyle,
      origin: m.origin,
      reverseWrap: m.reverseWraparound,
      focus: m.sendFocus,
      synchronized: m.synchronizedOutput,
      autowrap: m.wraparound,
    };
  }

  set modes(modes: Modes) {
    const m = this.#core.coreService.decPrivateModes;
    m.applicationCursorKeys = modes.applicationCursor;
    m.applicationKeypad = modes.applicationKeypad;
    m.bracketedPasteMode = modes.bracketedPaste;
    m.cursorBlink = modes.cursorBlink;
    m.cursorStyle = modes.cursorStyle;
    m.origin = modes.origin;
    m.reverseWraparound = modes.reverseWrap;
    m.sendFocus = modes.focus;
    m.synchronizedOutput = modes.synchronized;
    m.wraparound = modes.autowrap;
  }

  get cursorHidden(): boolean {
    return this.#core.coreService.isCursorHidden;
  }

  set cursorHidden(hidden: boolean) {
    this.#core.coreService.isCursorHidden = hidden;
  }

  get insertMode(): boolean {
    return this.#core.coreService.modes.insertMode;
  }

  set insertMode(on: boolean) {
    this.#core.coreService.modes.insertMode = on;
  }

  /** LNM: a line feed also returns to column 0. */
  get newLineMode(): boolean {
    return this.terminal.options.convertEol === true;
  }

  set newLineMode(on: boolean) {
    this.terminal.options.convertEol = on;
  }

  /** DEC mode 12. */
  get blinkMode(): boolean {
    return this.terminal.options.cursorBlink === true;
  }

  set blinkMode(on: boolean) {
    this.terminal.options.cursorBlink = on;
  }

  get mouse(): Mouse {
    const { activeProtocol, activeEncoding } = this.#core.coreMouseService;
    return { protocol: activeProtocol, encoding: activeEncoding };
  }

  set mouse(mouse: Mouse) {
    this.#core.coreMouseService.activeProtocol = mouse.protocol;
    this.#core.coreMouseService.activeEncoding = mouse.encoding;
  }

  link(number: number): Link | undefined {
    return this.#links.get(number);
  }

  /** Makes a link known, for putting a stored screen back; answers its number. */
  addLink(link: Link): number {
    return this.#core._oscLinkService.registerLink({ id: link.id === "" ? undefined : link.id, uri: link.uri });
  }

  /**
   * Properties of the character that was printed last, 0 when anything else came after it: a combining
   * character joins it, REP repeats it.
   * Its bits 1 and 2 are the width in columns.
   */
  get joining(): number {
    return this.#core._inputHandler._parser.precedingJoinState;
  }

  set joining(state: number) {
    this.#core._inputHandler._parser.precedingJoinState = state;
  }

  /** 0 where no sequence is unfinished. */
  get parserState(): number {
    return this.#core._inputHandler._parser.currentState;
  }

  /**
   * The state behind a CR LF in the last row of the scroll region, as far as the text before it decides it.
   */
  standBelow(): void {
    this.screen.setCursor(0, this.screen.bottom);
    this.joining = 0;
  }

  /** Shows the other buffer, nothing else. */
  activate(which: Which): void {
    const { buffers } = this.#core._bufferService;
    if (which === "alternate") buffers.activateAltBuffer();
    else buffers.activateNormalBuffer();
  }

  /**
   * Changes the size as xterm.js does; at least 2 columns and 1 row.
   * @param footer rows at the bottom of the normal screen that stay at the edge.
   */
  resize(cols: number, rows: number, footer = 0): void {
    const service = this.#core._bufferService;
    if (footer > 0) {
      service.cols = cols;
      service.rows = rows;
      this.normal.resizeAboveFooter(cols, rows, footer);
    }
    service.resize(cols, rows);
    // without reflow xterm.js keeps what is right of the edge, from where deleting characters would bring it
    // back
    for (const view of [this.normal, this.alternate]) view.fitLines(cols, rows);
  }
}
