// An xterm.js terminal with its hidden state: pen, character sets, modes, links, which it does not export.
import { Unicode11Addon } from "@xterm/addon-unicode11";
import headless, { type Terminal } from "@xterm/headless";
import { BufferView, type Which } from "./buffer-view.ts";
import type { Link, Pen } from "./cells.ts";
import { type Charset, type Core, type CoreAttributes, type CoreBuffer, type CoreExtended, coreOf } from "./xterm-core.ts";
import { boundCounts, boundMarks, mendErase } from "./xterm-mends.ts";

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

/** How many links are remembered before those that no cell shows any more are forgotten. */
const mostLinks = 4096;

/** A longer link is none: a viewer is sent those that it sees with each snapshot, and many are remembered. */
const longestLink = 4096;

/** An xterm.js terminal with its hidden state. Feeding is synchronous. */
export class Model {
  readonly terminal: Terminal;
  readonly normal: BufferView;
  readonly alternate: BufferView;
  readonly #core: Core;
  readonly #charsets = new Map<Charset, string>();
  readonly #tables = new Map<string, Charset>();
  /**
   * Links by number, kept longer than xterm.js does: it drops one when its lines are gone, even while it is
   * open.
   */
  readonly #links = new Map<number, Link>();
  readonly #linkNumbers = new Map<string, number>();
  #lastLink = 0;
  /** So many links are kept without a look at which of them are shown. */
  #linksUntil = mostLinks;

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
    this.#core = coreOf(this.terminal);
    this.normal = new BufferView(this, "normal");
    this.alternate = new BufferView(this, "alternate");
    mendErase(this.terminal);
    boundCounts(this.terminal);
    boundMarks(this.terminal);
    this.#numberLinks();
    this.#learnCharsets();
  }

  dispose(): void {
    this.terminal.dispose();
  }

  /**
   * Numbers links instead of xterm.js, which keeps a marker of a line for each, for ever where that line
   * stays: what is shown of links is here.
   */
  #numberLinks(): void {
    this.#core._oscLinkService.registerLink = ({ id = "", uri }) => {
      if (id.length + uri.length > longestLink) return 0;
      const known = this.#linkNumbers.get(`${id};${uri}`);
      if (known !== undefined) return known;
      const number = ++this.#lastLink;
      this.#linkNumbers.set(`${id};${uri}`, number);
      this.#links.set(number, { id, uri });
      if (this.#links.size > this.#linksUntil) this.#forgetLinks(number);
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
    for (const [number, { id, uri }] of this.#links) {
      if (shown.has(number)) continue;
      this.#links.delete(number);
      this.#linkNumbers.delete(`${id};${uri}`);
    }
    // the next look is worth it once there are as many again
    this.#linksUntil = Math.max(mostLinks, 2 * this.#links.size);
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

  /** For `BufferView`. */
  coreBuffer(which: Which): CoreBuffer {
    const { normal, alt } = this.#core._bufferService.buffers;
    return which === "normal" ? normal : alt;
  }

  /** For `BufferView`. */
  plainAttributes(): CoreAttributes {
    return { fg: 0, bg: 0, extended: this.extended(0, 0) };
  }

  extended(underline: number, link: number): CoreExtended {
    const extended = this.#core._inputHandler._curAttrData.extended.clone();
    extended._ext = underline;
    extended._urlId = link;
    return extended;
  }

  charsetName(table: Charset | undefined): string {
    return table === undefined ? "B" : (this.#charsets.get(table) ?? "B");
  }

  /** The characters that a set shows instead of ASCII; undefined for ASCII itself. */
  charsetTable(name: string): Charset | undefined {
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

  /** Makes the links of a stored screen known, of which no cell shows any yet; answers their numbers. */
  addLinks(links: readonly Link[]): number[] {
    this.#linksUntil = Number.POSITIVE_INFINITY;
    const numbers = links.map((link) => this.addLink(link));
    this.#linksUntil = Math.max(mostLinks, 2 * this.#links.size);
    return numbers;
  }

  /** Makes a link known; answers its number. */
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
