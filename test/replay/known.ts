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
    recording: /^e2e:fuzz\/id_005451_/,
    what: /^(cells (text|link)|private modes)$/,
    why:
      "it has bytes that are no UTF-8 inside of sequences (CSI ? 3 E6 1E ; h): xterm.js drops such a byte and goes on with the sequence, others " +
      "break off there; so that no query gets to a terminal in that disguise, a viewer's filter keeps the sequence back (QueryFilter, #breakOff)",
  },
];

/** The reason why these differences cannot be avoided; undefined where they are a fault. */
export function cannotBeRight(recording: string, differences: Difference[]): string | undefined {
  return known.find((k) => k.recording.test(recording) && differences.every(({ what }) => k.what.test(what)))?.why;
}
