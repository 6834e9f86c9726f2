// A session as `falcon sessions` and `falcon show` give it out: the documented JSON shape
// (docs/guide/json.md), and nothing secret.

import { isoTime } from "../../base/clock.ts";
import type { ShownRun } from "../../presentation/shown-run.ts";
import type { UsageSampler } from "../../resources/sampler.ts";
import type { Usage } from "../../resources/usage.ts";
import { outcomeOf } from "../../session/life/conclusion.ts";
import type { Outcome } from "../../session/life/outcome.ts";
import { changesOf } from "../../session/life/provenance.ts";
import type { Session } from "../../session/life/session.ts";
import { type Tags, tagsOf } from "../../session/life/tags.ts";
import { type DeadlineSource, deadlineFact, finishesInTime, plannedStops } from "../../session/run/deadline.ts";
import type { SessionState } from "../../store/session-store.ts";
import type { PostMortem } from "../../trainers/run/ending.ts";
import { type RunFailure, runFailure } from "../../trainers/run/failure.ts";
import type { Surroundings } from "../../trainers/run/surroundings.ts";
import type { Context } from "../dispatch/call.ts";

/** When a session will be ended from outside, and what is done about it. */
export interface DeadlineListing {
  at: string;
  from: DeadlineSource;
  /** Seconds before it at which the run is asked to stop. */
  saveBefore: number;
  /** Whether the run is through by then, by its own estimate. */
  willFinish: boolean | null;
  /** When it was asked to stop because of it. */
  stopped: string | null;
  /** Since when that stop has not moved. */
  hangs: string | null;
  /** Why the batch system's word on it is missing or old. */
  problem: string | null;
}

/** One session, for machines. Times are ISO 8601 in UTC, or null. */
export interface Listing {
  id: string;
  name: string;
  kind: "launch" | "run";
  /** What trains: falcon, or another trainer; none: nothing is known of it. */
  trainer: string;
  state: SessionState;
  reason: string;
  command: string[];
  directory: string;
  runDirectory: string | null;
  host: string;
  /**
   * The batch job that it runs or ran in, as its home is called: a letter (s Slurm, p PBS, l LSF, f Flux) and
   * the number; null: in none.
   */
  job: string | null;
  pid: number | null;
  created: string;
  started: string | null;
  ended: string | null;
  lastOutput: string | null;
  exitCode: number | null;
  signal: string | null;
  cols: number;
  rows: number;
  pinned: boolean;
  /** Ctrl+C that the program was sent. */
  interrupts: number;
  viewers: { pid: number; readOnly: boolean; since: string }[];
  /** Bytes of output so far. */
  outputBytes: number;
  /** Output that no one can have any more. */
  gaps: { offset: number; length: number }[];
  /** Labels (`falcon tag`). */
  tags: Tags;
  /** key=value settings that relaunches added; each later part has them too. */
  changes: readonly string[];
  /** What it was started with (trainers/run/surroundings.ts); null while that is looked at. */
  provenance: Surroundings | null;
  /** Id of the first part of its run; its own where it is that. */
  run: string;
  /** Which part of its run it is; the first is 1. */
  part: number;
  /** When it will be ended from outside; null: nothing is known to. */
  deadline: DeadlineListing | null;
  /**
   * How far a falcon run is (trainers/run/run.ts); null for other commands, and while the run directory is
   * not known.
   */
  progress: ShownRun | null;
  /** How a falcon run ended (trainers/run/ending.ts); null while it runs and for other commands. */
  postMortem: PostMortem | null;
  /**
   * Why a falcon run failed, in the line that matters (trainers/run/failure.ts); null where it did not, or
   * nothing tells.
   */
  failure: RunFailure | null;
  /**
   * How it ended, in one statement (session/life/outcome.ts); null while it runs. `time` as the times of a
   * session.
   */
  outcome: (Omit<Outcome, "time"> & { time: string | null }) | null;
  /** What it uses, or used (resources/usage.ts); null: not measured. */
  usage: (Omit<Usage, "time"> & { time: string | null }) | null;
}

/** What a session uses now, or used; undefined where it was not measured. */
export function usageOf(session: Session, sampler: Pick<UsageSampler, "of">): Usage | undefined {
  return session.live ? sampler.of(session.id) : session.row.facts.usage;
}

/** One session as machines read it. */
export async function listing(
  session: Session,
  context: Pick<Context, "progress" | "usage" | "config" | "neighbours" | "clock">,
): Promise<Listing> {
  // first of all: the session may end meanwhile, and what is told of it is of one moment
  const progress = await context.progress.of(session);
  const { row, end } = session;
  const part = row.facts.part;
  const outcome = outcomeOf(session);
  const usage = usageOf(session, context.usage);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    trainer: row.trainer,
    state: row.state,
    reason: row.reason,
    command: row.command,
    directory: row.directory,
    runDirectory: row.runDirectory,
    host: row.host,
    job: row.facts.job ?? context.neighbours.place.job,
    pid: row.programPid,
    created: isoTime(row.created) ?? "",
    started: isoTime(row.started),
    ended: isoTime(row.ended),
    lastOutput: isoTime(session.lastOutput || null),
    exitCode: end?.code ?? null,
    signal: end?.signal ?? null,
    cols: row.cols,
    rows: row.rows,
    pinned: row.pinned,
    interrupts: row.interrupts,
    viewers: [...session.audience.viewers.values()].map((v) => ({
      pid: v.pid,
      readOnly: v.readOnly,
      since: isoTime(v.since) ?? "",
    })),
    outputBytes: session.offset,
    gaps: session.gaps,
    tags: tagsOf(row),
    changes: changesOf(row),
    provenance: withCluster(row.facts.provenance),
    run: part?.of ?? row.id,
    part: part?.n ?? 1,
    deadline: deadlineListing(session, progress, context.config.saveBefore, context.clock()),
    progress,
    postMortem: row.facts.postMortem ?? null,
    failure: outcome?.kind === "failed" ? (runFailure(row.facts.postMortem) ?? null) : null,
    outcome: outcome === undefined ? null : { ...outcome, time: isoTime(outcome.time) },
    usage: usage === undefined ? null : { ...usage, time: isoTime(usage.time) },
  };
}

function deadlineListing(
  { row, live }: Session,
  progress: ShownRun | null,
  saveBefore: number | null,
  now: number,
): DeadlineListing | null {
  const [deadline] = plannedStops(row, progress, saveBefore);
  if (deadline === undefined) return null;
  const { stopped, hangs, problem } = deadlineFact(row);
  return {
    at: new Date(deadline.at).toISOString(),
    from: deadline.from,
    saveBefore: deadline.grace / 1000,
    willFinish: live ? finishesInTime(deadline, deadline.grace, progress, now) : null,
    stopped: isoTime(stopped?.at),
    hangs: isoTime(hangs),
    problem: problem ?? null,
  };
}

/** With the field that earlier versions did not keep. */
function withCluster(provenance: Surroundings | undefined): Surroundings | null {
  return provenance === undefined ? null : { ...provenance, cluster: provenance.cluster ?? null };
}
