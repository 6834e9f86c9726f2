// falcon logs --all --grep: the lines that match in the logs of all sessions.
import { Failure, Status } from "../../base/failure.ts";
import type { Selection } from "../../logs/line-job.ts";
import { LastLines, PatternTooSlow, SessionLines } from "../../logs/session-lines.ts";
import { trigramQuery } from "../../logs/trigram-index.ts";
import { lineSource } from "../../session/output/archive.ts";
import { offsetAt } from "../../session/output/screen-at.ts";
import type { FoundBlock } from "../../store/search.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { coloursFor } from "../text/table.ts";
import { type LogOptions, lastOf } from "./log-options.ts";
import { Output } from "./log-output.ts";

export async function searchAll(
  call: Call,
  context: Context,
  wanted: string | undefined,
  options: LogOptions,
  chosen: Selection,
): Promise<number> {
  if (wanted !== undefined) throw new Failure(`--all searches all sessions: leave '${wanted}' out`, Status.usage);
  const out = new Output(call);
  const { time } = options;
  const count = lastOf(options);
  const { archive } = context;
  const pattern = chosen.pattern as NonNullable<Selection["pattern"]>;
  const query = trigramQuery(new RegExp(pattern.source, pattern.flags));
  // both at one moment, so that a block that is stored meanwhile is neither missed nor read twice
  const found = query === undefined ? undefined : bySession(archive.store.find(query));
  const sessions = context.table.all().map((session) => ({ session, lines: new SessionLines(lineSource(session), archive) }));
  const colours = chosen.colours ? coloursFor(call.request) : undefined;
  const last = count === undefined ? undefined : new LastLines(count);
  for (const { session, lines } of sessions) {
    if (out.gone) return Status.ok;
    const name = `${session.id} ${session.row.name}:`;
    const select = { ...chosen, prefix: `${colours === undefined ? name : colours.magenta(name)} ` };
    if (time !== undefined && (session.row.ended ?? context.clock()) < time) continue;
    const standing = session.live ? "show" : "end";
    const chunks = async function* () {
      if (found === undefined) yield* lines.forward(select, standing);
      else {
        yield* lines.found(found.get(session.id) ?? [], select);
        yield* lines.tail(select, standing);
      }
    };
    try {
      session.checkFolder();
      if (time !== undefined) select.since = offsetAt(session, time);
      for await (const selected of chunks()) {
        if (last !== undefined) last.push(selected);
        else await out.lines(selected);
        if (out.gone) return Status.ok;
      }
    } catch (error) {
      // one session's folder that cannot be read must not hide what the others say
      if (error instanceof PatternTooSlow || context.handingOver) throw error;
      context.log("search.failed", { session: session.id, reason: String(error) });
      call.stderr(`falcon: the log of ${session.id} (${session.row.name}) cannot be read: ${(error as Error).message}\n`);
    }
  }
  for (const selected of last?.chunks ?? []) await out.lines(selected);
  return Status.ok;
}

function bySession(found: readonly FoundBlock[]): Map<string, FoundBlock[]> {
  const sessions = new Map<string, FoundBlock[]>();
  for (const block of found) {
    const blocks = sessions.get(block.session);
    if (blocks === undefined) sessions.set(block.session, [block]);
    else blocks.push(block);
  }
  return sessions;
}
