// falcon notify: what the channels of [notify] have told, what waits and why; and a test of them.
import { randomUUID } from "node:crypto";
import { isoTime } from "../../base/clock.ts";
import type { Channel, Destination } from "../../base/config/channels.ts";
import { configPath, readSettings } from "../../base/config/config-file.ts";
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import { localTime } from "../../base/text/zone.ts";
import type { Notice } from "../../store/notices.ts";
import type { Call, Context } from "../dispatch/call.ts";
import type { CommandSpec } from "../dispatch/command.ts";

export const notify: CommandSpec = {
  name: "notify",
  group: "set up",
  summary: "the channels that tell you of events: what they sent, what waits and why; a test",
  examples: [
    ["falcon notify --test", "sends a test by every channel"],
    ["falcon notify --test phone", "by one"],
    ["falcon notify --list", "what went out, what waits, and why"],
  ],
  define(command) {
    command
      .argument("[channel]", "name of a channel: [notify.NAME] in the configuration (default: all)")
      .option("--test", "send a test now, by the configuration as it is now")
      .option("--list", "what went out and what waits (default)")
      .option("--json", "with --list: a JSON object (docs/guide/json.md)");
  },
  async run(call, context, [wanted], options) {
    if (options.test && (options.list || options.json))
      throw new Failure("--test has no list: leave --list and --json out", Status.usage);
    return options.test ? test(call, context, wanted) : list(call, context, wanted, options.json === true);
  },
};

/**
 * By the file as it is now, and with the caller's environment: what somebody has just written is what they
 * test.
 */
async function test(call: Call, context: Context, wanted: string | undefined): Promise<number> {
  const { environment } = call.request;
  const { config, problems } = await readSettings(configPath(environment));
  for (const problem of problems.filter((one) => one.includes("notify"))) call.stderr(`falcon: ${printable(problem)}\n`);
  const chosen = choose(config.channels, wanted, configPath(environment));
  let failed = false;
  await Promise.all(
    chosen.map(async (channel) => {
      const { taken, problem } = await context.announcer.test(channel, randomUUID(), environment);
      failed ||= !taken;
      call.stdout(`${channel.name}: ${taken ? "sent" : `not sent: ${problem}`}\n`);
    }),
  );
  if (JSON.stringify(config.channels) !== JSON.stringify(context.announcer.channels))
    call.stderr("falcon: the session server has read an earlier configuration: 'falcon server upgrade' makes it read this one\n");
  return failed ? 1 : Status.ok;
}

function choose(channels: readonly Channel[], wanted: string | undefined, file: string): readonly Channel[] {
  if (channels.length === 0)
    throw new Failure(`there is no channel: write [notify.NAME] in ${file} (docs/guide/notify.md)`, Status.usage);
  const chosen = wanted === undefined ? channels : channels.filter(({ name }) => name === wanted);
  if (chosen.length === 0)
    throw new Failure(`no channel is called ${wanted}; there are ${channels.map(({ name }) => name).join(", ")}`, Status.usage);
  return chosen;
}

/** Those that are over and are shown; --json has all. */
const shownOver = 10;

function list(call: Call, context: Context, wanted: string | undefined, json: boolean): number {
  const { channels } = context.announcer;
  // a program gets an object also where there is none
  const all = json && wanted === undefined;
  const chosen = all ? channels : choose(channels, wanted, configPath(call.request.environment));
  if (json) {
    call.stdout(`${JSON.stringify({ channels: chosen.map((channel) => asJson(context, channel)) }, null, 2)}\n`);
    return Status.ok;
  }
  for (const channel of chosen) {
    const notices = context.announcer.notices(channel.name);
    const waiting = notices.filter(({ over }) => over === null);
    call.stdout(`${channel.name}: ${where(channel.destination)}; ${channel.events.join(", ")}\n`);
    for (const notice of notices.filter(({ over }) => over !== null).slice(-shownOver))
      call.stdout(`  ${line(call, context, notice)}\n`);
    for (const notice of waiting) call.stdout(`  ${line(call, context, notice)}\n`);
    if (notices.length === 0) call.stdout("  nothing yet\n");
  }
  return Status.ok;
}

function line(
  call: Call,
  { table }: Context,
  { over, problem, session, event, attempts, nextAttempt, created, facts }: Notice,
): string {
  const time = (at: number) => localTime(at, call.request.environment);
  const what = `${printable(table.get(session)?.row.name ?? facts.FALCON_SESSION_NAME ?? session)} ${event}`;
  if (over !== null)
    return problem === "" ? `${time(over)}  sent     ${what}` : `${time(over)}  given up ${what}: ${printable(problem)}`;
  const why =
    attempts === 0 ? "not tried yet" : `${attempts === 1 ? "once" : `${attempts} times`} in vain (${printable(problem)})`;
  return `${time(created)}  waits    ${what}: ${why}, next ${time(nextAttempt)}`;
}

/** Without what may be a secret. */
function where(destination: Destination): string {
  switch (destination.kind) {
    case "command":
      return "a command";
    case "email":
      return `e-mail to ${destination.to.join(", ")}`;
    case "webhook": {
      const { shape, address } = destination;
      const host = typeof address === "string" ? ` at ${new URL(address).host}` : "";
      return `${shape === "json" ? "webhook" : shape}${host}`;
    }
  }
}

function asJson({ announcer }: Context, channel: Channel): object {
  const { name, destination, events } = channel;
  return {
    name,
    kind: destination.kind,
    shape: destination.kind === "webhook" ? destination.shape : null,
    events,
    notices: announcer.notices(name).map(({ mark, session, event, created, attempts, nextAttempt, problem, over }) => ({
      id: mark,
      session,
      event,
      time: new Date(created).toISOString(),
      state: over === null ? "waiting" : problem === "" ? "sent" : "given-up",
      attempts,
      next: over === null ? new Date(nextAttempt).toISOString() : null,
      over: isoTime(over),
      problem: problem === "" ? null : problem,
    })),
  };
}
