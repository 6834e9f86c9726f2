// Which run directory a session trains into, when its arguments did not say: looked for after the
// start, while the run speaks.
import path from "node:path";
import { printable } from "../../base/text/printable.ts";
import { descendants } from "../../platform/processes.ts";
import type { Session } from "../life/session.ts";
import { maybeAnothers } from "./same-files.ts";

/**
 * How often it is looked for while the run speaks, at most (ms): falcon needs a few seconds to make the
 * directory, and looking reads /proc.
 */
const lookPause = 500;
/** While it says nothing it is looked for ever more seldom, to this pause (ms). */
const longestPause = 30_000;

/**
 * After this time (ms) it is given up: a run that has not made its directory by then is not one that we know.
 */
const lookLongest = 10 * 60_000;

/**
 * Looks until the directory is found, given up, or the session is over, once more then. The session is named
 * after the run unless a person named it.
 * @param clock ms, monotonic.
 * @param before what the trainer looked at before the start.
 * @param isKept whether the session was not removed meanwhile.
 * @param all the sessions that there are now: one of them may have made what was found.
 */
export function trackRunDirectory(
  session: Session,
  before: unknown,
  clock: () => number,
  isKept: () => boolean,
  taken: (name: string) => boolean,
  all: () => readonly Session[],
): void {
  const { findRun } = session.trainer;
  if (findRun === undefined) return;
  const begun = clock();
  let last = Number.NEGATIVE_INFINITY;
  let pause = lookPause;
  let looking = false;
  let over = false;
  let timer: NodeJS.Timeout | undefined;
  const lookIn = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      void look();
    }, ms);
    timer.unref();
  };
  const look = async (): Promise<void> => {
    const pid = session.row.programPid;
    if (looking || pid === null || session.row.runDirectory !== null) return;
    if (clock() - begun > lookLongest) return stop();
    last = clock();
    looking = true;
    const wasOver = over;
    // of a program that has ended only the link tells: its number may be another one's
    const pids = over ? [] : [pid, ...descendants(pid)];
    const found = await findRun(session.row.directory, before, pids).catch(() => undefined);
    looking = false;
    if (session.row.runDirectory !== null || !isKept()) return stop();
    if (found === undefined || (!found.own && maybeAnothers(session, found.run, all()))) {
      if (wasOver) return;
      // the program may have made it behind this look, and then ended
      if (over) return look();
      lookIn(pause);
      pause = Math.min(2 * pause, longestPause);
      return;
    }
    stop();
    session.setRunDirectory(found.run);
    const name = printable(path.basename(found.run));
    if (session.row.facts.named !== true && !taken(name)) session.rename(name);
  };
  const leave = session.onMore(() => {
    if (looking || (timer !== undefined && pause === lookPause)) return;
    pause = lookPause;
    lookIn(Math.max(0, last + lookPause - clock()));
  });
  const stop = () => {
    clearTimeout(timer);
    leave();
  };
  session.onOver(() => {
    stop();
    over = true;
    void look();
  });
}
