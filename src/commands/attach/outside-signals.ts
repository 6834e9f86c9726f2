// What a signal means that reaches a waiting `falcon launch` or `falcon run` from outside: a batch system's
// warning, a shell's Ctrl+C, a kill.
import { jobOfHome } from "../../batch/time-limit.ts";
import { signalName, signalNumber } from "../../platform/signals.ts";
import type { Session } from "../../session/life/session.ts";
import { deadlineOf } from "../../session/run/deadline.ts";
import { orderWords, stopGracefully } from "../../session/run/graceful-stop.ts";
import { movement, stopPatience } from "../../session/run/movement.ts";
import { endsWithin, watchStop } from "../control/stop-watch.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { duration } from "../text/wording.ts";

/**
 * The same signal again within this time (ms) is the same order: a terminal's Ctrl+C and a batch system reach
 * a wrapper script as well, which passes it on. A person who means it twice takes longer.
 */
const oneOrder = 2_000;

/**
 * In a batch job the first order waits so long (ms): where the signal went to every process of the job, the
 * server hears its own by then, and the program has got one.
 */
const siblings = 300;

/**
 * Any other command gets what came, unchanged. A falcon launch gets one graceful stop for the first signal,
 * whichever it is, since all that falcon does at most of them is to die without saving; every later one is
 * passed on as it came. Each is told in one line.
 */
export function takeSignal(call: Call, context: Context, session: Session, number: number): void {
  if (!session.live) return;
  const { row, program } = session;
  const signal = signalName(number);
  const say = saying(call, session);
  if (!session.trainer.savesModel) return program.reached ? passOn(session, number) : say(unreached(signal));
  const now = context.clock();
  const inJob = jobOfHome(context.home) !== undefined;
  const first = row.facts.outside;
  if (first === undefined) {
    session.setFact("outside", { signal, time: now });
    if (!inJob) firstOrder(call, context, session, signal);
    else setTimeout(() => firstOrder(call, context, session, signal), siblings);
    return;
  }
  if (now - first.time < (first.signal === signal ? oneOrder : inJob ? siblings : 0)) return;
  if (!program.reached) return say(unreached(signal));
  say(`${signal}, the second one: passed on${signal === "SIGINT" ? ", as a second Ctrl+C it drops the model" : ""}`);
  passOn(session, number);
}

/**
 * To the caller; a line of its own on a terminal that is in the midst of the program's screen, and where a
 * line feed goes down only.
 */
function saying(call: Call, { row, audience }: Session): (sentence: string) => void {
  const attached = [...audience.viewers.values()].some(({ pid }) => pid === call.request.pid);
  return (sentence) => call.stderr(attached ? `\r\n[${row.name}] ${sentence}\r\n` : `[${row.name}] ${sentence}\n`);
}

/** One graceful stop, told in one line. */
function firstOrder(call: Call, context: Context, session: Session, signal: string): void {
  const now = context.clock();
  const say = saying(call, session);
  const asked = session.row.facts.stop;
  const answer = stopGracefully(session, { by: "caller", why: `${signal} reached the waiting falcon` }, now);
  if (answer === "sent") {
    say(
      `${signal}: stopping gracefully (${orderWords(session)}), the model is saved${left(session, now)}; a second signal is passed on`,
    );
    void tellStopping(call, context, session, say);
  } else if (answer === "already")
    say(`${signal}: it stops already${asked === undefined ? "" : ` (${asked.why})`}; a second signal is passed on`);
  else if (answer === "received") say(`${signal}: it went to every process of the job, nothing is added`);
  else if (answer === "unreached") {
    session.setFact("outside", undefined);
    say(unreached(signal));
  }
}

/** The next one is the first again. */
function unreached(signal: string): string {
  return `${signal}: the session's holder does not answer; nothing was sent, send it again`;
}

/** What the run does until its end, and that it hangs: the second Ctrl+C is nobody's but a person's. */
function tellStopping(call: Call, context: Context, session: Session, say: (sentence: string) => void): Promise<void> {
  return watchStop(
    {
      movement: () => movement(session, context.progress),
      over: (ms) => endsWithin(session, call, ms),
      steady: () => context.steady(),
      say,
      hangs: (now, still) =>
        say(`hangs: ${now.evidence(duration(still))}; 'falcon stop --force ${session.id}' ends it at once, without saving`),
    },
    stopPatience,
  );
}

/** SIGINT as a terminal would send it, to the foreground group; any other to the program alone. */
function passOn(session: Session, number: number): void {
  if (number === signalNumber("SIGINT")) session.program.countedSignal(number, 1, "caller");
  else if (number === signalNumber("SIGTERM")) session.program.countedSignal(number, 0, "caller");
  else session.program.signal(number, 0, "caller");
}

/** How much time is left, where a deadline is known. */
function left({ row }: Session, now: number): string {
  const deadline = deadlineOf(row);
  return deadline !== undefined && deadline.at > now ? `, ${duration(deadline.at - now)} left` : "";
}
