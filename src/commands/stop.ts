// falcon stop: one Ctrl+C, as a person would, then patience; it says when nothing moves, and forces only when told to.
import { Failure, Status } from "../base/failure.ts";
import { signalNumber } from "../platform/signals.ts";
import { selectSession } from "../session/select.ts";
import type { Session } from "../session/session.ts";
import type { Call } from "./call.ts";
import type { CommandSpec } from "./dispatch.ts";
import { duration, endSentence } from "./wording.ts";

/** How long nothing may move before we say that it hangs (s). Saving a large model to a slow disk takes a minute. */
const defaultPatience = 120;

export const stop: CommandSpec = {
  name: "stop",
  summary: "stop a session gracefully, wait for its end, tell when it hangs",
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--force", "the second Ctrl+C: ends at once, nothing more is saved")
      .option("--timeout <seconds>", "say that it hangs when nothing moved for so long", String(defaultPatience));
  },
  async run(call, context, [wanted], options) {
    const session = selectSession(context.table.all(), wanted, call.request.directory);
    const patience = Number(options.timeout);
    if (!(patience > 0)) throw new Failure(`--timeout ${options.timeout}: give a number of seconds above 0`, Status.usage);
    if (!session.live) {
      call.stderr(`[${session.row.name}] ${endSentence(session)} already\n`);
      return Status.noSession;
    }
    return options.force ? force(call, session, patience) : graceful(call, session, patience);
  },
};

async function graceful(call: Call, session: Session, patience: number): Promise<number> {
  if (session.row.interrupts > 0 && session.row.kind === "launch") {
    call.stderr(
      `[${session.row.name}] was asked to stop before; waiting for it (a second Ctrl+C would drop its model: 'falcon stop --force ${session.id}')\n`,
    );
  } else {
    session.sendInterrupt();
    call.stderr(`[${session.row.name}] asked to stop (one Ctrl+C); waiting for its end\n`);
  }
  return awaitEnd(call, session, patience, `'falcon stop --force ${session.id}' ends it at once, without saving`);
}

/** The second Ctrl+C, and when that does not help, SIGKILL to all that descends from the holder. */
async function force(call: Call, session: Session, patience: number): Promise<number> {
  if (session.row.interrupts === 0) session.sendInterrupt();
  session.sendInterrupt();
  call.stderr(`[${session.row.name}] sent the second Ctrl+C\n`);
  const ended = await endsWithin(session, call, Math.min(patience, 10) * 1000);
  if (!ended) {
    call.stderr(`[${session.row.name}] did not react; killing it and what it started\n`);
    session.signal(signalNumber("SIGKILL") ?? 9, 2);
  }
  return awaitEnd(call, session, patience, `'falcon kill --signal KILL ${session.id}' is what is left`);
}

/** Waits, telling what moves; gives up when nothing did for `patience` seconds. */
async function awaitEnd(call: Call, session: Session, patience: number, remedy: string): Promise<number> {
  for (;;) {
    const before = session.offset;
    if (await endsWithin(session, call, patience * 1000)) break;
    if (session.offset !== before) continue;
    const silent =
      session.lastOutput === 0 ? "it never said anything" : `its last output is ${duration(Date.now() - session.lastOutput)} old`;
    throw new Failure(
      `session ${session.id} (${session.row.name}) hangs: nothing moved for ${patience} s, ${silent}; ${remedy}`,
      Status.ours,
    );
  }
  if (session.live) return Status.ok;
  call.stderr(`[${session.row.name}] ${endSentence(session)}\n`);
  return Status.ok;
}

/** Whether it ended (or the caller went) within `ms`. */
async function endsWithin(session: Session, call: Call, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const result = await Promise.race([session.over.then(() => true), call.gone.then(() => true), late]);
  clearTimeout(timer);
  return result;
}
