// Times as the caller's clock shows them: in the time zone of the call, which need not be the server's.
import fs from "node:fs";

/** "2026-11-27 14:30:05": a time (ms since 1970) in the zone of this environment. */
export function localTime(time: number, environment: Readonly<Record<string, string>>): string {
  const format = (timeZone: string | undefined) =>
    new Intl.DateTimeFormat("sv-SE", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    }).format(time);
  try {
    return format(zoneOf(environment));
  } catch {
    return format("UTC"); // POSIX rules (CET-1CEST) are none that Intl knows
  }
}

/** $TZ, else the machine's: the server's own variable may be another one's. */
function zoneOf({ TZ }: Readonly<Record<string, string>>): string {
  if (TZ) return TZ.replace(/^:/, "");
  try {
    return /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(fs.readlinkSync("/etc/localtime"))?.[1] ?? "UTC";
  } catch {
    return "UTC";
  }
}
