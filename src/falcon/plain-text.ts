// The words of terminal output: without escape sequences, and of a display only what it left behind.

/** What left the alternate screen: behind the last of these stands what a person sees after a display has ended. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
const left = /\x1b\[\?(?:1049|1047|47)l/g;

/** Moving the cursor to a row and column: what a full-screen display does all the time, and lines never do. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
const addressed = /\x1b\[\d+;\d+[Hf]/;

/**
 * The lines of `output` (the end of a session's log) without escape sequences. Where a full-screen display was left in it, only what was
 * printed afterwards; where one was entered and never left (the program was killed), nothing: its cells are no lines.
 */
export function plainLines(output: Uint8Array): string[] {
  let text = new TextDecoder("utf8").decode(output);
  const leaving = [...text.matchAll(left)].at(-1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
  const entering = [...text.matchAll(/\x1b\[\?(?:1049|1047|47)h/g)].at(-1);
  if (entering && (!leaving || leaving.index < entering.index)) return [];
  if (!leaving && addressed.test(text)) return []; // a display that was entered before this end of the log begins
  if (leaving) text = text.slice(leaving.index + leaving[0].length);
  return withoutEscapes(text).split("\n").map(lastWritten);
}

/** What a line shows in the end: a carriage return begins it anew. Those at its end are a line end's, however many. */
function lastWritten(line: string): string {
  let end = line.length;
  // by hand: a pattern for them takes time that grows with the square of their number
  while (line[end - 1] === "\r") end--;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end).trimEnd();
}

/** Without CSI, OSC, DCS, APC, PM, SOS and two-character sequences, and without other control characters but tab, CR and LF. */
export function withoutEscapes(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
      .replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_][^\x1b]*\x1b\\|\x1b[ -/]*[0-~]/g, "")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal output is made of them
      .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "")
  );
}
