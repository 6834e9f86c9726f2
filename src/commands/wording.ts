// How states, ends and times are said to people, in one place.
import type { Session } from "../session/session.ts";

/** "ended with status 0 after 2 h 5 min", "ended by SIGKILL …", "lost: …". */
export function endSentence(session: Session): string {
  const { row } = session;
  const after = row.started !== null && row.ended !== null ? ` after ${duration(row.ended - row.started)}` : "";
  if (row.state === "lost") return `lost${after}: ${row.reason}`;
  const end = session.end;
  if (end === undefined) return row.state;
  if (end.signal !== null) return `ended by ${end.signal}${after}`;
  if (end.code === null) return `ended${after}, its exit status could not be known`;
  return end.code === 0 ? `completed${after}` : `ended with status ${end.code}${after}`;
}

/** A length of time in ms, in at most two units: "42 s", "5 min 10 s", "3 h 20 min", "4 d 2 h". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, "h", minutes % 60, "min");
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

function two(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
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
