// SVG to PNG. The one file that knows resvg and the fonts that come with it, so that a picture looks the same
// on every machine.
import { createRequire } from "node:module";
import path from "node:path";

/** Pixels for one unit of the drawing: sharp on today's screens and in print. */
export const pngScale = 2;
/** A picture has at most this many pixels on its longer side; a larger one is made smaller. */
const longestSide = 16_000;
/**
 * DejaVu has no signs of Chinese, Japanese and Korean writing, and no emoji; fonts of the system are looked
 * for only for them, as that takes time.
 */
const beyondDejaVu =
  /[\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]|[\ud83c-\ud83e][\udc00-\udfff]|[\ud840-\ud87f][\udc00-\udfff]/;

/**
 * The package for users brings these three and no others (scripts/npm/package.mjs): 0.9 MB of the fonts' 11.
 */
const faces = ["DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique"];

/**
 * @param svg of ours, which says its size.
 * @throws Error when the drawing is no SVG that resvg understands, or its native part is not installed.
 */
export async function pngOf(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const fonts = path.join(path.dirname(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/package.json")), "ttf");
  const drawing = new Resvg(svg, {
    fitTo: { mode: "zoom", value: Math.min(pngScale, longestSide / longerSide(svg)) },
    font: {
      loadSystemFonts: beyondDejaVu.test(svg),
      fontFiles: faces.map((face) => path.join(fonts, `${face}.ttf`)),
      defaultFontFamily: "DejaVu Sans Mono",
      monospaceFamily: "DejaVu Sans Mono",
      sansSerifFamily: "DejaVu Sans Mono",
    },
    logLevel: "off",
  });
  return new Uint8Array(drawing.render().asPng());
}

function longerSide(svg: string): number {
  const found = /<svg [^>]*\bwidth="([\d.]+)" height="([\d.]+)"/.exec(svg);
  if (found === null) throw new Error("a drawing without a size");
  return Math.max(Number(found[1]), Number(found[2]));
}
