// A user's terminal for replay tests: xterm.js without our code but the scanner and the mended fault, and its
// whole state, hidden parts included, to compare.
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless, { type Terminal } from "@xterm/headless";
import { Scanner } from "../../src/terminal/model/scanner.ts";
import { mendErase } from "../../src/terminal/model/xterm-mends.ts";
import { Shadow } from "./shadow.ts";

const scrollback = 1000;

interface Extended {
  _ext: number;
  _urlId: number;
}

interface CoreLine {
  _data: Uint32Array;
  _combined: Record<number, string>;
  _extendedAttrs: Record<number, Extended | undefined>;
  isWrapped: boolean;
}

interface Attributes {
  fg: number;
  bg: number;
  extended: Extended;
}

interface CoreBuffer {
  lines: { length: number; get(i: number): CoreLine };
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean | undefined>;
  savedX: number;
  savedY: number;
  savedCurAttrData: Attributes;
  savedCharset: object | undefined;
}

interface Core {
  _inputHandler: {
    parse(bytes: Uint8Array): void;
    _curAttrData: Attributes;
    _parser: { currentState: number; precedingJoinState: number };
    _windowTitle: string;
    _iconName: string;
    _windowTitleStack: string[];
    _iconNameStack: string[];
  };
  _bufferService: { buffers: { normal: CoreBuffer; alt: CoreBuffer; active: CoreBuffer } };
  _charsetService: { charset: object | undefined; glevel: number; _charsets: (object | undefined)[] };
  _oscLinkService: { registerLink(link: { id?: string; uri: string }): number };
  coreService: { isCursorHidden: boolean; modes: { insertMode: boolean }; decPrivateModes: Record<string, unknown> };
  coreMouseService: { activeProtocol: string; activeEncoding: string };
}

/** Lines in a form in which two terminals can be compared: five numbers a cell. */
interface Grid {
  lines: Uint32Array[];
  wrapped: boolean[];
}

export interface State {
  cells: Grid;
  inactive: Grid | undefined;
  scrollback: Grid;
  /** Everything else by name. */
  facts: Record<string, string>;
}

export interface Difference {
  what: string;
  detail: string;
}

/** Slots of a cell in a grid: content, foreground, background, underline, link. */
const slots = 5;

const Bits = {
  combined: 0x200000,
  any: 0x3fffff,
  width: 22,
  colour: 0x3ffffff,
  colourMode: 0x3000000,
  underline: 0x10000000,
  extended: 0x10000000,
} as const;

/** Texts (combined characters, links) as numbers that are the same in every terminal. */
const interned = new Map<string, number>();
const texts: string[] = [""];

function intern(text: string): number {
  if (text === "") return 0;
  let number = interned.get(text);
  if (number === undefined) {
    number = texts.push(text) - 1;
    interned.set(text, number);
  }
  return number;
}

let charsetNames: Map<object, string> | undefined;

function charsetName(table: object | undefined): string {
  if (table === undefined) return "B";
  if (charsetNames === undefined) {
    charsetNames = new Map();
    const probe = new UserScreen(10, 2);
    for (const letter of "0A4CRQKYEZH=") {
      probe.feed(Buffer.from(`\x1b(${letter}`));
      const found = probe.core._charsetService._charsets[0];
      if (found !== undefined && !charsetNames.has(found)) charsetNames.set(found, letter);
    }
    probe.dispose();
  }
  return charsetNames.get(table) ?? "?";
}

export class UserScreen {
  readonly terminal: Terminal;
  readonly #shadow: Shadow;
  readonly #scanner = new Scanner();
  readonly #links = new Map<number, string>();
  #unfinished = false;

  /** @param terminal one that exists already, fresh, whose state is to be seen. */
  constructor(cols: number, rows: number, lines = scrollback, terminal?: Terminal) {
    this.terminal =
      terminal ??
      new headless.Terminal({
        cols,
        rows,
        scrollback: lines,
        allowProposedApi: true,
        logLevel: "off",
        windowOptions: { pushTitle: true, popTitle: true },
      });
    if (terminal === undefined) {
      this.terminal.loadAddon(new Unicode11Addon());
      this.terminal.unicode.activeVersion = "11";
    }
    if (terminal === undefined) mendErase(this.terminal);
    this.#shadow = new Shadow(this.terminal);
    // xterm.js forgets a link when the lines that show it are gone, also one that is still open
    const service = this.core._oscLinkService;
    const register = service.registerLink.bind(service);
    service.registerLink = (link) => {
      const number = register(link);
      this.#links.set(number, `${link.id ?? ""};${link.uri}`);
      return number;
    };
  }

  get core(): Core {
    return (this.terminal as unknown as { _core: Core })._core;
  }

  /**
   * Feeds at sequence boundaries: xterm.js 6.0.0 itself drops a character that is split (xterm.js #6003),
   * which is not what is tested.
   */
  feed(bytes: Uint8Array): void {
    const whole = this.#scanner.feed(bytes);
    if (whole.length > 0) this.core._inputHandler.parse(whole);
  }

