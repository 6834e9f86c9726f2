// How an ended session is told of by attach, watch and show: the traceback, the trainer's own summary, the
// display as it was before the end, the last screen.
import { printableLines } from "../../base/text/printable.ts";
import type { Session } from "../../session/life/session.ts";
import { shortTraceback } from "../../trainers/reading/traceback.ts";
import { cut, widthOf } from "../text/table.ts";

export interface ReportParts {
  /** Of a traceback all lines, not those of the user's own files alone. */
  full: boolean;
  /** The screen as it was left, or as it is now. */
  screen: boolean;
}

/** Sections of text, each with its heading and a blank line before it; "" where there is nothing to say. */
export interface EndReport {
  /** The traceback. */
  before: string;
  /** The trainer's own summary. */
  summary: string;
  /** The display as it was before the end, and the last screen. */
  after: string;
}

/**
 * The report of a session; of a running one only its screen. What stands on a screen that is shown is not
 * said twice.
 * @param width columns of the terminal that it is for, 0 for none: pictures of a screen are cut there, text
 * is not.
 */
export async function endReport(session: Session, width: number, parts: ReportParts): Promise<EndReport> {
  const screen = parts.screen ? await session.lastScreen() : [];
  if (session.live) return { before: "", summary: "", after: picture("its screen now", screen, width) };
  const end = session.row.facts.postMortem;
  const traceback = end?.traceback ?? [];
  const short = parts.full ? { lines: [...traceback], left: 0 } : shortTraceback(traceback);
  const heading = short.left === 0 ? "traceback" : `traceback (${short.left} more lines: falcon show ${session.id} --full)`;
  const shown = new Set(screen.map((line) => line.trim()));
  const unseen = (lines: readonly string[] | null | undefined) =>
    lines?.some((line) => line.trim() !== "" && !shown.has(line.trim())) ? [...lines] : [];
  const display = parts.screen ? picture("its display before it was left", unseen(session.row.facts.lastFrame), width) : "";
  return {
    before: unseen(traceback).length === 0 ? "" : section(heading, short.lines),
    summary: section("falcon's summary", unseen(end?.summary)),
    after: display + picture("its last screen", screen, width),
  };
}

function section(heading: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `\n${heading}:\n${lines.map((line) => `  ${printableLines(line)}`.trimEnd()).join("\n")}\n`;
}

/** Rows of a screen: cut at the edge of the terminal, and set in only where they leave room for it. */
function picture(heading: string, rows: readonly string[], width: number): string {
  if (width === 0 || rows.length === 0) return section(heading, rows);
  // a region that was not full yet begins blank
  const lines = rows
    .slice(
      Math.max(
        0,
        rows.findIndex((row) => row.trim() !== ""),
      ),
    )
    .map((row) => printableLines(row).trimEnd());
  const indent = lines.every((line) => widthOf(line) + 2 <= width) ? "  " : "";
  return `\n${heading}:\n${lines.map((line) => cut(indent + line, width).trimEnd()).join("\n")}\n`;
}
