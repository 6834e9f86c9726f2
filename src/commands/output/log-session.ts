// A session's own log for falcon logs: as lines, or as the bytes of its terminal; followed, where it is live.
import { Failure, Status } from "../../base/failure.ts";
import type { Selection } from "../../logs/line-job.ts";
import { type After, type Place, SessionLines } from "../../logs/session-lines.ts";
import type { Session } from "../../session/life/session.ts";
import { lineSource } from "../../session/output/archive.ts";
import { readLog } from "../../session/output/feed-log.ts";
import { offsetAt } from "../../session/output/screen-at.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { bytes } from "../text/wording.ts";
import { type HoleReason, holeReason } from "./hole-reason.ts";
import { type LogOptions, lastOf, resumeLogs, resumption } from "./log-options.ts";
import { Output, toldBytes, WakeUp } from "./log-output.ts";
import { passedTo } from "./passed-output.ts";

/**
 * @param resumable a client that loses its server in the midst of it goes on from there; not where more is to
 * be written behind it.
 */
export async function sessionLog(
  call: Call,
  context: Context,
  session: Session,
  options: LogOptions,
  chosen: Selection,
  resumable = true,
): Promise<number> {
  const select = { ...chosen };
  const lost = session.lostLog;
  session.checkFolder();
  if (options.time !== undefined && options.after === undefined) select.since = offsetAt(session, options.time);
  const out = new Output(call);
  const count = lastOf(options);
  let live = session.live;
  let place: Place | undefined;
  let from = select.from;
  const after: After = (reached, answer) => {
    place = reached;
    // a cursor that moved up has not taken lines back; rows that were erased have
    from = Math.min(Math.max(from, answer.shown), answer.total);
  };
  const written = (line: number) => {
    if (resumable) call.resume(resumption(session, options, line + 1));
  };
  const source = lineSource(session);
  const standing = () => (live ? (options.follow ? "complete" : "show") : "end");
  const lines = new SessionLines(source, context.archive);
  if (count === undefined) {
    for await (const selected of lines.forward(select, standing(), after)) {
      await out.lines(selected, written);
      if (out.gone) return Status.ok;
    }
  } else for (const selected of await lines.last(count, select, standing(), after)) await out.lines(selected);
  const whole = options.after === undefined && count === undefined && select.since === 0;
  if (options.after === undefined) tellMissing(call, session, whole);
  // what was compressed before is there, and was shown
  if (lost !== undefined && (lost.what !== "beginning" || (whole && !options.follow))) throw new Failure(lost.sentence);
  if (!options.follow || !live) return Status.ok;

  call.resume(resumption(session, options, from));
  const wakeUp = new WakeUp();
  const stop = session.onMore(wakeUp.signal);
  void call.gone.then(wakeUp.signal);
  const forget = session.onOver(wakeUp.signal);
  /** Where the turn before began: one that got no further, as of a log that was removed, waits for more. */
  let before = -1;
  try {
    while (live && !out.gone) {
      const { offset } = place as Place;
      if (session.live && (session.offset <= offset || offset === before)) await wakeUp.wait();
      before = offset;
      live = session.live;
      const onward = new SessionLines(source, context.archive).onward(place as Place, { ...select, from }, standing(), after);
      for await (const selected of onward) await out.lines(selected, written);
      call.resume(resumption(session, options, from));
    }
  } finally {
    stop();
    forget();
  }
  call.resume(undefined);
  return Status.ok;
}

/**
 * What cannot be read any more is said beside the lines. @param whole the reader asked for all of it, so the
 * beginning counts as well.
 */
function tellMissing(call: Call, session: Session, whole: boolean): void {
  const missing = new Map<HoleReason, number>();
  for (const { length, reason } of readLog(session, (log) => log.holes()))
    missing.set(reason, (missing.get(reason) ?? 0) + length);
  if (!whole) missing.delete("retention");
  for (const [reason, length] of missing)
    call.stderr(`falcon: ${bytes(length)} of this log are missing: ${holeReason(session.row, reason)}\n`);
}

export async function rawLog(call: Call, context: Context, session: Session, options: LogOptions): Promise<number> {
  const { lostLog } = session;
  const log = session.openLog();
  const out = new Output(call);
  const wakeUp = new WakeUp();
  const stop = session.onMore(wakeUp.signal);
  const forget = session.onOver(wakeUp.signal);
  void call.gone.then(wakeUp.signal);
  const passed = passedTo(call, context);
  let lacks = false;
  try {
    let at = options.time === undefined ? log.base : log.offsetAt(options.time);
    if (options.byte !== undefined) at = Number(options.byte);
    for (;;) {
      const { live } = session;
      for await (const piece of log.pieces(at)) {
        if ("hole" in piece) {
          const { length, reason } = piece.hole;
          lacks ||= reason === "removed";
          call.stderr(`falcon: ${length} bytes are missing here (${holeReason(session.row, reason)})\n`);
          at = piece.offset + length;
          continue;
        }
        for (let i = 0; i < piece.bytes.length && !out.gone; i += toldBytes) {
          const part = piece.bytes.subarray(i, i + toldBytes);
          at = piece.offset + i + part.length;
          const onward = [resumeLogs, session.id, "--raw", ...(options.follow ? ["--follow"] : []), "--byte", String(at)];
          await out.bytes(passed(part), () => call.resume(onward));
        }
        if (out.gone) return Status.ok;
      }
      if (lostLog !== undefined && (lostLog.what !== "beginning" || (lacks && !options.follow)))
        throw new Failure(lostLog.sentence);
      if (!options.follow || !live) return Status.ok;
      await wakeUp.wait();
      if (out.gone) return Status.ok;
    }
  } finally {
    stop();
    forget();
    log.close();
  }
}
