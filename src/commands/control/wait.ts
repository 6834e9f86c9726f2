// falcon wait: until sessions end, and the answer is their exit status; or until something is so.
import { Option } from "commander";
import { longestTimer } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { parseUntil } from "../../session/events/until.ts";
import { untilHeld } from "../../session/events/until-held.ts";
import { defineSeveral, several } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { endSentence } from "../text/wording.ts";

/** --timeout takes no more (s). */
const longestTimeout = Math.floor(longestTimer / 1000);

/** So often (ms) the client hears what is left of --timeout: a server after this one waits no longer. */
const leftTold = 1000;

export const wait: CommandSpec = {
  name: "wait",
  group: "act",
  summary: "wait until sessions end, exit with the session's exit status",
  examples: [
    ["falcon wait night && echo done", "go on when it has ended well"],
    ["falcon wait night --until 'val_loss < -1 or nan'", "go on when it is so; status 1 where it ends before"],
    ["falcon wait night --until 'theta.train/loss_aux < 0'", "any metric that the run writes, by its own name"],
    ["falcon wait --timeout 60 night", "give up after a minute, with status 124"],
  ],
  completes: "all",
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories")
      .option(
        "--until <condition>",
        "wait for it instead of the end: epoch >= 100, NODE.val_loss < -1, val/nll < 2, nan, stalled, ended",
      )
      .option("--timeout <seconds>", "give up after so long, with status 124")
      .addOption(new Option("--left <seconds>", "of --timeout, when a server before this one was lost").hideHelp());
    defineSeveral(command, "all that run");
  },
  async run(call, context, wanted, options) {
    const sessions = several(call, context, wanted, options, { all: (session) => session.live });
    const seconds = options.timeout === undefined ? undefined : Number(options.timeout);
    if (seconds !== undefined && !(seconds > 0 && seconds <= longestTimeout)) {
      throw new Failure(`--timeout ${options.timeout}: give a number of seconds from above 0 to ${longestTimeout}`, Status.usage);
    }
    if (options.left !== undefined && !(Number(options.left) >= 0))
      throw new Failure(`--left ${options.left}: give a number of seconds`, Status.usage);
    // a server that comes after this one is asked for the same ones, which may have ended meanwhile
    const until = options.until === undefined ? undefined : parseUntil(options.until);
    let timer: NodeJS.Timeout | undefined;
    const again = ["wait", ...sessions.map((s) => s.id), ...(until === undefined ? [] : ["--until", options.until])];
    const late = new Promise<"late">((resolve) => {
      if (seconds === undefined) return call.resume(again);
      const end = context.steady() + 1000 * Number(options.left ?? seconds);
      const tell = () => {
        const left = Math.max(0, end - context.steady());
        // one that is stopped reads nothing, and waits a little longer with the next server
        if (call.backlog() === 0) call.resume([...again, "--timeout", String(seconds), "--left", String(left / 1000)]);
        timer = setTimeout(left === 0 ? () => resolve("late") : tell, Math.min(left, leftTold));
      };
      tell();
    });
    const held = until === undefined ? undefined : untilHeld(context, sessions, until);
    const left = new AbortController();
    const waited = held?.all ?? Promise.all(sessions.map((s) => s.whenOver(left.signal)));
    const outcome = await Promise.race([waited, late, call.gone]);
    clearTimeout(timer);
    held?.stop();
    left.abort();
    if (outcome === "late") {
      const running = sessions.filter((s) => held?.isOpen(s) ?? s.live).map((s) => s.id);
      throw new Failure(`still running after ${seconds} s: ${running.join(", ")}`, timedOut);
    }
    let status: number = Status.ok;
    for (const session of sessions) {
      if (held !== undefined) {
        if (held.has(session) || session.live) continue;
        call.stderr(`[${session.row.name}] ended before it was so: ${endSentence(session)}\n`);
        status = Status.noSession;
        continue;
      }
      if (session.live) continue;
      call.stderr(`[${session.row.name}] ${endSentence(session)}\n`);
      // of several, the first that did not succeed tells
      if (status === Status.ok) status = session.end?.status ?? Status.ours;
    }
    return status;
  },
};

/** As timeout(1) says it. */
const timedOut = 124;
