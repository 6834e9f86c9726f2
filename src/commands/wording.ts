// How states, ends and times are said to people, in one place.
import { span } from "../falcon/summary.ts";
import { postMortemOf } from "../session/ending.ts";
import type { Session } from "../session/session.ts";

/** "completed after 2h 05m", "stopped after 4m 10s", "ended by SIGKILL after 12s", "lost after 3h 00m: …". */
export function endSentence(session: Session): string {
  const { row } = session;
  const after = row.started !== null && row.ended !== null ? ` after ${duration(row.ended - row.started)}` : "";
  if (row.state === "lost") return `lost${after}: ${row.reason}`;
  if (typeof row.facts.execError === "string" && !session.live) return row.facts.execError;
  const end = session.end;
  if (end === undefined) return row.state;
  if (end.signal !== null) return `ended by ${end.signal}${after}`;
  if (end.code === null) return `ended${after}, its exit status could not be known`;
  const how = interruption(session, end.code);
  if (how !== undefined) return `${how}${after}`;
  return end.code === 0 ? `completed${after}` : `ended with status ${end.code}${after}`;
}

/** How a falcon run was stopped by hand, as its post-mortem has it; undefined: it was not. */
function interruption(session: Session, status: number): string | undefined {
  const end = postMortemOf(session);
  // viewers are told of the end before the post-mortem is written: until then a Ctrl+C that was sent, and status 0, tell
  const { kind, interrupts } = session.row;
  if (end === undefined) return kind === "launch" && interrupts > 0 && status === 0 ? "stopped" : undefined;
  return end.ending === "stopped" ? "stopped" : end.ending === "forced" ? "stopped by force" : undefined;
}

/** A length of time in ms, as falcon/summary.ts writes one in seconds: "42s", "5m 10s", "3h 20m", "4d 2h". */
export function duration(ms: number): string {
  return span(ms / 1000);
}

/** A size in bytes: "512 B", "1.4 MB". */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = n;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
