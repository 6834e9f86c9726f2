// Why a log lacks bytes, in words.
import type { Hole } from "../../store/output-log.ts";
import type { SessionRow } from "../../store/session-store.ts";
import { bytes } from "../text/wording.ts";

export type HoleReason = Hole["reason"];

/**
 * A limit of the server's shell at the session's start ends a log as a full disk does, but nothing on the
 * disk mends that.
 */
export function holeReason(row: Pick<SessionRow, "facts">, reason: HoleReason): string {
  if (reason === "retention") return "let go of, to keep the log within its retention";
  if (reason === "removed") return "somebody removed the log";
  if (reason === "damaged") return "their segment cannot be read";
  const { fileLimit } = row.facts;
  if (typeof fileLimit !== "string") return "the disk was full";
  return `ulimit -f let no file grow beyond ${bytes(Number(fileLimit))}, or the disk was full`;
}
