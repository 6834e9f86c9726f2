// A viewer's terminal that reads no UTF-8: each character is written in ASCII, as wide as it is. A byte of
// its encoding could be a control to such a terminal (Û is C3 9B, and 9B begins a sequence), and none may be
// left out, or letters would be lost.
import { StringDecoder } from "node:string_decoder";
import { showable } from "../../base/text/terminal-bytes.ts";
import { charWidth } from "../../logs/char-width.ts";
import type { ViewerTerminal } from "./terminal-effects.ts";

/** Characters that no decomposition makes ASCII of, and what is written for them. */
const alike = new Map(
  [
    ["─━┄┅┈┉╌╍═‐‑‒–—―−", "-"],
    ["│┃┆┇┊┋╎╏║▏▎", "|"],
    ["█▇▆▅▉▊▋▌▐▒▓■▪◼", "#"],
    ["░▄▃▂▁▖▗▘▝·∙⋅…", "."],
    ["•●◆★✱∗", "*"],
    ["○◯", "o"],
    ["←◀◂‹", "<"],
    ["→▶▸›", ">"],
    ["↑▲▴", "^"],
    ["↓▼▾✓✔", "v"],
    ["✗✘×", "x"],
    ["‘’‚", "'"],
    ["“”„«»", '"'],
  ].flatMap(([characters = "", ascii = ""]) => [...characters].map((one) => [one, ascii] as const)),
);
for (const [n, character] of [..."ØøÆæŒœßÐðÞþŁłı"].entries()) alike.set(character, "OoAaOosDdPpLli"[n] as string);

/** The terminal, which can show what we draw and nothing else. */
export function asciiTerminal(terminal: ViewerTerminal): ViewerTerminal {
  const decoder = new StringDecoder("utf8");
  return {
    drawn: true,
    write: (bytes) =>
      terminal.write(showable(inAscii(decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))))),
    backlog: () => terminal.backlog(),
    onDrained: (callback) => terminal.onDrained(callback),
  };
}

/** A text in ASCII, each character as wide as before; its control characters stay. */
export function inAscii(text: string): string {
  return text.replace(/[\x80-\u{10ffff}]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    // a C1 control: the same as two bytes
    if (code < 0xa0) return `\x1b${String.fromCharCode(code - 0x40)}`;
    return oneInAscii(character, code).padEnd(charWidth(code));
  });
}

function oneInAscii(character: string, code: number): string {
  const width = charWidth(code);
  if (width === 0) return "";
  const known = alike.get(character);
  if (known !== undefined) return known;
  if (code >= 0x2500 && code < 0x2580) return "+";
  if (code >= 0x2800 && code < 0x2900) return code === 0x2800 ? " " : ":";
  const plain = character.normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  return /^[ -~]+$/.test(plain) && plain.length <= width ? plain : "?".repeat(width);
}
