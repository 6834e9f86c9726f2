// A screen as HTML: what xterm.js' addon makes of it, as a document that validates.
import { SerializeAddon } from "@xterm/addon-serialize";
import type { Terminal } from "@xterm/headless";
import { background, foreground } from "./picture.ts";
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
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${xml(title)}</title>
<style>
body { margin: 0; background-color: ${background}; }
.screen { display: inline-block; padding: 12px; white-space: pre; line-height: 1.17; }
.screen div, .screen span { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; }
</style>
</head>
<body>
<div class="screen">${screen}</div>
</body>
</html>
`;
}
