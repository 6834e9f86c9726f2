// Cases in which a replay cannot be right, by name and with the reason; none is left out silently.
import type { Difference } from "./user-screen.ts";

export interface Known {
  /** Name of the recording; `e2e:` before it through the real product. */
  recording: RegExp;
  /** What differs, and nothing else. */
  what: RegExp;
  why: string;
}

export const known: Known[] = [];

/** The reason why these differences cannot be avoided; undefined where they are a fault. */
export function cannotBeRight(recording: string, differences: Difference[]): string | undefined {
  return known.find((k) => k.recording.test(recording) && differences.every(({ what }) => k.what.test(what)))?.why;
}
