// The words of terminal output: without escape sequences, and of a display only what it left behind.
import { withoutSequences } from "../../base/text/tokenizer.ts";

/**
 * What left the alternate screen: behind the last of these stands what a person sees after a display has
 * ended.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
const left = /\x1b\[\?(?:1049|1047|47)l/g;

/**
 * Moving the cursor to a row and column: what a full-screen display does all the time, and lines never do.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
const addressed = /\x1b\[\d+;\d+[Hf]/g;

/** What ends one redraw of falcon's display: the cursor goes back to where it was. */
const restored = "\x1b[u";

/**
 * The lines of `output` (the end of a session's log) without escape sequences. Where a full-screen display
 * was left in it, only what was
 * printed afterwards; where one was entered and never left (the program was killed), nothing: its cells are
 * no lines. A thread of
 * falcon's may draw once more after its display was left: what counts then stands behind that redraw.
 */
export function plainLines(output: Uint8Array): string[] {
  const whole = new TextDecoder("utf8").decode(output);
  const leaving = [...whole.matchAll(left)].at(-1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
  const entering = [...whole.matchAll(/\x1b\[\?(?:1049|1047|47)h/g)].at(-1);
  if (entering && (!leaving || leaving.index < entering.index)) return [];
  const text = leaving ? whole.slice(leaving.index + leaving[0].length) : whole;
  const between = betweenRedraws(text);
  if (between !== undefined) return between;
  const behind = behindRedraws(text);
  // without the leaving it is not known whether it was left: a redraw that nothing follows is the display
  // itself
  if (behind === undefined && !leaving && text.search(addressed) >= 0) return [];
  return withoutSequences(behind ?? text)
    .split("\n")
    .map(lastWritten);
}

/** What begins one redraw: the cursor's place is kept. */
const kept = "\x1b[s";

/**
 * The lines that a program printed while its display went on being drawn, also after it was left: each stands
 * whole between two redraws, and its shortened copy
 * in the display's own log begins at an address. Undefined where there is no whole redraw.
 */
function betweenRedraws(text: string): string[] | undefined {
  const pieces: string[] = [];
  // what is kept of the log may begin within a redraw
  const first = text.indexOf(restored);
  const early = text.indexOf(kept);
  let from = first >= 0 && (early < 0 || first < early) ? first + restored.length : 0;
  for (let at = text.indexOf(kept); at >= 0; at = text.indexOf(kept, from)) {
    const end = text.indexOf(restored, at);
    if (end < 0) break;
    pieces.push(text.slice(from, at));
    from = end + restored.length;
  }
  if (from === 0) return undefined;
  // from an address on it is the display's own
  const printed = [...pieces, text.slice(from)].map((piece) => {
    const drawn = piece.search(addressed);
    return drawn < 0 ? piece : piece.slice(0, drawn);
  });
  return printed
    .join("")
    .split("\n")
    .map((line) => lastWritten(withoutSequences(line)));
}

/** The whole lines behind the last redraw; undefined where there is no redraw, or no line behind it. */
function behindRedraws(text: string): string | undefined {
  const last = [...text.matchAll(addressed)].at(-1);
  if (!last) return undefined;
  const end = text.indexOf(restored, last.index);
  if (end < 0) return undefined;
  const behind = text.slice(end + restored.length);
  return behind.includes("\n") ? behind : undefined;
}

/**
 * What a line shows in the end: a carriage return begins it anew. Those at its end are a line end's, however
 * many.
 */
export function lastWritten(line: string): string {
  let end = line.length;
  // by hand: a pattern for them takes time that grows with the square of their number
  while (line[end - 1] === "\r") end--;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end).trimEnd();
}
