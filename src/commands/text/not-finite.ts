// What is no number any more is what one looks for: it is red wherever a person reads it.
import type { Colours } from "./table.ts";

/** "val loss NaN since epoch 40" with its value in red. */
export function redNumbers(text: string, colours: Colours): string {
  return text.replace(/(?<![\w-])(?:NaN|-?Inf) since epoch \d+/g, (found) => colours.red(found));
}
