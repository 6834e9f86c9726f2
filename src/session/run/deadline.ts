// When a run will be ended from outside, and how long before that it is asked to stop: what is known, and how
// it is said.

import { isTime } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { durationOf } from "../../base/text/quantity.ts";
import { timeSaid } from "../../base/text/zone.ts";
import { span } from "../../presentation/summary.ts";
import type { SessionRow } from "../../store/session-store.ts";
import { trainerNamed } from "../../trainers/registry.ts";
import type { RunProgress } from "../../trainers/run/run.ts";

/** What is kept of a session's deadline, under `facts.deadline`. Times are ms since 1970. */
export interface DeadlineFact {
  /** `--deadline`. */
  asked?: number;
  /** `--save-before`, in ms. */
  saveBefore?: number;
  /** The end of the batch job that it runs in, as the batch system said last; null: it has no limit. */
  job?: number | null;
  /** Why the job's end is not known, or not as of now. */
  problem?: string;
  /** It was asked to stop because of the deadline: when, and for which one. */
  stopped?: { at: number; deadline: number };
  /** Nothing has moved since for so long that it hangs: since when. */
  hangs?: number;
}

/**
 * asked: `--deadline`; job: the batch job's time limit; falcon: `--timeout`, at which falcon stops by itself.
 */
export type DeadlineSource = "asked" | "job" | "falcon";

export interface Deadline {
  /** ms since 1970, by the wall clock. */
  at: number;
  from: DeadlineSource;
}

/**
 * Without a setting a run is asked to stop this long (ms) before its deadline at least: falcon ends its
 * epoch, then writes its models...
 */
const leastGrace = 2 * 60_000;
/**
 * ...and this many times its longest epoch, since the stop waits for the end of one, and the next may be
 * longer.
 */
const epochsOfGrace = 2;
/** A grace that nobody chose for this run leaves it at least this part of its time to train. */
const mostOfTime = 0.5;

/** What is kept of the session's deadline. */
export function deadlineFact(row: Pick<SessionRow, "facts">): DeadlineFact {
  return row.facts.deadline ?? {};
}

/** A deadline, and when the run stops for it: it is asked to, or does so by itself (falcon). */
export interface PlannedStop extends Deadline {
  /** How long before the deadline that is (ms). */
  grace: number;
}

/** What of a row tells its deadlines. */
type DeadlineRow = Pick<SessionRow, "facts" | "trainer" | "command" | "started">;

/** The earliest of all that end the run; undefined where nothing is known to. */
export function deadlineOf(row: DeadlineRow): Deadline | undefined {
  return deadlinesOf(row).sort((a, b) => a.at - b.at)[0];
}

/**
 * All deadlines, the one that the run stops for first at the front: falcon's own `--timeout` a little before
 * a job's limit is the earlier end, but leaves no time to save.
 * @param configured `save_before` of the configuration; null: by the run's epochs.
 */
export function plannedStops(
  row: DeadlineRow & Pick<SessionRow, "created">,
  progress: RunProgress | null,
  configured: number | null,
): PlannedStop[] {
  return deadlinesOf(row)
    .map((deadline) => ({ ...deadline, grace: graceOf(row, deadline, progress, configured) }))
    .sort((a, b) => a.at - a.grace - (b.at - b.grace));
}

function deadlinesOf(row: DeadlineRow): Deadline[] {
  const { asked, job } = deadlineFact(row);
  const all: Deadline[] = [];
  const add = (at: number | null | undefined, from: DeadlineSource) => {
    if (isTime(at)) all.push({ at, from });
  };
  add(asked, "asked");
  add(job, "job");
  const timeout = trainerNamed(row.trainer).timeLimit?.(row.command);
  if (timeout !== undefined && row.started !== null) add(row.started + timeout * 1000, "falcon");
  return all;
}

/**
 * How long (ms) before the deadline the run is asked to stop. falcon needs no asking at its own `--timeout`.
 * @param configured `save_before` of the configuration; null: by the run's epochs.
 */
