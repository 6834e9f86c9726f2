// Which lines of the list are wanted, and in which order: --running, --failed, --ended, --sort and --limit.
import type { OptionValues } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { parseTime } from "../text/time-option.ts";
import type { ListRow } from "./list-row.ts";

interface Filter {
  running: boolean;
  failed: boolean;
  /** Ended at or after this (ms since 1970). */
  since: number | undefined;
  sort: Sort | undefined;
  limit: number | undefined;
  /** It says itself which ended ones are wanted. */
  chooses: boolean;
}

type Sort = "started" | "ended" | "name" | "status";

/** What went wrong. */
const failures = new Set(["failed", "killed", "lost"]);

export function parseFilter(options: OptionValues, now: number, environment: Readonly<Record<string, string>>): Filter {
  const { sort, limit } = options;
  if (sort !== undefined && !["started", "ended", "name", "status"].includes(sort))
    throw new Failure(`--sort ${sort}: say started, ended, name or status`, Status.usage);
  if (limit !== undefined && !(Number.isInteger(Number(limit)) && Number(limit) > 0))
    throw new Failure(`--limit ${limit}: give a number of lines from 1 on`, Status.usage);
  if (options.running && (options.failed || options.ended !== undefined))
    throw new Failure("--running goes with neither --failed nor --ended", Status.usage);
  return {
    running: options.running === true,
    failed: options.failed === true,
    since: options.ended === undefined ? undefined : parseTime("--ended", options.ended, now, environment),
    sort,
    limit: limit === undefined ? undefined : Number(limit),
    chooses: options.failed === true || options.ended !== undefined,
  };
}

/**
 * What fits, for people what runs first and then what ended last; for programs in the order of their start,
 * as ever.
 */
export function filtered(rows: readonly ListRow[], filter: Filter, forPrograms: boolean): ListRow[] {
  const { running, failed, since, sort, limit } = filter;
  const found = rows.filter(
    (row) =>
      (!running || row.live) &&
      (!failed || failures.has(row.status)) &&
      (since === undefined || (!row.live && row.since >= since)),
  );
  const byTime = (a: ListRow, b: ListRow) => Number(b.live) - Number(a.live) || b.since - a.since;
  const orders: Record<Sort, (a: ListRow, b: ListRow) => number> = {
    started: (a, b) => b.created - a.created,
    ended: (a, b) => Number(a.live) - Number(b.live) || b.since - a.since,
    name: (a, b) => a.name.localeCompare(b.name),
    status: (a, b) => a.status.localeCompare(b.status) || byTime(a, b),
  };
  if (sort !== undefined) found.sort(orders[sort]);
  else if (!forPrograms) found.sort(byTime);
  return limit === undefined ? found : found.slice(0, limit);
}
