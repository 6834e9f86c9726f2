// Takes a person's terminal over for a session, and gives it back: every mode that a program may have
// changed, title and screen.
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";
import { type ModeRule, modeRules } from "../../platform/native.ts";
import type { ScreenText } from "../../terminal/model/screen.ts";
import { Writer } from "../../terminal/replay/writer.ts";

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
  screen?: ScreenText | undefined;
  /**
   * Whether the program changed colours (palette, foreground …); they go back to what the terminal's settings
   * say. Default true.
   */
  colours?: boolean | undefined;
  /** Titles that the program pushed and has not popped. Default 0. */
  titles?: number | undefined;
}

/** Saves the title and the icon's on xterm's stack. */
const pushTitle = "\x1b[22;0t";
const popTitle = "\x1b[23;0t";

/**
 * Bytes for a terminal that becomes a viewer: keeps its title, scrolls what stands on it into its scrollback
 * (erasing would lose it), and
 * tells pastes from keys from now on.
 */
export function enterTerminal({ title, rows }: EnterOptions): Buffer & TerminalBytes {
  const out = new Writer();
  out.ascii(pushTitle);
  out.osc(`2;${title}`);
  // a scroll region or origin mode that something left behind would keep lines from the scrollback
  out.ascii("\x1b[?6l\x1b[r\x1b[m\x1b[999;1H");
  out.ascii("\n".repeat(Math.max(0, rows)));
  out.ascii(keepModes);
  out.ascii(`\x1b[H${modesWeNeed}`);
  return showable(out.take()) as Buffer & TerminalBytes;
}

/** Bytes that change the title of a terminal that was entered. */
export function titleOf(title: string): Buffer & TerminalBytes {
  const out = new Writer();
  out.osc(`2;${title}`);
  return showable(out.take()) as Buffer & TerminalBytes;
}

/** A line of ours in the bottom row, over whatever stands there. @param rows of the terminal. */
export function ownRow(text: string, rows: number): TerminalBytes {
  return showable(`\x1b[?2026l\x1b[?6l\x1b[r\x1b[${rows};1H\x1b[2K\x1b[0;7m ${text} \x1b[0m`);
}

/** Some terminals take no more than 16 parameters. */
const mostParameters = 12;

/** Control sequences of a final byte for the modes that the table names so. */
function modeSequences(wanted: (rule: ModeRule) => boolean, final: "h" | "l" | "s" | "r"): string {
  let text = "";
  for (const dec of [true, false]) {
    const modes = modeRules.filter((rule) => rule.dec === dec && wanted(rule)).map(({ mode }) => mode);
    for (let at = 0; at < modes.length; at += mostParameters) {
      text += `\x1b[${dec ? "?" : ""}${modes.slice(at, at + mostParameters).join(";")}${final}`;
    }
  }
  return text;
}

/**
 * Sets what we need of the terminal whatever the program does: pastes are told from keys. The same as
 * set_modes_we_need in native/filter/mode_rules.c, and by the same table.
 */
export const modesWeNeed = modeSequences(({ passage }) => passage === "needed", "h");

/**
 * Keeps (XTSAVE) the modes whose usual state is another one in each terminal. A program's own XTSAVE is not
 * passed.
 */
const keepModes = modeSequences(({ kept }) => kept, "s");

/** All that a program may have set or reset, as a terminal has it usually, and then as this one had it. */
const modesBack = [
  modeSequences(({ leaving }) => leaving === "reset", "l"),
  modeSequences(({ leaving }) => leaving === "set", "h"),
  modeSequences(({ kept }) => kept, "r"),
  // the locator's reports, the keypad's mode, output to the status line and its kind, keys as another format,
  // the Linux console's cursor
  "\x1b[0'z\x1b>\x1b[0$}\x1b[0$~\x1b[>f\x1b[?0c",
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
export function leaveTerminal({ screen, colours = true, titles = 0 }: LeaveOptions = {}): Buffer & TerminalBytes {
  const out = new Writer();
  // CAN: an unfinished sequence of the program must not swallow what follows
  out.ascii("\x18\x1b[?2026l");
  // each screen has its own keyboard
  out.ascii(`${keysOff}\x1b[?1049l${keysOff}`);
  out.ascii(`\x1b[!p\x1b[0 q${modesBack}\x1b[r\x1b[?5W`);
  out.ascii(textPlain);
  if (colours) out.ascii(`${coloursOff}\x1b]22;\x1b\\`);
  if (screen === undefined || screen.free >= screen.lines.length) out.ascii("\x1b[999;1H\r\n");
  else out.csi(`${screen.free + 1}H`);
  out.ascii("\x1b[?25h");
  out.ascii(popTitle.repeat(1 + Math.max(0, titles)));
  return showable(out.take()) as Buffer & TerminalBytes;
}
