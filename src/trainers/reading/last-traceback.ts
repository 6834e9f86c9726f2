// The last Python traceback in a program's output, and the one line of it that says what was raised.

/** A longer traceback is cut in its middle: its head says where, its end says what. */
const longestTraceback = 80;

/** The last traceback with its exception; chained ones ("During handling …") count as one. */
export function tracebackOf(lines: readonly string[]): string[] | null {
  const starts = lines.flatMap((line, i) => (line.startsWith("Traceback (most recent call last):") ? [i] : []));
  let start = starts.at(-1);
  if (start === undefined) return null;
  for (let i = starts.length - 2; i >= 0; i--) {
    const between = lines.slice(starts[i] as number, start);
    if (!between.some((line) => /^(During handling of the above|The above exception was)/.test(line))) break;
    start = starts[i] as number;
  }
  let end = lines.length;
  while (end > start && (lines[end - 1] as string).trim() === "") end--;
  const found = lines.slice(start, end);
  if (found.length <= longestTraceback) return found;
  const half = longestTraceback / 2;
  return [...found.slice(0, half), `  ... ${found.length - longestTraceback} lines left out ...`, ...found.slice(-half)];
}

/** Where the exception of a traceback begins: the first line after its last frames that is not indented. */
export function lastRaise(traceback: readonly string[]): number {
  const header = traceback.findLastIndex((line) => line.startsWith("Traceback (most recent"));
  const raised = unindentedBehind(traceback, header);
  return raised < 0 ? traceback.length - 1 : raised;
}

/** The first line behind that of `at` that is not indented; -1 where there is none. */
export function unindentedBehind(lines: readonly string[], at: number): number {
  return lines.findIndex((line, i) => i > at && line !== "" && !/^\s/.test(line));
}

/** "ValueError: no such column" */
export function exceptionOf(traceback: readonly string[]): string {
  return failureOf(traceback.slice(lastRaise(traceback)).join("\n"));
}

/**
 * The sentence of an exception's text: of a remote one (Ray puts the whole traceback into it) its last line.
 */
export function failureOf(text: string): string {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const first = lines[0] ?? "";
  const last = lines.at(-1) ?? "";
  // in two looks that each go through the line once: one pattern for both would try every end of the name
  // with every colon
  const name = /^[\w.]+/.exec(last)?.[0] ?? "";
  return lines.length > 1 && /\w/.test(name) && last.includes(":", name.length) ? last : first;
}
