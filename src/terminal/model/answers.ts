// Answers the queries that a program sends to its terminal, from the screen alone and only with what the
// screen really has.

import { switches } from "../replay/pen.ts";
import { Bg, Colour, Fg, Underline } from "./cells.ts";
import { cubeColour, namedColours } from "./cube-colour.ts";
import type { Model } from "./model.ts";
import type { Tracker } from "./tracker.ts";

/** Said to XTVERSION. */
const name = "falcon-sessions";

/** VT220 with colours: what xterm.js implements. */
const primary = "\x1b[?62;22c";

/** As xterm.js says: an xterm of patch level 276. */
const secondary = "\x1b[>0;276;0c";

/** Size of a cell in pixels; nothing is drawn, but programs divide by it. */
const cell = { width: 8, height: 16 };

/** Foreground, background and cursor where no program set them: unknown, since no one need be attached. */
const defaultColours: Record<number, [number, number, number]> = {
  10: [255, 255, 255],
  11: [0, 0, 0],
  12: [255, 255, 255],
  17: [85, 85, 85],
  19: [255, 255, 255],
};

/** DECRQM: 1 set, 2 reset, 3 and 4 for ever so, 0 unknown. */
type ModeReport = 0 | 1 | 2 | 3 | 4;

/** Begins to answer; `send` gets the bytes for the program. */
export function answerQueries(model: Model, tracker: Tracker, send: (bytes: Buffer) => void): void {
  new Answers(model, tracker, (text) => send(Buffer.from(text, "utf8"))).register();
}

/** The report of a terminal's size that mode 2048 asks for. */
export function sizeReport(cols: number, rows: number): Buffer {
  return Buffer.from(`\x1b[48;${rows};${cols};${rows * cell.height};${cols * cell.width}t`);
}

class Answers {
  readonly #model: Model;
  readonly #tracker: Tracker;
  readonly #send: (text: string) => void;

  constructor(model: Model, tracker: Tracker, send: (text: string) => void) {
    this.#model = model;
    this.#tracker = tracker;
    this.#send = send;
  }