  /**
   * Feeds the sequence that is not finished, too: a line feed inside of it acts at once, as in any terminal.
   * That the parser then stands in it
   * is no difference to one that waits for its end. The terminal is not to be fed any more.
   */
  feedUnfinished(): void {
    this.core._inputHandler.parse(this.#scanner.tail());
    this.#unfinished = true;
  }

  resize(cols: number, rows: number): void {
    this.terminal.resize(cols, rows);
  }

  dispose(): void {
    this.terminal.dispose();
  }

  state(): State {
    const { core } = this;
    const { cols, rows } = this.terminal;
    const { normal, alt, active } = core._bufferService.buffers;
    const alternate = active === alt;
    const modes = core.coreService.decPrivateModes;
    const input = core._inputHandler;
    const { _charsets, glevel, charset } = core._charsetService;
    const { extended, fg, bg } = input._curAttrData;
    const facts: Record<string, string> = {
      size: `${cols}x${rows}`,
      screen: alternate ? "alternate" : "normal",
      cursor: `${Math.min(active.x, cols - 1)},${active.y}`,
      "pending wrap": `${active.x >= cols}`,
      "cursor shown": `${!core.coreService.isCursorHidden}`,
      "cursor style": `${modes.cursorStyle} ${modes.cursorBlink} ${this.terminal.options.cursorBlink}`,
      "scroll region": `${active.scrollTop},${active.scrollBottom}`,
      "inactive scroll region": alternate ? `${normal.scrollTop},${normal.scrollBottom}` : "",
      // without bracketed paste, which every snapshot has on
      modes: `insert=${core.coreService.modes.insertMode} newline=${this.terminal.options.convertEol} ${[
        "applicationCursorKeys",
        "applicationKeypad",
        "origin",
        "reverseWraparound",
        "sendFocus",
        "synchronizedOutput",
        "wraparound",
      ]
        .map((name) => `${name}=${modes[name]}`)
        .join(" ")}`,
      mouse: `${core.coreMouseService.activeProtocol} ${core.coreMouseService.activeEncoding}`,
      pen: this.#attributes(fg, bg, extended, true),
      "saved cursor": this.#saved(active),
      "inactive saved cursor": alternate ? this.#saved(normal) : "",
      "stale saved cursor": alternate ? "" : this.#saved(alt),
      charset: charsetName(charset),
      charsets: `${glevel} ${[0, 1, 2, 3].map((i) => charsetName(_charsets[i])).join("")}`,
      tabs: Object.keys(active.tabs)
        .filter((x) => active.tabs[Number(x)] && Number(x) < cols)
        .join(),
      title: JSON.stringify([input._windowTitle, input._iconName]),
      "title stack": JSON.stringify([input._windowTitleStack, input._iconNameStack]),
      parser: `${this.#unfinished ? 0 : input._parser.currentState}`,
    };
    for (const [name, value] of Object.entries(this.#shadow.state())) facts[name] = value;
    const screen = (buffer: CoreBuffer) =>
      this.#grid(buffer, buffer.ybase, buffer.ybase + rows, buffer === alt || buffer.ybase === 0);
    return {
      cells: screen(active),
      inactive: alternate ? screen(normal) : undefined,
      scrollback: this.#grid(normal, 0, normal.ybase, true),
      facts,
    };
  }

  /** @param top whether the first line has none above it: its wrap flag then means nothing. */
  #grid(buffer: CoreBuffer, from: number, to: number, top: boolean): Grid {
    const grid: Grid = { lines: [], wrapped: [] };
    for (let y = from; y < to; y++) {
      const line = buffer.lines.get(y);
      grid.lines.push(this.#cells(line));
      grid.wrapped.push(line.isWrapped && !(top && y === from));
    }
    return grid;
  }

  #cells(line: CoreLine): Uint32Array {
    const { cols } = this.terminal;
    const cells = new Uint32Array(cols * slots);
    for (let x = 0; x < cols; x++) {
      let content = line._data[x * 3] as number;
      const fg = line._data[x * 3 + 1] as number;
      const bg = line._data[x * 3 + 2] as number;
      const at = x * slots;
      // the right half of a wide character shows the left one's attributes; so does what xterm.js puts there
      // when, without autowrap, another wide character finds no room
      if (x > 0 && (line._data[x * 3 - 3] as number) >>> Bits.width === 2) continue;
      // a right half whose left one is gone shows as a blank
      if ((content & Bits.any) === 0) content = 1 << Bits.width;
      // half of a wide character, which only a reflow leaves in the last column
      if (x === cols - 1 && content >>> Bits.width === 2) content = (1 << Bits.width) | 0x20;
      if ((content & Bits.any) === 0) content |= 0x20;
      if (content & Bits.combined) content = (content & ~Bits.any) | Bits.combined | intern(line._combined[x] ?? "");
      cells[at] = content;
      cells[at + 1] = (fg & ~Bits.colour) | colour(fg);
      cells[at + 2] = (bg & ~Bits.colour & ~Bits.extended) | colour(bg);
      const extended = bg & Bits.extended ? line._extendedAttrs[x] : undefined;
      if (fg & Bits.underline) cells[at + 3] = underline(extended);
      cells[at + 4] = extended === undefined ? 0 : intern(this.#link(extended._urlId));
    }
    return cells;
  }

  #link(number: number): string {
    return this.#links.get(number) ?? "";
  }

  #saved(buffer: CoreBuffer): string {
    const { cols, rows } = this.terminal;
    const y = Math.min(Math.max(buffer.savedY - buffer.ybase, 0), rows - 1);
    const { fg, bg } = buffer.savedCurAttrData;
    const attributes = this.#attributes(fg, bg & ~Bits.extended, undefined, false);
    return `${Math.min(buffer.savedX, cols - 1)},${y} ${attributes} ${charsetName(buffer.savedCharset)}`;
  }

  #attributes(fg: number, bg: number, extended: Extended | undefined, pen: boolean): string {
    const flags = `${(fg & ~Bits.colour) >>> 0} ${bg & ~Bits.colour & ~Bits.extended}`;
    const line =
      extended === undefined ? "" : fg & Bits.underline ? `${underline(extended)}` : pen ? `${lineColour(extended)}` : "";
    return `${colour(fg)} ${colour(bg)} ${flags} ${line} ${extended === undefined ? "" : this.#link(extended._urlId)}`;
  }
}