export function graceOf(
  row: Pick<SessionRow, "facts" | "started" | "created">,
  deadline: Deadline,
  progress: RunProgress | null,
  configured: number | null,
): number {
  if (deadline.from === "falcon") return 0;
  const { saveBefore } = deadlineFact(row);
  if (saveBefore !== undefined) return saveBefore;
  const longest = Math.max(0, ...(progress?.nodes ?? []).map((node) => node.longestEpoch ?? 0)) * 1000;
  const wanted = configured ?? Math.max(leastGrace, epochsOfGrace * longest);
  return Math.min(wanted, mostOfTime * Math.max(0, deadline.at - (row.started ?? row.created)));
}

/** Whether a stop is ours to ask for: of a command that is no falcon run only where somebody said when. */
export function stopsBefore(row: Pick<SessionRow, "facts" | "trainer">): boolean {
  const { asked, saveBefore } = deadlineFact(row);
  return trainerNamed(row.trainer).savesModel || asked !== undefined || saveBefore !== undefined;
}

/** Whether the run is through before it is asked to stop, by its own estimate; null: nobody can tell. */
export function finishesInTime(deadline: Deadline, grace: number, progress: RunProgress | null, now: number): boolean | null {
  if (progress === null || progress.timeLeft === null) return null;
  return now + progress.timeLeft * 1000 <= deadline.at - grace;
}

/** "time limit in 2h 10m, will not finish"; after the stop "time limit: asked to stop". */
export function deadlineText(
  row: DeadlineRow & Pick<SessionRow, "created">,
  progress: RunProgress | null,
  configured: number | null,
  now: number,
): string {
  const [deadline] = plannedStops(row, progress, configured);
  if (deadline === undefined) return "";
  const { stopped, hangs } = deadlineFact(row);
  if (hangs !== undefined) return `time limit ${away(deadline.at - now)}, asked to stop, hangs`;
  if (stopped !== undefined) return `time limit ${away(deadline.at - now)}, asked to stop`;
  const fits = finishesInTime(deadline, deadline.grace, progress, now);
  return `time limit ${away(deadline.at - now)}${fits === false ? ", will not finish" : ""}`;
}

function away(ms: number): string {
  if (ms <= 0) return `${coarse(-ms)} ago`;
  return `in ${coarse(ms)}`;
}

/** Whole minutes from two on: it stands in titles, which should not change each second. */
function coarse(ms: number): string {
  if (ms < 120_000) return span(ms / 1000);
  return span(Math.floor(ms / 60_000) * 60).replace(/ 00s$/, "");
}

/** A deadline farther away than this is a slip of the pen. */
const farthest = 10 * 365 * 86_400_000;

/**
 * `--deadline`: a duration from now (2h, 90m), the next time that a clock shows so (14:30), or a date
 * (2026-11-28T06:00), of the caller's time zone unless it says one.
 * @param environment the caller's
 * @throws Failure 2 when it is none of them, in the past, or years away.
 */
export function parseDeadline(text: string, now: number, environment: Readonly<Record<string, string>> = {}): number {
  const duration = durationOf(text);
  const at = duration !== undefined ? now + duration : timeSaid(text, now, environment, true);
  if (at === undefined)
    throw new Failure(`--deadline ${text}: give a duration (2h, 90m), a time (14:30) or a date (2026-11-28T06:00)`, Status.usage);
  if (at <= now) throw new Failure(`--deadline ${text}: that is in the past; nothing was started`, Status.usage);
  if (at - now > farthest)
    throw new Failure(`--deadline ${text}: that is more than ten years away; nothing was started`, Status.usage);
  return at;
}

/** `--save-before`: a duration, in ms. @throws Failure 2 when it is none. */
export function parseSaveBefore(text: string): number {
  const duration = durationOf(text);
  if (duration === undefined || duration < 1000)
    throw new Failure(`--save-before ${text}: give a time of at least a second, such as 5m`, Status.usage);
  return duration;
}

/** @throws Failure 2 where a grace that was asked for leaves no time at all. */
export function refuseLongGrace(saveBefore: number, end: number, now: number): void {
  if (saveBefore < end - now) return;
  const [asked, left] = [span(saveBefore / 1000), span((end - now) / 1000)];
  throw new Failure(
    `--save-before ${asked}: the run has only ${left}, it would be stopped at once; nothing was started`,
    Status.usage,
  );
}
