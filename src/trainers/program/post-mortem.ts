// Why a program ended that is no falcon: by the Python traceback at the end of its output.

import { lastRaise, tracebackOf } from "../reading/last-traceback.ts";
import { plainLines } from "../reading/plain-text.ts";
import type { EndFacts, PostMortem } from "../run/ending.ts";

/**
 * Lines that may stand behind the exception's own for the traceback to be what ended the program: an
 * exception's further lines, and the words of whoever started it (make, srun). In a shell much more follows
 * an old one.
 */
const mostBehind = 10;

/** Undefined where its output does not say why. */
export function programPostMortem({ status, signal, output, lost }: EndFacts): PostMortem | undefined {
  if (lost || signal !== null || status === null || status === 0) return undefined;
  const traceback = tracebackOf(plainLines(output));
  if (traceback === null) return undefined;
  const raised = lastRaise(traceback);
  if (traceback.length - raised > 1 + mostBehind) return undefined;
  const error = (traceback[raised] as string).trim();
  return { ending: "failed", sentence: `failed: ${error}`, summary: null, traceback, error, saved: null };
}
