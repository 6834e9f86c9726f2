// Cases in which a replay cannot be right, by name and with the reason; none is left out silently.
import type { Difference } from "./user-screen.ts";

export interface Known {
  /** Name of the recording; `e2e:` before it through the real product. */
  recording: RegExp;
  /** What differs, and nothing else. */
  what: RegExp;
  why: string;
}

export const known: Known[] = [
  {
    recording: /^e2e:(own\/shell|esctest\/test_(DECS)?ED_3|fuzz\/id_005451_.*)$/,
    what: /^(saved cursor|cursor)$/,
    why:
      "CSI 3 J clears the scrollback, and xterm.js alone moves a saved cursor down by the lines that went: a viewer's terminal has more of them, " +
      "since what stood on it before the attach was scrolled into its scrollback",
  },
  {
    recording: /^e2e:fuzz\/id_004903_/,
    what: /^cursor$/,
    why: "it ends with a line feed inside of an unfinished escape sequence: terminals act on it at once, the terminal of the test that sees all waits",
  },
];

/** The reason why these differences cannot be avoided; undefined where they are a fault. */
export function cannotBeRight(recording: string, differences: Difference[]): string | undefined {
  return known.find((k) => k.recording.test(recording) && differences.every(({ what }) => k.what.test(what)))?.why;
}
