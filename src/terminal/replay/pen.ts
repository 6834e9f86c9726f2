// Writes attributes (SGR, DECSCA, OSC 8), knowing what the receiving terminal has already.
import { Bg, Colour, Fg, type Pen, Underline } from "../model/cells.ts";
import type { Model } from "../model/model.ts";
import type { Writer } from "./writer.ts";

/** Everything in the background slot that SGR sets. */
const sgrBg = Colour.all | Bg.italic | Bg.dim | Bg.overline;

/** Flags that can be switched without touching the underline: the slot, the bit, SGR on and off. */
export const switches: readonly (readonly ["fg" | "bg", number, number, number])[] = [
  ["bg", Bg.italic, 3, 23],
  ["fg", Fg.blink, 5, 25],
  ["fg", Fg.inverse, 7, 27],
  ["fg", Fg.invisible, 8, 28],
  ["fg", Fg.strike, 9, 29],
  ["bg", Bg.overline, 53, 55],
];

/** SGR strings by attributes: a screen has few different ones. */
const known = new Map<string, string>();
const mostKnown = 4096;

function colourParameters(slot: number, base: 30 | 40): string {
  const mode = slot & Colour.mask;
  if (mode === Colour.palette16) {
    const index = slot & 0xff;
    return index & 8 ? `;${base + 60 + (index & 7)}` : `;${base + (index & 7)}`;
  }
  if (mode === Colour.palette256) return `;${base + 8};5;${slot & 0xff}`;
  if (mode === Colour.rgb) return `;${base + 8};2;${(slot >> 16) & 255};${(slot >> 8) & 255};${slot & 255}`;
  return "";
}

/** Underline colour comes first, and is followed by a foreground: some terminals take 58 for one. */
function underlineColour(underline: number): string {
  const colour = underline & Underline.colour;
  const mode = colour & Colour.mask;
  if (colour === Underline.defaultColour) return ";59";
  if (mode === Colour.rgb) return `;58:2::${(colour >> 16) & 255}:${(colour >> 8) & 255}:${colour & 255};39`;
  return mode === 0 ? "" : `;58:5:${colour & 255};39`;
}

function underlineStyle(underline: number): number {
  return (underline & Underline.styleMask) >>> Underline.styleShift;
}

/**
 * SGR that sets these attributes, as the slots of a cell have them (model/cells.ts), whatever was before; the
 * lines of a log are written with it as well.
 */
export function sgr(fg: number, bg: number, underline: number): string {
  const key = `${fg},${bg},${underline}`;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  let p = `0${underlineColour(underline)}`;
  if (fg & Fg.bold) p += ";1";
  if (bg & Bg.dim) p += ";2";
  if (fg & Fg.underline) {
    const style = underlineStyle(underline);
    p += style > 1 ? `;4:${style}` : ";4";
  }
  for (const [slot, bit, on] of switches) if ((slot === "fg" ? fg : bg) & bit) p += `;${on}`;
  p += colourParameters(fg, 30) + colourParameters(bg, 40);
  const text = `\x1b[${p === "0" ? "" : p}m`;
  if (known.size >= mostKnown) known.clear();
  known.set(key, text);
  return text;
}

/**
 * Whether xterm.js' own flags agree with the underline and link of the pen; DECRC can leave one where they do
 * not.
 */
export function isConsistent(pen: Pen): boolean {
  const styled = underlineStyle(pen.underline) !== 0;
  const underlined = (pen.fg & Fg.underline) !== 0;
  const extended = (pen.bg & Bg.extended) !== 0;
  return styled === underlined && extended === (styled || pen.link !== 0);
}

export class PenWriter {
  readonly #out: Writer;
  readonly #model: Model;
  #fg = 0;
  #bg = 0;
  #underline = 0;
  #link = 0;
  #protected = false;
  /** SGR 0 took the protection away in xterm.js, but not in other terminals. */
  #protectionLost = false;
  #known = false;