  register(): void {
    const { parser } = this.#model.terminal;
    type Id = { prefix?: string; intermediates?: string; final: string };
    // true: xterm.js does not answer as well
    const csi = (id: Id, answer: (first: number, parameters: number[]) => string | undefined) =>
      parser.registerCsiHandler(id, (all) => {
        const numbers = all.filter((p): p is number => typeof p === "number");
        const text = answer(numbers[0] ?? 0, numbers);
        if (text !== undefined && text !== "") this.#send(text);
        return text !== undefined;
      });
    csi({ final: "c" }, (p) => (p === 0 ? primary : ""));
    csi({ prefix: ">", final: "c" }, (p) => (p === 0 ? secondary : ""));
    csi({ prefix: "=", final: "c" }, (p) => (p === 0 ? "\x1bP!|00000000\x1b\\" : ""));
    parser.registerEscHandler({ final: "Z" }, () => {
      this.#send(primary);
      return true;
    });
    csi({ final: "n" }, (p) => (p === 5 ? "\x1b[0n" : p === 6 ? `\x1b[${this.#position()}R` : ""));
    csi({ prefix: "?", final: "n" }, (p) => this.#deviceStatus(p));
    csi({ intermediates: "$", final: "p" }, (p) => `\x1b[${p};${this.#ansiMode(p)}$y`);
    csi({ prefix: "?", intermediates: "$", final: "p" }, (p) => `\x1b[?${p};${this.#privateMode(p)}$y`);
    csi({ prefix: ">", final: "q" }, (p) => (p === 0 ? `\x1bP>|${name}\x1b\\` : ""));
    csi({ prefix: "?", final: "u" }, () => `\x1b[?${this.#tracker.keyboardFlags}u`);
    csi({ prefix: "?", final: "m" }, (p) => `\x1b[>${p}${this.#modifier(p)}m`);
    csi({ prefix: "?", final: "S" }, (p) => `\x1b[?${p};3;0S`);
    csi({ final: "x" }, (p) => (p <= 1 ? `\x1b[${p + 2};1;1;128;128;1;0x` : ""));
    csi({ final: "t" }, (p) => this.#window(p));
    csi({ prefix: "?", final: "h" }, (_, modes) => {
      if (modes.includes(2048)) this.#send(sizeReport(this.#model.cols, this.#model.rows).toString());
      return undefined;
    });
    parser.registerDcsHandler({ intermediates: "$", final: "q" }, (what) => {
      const setting = this.#setting(what);
      this.#send(setting === undefined ? "\x1bP0$r\x1b\\" : `\x1bP1$r${setting}\x1b\\`);
      return true;
    });
    parser.registerDcsHandler({ intermediates: "+", final: "q" }, (what) => {
      for (const hex of what.split(";").slice(0, 64)) this.#send(capability(hex));
      return true;
    });
    parser.registerOscHandler(4, (text) => this.#paletteColours(text));
    for (const number of [10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
      parser.registerOscHandler(number, (text) => this.#dynamicColours(number, text));
  }

  #position(): string {
    const { screen, modes, cols } = this.#model;
    const top = modes.origin ? screen.top : 0;
    return `${screen.y - top + 1};${Math.min(screen.x, cols - 1) + 1}`;
  }

  #deviceStatus(what: number): string {
    const reports: Record<number, string> = {
      6: `\x1b[?${this.#position()}R`,
      15: "\x1b[?13n", // no printer
      25: "\x1b[?21n", // no user-defined keys
      26: "\x1b[?27;1;0;0n", // North American keyboard
      53: "\x1b[?50n", // no locator
      55: "\x1b[?50n",
      996: "\x1b[?997;1n", // dark
    };
    return reports[what] ?? "";
  }

  #ansiMode(mode: number): ModeReport {
    const { insertMode, newLineMode } = this.#model;
    const reports: Record<number, ModeReport> = { 2: 4, 4: onOff(insertMode), 12: 3, 20: onOff(newLineMode) };
    return reports[mode] ?? 0;
  }

  #privateMode(mode: number): ModeReport {
    const { modes, cursorHidden, blinkMode, mouse, active } = this.#model;
    const alternate = onOff(active === "alternate");
    const reports: Record<number, ModeReport> = {
      1: onOff(modes.applicationCursor),
      5: onOff(this.#tracker.privateMode(5) === true),
      6: onOff(modes.origin),
      7: onOff(modes.autowrap),
      8: 3,
      9: onOff(mouse.protocol === "X10"),
      12: onOff(blinkMode),
      25: onOff(!cursorHidden),
      45: onOff(modes.reverseWrap),
      47: alternate,
      66: onOff(modes.applicationKeypad),
      67: 4,
      1000: onOff(mouse.protocol === "VT200"),
      1002: onOff(mouse.protocol === "DRAG"),
      1003: onOff(mouse.protocol === "ANY"),
      1004: onOff(modes.focus),
      1006: onOff(mouse.encoding === "SGR"),
      1016: onOff(mouse.encoding === "SGR_PIXELS"),
      1047: alternate,
      1048: 1,
      1049: alternate,
      2004: onOff(modes.bracketedPaste),
      2026: onOff(modes.synchronized),
      2048: onOff(this.#tracker.inBandResize),
    };
    return reports[mode] ?? 0;
  }

  #modifier(resource: number): string {
    const value = this.#tracker.modifyKey(resource);
    return value === undefined ? "" : `;${value}`;
  }

  #window(operation: number): string | undefined {
    const { cols, rows } = this.#model;
    const reports: Record<number, string> = {
      11: "\x1b[1t",
      13: "\x1b[3;0;0t",
      14: `\x1b[4;${rows * cell.height};${cols * cell.width}t`,
      15: `\x1b[5;${rows * cell.height};${cols * cell.width}t`,
      16: `\x1b[6;${cell.height};${cell.width}t`,
      18: `\x1b[8;${rows};${cols}t`,
      19: `\x1b[9;${rows};${cols}t`,
      // a title is text that anyone's output may have set: it never becomes input
      20: "\x1b]L\x1b\\",
      21: "\x1b]l\x1b\\",
    };
    return reports[operation];
  }

  /** DECRQSS. */
  #setting(what: string): string | undefined {
    const { screen, pen, modes, rows } = this.#model;
    switch (what) {
      case "m":
        return `${currentSgr(pen.fg, pen.bg, pen.underline)}m`;
      case "r":
        return `${screen.top + 1};${screen.bottom + 1}r`;
      case " q": {
        const style = { block: 2, underline: 4, bar: 6 }[modes.cursorStyle ?? "block"];
        return `${style - (modes.cursorBlink === true ? 1 : 0)} q`;
      }
      case '"q':
        return `${pen.bg & Bg.protected ? 1 : 0}"q`;
      case '"p':
        return '62;1"p';
      case "t":
        return `${rows}t`;
      default:
        return undefined;
    }
  }

  #paletteColours(text: string): boolean {
    const parts = text.split(";");
    for (let i = 0; i + 1 < parts.length; i += 2) {
      const index = Number(parts[i]);
      if (parts[i + 1] !== "?" || !Number.isInteger(index) || index < 0 || index > 255) continue;
      const colour = parseColour(this.#tracker.colour(`4;${index}`)) ?? paletteColour(index);
      this.#send(`\x1b]4;${index};${rgb(colour)}\x1b\\`);
    }
    return false;
  }

  #dynamicColours(number: number, text: string): boolean {
    for (const [i, part] of text.split(";").entries()) {
      if (part !== "?") continue;
      const colour = parseColour(this.#tracker.colour(number + i)) ?? defaultColours[number + i];
      if (colour !== undefined) this.#send(`\x1b]${number + i};${rgb(colour)}\x1b\\`);
    }
    return false;
  }
}

function onOff(on: boolean): 1 | 2 {
  return on ? 1 : 2;
}

/** XTGETTCAP for one name, in hexadecimal as it came. */
function capability(hex: string): string {
  const known: Record<string, string> = { TN: "xterm-256color", name: "xterm-256color", Co: "256", colors: "256", RGB: "8" };
  const wanted = /^([0-9A-Fa-f]{2})+$/.test(hex) ? Buffer.from(hex, "hex").toString("latin1") : "";
  const value = Object.hasOwn(known, wanted) ? known[wanted] : undefined;
  if (value === undefined) return `\x1bP0+r${/^[0-9A-Fa-f]*$/.test(hex) ? hex : ""}\x1b\\`;
  return `\x1bP1+r${hex}=${Buffer.from(value).toString("hex").toUpperCase()}\x1b\\`;
}

function currentSgr(fg: number, bg: number, underline: number): string {
  const p: (number | string)[] = [0];
  if (fg & Fg.bold) p.push(1);
  if (bg & Bg.dim) p.push(2);
  if (fg & Fg.underline) {
    const style = (underline & Underline.styleMask) >>> Underline.styleShift;
    p.push(style > 1 ? `4:${style}` : 4);
  }
  for (const [slot, bit, on] of switches) if ((slot === "fg" ? fg : bg) & bit) p.push(on);
  for (const [slot, base] of [
    [fg, 30],
    [bg, 40],
  ] as const) {
    const mode = slot & Colour.mask;
    const index = slot & 0xff;
    if (mode === Colour.palette16) p.push(index & 8 ? base + 60 + (index & 7) : base + (index & 7));
    else if (mode === Colour.palette256) p.push(`${base + 8}:5:${index}`);
    else if (mode === Colour.rgb) p.push(`${base + 8}:2::${(slot >> 16) & 255}:${(slot >> 8) & 255}:${index}`);
  }
  return p.join(";");
}

/** The colour of xterm's palette of 256. */
function paletteColour(index: number): [number, number, number] {
  return parseColour(namedColours[index]) ?? cubeColour(index);
}

/** `#rgb` to `#rrrrggggbbbb` and `rgb:r/g/b` to `rgb:rrrr/gggg/bbbb`; a colour's name is not known. */
function parseColour(text: string | undefined): [number, number, number] | undefined {
  if (text === undefined) return undefined;
  const hash = /^#([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{9}|[0-9a-f]{12})$/i.exec(text);
  const parts =
    hash?.[1]?.match(new RegExp(`.{${(hash[1] as string).length / 3}}`, "g")) ??
    /^rgb:([0-9a-f]{1,4})\/([0-9a-f]{1,4})\/([0-9a-f]{1,4})$/i.exec(text)?.slice(1);
  if (parts?.length !== 3) return undefined;
  const [r, g, b] = parts.map((part) => Math.round((Number.parseInt(part, 16) * 255) / (16 ** part.length - 1)));
  return [r as number, g as number, b as number];
}

function rgb([r, g, b]: [number, number, number]): string {
  const part = (n: number) => (n * 257).toString(16).padStart(4, "0");
  return `rgb:${part(r)}/${part(g)}/${part(b)}`;
}
