// How an ended session is told of by attach and show: what happened, the traceback, the display as it was before the end, the last screen.
import { printableLines } from "../base/printable.ts";
import { lastFrameOf, postMortemOf } from "../session/ending.ts";
import type { Session } from "../session/session.ts";
import { cut, widthOf } from "./table.ts";

/**
 * Sections of text, each with its heading and a blank line before it; of a running session only its screen.
 * @param width columns of the terminal that it is for, 0 for none: pictures of a screen are cut there, text is not.
 */
export async function endReport(session: Session, width: number): Promise<string> {
  const screen = await session.lastScreen();
  if (session.live) return section("its screen now", screen, width);
  const end = postMortemOf(session);
  const shown = new Set(screen.map((line) => line.trim()));
  // what stands on the last screen anyway is not said twice
  const unseen = (lines: readonly string[] | null | undefined) =>
    lines?.some((line) => line.trim() !== "" && !shown.has(line.trim())) ? [...lines] : [];
  return [
    end === undefined ? "" : `\nthe end   ${end.sentence}\n`,
    section("traceback", unseen(end?.traceback)),
    section("falcon's summary", unseen(end?.summary)),
    section("its display before it was left", unseen(lastFrameOf(session)), width),
    section("its last screen", screen, width),
  ].join("");
}

/** @param width where the lines are cut, each being a row of a picture; 0: nowhere. */
function section(heading: string, lines: readonly string[], width = 0): string {
  if (lines.length === 0) return "";
  const rows = lines.map((line) => printableLines(line).trimEnd());
  // a region that was not full yet begins blank
  if (width > 0)
    rows.splice(
      0,
      Math.max(
        0,
        rows.findIndex((row) => row !== ""),
      ),
    );
  // set in where the picture leaves room for it
  const indent = width === 0 || rows.every((row) => widthOf(row) + 2 <= width) ? "  " : "";
  return `\n${heading}:\n${rows.map((row) => (width === 0 ? indent + row : cut(indent + row, width)).trimEnd()).join("\n")}\n`;
}
