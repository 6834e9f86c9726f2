// How many columns a character takes: the table of Unicode 11 that the screen uses as well, so that lines
// wrap where it wraps them.
import unicode11 from "@xterm/addon-unicode11";

interface WidthTable {
  wcwidth(codePoint: number): 0 | 1 | 2;
}

let table: WidthTable | null = null;

/** 0 for what combines with the character before it, 2 for a wide one, else 1. */
export function charWidth(codePoint: number): 0 | 1 | 2 {
  if (codePoint < 0x300) return 1;
  table ??= loadTable();
  return table.wcwidth(codePoint);
}

/** Columns of a text that holds no control character. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += charWidth(char.codePointAt(0) as number);
  return width;
}

/**
 * The addon hands its table to whatever terminal it is loaded into; here a terminal that only takes tables.
 */
function loadTable(): WidthTable {
  let found: WidthTable | null = null;
  const terminal = { unicode: { register: (provider: WidthTable) => (found = provider) } };
  new unicode11.Unicode11Addon().activate(
    terminal as unknown as Parameters<InstanceType<typeof unicode11.Unicode11Addon>["activate"]>[0],
  );
  if (!found) throw new Error("@xterm/addon-unicode11 registered no table of widths");
  return found;
}
