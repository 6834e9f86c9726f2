// Options that say a time, as --since, --ended and --at do, or how long a pause may be.
import { Failure, Status } from "../../base/failure.ts";
import { durationOf } from "../../base/text/quantity.ts";
import { timeSaid } from "../../base/text/zone.ts";

/**
 * A point in time: a duration before now, a time of today, or a date with or without time, in the caller's
 * time zone unless it says one.
 */
export function parseTime(option: string, text: string, now: number, environment: Readonly<Record<string, string>>): number {
  const ago = durationOf(text);
  if (ago !== undefined) return now - ago;
  const time = timeSaid(text, now, environment);
  if (time === undefined)
    throw new Failure(
      `${option} ${text}: give a duration (90s, 12h, 2d), a time (14:30) or a date (2026-11-24T14:30)`,
      Status.usage,
    );
  return time;
}

/**
 * A pause of a recording is shortened to so many seconds unless --idle says otherwise: nobody watches an
 * epoch of ten minutes.
 */
export const usualIdle = "2";

/** The seconds of `--idle`. @throws Failure 2 */
export function idleOf(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= 86_400))
    throw new Failure(`--idle ${text}: give a number of seconds from 0 to 86400`, Status.usage);
  return seconds;
}
