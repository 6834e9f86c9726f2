// Writes modes, keyboard, colours and titles: the part of a replay that needs no cell, from what the tracker
// and the modes say.
import type { Modes } from "../model/model.ts";
import type { KeyboardStack, Tracked } from "../model/tracked.ts";
import type { Writer } from "./writer.ts";

/** More than any terminal keeps of kitty's keyboard stack: pops them all. */
export const allKeyboards = "\x1b[<99u";

/** No link, no protection, ASCII in all four sets, plain attributes. */
export const plainText = '\x1b]8;;\x1b\\\x1b[0"q\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[m';

/**
 * Everything that can be in the way, off: sequences are short, since some terminals take no more than 16
 * parameters. DECSTR makes the cursor visible again in some, and ends synchronized output in xterm.js.
 */
const baseline = [
  "\x1b[?2026h\x1b[?25l\x1b[?1049l\x1b[!p\x1b[?2026h\x1b[?25l",
  "\x1b[?69;6;45l\x1b[?7h\x1b[4;20l\x1b[r\x1b[?5W",
  "\x1b[?1;5;66;1004l\x1b[?9;1000;1001;1002;1003l\x1b[?1005;1006;1015;1016l\x1b>",
  `${allKeyboards}\x1b[>4m\x1b[0 q`,
  plainText,
].join("");

/**
 * From the upper left corner down: not CSI 2J, with which some terminals push the screen into their
 * scrollback.
 */
export const clear = "\x1b[H\x1b[J";

/** Everything that can be in the way, off; in synchronized output, the cursor hidden. */
export function writeBaseline(out: Writer, tracked: Tracked): void {
  // what RIS made the program's own terminal forget
  if (tracked.wasReset) out.ascii("\x1b[?2026h\x1b[?25l\x1b[?1049l\x1b[?47h\x1b[!p\x1b[?47l");
  out.ascii(baseline);
  if (tracked.coloursTouched) {
    for (const number of [104, 105, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119]) out.osc(`${number}`);
  }
}

/** Kitty's keyboard stack of the screen that is shown. */
export function writeKeyboard(out: Writer, keyboard: KeyboardStack): void {
  const { flags, stack } = keyboard;
  if (stack.length === 0) {
    if (flags !== 0) out.csi(`=${flags};1u`);
    return;
  }
  if (stack[0] !== 0) out.csi(`=${stack[0]};1u`);
  for (const pushed of [...stack.slice(1), flags]) out.csi(`>${pushed}u`);
}

/**
 * Modes that make nothing on the screen: keys, mouse, focus, the cursor's look, and all that is only known by
 * its number.
 */
export function writeKeyModes(out: Writer, modes: Modes, tracked: Tracked): void {
  for (const [mode, on] of tracked.privateModes) out.csi(`?${mode}${on ? "h" : "l"}`);
  for (const [mode, on] of tracked.ansiModes) out.csi(`${mode}${on ? "h" : "l"}`);
  if (modes.applicationCursor) out.csi("?1h");
  if (modes.applicationKeypad) out.ascii("\x1b=");
  // whatever the program said: the terminal is a viewer's, and a paste must not be taken for keys
  out.csi("?2004h");
  if (modes.reverseWrap) out.csi("?45h");
  if (modes.focus) out.csi("?1004h");
  for (const [mode, on] of tracked.mouseModes) out.csi(`?${mode}${on ? "h" : "l"}`);
  for (const [resource, value] of tracked.modifyKeys) out.csi(`>${resource};${value}m`);
  if (modes.cursorStyle !== undefined || modes.cursorBlink !== undefined) {
    // a number above 6 sets, in xterm.js, the blinking alone
    const style = modes.cursorStyle === undefined ? 8 : { block: 2, underline: 4, bar: 6 }[modes.cursorStyle];
    out.csi(`${style - (modes.cursorBlink ? 1 : 0)} q`);
  }
  if (tracked.blink !== null) out.csi(`?12${tracked.blink ? "h" : "l"}`);
}

/** Palette and dynamic colours, pointer shape, directory. */
export function writeColours(out: Writer, tracked: Tracked): void {
  const { palette, dynamicColours, pointer, directory } = tracked;
  for (const [key, colour] of palette) out.osc(`${key};${colour}`);
  for (const [number, colour] of dynamicColours) out.osc(`${number};${colour}`);
  if (pointer !== "") out.osc(`22;${pointer}`);
  if (directory !== "") out.osc(`7;${directory}`);
}

/** Title and icon title with those that are pushed below them. */
export function writeTitles(out: Writer, tracked: Tracked): void {
  const { title, icon, titles } = tracked;
  // what the terminal has been given so far
  let shown: string | undefined;
  let shownIcon: string | undefined;
  // what no one set is the terminal's own, also where it is pushed: full screens push it at their start
  const own = (text: string | undefined, given: string | undefined) => (text === "" && given === undefined ? undefined : text);
  const set = (title: string | undefined, icon: string | undefined) => {
    const [text, iconText] = [own(title, shown), own(icon, shownIcon)];
    const newTitle = text !== undefined && text !== shown;
    const newIcon = iconText !== undefined && iconText !== shownIcon;
    if (newTitle && newIcon && text === iconText) out.osc(`0;${text}`);
    else {
      if (newTitle) out.osc(`2;${text}`);
      if (newIcon) out.osc(`1;${iconText}`);
    }
    shown = text ?? shown;
    shownIcon = iconText ?? shownIcon;
  };
  for (const entry of titles) {
    set(entry.title, entry.icon);
    out.csi(`22;${entry.title === undefined ? 1 : entry.icon === undefined ? 2 : 0}t`);
  }
  set(title, icon);
}
