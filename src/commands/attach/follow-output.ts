// A session without a terminal: its output is copied to the caller's stdout, signals go to the program, its
// status is the answer.
import { Status } from "../../base/failure.ts";
import { signalNumber } from "../../platform/signals.ts";
import type { Session } from "../../session/life/session.ts";
import { type Call, type Context, taken } from "../dispatch/call.ts";
import { holeReason } from "../output/hole-reason.ts";
import { WakeUp } from "../output/log-output.ts";
import { passedTo } from "../output/passed-output.ts";
import { endSentence, bytes as size } from "../text/wording.ts";
import { takeSignal } from "./outside-signals.ts";

/** The hidden command that a client asks of the next server when this one is lost. */
export const resumeFollow = "@follow";

/** Bytes read from the log at once while the caller catches up. */
const readAtOnce = 64 << 10;

/**
 * Copies from `offset` to the end and answers the program's status.
 * The caller may be slower than the program: what it has not taken is in the log, nothing is kept for it
 * here.
 */
export async function followPlain(call: Call, context: Context, session: Session, offset: number): Promise<number> {
  const log = session.openLog();
  call.forwardSignals(true);
  let endedBy = 0;
  const wakeUp = new WakeUp();
  call.onSignal = (signal) => {
    // a hang-up ends the caller and leaves the run alone
    if (signal !== signalNumber("SIGHUP")) return takeSignal(call, context, session, signal);
    endedBy = signal;
    wakeUp.signal();
  };
  let at = offset;
  const stopWaking = session.onMore(wakeUp.signal);
  // up to the end that is concluded, which says whether the job is run again
  const stopTelling = session.audience.onTold((sentence) => call.stderr(`[${session.row.name}] ${sentence}\n`));
  void call.gone.then(stopTelling);
  void call.gone.then(wakeUp.signal);
  context.stopping.addEventListener("abort", wakeUp.signal);
  const resume = () => call.resume([resumeFollow, session.id, String(at)]);
  /** What was passed over and not told: on a full disk a hole grows with each thing that is written. */
  let missing = { length: 0, why: "" };
  const tellMissing = () => {
    if (missing.length > 0)
      call.stderr(`[${session.row.name}] ${size(missing.length)} of the output are missing here: ${missing.why}\n`);
    missing = { length: 0, why: "" };
  };
  const plain = lineFeeds();
  const passed = passedTo(call, context);
  try {
    resume();
    for (;;) {
      if (call.isGone) return Status.ok;
      if (endedBy !== 0) {
        call.resume(undefined);
        return 128 + endedBy;
      }
      if (context.stopping.aborted) {
        call.resume(undefined);
        call.stderr(`[${session.row.name}] the session server was stopped, the session goes on · falcon attach ${session.id}\n`);
        return Status.ours;
      }
      // what comes with the end is there when that is known
      const { live, offset: end } = session;
      const piece = at < end ? (await log.pieces(at, end, readAtOnce).next()).value : undefined;
      if (piece === undefined) {
        if (!live) break;
        await wakeUp.wait();
        continue;
      }
      if ("hole" in piece) {
        const { length, reason } = piece.hole;
        const why = holeReason(session.row, reason);
        if (why !== missing.why) tellMissing();
        missing = { length: missing.length + length, why };
        at += length;
        resume();
        continue;
      }
      at += piece.bytes.length;
      tellMissing();
      call.write(passed(plain(piece.bytes)));
      resume();
      await taken(call);
    }
  } finally {
    tellMissing();
    stopWaking();
    context.stopping.removeEventListener("abort", wakeUp.signal);
    log.close();
  }
  // how it ended is looked into before anybody is told
  const left = new AbortController();
  await Promise.race([session.whenOver(left.signal), call.gone]);
  left.abort();
  stopTelling();
  context.log("follow.ended", { session: session.id, at });
  const { execError } = session.row.facts;
  if (execError !== undefined) call.stderr(`falcon: ${execError}\n`);
  else if (session.trainer.savesModel || session.row.state === "lost")
    call.stderr(`[${session.row.name}] ${endSentence(session)} · falcon show ${session.id}\n`);
  return session.end?.status ?? Status.ours;
}

/** A terminal's line end is CR LF, a file's is LF. */
function lineFeeds(): (bytes: Buffer) => Buffer {
  let held = false;
  return (bytes) => {
    const out = Buffer.allocUnsafe(bytes.length + 1);
    let n = 0;
    for (const byte of bytes) {
      if (held && byte !== 0x0a) out[n++] = 0x0d;
      held = byte === 0x0d;
      if (!held) out[n++] = byte;
    }
    return out.subarray(0, n);
  };
}
