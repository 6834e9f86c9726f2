// Whether a terminal that takes its output itself is so far behind that it is given the screen instead.
import type { Place } from "../../terminal/worker/screens.ts";

/** So far behind it may be: ms of what it takes, and bytes at the least. */
const longestLag = 500;
const leastLag = 64 << 10;

/** Bytes a second below which a terminal is slower than the screen, whatever the output is. */
const slowTerminal = 8 << 20;

/**
 * @param offset output that it has shown. @param rate bytes a second that it takes. @param end of the output.
 * @param place how far the screen is, as far as that is known.
 */
export function lagsBehind(offset: number, rate: number, end: number, place: Place | undefined): boolean {
  const behind = end - offset;
  if (behind < leastLag || behind < (rate * longestLag) / 1000) return false;
  if (rate < slowTerminal || place?.skims === true) return true;
  // of drawings a fast terminal may be nearer to the present than the screen
  return (place?.received ?? 0) - offset > behind / 2;
}
