// What a cell is to us: the bit layout of characters, colours and attributes that painter, codec and frames
// share.

/** Slots of one cell in a line's `data`: content, foreground with flags, background with flags. */
export const slots = 3;

/**
 * Content slot: a code point, or a mark that the text is a string of its own, and the width in columns (0, 1
 * or 2).
 */
export const Content = { codePoint: 0x1fffff, combined: 0x200000, any: 0x3fffff, widthShift: 22 } as const;

/** Colour modes, the same for both colours and the underline's. */
export const Colour = {
  mask: 0x3000000,
  default: 0,
  palette16: 0x1000000,
  palette256: 0x2000000,
  rgb: 0x3000000,
  all: 0x3ffffff,
} as const;

/** Flags in the foreground slot. */
export const Fg = {
  inverse: 0x4000000,
  bold: 0x8000000,
  underline: 0x10000000,
  blink: 0x20000000,
  invisible: 0x40000000,
  strike: 0x80000000,
} as const;

/**
 * Flags in the background slot. `extended` says that underline style, underline colour and link of the cell
 * count.
 */
export const Bg = {
  italic: 0x4000000,
  dim: 0x8000000,
  extended: 0x10000000,
  protected: 0x20000000,
  overline: 0x40000000,
} as const;

/**
 * The number that holds underline style and colour together: colour in the low 26 bits, style (0 to 5) above.
 */
export const Underline = { styleShift: 26, styleMask: 0x1c000000, colour: 0x3ffffff, defaultColour: 0x3ffffff } as const;

/** One line of a buffer, read in place: valid until the terminal is fed again. */
export interface Row {
  readonly data: Uint32Array;
  readonly length: number;
  /** true where the line goes on from the one above. */
  readonly wrapped: boolean;
  /** The text of a cell whose content is marked as combined. */
  combined(x: number): string;
  /** Underline style and colour of a cell marked as extended. */
  underline(x: number): number;
  /** The link of a cell marked as extended, 0 without one. */
  link(x: number): number;
}

/** The attributes that the next printed character gets. */
export interface Pen {
  fg: number;
  bg: number;
  underline: number;
  link: number;
}

/** A hyperlink as a program wrote it. */
export interface Link {
  readonly id: string;
  readonly uri: string;
}

export const plainPen: Readonly<Pen> = { fg: 0, bg: 0, underline: 0, link: 0 };

/**
 * The text of a cell: empty where nothing stands, or where the cell is the right half of a wide character.
 */
export function cellText(line: Row, x: number): string {
  const content = line.data[x * slots] as number;
  if (content & Content.combined) return line.combined(x);
  const codePoint = content & Content.codePoint;
  return codePoint === 0 ? "" : String.fromCodePoint(codePoint);
}

/** Columns that a cell takes: 0 for the right half of a wide character. */
export function cellWidth(line: Row, x: number): number {
  return (line.data[x * slots] as number) >>> Content.widthShift;
}
