// Takes a person's terminal over for a session, and gives it back: every mode that a program may have
// changed, title and screen.
import type { ScreenText } from "./screen.ts";
import { Writer } from "./writer.ts";

export interface EnterOptions {
  /** What the window's title says while the session is shown; programs may set another one. */
  title: string;
  /** Rows of the terminal. */
  rows: number;
}

export interface LeaveOptions {
  /**
   * What the terminal shows, where that is known and the terminal has the session's size: what is written
   * next goes below the last line of it.
   * Otherwise, the bottom row is left behind.
   */
  screen?: ScreenText;
  /**
   * Whether the program changed colours (palette, foreground …); they go back to what the terminal's settings
   * say. Default true.
   */
  colours?: boolean;
  /** Titles that the program pushed and has not popped. Default 0. */
  titles?: number;
}

/** Saves the title and the icon's on xterm's stack. */
const pushTitle = "\x1b[22;0t";
const popTitle = "\x1b[23;0t";

/**
 * Bytes for a terminal that becomes a viewer: keeps its title, scrolls what stands on it into its scrollback
 * (erasing would lose it), and
 * tells pastes from keys from now on.
 */
export function enterTerminal({ title, rows }: EnterOptions): Buffer {
  const out = new Writer();
  out.ascii(pushTitle);
  out.osc(`2;${title}`);
  // a scroll region or origin mode that something left behind would keep lines from the scrollback
  out.ascii("\x1b[?6l\x1b[r\x1b[m\x1b[999;1H");
  out.ascii("\n".repeat(Math.max(0, rows)));
  out.ascii(`\x1b[?${keptModes}s`);
  out.ascii(`\x1b[H${modesWeNeed}`);
  return out.take();
}

/** Bytes that change the title of a terminal that was entered. */
export function titleOf(title: string): Buffer {
  const out = new Writer();
  out.osc(`2;${title}`);
  return out.take();
}

/**
 * What we need of the terminal whatever the program does: pastes are told from keys. The same as
 * modes_we_need in native/sequence_rules.c.
 */
export const modesWeNeed = "\x1b[?2004h";

/**
 * Modes whose usual state is another one in each terminal (scroll bar, margin bell, Backspace, alternate
 * scroll, Meta and Alt keys, function keys,
 * clipboard on selection, Sixel's colours …): kept (XTSAVE) at the start and put back (XTRESTORE) at the end.
 * A program's own are not passed.
 */
const keptModes = [
  [30, 40, 41, 44, 67, 1007, 1010, 1011],
  [1034, 1035, 1036, 1037, 1039, 1040, 1041, 1042, 1043, 1044, 1046],
  [1050, 1051, 1052, 1053, 1060, 1061, 1070],
]
  .map((modes) => modes.join(";"))
  .join("s\x1b[?");

/**
 * DEC modes that a program may have switched on, off again; a few at a time, since some terminals take no
 * more than 16 parameters.
 */
const modesOff = [
  // keys, focus, paste, reverse video, blinking cursor, reverse wrap, margins at the sides
  "\x1b[?1;5;12;45;66;69;1004;2004l",
  "\x1b[?9;1000;1001;1002;1003l",
  "\x1b[?1005;1006;1015;1016l",
  // width of emoji, colour scheme reports, size reports, paste events, application escape, Windows' key
  // records
  "\x1b[?2027;2031;2048;5522;7727;9001l",
  // the locator's reports
  "\x1b[0'z",
  "\x1b[4;20l\x1b>",
].join("");

/**
 * Kitty's keyboard protocol off on both screens, modifyOtherKeys and the rest of its family back to what they
 * were.
 */
const keysOff = "\x1b[<99u\x1b[=0;1u\x1b[>0m\x1b[>1m\x1b[>2m\x1b[>4m";

/** Attributes, link, protection, character sets. */
const textPlain = '\x1b]8;;\x1b\\\x1b[0"q\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[m';

/** Resets of colours, and of the pointer's shape. */
const coloursOff = [104, 105, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119].map((n) => `\x1b]${n}\x1b\\`).join("");

/**
 * Bytes that give the terminal back. Sequences that only some terminals know are ignored by the others. The
 * program's last screen stays
 * where it was on the normal screen.
 */
export function leaveTerminal({ screen, colours = true, titles = 0 }: LeaveOptions = {}): Buffer {
  const out = new Writer();
  // CAN: an unfinished sequence of the program must not swallow what follows
  out.ascii("\x18\x1b[?2026l");
  // each screen has its own keyboard
  out.ascii(`${keysOff}\x1b[?1049l${keysOff}`);
  out.ascii(`\x1b[!p${modesOff}\x1b[?6l\x1b[r\x1b[?7h\x1b[0 q\x1b[?5W`);
  out.ascii(`\x1b[?${keptModes.replaceAll("s", "r")}r`);
  out.ascii(textPlain);
  if (colours) out.ascii(`${coloursOff}\x1b]22;\x1b\\`);
  if (screen === undefined || screen.free >= screen.lines.length) out.ascii("\x1b[999;1H\r\n");
  else out.csi(`${screen.free + 1}H`);
  out.ascii("\x1b[?25h");
  out.ascii(popTitle.repeat(1 + Math.max(0, titles)));
  return out.take();
}
