// Text of programs, paths and files, on its way to a person's terminal: nothing in it may act on that
// terminal, hide, or turn the text around it.
import { attributes } from "./control-sequences.ts";

/**
 * Controls, and what has no shape of its own: marks of direction, zero-width and other format characters,
 * separators of lines and paragraphs, fillers. (Unicode: categories Cc, Cf, Zl, Zp; of
 * Default_Ignorable_Code_Point those that no script needs within a word of a name.)
 */
const hidden = String.raw`\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u034F\u115F\u1160\u3164\uFFA0`;
const anyHidden = new RegExp(`[${hidden}]`, "gu");
const hiddenButLines = new RegExp(`(?![\\n\\t])[${hidden}]`, "gu");
/** Colours and attributes only colour. */
const attributesOrHidden = new RegExp(`${attributes}|[${hidden}]`, "gu");
const attributesOrHiddenButLines = new RegExp(`${attributes}|(?![\\n\\t])[${hidden}]`, "gu");

/** Everything hidden as an escape (`\\x1b`, `\\n`, `\\u202e`), so that the text is one line and harmless. */
export function printable(text: string): string {
  return text.replace(anyHidden, escaped);
}

/** The same, but lines and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(hiddenButLines, escaped);
}

/** The same for text that ours has coloured: attributes stay. */
export function printableColoured(text: string): string {
  return text.replace(attributesOrHidden, (found) => (found.length > 2 ? found : escaped(found)));
}

/** The same, lines and tabs stay as well: what is written as prose. */
export function printableProse(text: string): string {
  return text.replace(attributesOrHiddenButLines, (found) => (found.length > 2 ? found : escaped(found)));
}

/** Above ASCII as JSON has it, so that JSON stays what it says. */
function escaped(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  const code = character.charCodeAt(0);
  if (code < 0x20) return `\\x${code.toString(16).padStart(2, "0")}`;
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`).join(
    "",
  );
}
