// How a run ended, and why: from its exit status, the end of its output and what its logs say.

import { exceptionOf, failureOf, tracebackOf } from "../../reading/last-traceback.ts";
import { plainLines } from "../../reading/plain-text.ts";
import type { EndFacts, Ending, PostMortem } from "../../run/ending.ts";

/** Python's, torch's and Ray's words for it. */
const memoryWords = /\b(OutOfMemoryError|MemoryError)\b|out of memory|(?:ran|running) low on memory/i;

/** What to say of a run that has ended. */
export function postMortem(facts: EndFacts): PostMortem {
  const lines = plainLines(facts.output);
  const summary = summaryOf(lines);
  const traceback = tracebackOf(lines);
  const outcome = summary?.[0] ?? "";
  const exception = traceback ? exceptionOf(traceback) : undefined;
  // only where it says why it ended: a simulator may well log that some memory was short, and go on
  const reasons = [...(traceback ?? []), ...(summary ?? []), facts.run?.failure ?? ""];
  const memory = facts.outOfMemory || reasons.some((line) => memoryWords.test(line));
  const interrupted =
    ((facts.interrupts ?? 0) > 1 && facts.status !== 0 && facts.status !== null && !traceback) ||
    /^KeyboardInterrupt\b/.test(exception ?? "") ||
    facts.signal === "SIGINT" ||
    (facts.status === 130 && !traceback);
  const error = facts.run?.failure ?? (exception && !interrupted ? exception : failedIn(summary)) ?? null;
  const saved = facts.saved !== undefined ? facts.saved : facts.run ? facts.run.saved : null;
  const bad = facts.status !== 0 || facts.signal !== null;
  // of a run that ended well somebody caught it
  const why = bad && !interrupted ? { traceback, error } : { traceback: null, error: null };
  const told = (ending: Ending, sentence: string): PostMortem => ({
    ending,
    sentence,
    summary: toldOnce(summary),
    ...why,
    saved,
  });

  if (facts.lost)
    return told("lost", `nobody saw how it ended (the machine or the session's holder went away)${savedText(saved)}`);
  if (memory && bad)
    return told("out of memory", `out of memory${facts.signal ? `: killed by ${facts.signal}` : ""}${savedText(saved)}`);
  if (interrupted) return told("forced", `stopped by force${savedText(saved ?? false)}`);
  if (facts.signal) return told("killed", `killed by ${facts.signal}${savedText(saved)}`);
  if (facts.status === 0 && outcome.startsWith("falcon launch interrupted"))
    return told("stopped", `stopped gracefully${savedText(saved ?? true)}`);
  if (facts.status === 0)
    return told("completed", outcome.startsWith("falcon launch completed") ? "completed" : "ended with status 0");
  if (facts.status === 143 || facts.status === 15)
    return told("killed", `ended by SIGTERM (status ${facts.status})${savedText(saved)}`);
  return told("failed", error ? `failed: ${error}` : `failed with status ${facts.status}`);
}

/** falcon's summary: the lines between the last two rulers of 60 signs, when they are one. */
function summaryOf(lines: readonly string[]): string[] | null {
  const rulers = lines.flatMap((line, i) => (/(^| )={60}$/.test(line) ? [i] : []));
  for (let i = rulers.length - 1; i > 0; i--) {
    const inside = lines
      .slice((rulers[i - 1] as number) + 1, rulers[i])
      .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:]{8} \[INFO\] /, ""));
    if (inside[0]?.startsWith("falcon launch ")) return inside;
  }
  return null;
}

/** Why, by the summary alone: `falcon launch failed (ValueError: no such column)`. */
function failedIn(summary: readonly string[] | null): string | undefined {
  if (!summary?.[0]?.startsWith(failed)) return undefined;
  const text = summary.slice(0, placesIn(summary)).join("\n");
  return failureOf(text.replace(failed, "").replace(/\)\s*$/, ""));
}

const failed = "falcon launch failed (";

/** The line of a summary that begins to tell where its files are. */
function placesIn(summary: readonly string[]): number {
  const at = summary.findIndex((line) => line.startsWith("Output: "));
  return at < 0 ? 1 : at;
}

/** Without the traceback that Ray puts into the exception's text, which falcon has in its first line. */
function toldOnce(summary: string[] | null): string[] | null {
  const reason = failedIn(summary);
  if (summary === null || reason === undefined || placesIn(summary) === 1) return summary;
  return [`${failed}${reason})`, ...summary.slice(placesIn(summary))];
}

function savedText(saved: boolean | null): string {
  return saved === null ? "" : saved ? "; the model is saved" : "; the model of this launch is not saved";
}
