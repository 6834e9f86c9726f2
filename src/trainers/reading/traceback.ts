// A Python traceback in the few lines that matter: what was raised, and the frames in the user's own files.
import { isOwnFile } from "../run/failure.ts";
import { unindentedBehind } from "./last-traceback.ts";

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
 * stands in `left`. What is shorter or no traceback stays as it is.
 */
export function shortTraceback(lines: readonly string[]): { lines: string[]; left: number } {
  // of chained ones the last is what ended the program
  const start = lines.findLastIndex((line) => line.startsWith("Traceback (most recent call last):"));
  if (start < 0) return { lines: [...lines], left: 0 };
  const raised = unindentedBehind(lines, start);
  const end = raised < 0 ? lines.length : raised;
  const outer = framesOf(lines.slice(start + 1, end));
  const text = lines.slice(end);
  // Ray puts the traceback of another process into the exception's text: what was raised there is the reason
  const inner = framesOf(text);
  const last = text.findLastIndex((line) => frame.test(line));
  const reason = last < 0 ? 0 : unindentedBehind(text, last);
  // a frame that is told again, of a chained exception, is one
  const frames = [...new Map([...outer, ...inner].map((one) => [one.lines[0], one])).values()];
  if (frames.length === 0) return { lines: [...lines], left: 0 };
  const own = frames.filter(({ file }) => isOwnFile(file));
  const shown = own.length > 0 ? own.slice(-mostOwn) : frames.slice(-mostOthers);
  const message = text.slice(Math.max(0, reason)).slice(0, mostMessage);
  const short = [...message, ...shown.flatMap((one) => one.lines)];
  return short.length >= lines.length ? { lines: [...lines], left: 0 } : { lines: short, left: lines.length - short.length };
}

const frame = /^\s*File "([^"]+)", line \d+/;

/** The frames among these lines, each with its line of code, without the marks below that. */
function framesOf(lines: readonly string[]): TracedFrame[] {
  const frames: TracedFrame[] = [];
  for (const line of lines) {
    const file = frame.exec(line)?.[1];
    if (file !== undefined) frames.push({ file, lines: [line] });
    else if (/^\s/.test(line) && frames.at(-1)?.lines.length === 1 && !/^[\s~^]*$/.test(line)) frames.at(-1)?.lines.push(line);
  }
  return frames;
}
