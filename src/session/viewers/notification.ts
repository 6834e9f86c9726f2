// What the terminal itself is to tell whoever looks away from it.
import { printable } from "../../base/text/printable.ts";
import { showable, type TerminalBytes } from "../../base/text/terminal-bytes.ts";

/** Characters of a notification: a desktop shows about two lines. */
const longestNotification = 200;

/** A notification by the terminal itself: OSC 9 (iTerm2) and OSC 777 (rxvt); others ignore them. */
export function notification(text: string): TerminalBytes {
  const plain = printable(text.replace(/[\p{Cc};]+/gu, " ")).slice(0, longestNotification);
  return showable(`\x1b]9;${plain}\x07\x1b]777;notify;falcon;${plain}\x07`);
}
