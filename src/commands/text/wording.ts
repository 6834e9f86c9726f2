// How states, ends and times are said to people, in one place.

import { span } from "../../presentation/summary.ts";
import { outcomeOf } from "../../session/life/conclusion.ts";
import { sentenceAfter } from "../../session/life/outcome.ts";
import type { Session } from "../../session/life/session.ts";
import { failureText, runFailure } from "../../trainers/run/failure.ts";

/**
 * "completed after 2h 05m", "stopped after 4m 10s, model saved", "ended by SIGKILL after 12s, model not
 * saved", "lost after 3h 00m: …".
 */
export function endSentence(session: Session): string {
  const { row } = session;
  const outcome = outcomeOf(session);
  if (outcome === undefined) return row.state;
  if (row.facts.execError !== undefined) return row.facts.execError;
  const told = sentenceAfter(outcome, row.started !== null && row.ended !== null ? duration(row.ended - row.started) : "");
  const failure = outcome.kind === "failed" ? runFailure(row.facts.postMortem) : undefined;
  return failure === undefined ? told : `${told}: ${failureText(failure)}`;
}

/**
 * A length of time in ms, as presentation/summary.ts writes one in seconds: "42s", "5m 10s", "3h 20m",
 * "4d 2h".
 */
export function duration(ms: number): string {
  return span(ms / 1000);
}

/** A size in bytes: "512 B", "1.4 MB". */
export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = n;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
