// A Python traceback in the few lines that matter: what was raised, and the frames in the user's own files.
import { isOwnFile } from "./failure.ts";

/** Own frames that are shown: those nearest to the exception. */
const mostOwn = 6;

/** Frames of others that are shown where none is one's own. */
const mostOthers = 2;

/** Lines of an exception's text: torch adds a page of advice. */
const mostMessage = 6;

interface TracedFrame {
  file: string;
  lines: string[];
}

/**
 * The exception, then its own frames as Python writes them, the nearest last; how many lines were left out
 * stands in `left`. What is shorter
 * or no traceback stays as it is.
 */
export function shortTraceback(lines: readonly string[]): { lines: string[]; left: number } {
  // of chained ones the last is what ended the program
  const start = lines.findLastIndex((line) => line.startsWith("Traceback (most recent call last):"));
  const frames: TracedFrame[] = [];
  let at = start + 1;
  for (; start >= 0 && at < lines.length && (lines[at] === "" || /^\s/.test(lines[at] as string)); at++) {
    const line = lines[at] as string;
    const file = /^\s*File "([^"]+)", line \d+/.exec(line)?.[1];
    if (file !== undefined) frames.push({ file, lines: [line] });
    // the line of code, without the marks below it
    else if (frames.at(-1)?.lines.length === 1 && !/^[\s~^]*$/.test(line)) frames.at(-1)?.lines.push(line);
  }
  if (frames.length === 0) return { lines: [...lines], left: 0 };
  const own = frames.filter(({ file }) => isOwnFile(file));
  const shown = own.length > 0 ? own.slice(-mostOwn) : frames.slice(-mostOthers);
  const short = [...lines.slice(at, at + mostMessage), ...shown.flatMap((frame) => frame.lines)];
  return short.length >= lines.length ? { lines: [...lines], left: 0 } : { lines: short, left: lines.length - short.length };
}
