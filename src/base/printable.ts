// Text of programs, paths and files, on its way to a person's terminal: nothing in it may act on that terminal.

/** Colours and attributes, which only colour. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins them
const attributesOrControl = /\x1b\[[\d;:]*m|\p{Cc}/gu;

/** Every control character as an escape (`\\x1b`, `\\n`), so that the text is one line and harmless. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, escaped);
}

/** The same, but lines and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, escaped);
}

/** The same for text that ours has coloured: attributes stay. */
export function printableColoured(text: string): string {
  return text.replace(attributesOrControl, (found) => (found.length > 1 ? found : escaped(found)));
}

function escaped(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
