// falcon events: what happened to the sessions, as it was noticed; with --follow, as it happens.

import { within } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import { localTime } from "../../base/text/zone.ts";
import { tagFilter, tagsOf } from "../../session/life/tags.ts";
import type { StoredEvent } from "../../store/session-events.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { nameOne } from "../dispatch/choose-sessions.ts";
import { type CommandSpec, repeated } from "../dispatch/command.ts";

export const events: CommandSpec = {
  name: "events",
  group: "look",
  summary: "what happened: phases, NaN, stalls, no improvement, ends; --follow tells as it happens",
  examples: [
    ["falcon events night", "what happened to it"],
    ["falcon events --follow --json", "of all sessions, a line of JSON each"],
  ],
  completes: "all",
  goesUnnamed: true,
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory (default: all)")
      .option("-f, --follow", "go on telling until Ctrl+C, or until the named session has ended")
      .option("--tag <label>", "only of sessions with this label; may be given again", repeated)
      .option("--json", "a JSON object a line (docs/guide/json.md)")
      .option("--after <id>", "only those after this event");
  },
  async run(call, context, [wanted], options) {
    const session = wanted === undefined ? undefined : nameOne(call, context, wanted);
    let last = afterOf(options.after);
    const tags = (options.tag as string[] | undefined) ?? [];
    const labelled = tagFilter(tags);
    const goOn = () => call.resume(again(session?.id, options.json === true, last, tags));
    const say = (event: StoredEvent) => {
      if (event.id <= last || (session !== undefined && event.session !== session.id)) return;
      if (!labelled(tagsOf(context.table.get(event.session)?.row ?? { facts: {} }))) return;
      last = event.id;
      const line = options.json ? `${JSON.stringify(asJson(context, event))}\n` : eventLine(call, context, event);
      call.together(() => {
        call.stdout(line);
        if (options.follow) goOn();
      });
    };
    // first who follows, then what there is: nothing falls between
    const stop = options.follow ? context.events.follow(say) : () => {};
    const unwatch = options.follow ? context.tick.watch(() => {}) : () => {};
    const left = new AbortController();
    try {
      for (const event of context.events.after(last, session?.id)) say(event);
      if (!options.follow) return Status.ok;
      goOn();
      await Promise.race([
        call.gone,
        serverStops(context, left.signal),
        ...(session === undefined ? [] : [session.whenOver(left.signal)]),
      ]);
      // the end itself is told a moment after the session is over
      if (session !== undefined && !session.live) await endTold(context, session.id, () => last);
    } finally {
      left.abort();
      stop();
      unwatch();
    }
    call.resume(undefined);
    return Status.ok;
  },
};

/** So long (ms) the word about an end is waited for: its run's files are looked at first. */
export const endPatience = 10_000;

/** Until the session's end stands in the stream, at most as long as that takes. */
async function endTold(context: Context, id: string, last: () => number): Promise<void> {
  const isEnd = ({ kind }: StoredEvent) => kind === "ended" || kind === "failed";
  if (context.events.after(0, id).some((event) => isEnd(event) && event.id <= last())) return;
  let stop = () => {};
  const told = new Promise<void>((resolve) => {
    stop = context.events.follow((event) => {
      if (event.session === id && isEnd(event)) resolve();
    });
  });
  await within(endPatience, told).finally(stop);
}

/** @param left when nobody waits for it any more. */
function serverStops({ stopping }: Context, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stopping.aborted) resolve();
    else stopping.addEventListener("abort", () => resolve(), { once: true, signal: left });
  });
}

/** @throws Failure 2 where it is no id of an event. */
function afterOf(text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d{1,15}$/.test(text)) throw new Failure(`--after ${text}: give the id of an event`, Status.usage);
  return Number(text);
}

function again(id: string | undefined, json: boolean, last: number, tags: readonly string[]): string[] {
  const labels = tags.flatMap((tag) => ["--tag", tag]);
  const named = id === undefined ? [] : [id];
  return ["events", ...named, "--follow", ...(json ? ["--json"] : []), ...labels, "--after", String(last)];
}

function asJson({ table }: Context, { time, ...event }: StoredEvent): object {
  return { ...event, name: table.get(event.session)?.row.name ?? event.session, time: new Date(time).toISOString() };
}

function eventLine(call: Call, { table }: Context, { session, time, kind, sentence }: StoredEvent): string {
  const name = printable(table.get(session)?.row.name ?? session);
  return `${localTime(time, call.request.environment)}  ${name}  ${kind.padEnd(14)}  ${printable(sentence)}\n`;
}
