// One screen to a document, as the worker does it: the bytes of a snapshot go into a terminal, and what it
// shows is written down.
import unicode11 from "@xterm/addon-unicode11";
import xterm, { type Terminal } from "@xterm/headless";
import type { Comparison } from "../compare/comparison.ts";
import type { NodeCurves } from "../trainers/run/curve.ts";
import { comparisonSvg } from "./comparison-figure.ts";
import { type FigureOptions, figureSvg } from "./figure.ts";
import { linesHtml, screenHtml } from "./html.ts";
import { pictureOf } from "./picture.ts";
import { pngOf } from "./png.ts";
import { screenSvg } from "./svg.ts";

export interface ScreenTurn {
  do: "screen";
  format: "html" | "svg" | "png";
  cols: number;
  rows: number;
  /** What puts a fresh terminal of this size into the state (Snapshot.first). */
  replay: Uint8Array;
  title: string;
}

/** Lines of a history as a part of an HTML document. */
export interface LinesTurn {
  do: "lines";
  /** Whole lines, each ending in a line feed, with sequences for their looks. */
  text: Uint8Array;
}

export interface FigureTurn {
  do: "figure";
  format: "svg" | "png";
  curves: NodeCurves[];
  title: string;
  options: FigureOptions;
}

/**
 * Columns of the terminal that lines are drawn in: longer ones go on in the next row, and are one line again
 * in the document.
 */
const lineCols = 200;

/** More rows than a turn's lines can take. */
const lineRows = 100_000;

export interface ComparisonTurn {
  do: "comparison";
  format: "svg" | "png";
  comparison: Comparison;
  title: string;
  log: boolean;
}

export async function renderScreen({ format, cols, rows, replay, title }: ScreenTurn): Promise<Uint8Array> {
  return withTerminal({ cols, rows, scrollback: 0 }, replay, (terminal) => {
    if (format === "html") return bytes(screenHtml(terminal, title));
    return drawing(screenSvg(pictureOf(terminal), title), format);
  });
}

export async function renderLines({ text }: LinesTurn): Promise<Uint8Array> {
  const size = { cols: lineCols, rows: 2, scrollback: lineRows, convertEol: true };
  return withTerminal(size, text, (terminal) => bytes(linesHtml(terminal)));
}

/** What `draw` makes of a terminal that was written `input`. */
async function withTerminal(
  size: { cols: number; rows: number; scrollback: number; convertEol?: boolean },
  input: Uint8Array,
  draw: (terminal: Terminal) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  const terminal = new xterm.Terminal({ ...size, allowProposedApi: true, logLevel: "off" });
  try {
    terminal.loadAddon(new unicode11.Unicode11Addon() as unknown as Parameters<typeof terminal.loadAddon>[0]);
    terminal.unicode.activeVersion = "11";
    await new Promise<void>((resolve) => terminal.write(input, resolve));
    return await draw(terminal);
  } finally {
    terminal.dispose();
  }
}

export async function renderFigure({ format, curves, title, options }: FigureTurn): Promise<Uint8Array> {
  return drawing(figureSvg(curves, title, options), format);
}

export async function renderComparison({ format, comparison, title, log }: ComparisonTurn): Promise<Uint8Array> {
  return drawing(comparisonSvg(comparison, title, log), format);
}

async function drawing(svg: string, format: "svg" | "png"): Promise<Uint8Array> {
  return format === "svg" ? bytes(svg) : pngOf(svg);
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}
