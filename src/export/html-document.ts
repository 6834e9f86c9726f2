// The frame of an HTML document of ours. Apart from what draws a screen, so that it costs no emulator to
// write it.
import { background, foreground } from "./picture.ts";
import { xml } from "./svg.ts";

/** The beginning of a document. @param title what a browser's tab says */
export function htmlHead(title: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${xml(title)}</title>
<style>
body { margin: 0; color: ${foreground}; background-color: ${background}; }
.screen { display: inline-block; padding: 12px; white-space: pre; line-height: 1.17; }
.screen div, .screen span { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; }
</style>
</head>
<body>
`;
}

/** Its end. */
export const htmlEnd = "</body>\n</html>\n";
