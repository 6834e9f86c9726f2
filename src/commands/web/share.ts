// falcon share: a run for others to see, as a page in a folder or as a read-only link; and the list of links.
import { longestTimer } from "../../base/clock.ts";
import { Failure, Status } from "../../base/failure.ts";
import { printable } from "../../base/text/printable.ts";
import { durationOf } from "../../base/text/quantity.ts";
import { localTime } from "../../base/text/zone.ts";
import { callersPath } from "../../session/life/working-directory.ts";
import { Access, type Grant, TooManyGrants } from "../../web/access.ts";
import { runningWeb } from "../../web/running.ts";
import type { ShareSettings } from "../../web/web-command.ts";
import type { Call, Context } from "../dispatch/call.ts";
import { nameOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { becomeWeb } from "./web.ts";

/** A link holds for so long at most (ms). */
export const longestLife = 366 * 86_400_000;
/** The page in a folder is made anew at the most so often (ms). */
export const leastEvery = 5_000;

interface ShareOptions {
  to?: string;
  every: string;
  for: string;
  once?: true;
  name?: string;
  list?: true;
  revoke?: string;
  json?: true;
}

export const share: CommandSpec = {
  name: "share",
  group: "look",
  summary: "let others see a run: a page in a folder, or a read-only link",
  examples: [
    ["falcon share night --to ~/public_html/night", "one page with all in it, kept up to date while it runs"],
    ["falcon share night --for 2d", "a link to this run alone, read-only, for two days"],
    ["falcon share --list", "the links that hold"],
    ["falcon share --revoke k3v9", "end one at once"],
  ],
  completes: "all",
  goesUnnamed: true,
  define(command) {
    command
      .argument("[session]", "id, unique prefix, name or run directory")
      .option("--to <dir>", "write index.html there, and again while the run goes on")
      .option("--every <time>", "how often that is, as 10m", "10m")
      .option("--for <time>", "how long the link holds, as 2d", "1d")
      .option("--once", "the first browser that opens the link keeps it, and no other gets in")
      .option("--name <name>", "what the link is called in --list")
      .option("--list", "the links that hold")
      .option("--revoke <link>", "end a link (its id or name) and whoever looks through it; all: every one")
      .option("--json", "with --list: machine-readable");
  },
  async run(call, context, [wanted], given) {
    const options = given as ShareOptions;
    const access = new Access(context.home, () => context.clock());
    if (options.list) return list(call, access, options.json === true);
    if (options.revoke !== undefined) return revoke(call, context, access, options.revoke);
    if (wanted === undefined) throw new Failure("say which session: falcon share SESSION, or --list", Status.usage);
    const session = nameOne(call, context, wanted);
    if (options.to !== undefined) {
      // what is longer than any timer means "hardly ever"
      const every = Math.min(longestTimer, timeOf("--every", options.every, leastEvery, longestLife));
      const settings: ShareSettings = { session: session.id, to: callersPath(call.request.directory, options.to), every };
      becomeWeb(call, context, "share.cjs", settings);
      return undefined;
    }
    return link(call, context, access, { id: session.id, name: session.row.name }, options);
  },
};

function link(
  call: Call,
  context: Context,
  access: Access,
  session: { id: string; name: string },
  options: ShareOptions,
): number {
  const life = timeOf("--for", options.for, 1, longestLife);
  const running = runningWeb(context.home);
  if (running === undefined)
    throw new Failure("no page is served: start 'falcon web' first, or write one with --to DIR", Status.usage);
  const name = options.name ?? session.name;
  if (name.length > 80 || printable(name) !== name) throw new Failure("--name: give up to 80 printable characters", Status.usage);
  try {
    const once = options.once === true;
    const { token, grant } = access.grant({ kind: "link", name, session: session.id, life, once });
    context.log("web.shared", { grant: grant.id, session: session.id, name, until: new Date(grant.expires).toISOString(), once });
    call.stdout(`${running.url}#t=${token}\n`);
    const until = localTime(grant.expires, call.request.environment);
    call.stderr(
      `[${session.name}] read-only, until ${until}${once ? ", for the first browser" : ""} · falcon share --revoke ${grant.id}\n`,
    );
    return Status.ok;
  } catch (error) {
    throw error instanceof TooManyGrants ? new Failure(`${error.message}: revoke some (falcon share --list)`) : error;
  }
}

function links(access: Access): Grant[] {
  return access.list().filter(({ kind }) => kind === "link");
}

function list(call: Call, access: Access, json: boolean): number {
  const found = links(access);
  if (json) {
    const shown = found.map(({ id, name, session, created, expires, once }) => ({
      ...{ id, name, session, once },
      created: new Date(created).toISOString(),
      expires: new Date(expires).toISOString(),
    }));
    call.stdout(`${JSON.stringify(shown, null, 2)}\n`);
    return Status.ok;
  }
  if (found.length === 0) call.stderr("falcon: no run is shared by a link\n");
  for (const { id, name, session, expires, once } of found) {
    const until = localTime(expires, call.request.environment);
    call.stdout(`${id}  ${session}  until ${until}${once ? "  once" : ""}  ${name}\n`);
  }
  return Status.ok;
}

function revoke(call: Call, context: Context, access: Access, wanted: string): number {
  const all = links(access);
  const found = wanted === "all" ? all : all.filter(({ id, name }) => id.startsWith(wanted) || name === wanted);
  if (found.length === 0 && wanted !== "all")
    throw new Failure(`no link is called ${wanted}: 'falcon share --list' tells which there are`, Status.noSession);
  if (found.length > 1 && wanted !== "all")
    throw new Failure(`${wanted} fits ${found.length} links: give an id of 'falcon share --list'`, Status.usage);
  for (const grant of found) {
    access.revoke(grant);
    context.log("web.unshared", { grant: grant.id, session: grant.session, name: grant.name });
  }
  call.stdout(`${found.length === 1 ? "1 link is" : `${found.length} links are`} not valid any more\n`);
  return Status.ok;
}

/** A time of the command line in ms, within its bounds. @throws Failure 2 */
export function timeOf(option: string, text: string, least: number, most: number): number {
  const time = durationOf(text);
  if (time === undefined || time <= 0) throw new Failure(`${option} ${text}: give a time, as 90s, 12h or 2d`, Status.usage);
  if (time < least) throw new Failure(`${option} ${text}: at least ${least / 1000} s`, Status.usage);
  if (time > most) throw new Failure(`${option} ${text}: at most ${most / 86_400_000} days`, Status.usage);
  return time;
}
