// A picture of a user's terminal, for a person who wants to see what a test saw: screenshot(terminal,
// "/tmp/x.png").
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { Resvg } from "@resvg/resvg-js";
import type { IBufferCell } from "@xterm/headless";
import type { UserTerminal } from "./terminal.ts";

const cell = { width: 9, height: 19, size: 15, baseline: 14 };
const [foreground, background] = ["#d4d4d4", "#1e1e1e"];
const basic = ["#000000", "#cd3131", "#0dbc79", "#e5e510", "#2472c8", "#bc3fbc", "#11a8cd", "#e5e5e5"];
const bright = ["#666666", "#f14c4c", "#23d18b", "#f5f543", "#3b8eea", "#d670d6", "#29b8db", "#ffffff"];

/** Writes the screen as it stands now, cursor included. */
export function screenshot(terminal: UserTerminal, file: string): void {
  const require = createRequire(import.meta.url);
  const fonts = path.join(path.dirname(require.resolve("dejavu-fonts-ttf/package.json")), "ttf");
  const resvg = new Resvg(svg(terminal), {
    font: { loadSystemFonts: false, fontDirs: [fonts], defaultFontFamily: "DejaVu Sans Mono" },
  });
  fs.writeFileSync(file, resvg.render().asPng());
}

function svg(terminal: UserTerminal): string {
  const { cols, rows } = terminal;
  const buffer = terminal.screen.buffer.active;
  const parts: string[] = [];
  for (let y = 0; y < rows; y++) {
    const line = buffer.getLine(buffer.baseY + y);
    for (let x = 0; x < cols; x++) {
      const at = line?.getCell(x);
      if (at === undefined || at.getWidth() === 0) continue;
      const cursor = terminal.cursor();
      const inverse = Boolean(at.isInverse()) !== (cursor.visible && cursor.x === x && cursor.y === y);
      const [ink, paper] = inverse ? [paperOf(at), inkOf(at)] : [inkOf(at), paperOf(at)];
      const place = `x="${x * cell.width}" y="${y * cell.height}"`;
      if (paper !== background)
        parts.push(`<rect ${place} width="${cell.width * at.getWidth()}" height="${cell.height}" fill="${paper}"/>`);
      const text = at.getChars();
      if (text.trim() === "") continue;
      const style = `${at.isBold() ? ' font-weight="bold"' : ""}${at.isDim() ? ' opacity="0.6"' : ""}${at.isUnderline() ? ' text-decoration="underline"' : ""}`;
      parts.push(
        `<text x="${x * cell.width}" y="${y * cell.height + cell.baseline}" fill="${ink}"${style}>${escaped(text)}</text>`,
      );
    }
  }
  const [width, height] = [cols * cell.width, rows * cell.height];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans Mono" font-size="${cell.size}"><rect width="100%" height="100%" fill="${background}"/>${parts.join("")}</svg>`;
}

function inkOf(at: IBufferCell): string {
  if (at.isFgDefault()) return foreground;
  return at.isFgRGB() ? rgb(at.getFgColor()) : indexed(at.getFgColor());
}

function paperOf(at: IBufferCell): string {
  if (at.isBgDefault()) return background;
  return at.isBgRGB() ? rgb(at.getBgColor()) : indexed(at.getBgColor());
}

function rgb(value: number): string {
  return `#${value.toString(16).padStart(6, "0")}`;
}

function indexed(index: number): string {
  if (index < 16) return (index < 8 ? basic[index] : bright[index - 8]) ?? foreground;
  if (index >= 232) return rgb(((index - 232) * 10 + 8) * 0x010101);
  const steps = [0, 95, 135, 175, 215, 255];
  const step = (n: number) => steps[n % 6] ?? 0;
  const value = index - 16;
  return rgb((step(Math.floor(value / 36)) << 16) | (step(Math.floor(value / 6)) << 8) | step(value));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
