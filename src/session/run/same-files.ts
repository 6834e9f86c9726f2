// Whether files that appear in a session's directory may as well be another session's.
import type { Lifetime } from "../../trainers/trainer.ts";
import type { Session } from "../life/session.ts";

/** Those that ran while a session did, and may have written what appeared in its directory meanwhile. */
export function othersOf(session: Session, all: readonly Session[]): Lifetime[] {
  return all
    .filter((other) => other !== session && sharesFiles(session, other))
    .map(({ row, live }) => ({ from: row.created, until: live ? null : (row.ended ?? row.created) }))
    .filter(({ until }) => until === null || until >= session.row.created);
}

/** Whether two sessions write what a trainer of this kind writes into the same directory. */
function sharesFiles({ row, trainer }: Session, other: Session): boolean {
  return other.trainer.name === trainer.name && other.row.directory === row.directory;
}

/**
 * Whether a run directory that appeared in a session's directory may be another session's: one of them has
 * it, or has lived since and is not known to have its own.
 */
export function maybeAnothers(session: Session, run: string, all: readonly Session[]): boolean {
  return all.some((other) => {
    if (other === session) return false;
    const { runDirectory, ended } = other.row;
    if (runDirectory !== null) return runDirectory === run;
    return sharesFiles(session, other) && (ended === null || ended >= session.row.created);
  });
}
