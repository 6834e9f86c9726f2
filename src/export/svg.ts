// A screen as SVG: real text in a monospaced font, so that it stays sharp, can be searched and copied.
import { brailleDots, withoutBraille } from "./braille.ts";
import { background, foreground, type Picture, type Stretch } from "./picture.ts";
import { round } from "./round.ts";

const fontSize = 14;
/**
 * Advance and line height of DejaVu Sans Mono, in units of the font's size; Menlo and Liberation Mono have
 * the same advance.
 */
const advance = 1233 / 2048;
const lineHeight = 1.1640625;
const ascent = 0.928;
const margin = 12;
const fonts = "'DejaVu Sans Mono', Menlo, 'Liberation Mono', Consolas, monospace";

/** What XML cannot hold: control characters and halves of surrogate pairs. */
const notXml =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Text for an XML document; characters that it cannot hold are replaced. */
export function xml(text: string): string {
  return text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(notXml, "\ufffd");
}

/** @param title what a screen reader and a browser's tab say. */
export function screenSvg(picture: Picture, title: string): string {
  const cell = advance * fontSize;
  const height = lineHeight * fontSize;
  const width = round(picture.cols * cell + 2 * margin);
  const total = round(picture.rows.length * height + 2 * margin);
  const boxes: string[] = [];
  const texts: string[] = [];
  picture.rows.forEach((row, y) => {
    const top = margin + y * height;
    for (const stretch of row) {
      const x = margin + stretch.x * cell;
      const w = stretch.width * cell;
      if (stretch.bg !== background)
        boxes.push(
          `<rect x="${round(x)}" y="${round(top)}" width="${round(w)}" height="${round(height)}" fill="${stretch.bg}"/>`,
        );
      const dots = brailleDots(stretch.text, x, top, cell, height);
      if (dots !== "") texts.push(`<path d="${dots}" fill="${stretch.fg}"${stretch.dim ? ' fill-opacity="0.6"' : ""}/>`);
      const said = text({ ...stretch, text: withoutBraille(stretch.text) }, x, top + ascent * fontSize, cell);
      if (said !== "") texts.push(said);
    }
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}" role="img">
<title>${xml(title)}</title>
<rect width="100%" height="100%" rx="6" fill="${background}"/>
<g shape-rendering="crispEdges">
${boxes.join("\n")}
</g>
<g font-family="${fonts}" font-size="${fontSize}" fill="${foreground}" xml:space="preserve">
${texts.join("\n")}
</g>
</svg>
`;
}

/**
 * One stretch; nothing for blanks without a line. Blanks at its sides are left out: they would be all that
 * moves when a font is replaced.
 */
function text(stretch: Stretch, x: number, baseline: number, cell: number): string {
  const lines = [stretch.underline && "underline", stretch.strike && "line-through", stretch.overline && "overline"].filter(
    Boolean,
  );
  const blank = stretch.text.trim() === "";
  if (blank && lines.length === 0) return "";
  const lead = lines.length > 0 ? 0 : stretch.text.length - stretch.text.trimStart().length;
  const shown = lines.length > 0 ? stretch.text : stretch.text.trim();
  const columns = stretch.width === stretch.text.length ? shown.length : stretch.width;
  const attributes = [
    `x="${round(x + lead * cell)}"`,
    `y="${round(baseline)}"`,
    // holds the columns where the reader's font has another width
    `textLength="${round(columns * cell)}"`,
    'lengthAdjust="spacingAndGlyphs"',
    stretch.fg === foreground ? "" : `fill="${stretch.fg}"`,
    stretch.bold ? 'font-weight="bold"' : "",
    stretch.italic ? 'font-style="italic"' : "",
    stretch.dim ? 'fill-opacity="0.6"' : "",
    lines.length > 0 ? `text-decoration="${lines.join(" ")}"` : "",
  ].filter(Boolean);
  return `<text ${attributes.join(" ")}>${xml(shown)}</text>`;
}
