// Which run directory a falcon session trains into, when its arguments did not say: looked for after the
// start, while the run speaks.
import { printable } from "../../base/printable.ts";
import { descendants } from "../../platform/processes.ts";
import { findRunDirectory, type LatestLink, runName } from "../../trainers/falcon/run-directory.ts";
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
 * @param before `output/latest` as it was before the start.
 */
export function trackRunDirectory(
  session: Session,
  before: LatestLink | undefined,
  clock: () => number,
  taken: (name: string) => boolean,
): void {
  const begun = clock();
  let last = 0;
  const stop = session.onMore(() => void look(), "soon");
  void session.over.then(stop);

  let looking = false;
  async function look(): Promise<void> {
    const now = clock();
    if (looking || now - last < lookPause || session.row.programPid === null) return;
    last = now;
    if (now - begun > lookLongest) return stop();
    const pid = session.row.programPid;
    looking = true;
    const place = await findRunDirectory(session.row.directory, before, [pid, ...descendants(pid)])
      .catch(() => undefined)
      .finally(() => {
        looking = false;
      });
    if (session.row.runDirectory !== null) return;
    if (place === undefined) return;
    stop();
    session.setRunDirectory(place.directory);
    const name = printable(runName(place.directory));
    if (session.row.facts.named !== true && !taken(name)) session.rename(name);
  }
}
