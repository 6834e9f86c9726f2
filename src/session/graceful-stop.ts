// The graceful stop of a session: one order, however many ask for it (a person, a signal from outside, a deadline, a job's end).
import { falconStop, type StopOrder } from "../falcon/stopping.ts";
import { signalNumber } from "../platform/signals.ts";
import type { Sender, StopRecord } from "./outcome.ts";
import type { Session } from "./session.ts";

/**
 * sent: the order is on its way. already: it was given before, and a second one would drop the model. received: what asks has reached the
 * program by itself, so that an order of ours would be its second. over: the session has ended.
 */
export type StopAnswer = "sent" | "already" | "received" | "over";

/** Why a session is to end. */
export interface StopRequest {
  by: Sender;
  /** In words, for the record: "SIGUSR1 reached falcon launch", "the time limit is in 4m 30s". */
  why: string;
}

/**
 * Asks the program to end in its own way, once: falcon saves its model. Never sends a second order, and never forces: when the stop hangs,
 * `falcon stop` tells, and a person decides.
 */
export function stopGracefully(session: Session, { by, why }: StopRequest, now: number): StopAnswer {
  const { row } = session;
  if (!session.live) return "over";
  if (stopOf(session) !== undefined || (row.kind === "launch" && row.interrupts > 0)) return "already";
  const received = hasReceived(session);
  const record: StopRecord = { time: now, by: received ? "batch" : by, why };
  session.setFact("stop", record);
  if (received) return "received";
  const order = stopOrder(session);
  if (order === "interrupt") session.sendInterrupt(by);
  else session.signal(signalNumber(order) ?? 15, 0, by);
  return "sent";
}

/** The graceful stop that was asked for first, or undefined. */
export function stopOf(session: Session): StopRecord | undefined {
  return session.row.facts.stop as StopRecord | undefined;
}

/** What its program understands as the order to end: falcon's own way, what `--stop-signal` named, or a Ctrl+C. */
function stopOrder({ row }: Session): StopOrder {
  if (row.kind === "launch") return falconStop;
  return typeof row.facts.stopSignal === "string" ? (row.facts.stopSignal as NodeJS.Signals) : "interrupt";
}

/** The order in words. */
export function orderWords(session: Session): string {
  const order = stopOrder(session);
  return order === "interrupt" ? "one Ctrl+C" : order;
}

/** Whether the batch system's signal went to every process of the job, and the program was not shielded from it. */
function hasReceived({ row }: Session): boolean {
  return typeof row.facts.hit === "string" && row.facts.shielded !== true;
}
