// How an ended session is told of by attach and show: what happened, the traceback, the display as it was before the end, the last screen.
import { printableLines } from "../base/printable.ts";
import { lastFrameOf, postMortemOf } from "../session/ending.ts";
import type { Session } from "../session/session.ts";

/** Sections of text, each with its heading and a blank line before it; of a running session only its screen. */
export async function endReport(session: Session): Promise<string> {
  const screen = await session.lastScreen();
  if (session.live) return section("its screen now", screen);
  const end = postMortemOf(session);
  const shown = new Set(screen.map((line) => line.trim()));
  // what stands on the last screen anyway is not said twice
  const unseen = (lines: readonly string[] | null | undefined) =>
    lines?.some((line) => line.trim() !== "" && !shown.has(line.trim())) ? [...lines] : [];
  return [
    end === undefined ? "" : `\nthe end   ${end.sentence}\n`,
    section("traceback", unseen(end?.traceback)),
    section("falcon's summary", unseen(end?.summary)),
    section("its display before it was left", unseen(lastFrameOf(session))),
    section("its last screen", screen),
  ].join("");
}

function section(heading: string, lines: readonly string[]): string {
  if (lines.length === 0) return "";
  return `\n${heading}:\n${lines.map((line) => `  ${printableLines(line)}`.trimEnd()).join("\n")}\n`;
}
