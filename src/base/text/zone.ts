// Times as the caller's clock shows and says them: in the time zone of the call, which need not be the
// server's.
import fs from "node:fs";

/** The environment of the call. */
type Environment = Readonly<Record<string, string>>;

/** A day and a time of it as a clock on the wall shows them; months from 1. */
interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

/** "2026-11-27 14:30:05": a time (ms since 1970) in the zone of this environment. */
export function localTime(time: number, environment: Environment): string {
  return formatIn(zoneOf(environment), time);
}

/**
 * The time (ms since 1970) that a person of this environment means by "14:30", "2026-11-24" (its midnight) or
 * "2026-11-24T14:30:05"; with "Z" or "+02:00" behind it, that zone counts. Undefined for what is no time, or
 * no day of the calendar.
 * @param next of a clock's time the next one after `now`, instead of today's
 */
export function timeSaid(text: string, now: number, environment: Environment, next = false): number | undefined {
  const zone = zoneOf(environment);
  const clock = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  if (clock !== null) {
    const [hour = 0, minute = 0, second = 0] = clock.slice(1).map((part) => Number(part ?? 0));
    if (hour > 23 || minute > 59 || second > 59) return undefined;
    const today = { ...wallOf(zone, now), hour, minute, second };
    const time = momentOf(zone, today);
    // by the calendar, so that a day on which the clocks are changed has its own length
    return next && time <= now ? momentOf(zone, { ...today, day: today.day + 1 }) : time;
  }
  const date = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text);
  if (date === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = date.slice(1, 7).map((part) => Number(part ?? 0));
  const inUtc = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (inUtc.getUTCMonth() !== month - 1 || inUtc.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    return undefined;
  if (date[7] !== undefined) {
    const time = Date.parse(text.replace(" ", "T"));
    return Number.isNaN(time) ? undefined : time; // "+25:00" is no zone
  }
  return momentOf(zone, { year, month, day, hour, minute, second });
}

function formatIn(zone: string, time: number): string {
  const format = (timeZone: string) =>
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
    return format(zone);
  } catch {
    return format("UTC"); // POSIX rules (CET-1CEST) are none that Intl knows
  }
}

function wallOf(zone: string, time: number): WallTime {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = formatIn(zone, time).split(/\D+/).map(Number);
  return { year, month, day, hour, minute, second };
}

/**
 * When the clocks of a zone show this. Of an hour that is skipped in spring the one after it, of one that
 * comes twice in autumn the first.
 */
function momentOf(zone: string, { year, month, day, hour, minute, second }: WallTime): number {
  const asUtc = Date.UTC(year, month - 1, day, hour, minute, second);
  const offset = (time: number) => {
    const wall = wallOf(zone, time);
    return Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second) - Math.floor(time / 1000) * 1000;
  };
  // the offsets of the days around it: in one of them the clocks show it
  const halfDay = 12 * 3_600_000;
  const [before, after] = [asUtc - offset(asUtc - halfDay), asUtc - offset(asUtc + halfDay)];
  return offset(before) === asUtc - before || before === after ? before : offset(after) === asUtc - after ? after : before;
}

/** $TZ, else the machine's: the server's own variable may be another one's. Either may be a zone's file. */
function zoneOf({ TZ }: Environment): string {
  const said = TZ?.replace(/^:/, "") || "/etc/localtime";
  if (!said.startsWith("/")) return said;
  const file = said === "/etc/localtime" ? machinesZone() : said;
  return /zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(file)?.[1] ?? "UTC";
}

function machinesZone(): string {
  try {
    return fs.readlinkSync("/etc/localtime");
  } catch {
    return "";
  }
}
