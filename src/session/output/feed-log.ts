// What is read of a session's log: for a screen the output of a range, and the sizes that the terminal had,
// each at its place.
import { logEvents } from "../../store/log-events.ts";
import type { OutputLog } from "../../store/output-log.ts";
import type { ScreenHandle } from "../../terminal/worker/screens.ts";

/** Bytes that may wait for the screen's thread. */
const mostLag = 2 << 20;

/**
 * Brings a screen that stands at `from` to `to`.
 * @param gone asked between two pieces: whether nobody wants it any more.
 */
export async function feedLog(
  screen: ScreenHandle,
  log: OutputLog,
  from: number,
  to: number,
  gone: () => boolean = () => false,
): Promise<void> {
  log.times.refresh();
  const size = log.times.sizeAt(from);
  if (size !== null) screen.resize(size.cols, size.rows);
  for await (const event of logEvents(log, from, to)) {
    if (gone()) return;
    if (event.kind === "size") screen.resize(event.cols, event.rows);
    else if (event.kind === "bytes") screen.feed(event.bytes, event.offset);
    if (screen.lag > mostLag) await new Promise<void>((resolve) => screen.onDrained(resolve));
  }
}

/** Whose log is read: a session. */
interface Logged {
  openLog(): OutputLog;
}

/** What is read of a session's log. @throws Failure where the folder was removed. */
export function readLog<T>(session: Logged, read: (log: OutputLog) => T): T {
  const log = session.openLog();
  try {
    log.times.refresh();
    return read(log);
  } finally {
    log.close();
  }
}

/** The same; undefined where that cannot be had. */
export function ofLog<T>(session: Logged, read: (log: OutputLog) => T): T | undefined {
  try {
    return readLog(session, read);
  } catch {
    return undefined;
  }
}
