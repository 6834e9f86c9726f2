// How states, ends and times are said to people, in one place.
import { span } from "../falcon/summary.ts";
import type { Session } from "../session/session.ts";

/** "ended with status 0 after 2 h 5 min", "ended by SIGKILL …", "lost: …". */
export function endSentence(session: Session): string {
  const { row } = session;
  const after = row.started !== null && row.ended !== null ? ` after ${duration(row.ended - row.started)}` : "";
  if (row.state === "lost") return `lost${after}: ${row.reason}`;
  if (typeof row.facts.execError === "string" && !session.live) return row.facts.execError;
  const end = session.end;
  if (end === undefined) return row.state;
  if (end.signal !== null) return `ended by ${end.signal}${after}`;
  if (end.code === null) return `ended${after}, its exit status could not be known`;
  return end.code === 0 ? `completed${after}` : `ended with status ${end.code}${after}`;
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
