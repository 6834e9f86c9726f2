// One screen to a document, as the worker does it: the bytes of a snapshot go into a terminal, and what it
// shows is written down.
import unicode11 from "@xterm/addon-unicode11";
import xterm from "@xterm/headless";
import type { NodeCurves } from "../trainers/curve.ts";
import { type FigureOptions, figureSvg } from "./figure.ts";
import { screenHtml } from "./html.ts";
import { pictureOf } from "./picture.ts";
import { pngOf, sizeOfSvg } from "./png.ts";
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

export interface FigureTurn {
  do: "figure";
  format: "svg" | "png";
  curves: NodeCurves[];
  title: string;
  options: FigureOptions;
}

export async function renderScreen({ format, cols, rows, replay, title }: ScreenTurn): Promise<Uint8Array> {
  const terminal = new xterm.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true, logLevel: "off" });
  try {
    terminal.loadAddon(new unicode11.Unicode11Addon() as unknown as Parameters<typeof terminal.loadAddon>[0]);
    terminal.unicode.activeVersion = "11";
    await new Promise<void>((resolve) => terminal.write(replay, resolve));
    if (format === "html") return bytes(screenHtml(terminal, title));
    const svg = screenSvg(pictureOf(terminal), title);
    return format === "svg" ? bytes(svg) : await png(svg);
  } finally {
    terminal.dispose();
  }
}

export async function renderFigure({ format, curves, title, options }: FigureTurn): Promise<Uint8Array> {
  const svg = figureSvg(curves, title, options);
  return format === "svg" ? bytes(svg) : png(svg);
}

function png(svg: string): Promise<Uint8Array> {
  const { width, height } = sizeOfSvg(svg);
  return pngOf(svg, width, height);
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}
