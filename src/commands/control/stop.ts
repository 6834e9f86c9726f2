// falcon stop: one Ctrl+C, as a person would, then patience; it says when nothing moves, and forces only when
// told to.
import { Failure, Status, sentence } from "../../base/failure.ts";
import { signalNumber } from "../../platform/signals.ts";
import type { Session } from "../../session/life/session.ts";
import { orderWords, stopGracefully, takesStop } from "../../session/run/graceful-stop.ts";
import { type Movement, movement, stopPatience } from "../../session/run/movement.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { defineSeveral, nameOne, several } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { duration, endSentence } from "../text/wording.ts";
import { endsWithin, watchStop } from "./stop-watch.ts";
import { refuseUnreached } from "./unreached.ts";

/** How long nothing may move before we say that it hangs (s). */
const defaultPatience = stopPatience / 1000;

/** Patience with a forced end (s): nothing is saved then, so there is nothing to wait for. */
const forcedPatience = 10;

/**
 * The first Ctrl+C is held to be taken after so long (ms) at the latest, and is looked for so often before:
 * Python's main thread takes signals between two of its steps, and comes there once a second in `ray.get`.
 */
const firstTaken = 3_000;
const firstLook = 250;

export const stop: CommandSpec = {
  name: "stop",
  group: "act",
  summary: "stop a session gracefully, wait for its end, tell when it hangs",
  examples: [
    ["falcon stop night", "one Ctrl+C; falcon saves the model"],
    ["falcon stop --running", "all that run"],
    ["falcon stop --force night", "end it at once; nothing more is saved"],
  ],
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      .option("--force", "the second Ctrl+C: ends at once, nothing more is saved")
      .option("--timeout <seconds>", "say that it hangs when nothing moved for so long", String(defaultPatience));
    defineSeveral(command, "all that run");
  },
  async run(call, context, wanted, options) {
    const patience = Number(options.timeout);
    if (!(patience > 0)) throw new Failure(`--timeout ${options.timeout}: give a number of seconds above 0`, Status.usage);
    const sessions = several(call, context, wanted, options, {
      all: (session) => session.live,
      one: () => nameOne(call, context, undefined),
    });
    const takes = options.force ? ({ program }: Session) => program.interruptible : takesStop;
    const live = sessions.filter((session) => session.live);
    const asked = live.filter(takes);
    if (asked.length === 0) refuseUnreached(live, takes);
    const left = live.filter((session) => !asked.includes(session));
    for (const session of sessions) {
      if (left.includes(session)) call.stderr(`[${session.row.name}] its holder does not answer; nothing was sent\n`);
      else if (!session.live) call.stderr(`[${session.row.name}] ${endSentence(session)} already\n`);
      else if (options.force) force({ call, context, session, patience });
      else graceful({ call, context, session, patience });
    }
    const over = live.length < sessions.length;
    const leftIds = left.map(({ id }) => id).join(", ");
    const words = [
      ...(options.force ? ["--force"] : []),
      ...(over ? ["--over"] : []),
      ...(left.length > 0 ? ["--left", leftIds] : []),
    ];
    call.resume([resumeStop, ...asked.map(({ id }) => id), "--timeout", String(patience), ...words]);
    await awaitEnds(asked, { call, context, patience }, options.force === true);
    refuseLeft(leftIds);
    return over ? Status.noSession : Status.ok;
  },
};

/**
 * The hidden command by which a client goes on waiting after its server was lost or replaced: what was asked
 * of the program is not asked again.
 */
const resumeStop = "@stop";

export const stopAgain: CommandSpec = {
  name: resumeStop,
  summary: "go on waiting after the server was lost",
  define(command) {
    command.argument("[session...]").option("--force").option("--over", "one of them had ended before");
    command.option("--left <ids>", "those that were not reached");
    command.option("--timeout <seconds>", "", String(defaultPatience));
  },
  async run(call, context, wanted, options) {
    // one that was removed meanwhile has ended
    const sessions = wanted.flatMap((id) => context.table.get(id) ?? []);
    call.resume(call.request.arguments);
    await awaitEnds(sessions, { call, context, patience: Number(options.timeout) }, options.force === true);
    refuseLeft(options.left ?? "");
    return options.over ? Status.noSession : Status.ok;
  },
};

/** @throws Failure 125 where some were not reached, once the others have ended. */
function refuseLeft(ids: string): void {
  if (ids !== "") throw new Failure(`nothing was sent to ${ids}: no holder answers there`);
}