  /** Begins without knowledge of the terminal's attributes. */
  constructor(out: Writer, model: Model) {
    this.#out = out;
    this.#model = model;
  }

  /** What the terminal has is not known any more. */
  forget(): void {
    this.#known = false;
  }

  /** The terminal was given plain attributes by other means. */
  isPlain(): void {
    this.#fg = 0;
    this.#bg = 0;
    this.#underline = 0;
    this.#link = 0;
    this.#protected = false;
    this.#protectionLost = false;
    this.#known = true;
  }

  /** Plain attributes, no link, nothing protected. */
  reset(): void {
    this.set(0, 0, 0, 0);
  }

  /** Whether what is erased or scrolls in gets a colour. */
  get hasBackground(): boolean {
    return !this.#known || (this.#bg & Colour.all) !== 0;
  }

  /** Erasing and scrolling fill with the current background: makes that the default. */
  plainBackground(): void {
    if (this.hasBackground) this.set(0, 0, 0, this.#link);
  }

  /** Sets all attributes, whatever the terminal had. */
  force(pen: Pen): void {
    this.#known = false;
    this.set(pen.fg, pen.bg, pen.underline, pen.link);
  }

  /** Sets attributes: colours and flags, underline style and colour, protection, link. */
  set(fg: number, bg: number, underline: number, link: number): void {
    if (!this.#known || fg !== this.#fg || ((bg ^ this.#bg) & sgrBg) !== 0 || underline !== this.#underline) {
      this.#out.ascii(sgr(fg, bg & sgrBg, underline));
      this.#fg = fg;
      this.#underline = underline;
      this.#protectionLost = this.#protected;
    }
    this.#bg = bg;
    const guard = (bg & Bg.protected) !== 0;
    if (guard !== this.#protected || (guard && this.#protectionLost) || !this.#known) {
      if (this.#known || guard) this.#out.csi(`${guard ? 1 : 0}"q`);
      this.#protected = guard;
    }
    this.#protectionLost = false;
    this.#known = true;
    this.setLink(link);
  }

  setLink(number: number): void {
    if (number === this.#link) return;
    const before = this.#model.link(this.#link);
    const link = this.#model.link(number);
    this.#link = number;
    // an id makes links one that were opened twice
    if (link !== undefined && link.id !== "" && link.id === before?.id && link.uri === before.uri) return;
    this.openLink(number);
  }

  /** Opens a link, or closes the one that is open (0), whatever the terminal has. */
  openLink(number: number): void {
    this.#link = number;
    const link = this.#model.link(number);
    if (link === undefined) this.#out.osc("8;;");
    else this.#out.osc(`8;${link.id === "" ? "" : `id=${link.id}`};${link.uri}`);
  }

  /** Goes from one pen to another without touching the underline, its colour or the link. */
  shift(from: Pick<Pen, "fg" | "bg">, to: Pick<Pen, "fg" | "bg">): void {
    const p: (number | string)[] = [];
    const bold = (to.fg & Fg.bold) !== 0;
    const dim = (to.bg & Bg.dim) !== 0;
    if (bold !== ((from.fg & Fg.bold) !== 0) || dim !== ((from.bg & Bg.dim) !== 0)) {
      p.push(22);
      if (bold) p.push(1);
      if (dim) p.push(2);
    }
    for (const [slot, bit, on, off] of switches) if ((from[slot] ^ to[slot]) & bit) p.push(to[slot] & bit ? on : off);
    if ((from.fg ^ to.fg) & Colour.all) p.push(39 + colourParameters(to.fg, 30));
    if ((from.bg ^ to.bg) & Colour.all) p.push(49 + colourParameters(to.bg, 40));
    if (p.length > 0) this.#out.csi(`${p.join(";")}m`);
    if ((from.bg ^ to.bg) & Bg.protected) this.#out.csi(`${to.bg & Bg.protected ? 1 : 0}"q`);
  }
}
