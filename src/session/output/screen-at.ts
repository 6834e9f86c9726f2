// The screen of a session as it was at any place of its output: from the nearest stored one, in a thread of
// its own.
import type { StoredSnapshot } from "../../store/session-store.ts";
import type { ScreenHandle } from "../../terminal/worker/screens.ts";
import type { Session } from "../life/session.ts";
import type { Archive } from "./archive.ts";
import { feedLog, readLog } from "./feed-log.ts";

/** The size of a terminal of which nothing is known: what a session without a terminal gets. */
const unknownSize = { cols: 80, rows: 24 };

/**
 * A screen as the output up to `to` makes it. The caller feeds it on, or closes it.
 * @param scrollback lines that it keeps above the screen.
 * @param gone asked between two pieces: whether nobody wants it any more; the screen is then closed.
 */
export async function screenAt(
  archive: Archive,
  session: Session,
  to: number,
  scrollback: number,
  gone: () => boolean,
): Promise<ScreenHandle> {
  const stored = nearest(archive, session, to);
  const log = session.openLog();
  let screen: ScreenHandle | undefined;
  try {
    const from = stored?.offset ?? log.base;
    const { cols, rows } = stored ?? log.times.sizeAt(from) ?? unknownSize;
    screen = archive.screens.open(
      session.id,
      {
        cols,
        rows,
        scrollback,
        offset: from,
        ...(stored === undefined ? {} : { restore: stored.replay }),
      },
      { answer: () => {}, title: () => {}, modes: () => {} },
    );
    await feedLog(screen, log, from, to, gone);
    return screen;
  } catch (error) {
    screen?.close();
    throw error;
  } finally {
    log.close();
  }
}

/**
 * The stored screen from which the least has to be parsed; also the last one, which the session itself begins
 * with after a crash.
 */
function nearest(archive: Archive, session: Session, to: number): StoredSnapshot | undefined {
  const keyframe = archive.keyframes.before(session.id, to);
  const last = archive.lastScreen(session.id);
  if (last === undefined || last.offset > to) return keyframe;
  return keyframe === undefined || keyframe.offset < last.offset ? last : keyframe;
}

/** The output's place at a time, and the other way round, as people give it. */
export interface Span {
  /** First and last byte that can be shown, and when they were written (ms since 1970). */
  from: number;
  to: number;
  begins: number;
  ends: number;
}

/** What there is of a session's output. */
export function spanOf(session: Session): Span {
  return readLog(session, (log) => {
    const begins = log.times.timeAt(log.base) ?? session.row.started ?? session.row.created;
    const last = log.times.last;
    // a last output that was followed by silence ends when the session did, not when somebody looks
    return { from: log.base, to: log.end, begins, ends: Math.max(begins, last?.time ?? begins, session.row.ended ?? 0) };
  });
}

/**
 * How long the output of a session was at `time` (ms since 1970), within what is kept.
 * @throws Failure where the session's folder was removed.
 */
export function offsetAt(session: Session, time: number): number {
  return readLog(session, (log) => log.offsetAt(time));
}