/** Waits for the end of each. Of several that failed the last one is thrown, and the others are told. */
async function awaitEnds(sessions: readonly Session[], by: Omit<Stopping, "session">, forced: boolean): Promise<void> {
  const expected = new Set(sessions);
  const awaitOne = (session: Session) =>
    forced
      ? awaitForcedEnd({ ...by, session, expected })
      : awaitEnd({ ...by, session, expected }, `'falcon stop --force ${session.id}' ends it at once, without saving`);
  const ends = await Promise.allSettled(sessions.map((session) => awaitOne(session).finally(() => expected.delete(session))));
  const failed = ends.filter((end) => end.status === "rejected").map(({ reason }) => reason);
  // at a hand-over the next server waits for them again
  if (!by.context.handingOver) for (const reason of failed.slice(0, -1)) by.call.stderr(`falcon: ${sentence(reason)}\n`);
  if (failed.length > 0) throw failed.at(-1);
}

/** One stop: who asked, whose session, how long nothing may move (s). */
interface Stopping {
  call: Call;
  context: Context;
  session: Session;
  patience: number;
}

/** A stop that is waited for. */
interface Waiting extends Stopping {
  /** Those of the call whose end may still come: they are neither over nor hang. */
  expected: Set<Session>;
}

function graceful(stopping: Stopping): void {
  const { session, context } = stopping;
  const before = session.row.facts.stop;
  // a program that takes a Ctrl+C for nothing loses nothing by another one
  if (before !== undefined && !session.trainer.savesModel) session.setFact("stop", undefined);
  const answer = stopGracefully(session, { by: "stop", why: "falcon stop" }, context.clock());
  if (answer === "sent") tell(stopping, `asked to stop (${orderWords(session)}); waiting for its end`);
  else if (answer === "received")
    tell(stopping, `${session.row.facts.hit?.signal} went to every process of its job; nothing is added, waiting for its end`);
  else if (answer === "already")
    tell(
      stopping,
      `was asked to stop before; waiting for it (a second Ctrl+C would drop its model: 'falcon stop --force ${session.id}')`,
    );
}

/** The second Ctrl+C; of a run that was not asked before the first one, behind which it follows. */
function force(stopping: Stopping): void {
  const { session } = stopping;
  const first = session.row.interrupts === 0;
  session.program.sendInterrupt("stop");
  tell(stopping, first ? "sent the first Ctrl+C; the second one follows" : "sent the second Ctrl+C");
}

/**
 * The second Ctrl+C behind our first one, once that was taken, also where the caller has left. Two at once
 * may be one: of a signal that is pending there are no two (signal(7)), and Python notes it as a flag.
 */
async function sendSecond(stopping: Stopping): Promise<void> {
  const { context, session, patience } = stopping;
  const stays = { gone: new Promise<void>(() => {}) };
  const until = context.steady() + Math.min(patience * 1000, firstTaken);
  const taken = async () => (await context.progress.of(session))?.stopping === true || context.steady() >= until;
  while (session.live && session.row.interrupts === 1 && !(await taken())) await endsWithin(session, stays, firstLook);
  // the next server goes on with it, or somebody else has sent it meanwhile
  if (!session.live || context.handingOver || session.row.interrupts !== 1) return;
  session.program.sendInterrupt("stop");
  tell(stopping, "sent the second Ctrl+C");
}

/** The second Ctrl+C, where it is due; where that does not help, SIGKILL to all below the holder. */
async function awaitForcedEnd(stopping: Waiting): Promise<void> {
  const { call, context, session, patience } = stopping;
  await sendSecond(stopping);
  if (session.live && !(await endsWithin(session, call, Math.min(patience, forcedPatience) * 1000))) {
    tell(stopping, "did not react; killing it and what it started");
    session.program.signal(signalNumber("SIGKILL") ?? 9, 2, "stop");
  }
  // what has outlived that is stuck, whatever it did before
  const look = async () => ({ ...(await movement(session, context.progress)), mark: "" });
  return awaitEnd(stopping, `'falcon kill --signal KILL ${session.id}' is what is left`, look);
}

/**
 * Waits and tells what the run does meanwhile. Where nothing that counts has moved for `patience` seconds it
 * says so at once, and gives up when no other one is waited for either.
 */
async function awaitEnd(stopping: Waiting, remedy: string, look?: () => Promise<Movement>): Promise<void> {
  const { call, context, session, patience, expected } = stopping;
  const failure = (words: string) => new Failure(`session ${session.id} (${session.row.name}) ${words}; ${remedy}`, Status.ours);
  await watchStop(
    {
      movement: look ?? (() => movement(session, context.progress)),
      over: async (ms) => (await endsWithin(session, call, ms)) || expected.size === 0,
      steady: () => context.steady(),
      say: (sentence) => tell(stopping, sentence),
      hangs: (now, still) => {
        expected.delete(session);
        const words = `hangs: ${now.evidence(duration(still))}`;
        if (expected.size === 0) throw failure(words);
        tell(stopping, `${words}; ${remedy}`);
      },
      moves: () => expected.add(session),
    },
    patience * 1000,
  );
  if (!session.live) tell(stopping, endSentence(session));
  else if (!expected.has(session)) throw failure("still hangs");
}

function tell({ call, session }: Stopping, sentence: string): void {
  call.stderr(`[${session.row.name}] ${sentence}\n`);
}
