// A screen as HTML: what xterm.js' addon makes of it, as a document that validates; and lines of a history,
// which have no screen.
import { SerializeAddon } from "@xterm/addon-serialize";
import type { Terminal } from "@xterm/headless";
import { htmlEnd, htmlHead } from "./html-document.ts";
import { background, foreground, rowsOf, type Stretch } from "./picture.ts";
import { xml } from "./svg.ts";

/** @param title of the document. */
export function screenHtml(terminal: Terminal, title: string): string {
  const addon = new SerializeAddon();
  terminal.loadAddon(addon as unknown as Parameters<Terminal["loadAddon"]>[0]);
  const made = addon.serializeAsHTML({ includeGlobalBackground: true });
  const body = /<pre>(.*)<\/pre>/s.exec(made)?.[1];
  if (body === undefined) throw new Error("@xterm/addon-serialize made no HTML");
  // the addon puts divs into a pre, which HTML does not allow; white-space does the same. Its own white on
  // black is ours here
  const screen = body.replace(
    "color: #ffffff; background-color: #000000;",
    `color: ${foreground}; background-color: ${background};`,
  );
  return `${htmlHead(title)}<div class="screen">${screen}</div>\n${htmlEnd}`;
}

/**
 * All rows of a terminal down to its cursor as divs, a line each: a row that goes on the one before is of its
 * line.
 */
export function linesHtml(terminal: Terminal): string {
  const { baseY, cursorY } = terminal.buffer.active;
  const lines: Stretch[][] = [];
  for (const { row, wrapped } of rowsOf(terminal, 0, baseY + cursorY, true)) {
    if (wrapped) lines.at(-1)?.push(...row);
    else lines.push(row);
  }
  return lines.map((line) => `<div>${withoutTail(line).map(span).join("") || " "}</div>\n`).join("");
}

/** Blanks at a line's end that show nothing are left out: a history is mostly these. */
function withoutTail(line: readonly Stretch[]): Stretch[] {
  const blanksShow = ({ bg, underline, strike, overline }: Stretch) => bg !== background || underline || strike || overline;
  const kept = line.slice(0, line.findLastIndex((stretch) => stretch.text.trim() !== "" || blanksShow(stretch)) + 1);
  const last = kept.at(-1);
  if (last !== undefined && !blanksShow(last)) kept[kept.length - 1] = { ...last, text: last.text.trimEnd() };
  return kept;
}

function span({ text, fg, bg, bold, italic, dim, underline, strike, overline }: Stretch): string {
  const decoration = [underline && "underline", strike && "line-through", overline && "overline"].filter(Boolean).join(" ");
  const style = [
    fg === foreground ? "" : `color:${fg}`,
    bg === background ? "" : `background-color:${bg}`,
    bold ? "font-weight:bold" : "",
    italic ? "font-style:italic" : "",
    dim ? "opacity:0.6" : "",
    decoration === "" ? "" : `text-decoration:${decoration}`,
  ].filter(Boolean);
  return style.length === 0 ? xml(text) : `<span style="${style.join(";")}">${xml(text)}</span>`;
}
