// falcon remove and falcon prune: ended sessions are forgotten, their logs included.

import { Failure, Status, userMessage } from "../../base/failure.ts";
import type { Session } from "../../session/life/session.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { several } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { duration } from "../text/wording.ts";

export const remove: CommandSpec = {
  name: "remove",
  group: "act",
  aliases: ["rm"],
  summary: "forget ended sessions, their logs included",
  examples: [
    ["falcon remove count", "forget one session and its log"],
    ["falcon remove --all", "forget all that ended"],
  ],
  completes: "ended",
  define(command) {
    command
      .argument("[session...]", "ids, unique prefixes, names or run directories; of the last two all parts of the run")
      .option("--all", "all that ended");
  },
  async run(call, context, wanted, options) {
    // all are looked up and checked before the first one goes
    const sessions = several(call, context, wanted, options, { all: (session) => !session.live, parts: true });
    const running = sessions.find((s) => s.live);
    if (running !== undefined) {
      throw new Failure(
        `session ${running.id} (${running.row.name}) is running: 'falcon stop ${running.id}' first; nothing was removed`,
        Status.noSession,
      );
    }
    const removed = forget(call, context, sessions);
    for (const { id, row } of removed) call.stderr(`[${row.name}] ${id} removed\n`);
    return removed.length === sessions.length ? Status.ok : Status.ours;
  },
};

/** Forgets these, and answers which it could. One that cannot be removed is told, and the others go. */
function forget(call: Call, context: Context, sessions: readonly Session[]): Session[] {
  return sessions.filter((session) => {
    try {
      context.table.remove(session);
      return true;
    } catch (error) {
      if (context.handingOver) throw error;
      call.stderr(`falcon: session ${session.id} (${session.row.name}) cannot be removed: ${userMessage(error)}\n`);
      return false;
    }
  });
}

const dayLength = 86_400_000;
const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: dayLength, w: 7 * dayLength };

export const prune: CommandSpec = {
  name: "prune",
  group: "act",
  summary: "forget what ended long ago",
  examples: [["falcon prune --older-than 4w", "forget what ended more than four weeks ago"]],
  define(command) {
    command.option("--older-than <age>", "30m, 12h, 30d, 4w", "30d");
  },
  async run(call, context, _args, options) {
    const found = /^(\d+)([mhdw])$/.exec(options.olderThan);
    const unit = units[found?.[2] ?? ""];
    if (found === null || unit === undefined)
      throw new Failure(`--older-than ${options.olderThan}: give a number with m, h, d or w, such as 30d`, Status.usage);
    const endedBefore = (time: number) =>
      context.table.all().filter((s) => !s.live && (s.row.ended ?? s.row.created) < time - Number(found[1]) * unit);
    const old = endedBefore(context.knownTime());
    const uncertain = endedBefore(context.clock()).length - old.length;
    const removed = forget(call, context, old).length;
    call.stderr(`${removed} ${removed === 1 ? "session" : "sessions"} removed\n`);
    const jump = duration(context.clock() - context.knownTime());
    if (uncertain > 0)
      call.stderr(
        `${uncertain} more would be that old, but the clock has jumped since this server knows it (by ${jump}): ` +
          "they stay until a later start of the server agrees with it; 'falcon remove' removes one at once\n",
      );
    return removed === old.length ? Status.ok : Status.ours;
  },
};
