// The states of a session and what may follow what; every change is said with its reason.
import { signalName } from "../../platform/signals.ts";
import type { SessionState } from "../../store/session-store.ts";

/**
 * starting: the holder is being made, nothing runs yet. running: the program runs. exiting: it has ended, its
 * last output is on the way.
 * exited: terminal drained, log closed, status stored, viewers told. lost: the holder is gone without an exit
 * record (reboot, OOM, cgroup kill).
 */
const follows: Record<SessionState, readonly SessionState[]> = {
  starting: ["running", "exiting", "exited", "lost"],
  running: ["exiting", "exited", "lost"],
  exiting: ["exited", "lost"],
  exited: [],
  lost: [],
};

/** Whether a session in `from` may change to `to`. */
export function mayFollow(from: SessionState, to: SessionState): boolean {
  return follows[from].includes(to);
}

/** Whether the program of a session in this state may still be running. */
export function isLive(state: string): boolean {
  return state === "starting" || state === "running" || state === "exiting";
}

/** How a program ended, from waitpid(2)'s status. */
export interface End {
  /** 0 to 255, or null after a signal or when unknown. */
  code: number | null;
  /** Name of the signal that ended it, or null. */
  signal: string | null;
  /** The status that a shell would give: code, or 128 + signal, or 125 when nobody could know. */
  status: number;
}

/** @param waitStatus as of waitpid(2); -1 when it could not be known. */
export function endOf(waitStatus: number): End {
  if (waitStatus < 0) return { code: null, signal: null, status: 125 };
  const signal = waitStatus & 0x7f;
  if (signal === 0) {
    const code = (waitStatus >> 8) & 0xff;
    return { code, signal: null, status: code };
  }
  return { code: null, signal: signalName(signal), status: 128 + signal };
}

/** The same in words, for the log and the list of changes. */
export function endReason(waitStatus: number): string {
  const { code, signal } = endOf(waitStatus);
  if (signal !== null) return `ended by ${signal}`;
  return code === null ? "ended, status unknown" : `ended with status ${code}`;
}

/** The reason of a part that was running on another machine when its archive was written last. */
export function unheardEnd(host: string): string {
  return `its part on ${host} ended without a word`;
}
