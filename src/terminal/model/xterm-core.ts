// The parts of xterm.js that it does not export, as types: what buffer-view.ts, xterm-mends.ts and model.ts
// reach into (scripts/internals-known.ts tests that they are there).
import type { Terminal } from "@xterm/headless";

export interface CoreExtended {
  _ext: number;
  _urlId: number;
  clone(): CoreExtended;
}

export interface CoreAttributes {
  fg: number;
  bg: number;
  extended: CoreExtended;
}

export interface CoreLine {
  _data: Uint32Array;
  _combined: Record<number, string>;
  _extendedAttrs: Record<number, CoreExtended | undefined>;
  length: number;
  isWrapped: boolean;
  resize(cols: number, fill: unknown): boolean;
}

export interface CoreLines {
  maxLength: number;
  length: number;
  get(index: number): CoreLine | undefined;
  push(line: CoreLine): void;
  splice(start: number, deleted: number, ...lines: CoreLine[]): void;
}

/** What a character set shows instead of ASCII. */
export type Charset = Record<string, string>;

export interface CoreBuffer {
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
  savedCharset: Charset | undefined;
  _rows: number;
  resize(cols: number, rows: number): void;
  getBlankLine(attributes: CoreAttributes, wrapped?: boolean): CoreLine;
  getNullCell(attributes?: CoreAttributes): unknown;
  _getCorrectBufferLength(rows: number): number;
}

export type Counting = (parameters: { params: Int32Array }) => boolean;

export interface Core {
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
    _parser: { currentState: number; precedingJoinState: number };
  };
  _bufferService: {
    cols: number;
    rows: number;
    buffers: { normal: CoreBuffer; alt: CoreBuffer; active: CoreBuffer; activateAltBuffer(): void; activateNormalBuffer(): void };
    resize(cols: number, rows: number): void;
  };
  _charsetService: { charset: Charset | undefined; glevel: number; _charsets: (Charset | undefined)[] };
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

/** The inside of a terminal. */
export function coreOf(terminal: Terminal): Core {
  return (terminal as unknown as { _core: Core })._core;
}
