// What the web's processes say in the terminal that they were started in: prose, escaped as everything of
// ours is.
import { printableLines } from "../../base/text/printable.ts";

// whoever started it may have gone, with the terminal or the reader of a pipe: what it serves goes on
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

/** A line for whoever started it. */
export function say(line: string): void {
  process.stdout.write(`${printableLines(line)}\n`);
}

/** What is wrong, in one sentence. */
export function complain(sentence: string): void {
  process.stderr.write(`falcon: ${printableLines(sentence)}\n`);
}
