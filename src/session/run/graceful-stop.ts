// The graceful stop of a session: one order, however many ask for it (a person, a signal from outside, a
// deadline, a job's end).

import { signalNumber } from "../../platform/signals.ts";
import type { StopOrder } from "../../trainers/trainer.ts";
import type { Sender } from "../life/outcome.ts";
import type { Session } from "../life/session.ts";

/**
 * sent: the order is on its way. already: it was given before, and a second one would drop the model.
 * received: what asks has reached the
 * program by itself, so that an order of ours would be its second. unreached: its holder does not answer, and
 * nothing was sent. over: the session has ended.
 */
export type StopAnswer = "sent" | "already" | "received" | "unreached" | "over";

/** Why a session is to end. */
export interface StopRequest {
  by: Sender;
  /** In words, for the record: "SIGUSR1 reached falcon launch", "the time limit is in 4m 30s". */
  why: string;
}

/**
 * Asks the program to end in its own way, once: falcon saves its model. Never sends a second order, and never
 * forces: when the stop hangs,
 * `falcon stop` tells, and a person decides.
 */
export function stopGracefully(session: Session, { by, why }: StopRequest, now: number): StopAnswer {
  const { facts } = session.row;
  if (!session.live) return "over";
  if (facts.stop !== undefined || (session.trainer.savesModel && session.program.interrupted)) return "already";
  if (session.trainer.savesModel && facts.hit !== undefined) return "received";
  if (!takesStop(session)) return "unreached";
  session.setFact("stop", { time: now, by, why });
  const order = stopOrder(session);
  if (order === "interrupt") session.program.sendInterrupt(by);
  else session.program.signal(signalNumber(order) ?? 15, 0, by);
  return "sent";
}

/** Whether its order goes to the program now. */
export function takesStop(session: Session): boolean {
  const { program } = session;
  return stopOrder(session) === "interrupt" ? program.interruptible : program.reached;
}

/**
 * What its program understands as the order to end: falcon's own way, what `--stop-signal` named, or a
 * Ctrl+C.
 */
function stopOrder({ row, trainer }: Session): StopOrder {
  return row.facts.stopSignal ?? trainer.stopOrder;
}

/** The order in words. */
export function orderWords(session: Session): string {
  const order = stopOrder(session);
  return order === "interrupt" ? "one Ctrl+C" : order;
}

/**
 * Notes that a signal went to every process of the session's job. While it may be the program's first order,
 * ours is not added ({@link stopGracefully} answers "received"): to most of falcon's versions any but SIGINT
 * is the end without saving, which is told.
 */
export function noteHit(session: Session, signal: string, now: number): void {
  if (!session.live) return;
  session.program.noteSignal(signal, "batch");
  if (session.row.facts.hit !== undefined) return;
  session.setFact("hit", { signal, time: now });
  if (!session.trainer.savesModel) return;
  const meaning = savesBy(session, signal)
    ? "which is falcon's graceful stop: it saves its model"
    : "falcon's own too, which most versions of it do not survive long enough to save";
  session.audience.tell(`${signal} went to every process of its job, ${meaning}`);
}

/** Whether the program takes the signal itself for its graceful stop. */
function savesBy({ trainer: { stopOrder: order } }: Session, signal: string): boolean {
  return order === "interrupt" ? signal === "SIGINT" : signal === order;
}

/**
 * After a while: a program that goes on as if nothing had happened did not get it (or did not understand it),
 * and is asked as usual; one that is unreached by `orderBehind`, later.
 * @param stopping whether its logs say that it stops.
 */
export function orderAfterHit(session: Session, stopping: boolean, now: number): StopAnswer {
  const { hit } = session.row.facts;
  // a second interrupt would drop the model, and falcon's logs tell of the first one at the end of an epoch
  // only
  if (hit === undefined || stopping || !session.trainer.savesModel || savesBy(session, hit.signal)) return "received";
  session.setFact("hit", undefined);
  return orderBehind(session, hit.signal, now);
}

/** The order behind a signal to every process of its job that the program did not take. */
export function orderBehind(session: Session, signal: string, now: number): StopAnswer {
  return stopGracefully(session, { by: "batch", why: `${signal} went to every process of its job` }, now);
}