/** The colour in a slot, without what earlier colours left in bits that do not count. */
function colour(slot: number): number {
  const mode = slot & Bits.colourMode;
  if (mode === 0) return 0;
  return mode === Bits.colourMode ? slot & Bits.colour : mode | (slot & 0xff);
}

/** Style and colour, plain single underline where nothing else is said. */
function underline(extended: Extended | undefined): number {
  const style = extended === undefined ? 1 : (extended._ext >>> 26) & 7 || 1;
  return ((style << 26) | lineColour(extended)) >>> 0;
}

function lineColour(extended: Extended | undefined): number {
  const slot = extended === undefined ? 0 : extended._ext & Bits.colour;
  return slot === Bits.colour ? 0 : colour(slot);
}

/** What differs; empty where two terminals are in the same state. */
export function compare(a: State, b: State): Difference[] {
  const found: Difference[] = [];
  for (const grid of ["cells", "inactive", "scrollback"] as const) compareGrids(grid, a[grid], b[grid], found);
  for (const name of Object.keys(a.facts)) {
    if (a.facts[name] !== b.facts[name]) found.push({ what: name, detail: `${a.facts[name]} | ${b.facts[name]}` });
  }
  return found;
}

/** Whether a user sees the difference: cells of the screen that is shown, the cursor. */
export function isVisible({ what }: Difference): boolean {
  return what === "size" || what === "screen" || what === "cursor" || what === "cursor shown" || /^cells (?!wrap)/.test(what);
}

function compareGrids(name: string, a: Grid | undefined, b: Grid | undefined, found: Difference[]): void {
  if (a === undefined || b === undefined) {
    if (a !== b) found.push({ what: name, detail: "only one has it" });
    return;
  }
  if (a.lines.length !== b.lines.length) found.push({ what: `${name} lines`, detail: `${a.lines.length} | ${b.lines.length}` });
  const whats = new Map<string, string>();
  for (let y = 0; y < Math.min(a.lines.length, b.lines.length); y++) {
    if (a.wrapped[y] !== b.wrapped[y] && !whats.has("wraps")) whats.set("wraps", `line ${y}: ${a.wrapped[y]} | ${b.wrapped[y]}`);
    const [left, right] = [a.lines[y] as Uint32Array, b.lines[y] as Uint32Array];
    if (left === right || Buffer.compare(bytes(left), bytes(right)) === 0) continue;
    for (let i = 0; i < left.length; i++) {
      if (left[i] === right[i]) continue;
      const slot = ["text", "colour", "background", "underline", "link"][i % slots] as string;
      const x = Math.floor(i / slots);
      if (!whats.has(slot)) whats.set(slot, `(${x},${y}) ${cellOf(left, x)} | ${cellOf(right, x)}`);
    }
  }
  for (const [slot, detail] of whats) found.push({ what: `${name} ${slot}`, detail });
}

function bytes(line: Uint32Array): Buffer {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength);
}

function cellOf(line: Uint32Array, x: number): string {
  const [content = 0, fg = 0, bg = 0, under = 0, link = 0] = line.subarray(x * slots, (x + 1) * slots);
  const code = content & 0x1fffff;
  const text = content & Bits.combined ? texts[code] : code === 0 ? "" : String.fromCodePoint(code);
  return `${JSON.stringify(text)}/${content >>> Bits.width} ${fg.toString(16)} ${bg.toString(16)} ${under.toString(16)} ${texts[link]}`;
}
