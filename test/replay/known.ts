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
    // each has such bytes: ESC [ C0 1 0 …, ESC [ 1 BB h, ESC [ 0F FF FF 4 …, ESC NUL FF …, ESC [ C0 1 0 …, ESC 8F …, ESC [ ? 3 E6 1E ; h
    recording: /^e2e:fuzz\/id_(003370|003589|003816|005699|005857|006028|005451)_/,
    what: /^(cells (text|colour|background|underline|link|wraps)|cursor|ANSI modes|private modes)$/,
    why:
      "it has bytes that are no UTF-8 inside of a sequence: xterm.js, and so the screen, drops such a byte and goes on with the sequence, others " +
      "break off there; so that no query gets to a terminal in that disguise, a viewer's filter keeps the sequence back (QueryFilter, #breakOff)",
  },
];

/** The reason why these differences cannot be avoided; undefined where they are a fault. */
export function cannotBeRight(recording: string, differences: Difference[]): string | undefined {
  return known.find((k) => k.recording.test(recording) && differences.every(({ what }) => k.what.test(what)))?.why;
}
