// Whether an ended run asks its job to be run again (`--requeue`): yes, unless it completed, a person ended
// it, or it fails again and again.
import type { Outcome, StopRecord } from "../life/outcome.ts";

/** A run with so many parts is not run again: something else than its time limits ends it. */
const mostParts = 100;

/** Who asks for an end that is meant as one. */
const byHand: readonly string[] = ["typed", "stop", "kill"] satisfies StopRecord["by"][];

export interface Ended {
  outcome: Outcome;
  /** The graceful stop that was asked for first. */
  stop: StopRecord | undefined;
  /** The last signal that a person sent, by `falcon kill`. */
  killed: boolean;
  /** Which part of its run it was. */
  part: number;
  /** The part before it failed as well. */
  failedBefore: boolean;
}

/** "" when the job is to be run again, else why not, in words. */
export function whyNotAgain({ outcome, stop, killed, part, failedBefore }: Ended): string {
  if (outcome.kind === "completed") return "it completed";
  // a node's fault is gone on the next one; a fault of the program's own would cost an allocation after the
  // other
  if (outcome.kind === "failed" && failedBefore) return "it failed twice in a row";
  if (killed || (stop !== undefined && byHand.includes(stop.by))) return "it was ended by hand";
  if (/\bwas cancelled$/.test(outcome.by ?? "")) return "its job was cancelled";
  if (part >= mostParts) return `it has had ${mostParts} parts`;
  return "";
}
