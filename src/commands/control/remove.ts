// falcon remove and falcon prune: ended sessions are forgotten, their logs included.

import { Failure, Status } from "../../base/failure.ts";
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
    for (const session of sessions) {
      context.table.remove(session);
      call.stderr(`[${session.row.name}] ${session.id} removed\n`);
    }
    return Status.ok;
  },
};

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
    for (const session of old) context.table.remove(session);
    call.stderr(`${old.length} ${old.length === 1 ? "session" : "sessions"} removed\n`);
    if (uncertain > 0)
      call.stderr(
        `${uncertain} more would be that old, but the clock has jumped since this server knows it (by ${duration(context.clock() - context.knownTime())}): ` +
          "they stay until a later start of the server agrees with it; 'falcon remove' removes one at once\n",
      );
    return Status.ok;
  },
};
