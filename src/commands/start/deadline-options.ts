// The options of a deadline that launch, run and relaunch share.
import type { Command, OptionValues } from "commander";
import { type DeadlineFact, parseDeadline, parseSaveBefore, refuseLongGrace } from "../../session/run/deadline.ts";

export function defineDeadlineOptions(command: Command): void {
  command
    .option("--deadline <time>", "it will be ended then: 2h, 14:30, 2026-11-28T06:00; it is asked to stop before")
    .option("--save-before <time>", "how long before its deadline it is asked to stop, such as 5m");
}

/**
 * What the options say of the deadline, checked; clock times are those of the caller's zone. @throws Failure
 * 2 for what makes no sense.
 */
export function deadlineOptions(
  options: OptionValues,
  now: number,
  environment: Readonly<Record<string, string>>,
): DeadlineFact | undefined {
  const asked = options.deadline === undefined ? undefined : parseDeadline(options.deadline, now, environment);
  const saveBefore = options.saveBefore === undefined ? undefined : parseSaveBefore(options.saveBefore);
  if (asked !== undefined && saveBefore !== undefined) refuseLongGrace(saveBefore, asked, now);
  if (asked === undefined && saveBefore === undefined) return undefined;
  return { ...(asked === undefined ? {} : { asked }), ...(saveBefore === undefined ? {} : { saveBefore }) };
}
