// Which run directory a session trains into, when its arguments did not say: looked for after the
// start, while the run speaks.
import path from "node:path";
import { printable } from "../../base/text/printable.ts";
import { descendants } from "../../platform/processes.ts";
import type { Session } from "../life/session.ts";

/**
 * How often it is looked for, at most (ms): falcon needs a few seconds to make the directory, and looking
 * reads /proc.
 */
const lookPause = 500;

/**
 * After this time (ms) it is given up: a run that has not made its directory by then is not one that we know.
 */
const lookLongest = 10 * 60_000;

/**
 * Looks until the directory is found, given up, or the session is over. The session is named after the run
 * unless a person named it.
 * @param clock ms, monotonic.
 * @param before what the trainer looked at before the start.
 * @param isKept whether the session was not removed meanwhile.
 */
export function trackRunDirectory(
  session: Session,
  before: unknown,
  clock: () => number,
  isKept: () => boolean,
  taken: (name: string) => boolean,
): void {
  const { findRun } = session.trainer;
  if (findRun === undefined) return;
  const begun = clock();
  let last = 0;
  let looking = false;
  /** Whether the session ended within a look. */
  let over = false;
  const look = async () => {
    const now = clock();
    if (looking || now - last < lookPause || session.row.programPid === null) return;
    last = now;
    if (now - begun > lookLongest) return stop();
    const pid = session.row.programPid;
    looking = true;
    const run = await findRun(session.row.directory, before, [pid, ...descendants(pid)]).catch(() => undefined);
    looking = false;
    if (session.row.runDirectory !== null || !isKept()) return;
    // the program may have made it behind this look, and then ended
    if (run === undefined && over) {
      over = false;
      last = 0;
      return look();
    }
    if (run === undefined) return;
    stop();
    session.setRunDirectory(run);
    const name = printable(path.basename(run));
    if (session.row.facts.named !== true && !taken(name)) session.rename(name);
  };
  const stop = session.onMore(() => void look());
  session.onOver(() => {
    // the end is told to who waits for more, too: the last look, whenever the one before it was
    over = looking;
    last = 0;
    queueMicrotask(stop);
  });
}
