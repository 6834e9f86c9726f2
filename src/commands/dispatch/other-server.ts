// A session that another server of this host has (a batch job's, or the host's own): the client is sent on to
// that server.
import path from "node:path";
import type { Command } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import { realPath } from "../../session/life/real-paths.ts";
import { selectSession } from "../../session/life/select-session.ts";
import type { Session } from "../../session/life/session.ts";
import type { NeighbourSession } from "../../session/machines/neighbours.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import { sentHere, sentToSite } from "../machines/reach.ts";
import { remoteSessions } from "../machines/remote-sessions.ts";
import {
  doneBySlurm,
  onSubmitted,
  type SubmittedOptions,
  submittedElsewhere,
  submittedMeant,
} from "../start/submitted-session.ts";
import { broughtIn } from "./archived-session.ts";
import type { Call, Context } from "./call.ts";
import type { CommandSpec } from "./command.ts";
import { runThere } from "./other-machine.ts";
import { sessionWords, takesSession } from "./session-words.ts";

/** The host's own place, as the client is told it (native/home/place.c); a job's is its name. */
const hostsPlace = "-";

/** Lists all places by itself. */
const listsAll = new Set(["sessions", "monitor"]);
/** Starts a program, which has to be born in its job. */
const startsAgain = "relaunch";

/**
 * Does a command on a session that is not ours: the client is sent on to the server that has it, or the batch
 * job that is to become it is seen to. Answers undefined where the session is ours, or nobody's.
 * @throws Failure where that cannot be: the names are of several places, or fit several sessions.
 */
export async function doneElsewhere(
  call: Call,
  context: Context,
  spec: CommandSpec,
  command: Command,
): Promise<number | "sent-on" | undefined> {
  if (listsAll.has(spec.name) || !takesSession(command)) return undefined;
  // all of them are all that this server has
  if (command.opts().all || command.opts().running) return undefined;
  const words = sessionWords(command);
  if (words.length === 0 && spec.goesUnnamed) return undefined;
  const wanted = words.length > 0 ? words : [undefined];
  const { table, submissions } = context;
  // an id that is ours means ours, unless its job may be running again, or is to
  const settled = (word: string | undefined) => {
    const session = word === undefined ? undefined : table.get(word);
    return session !== undefined && session.row.facts.requeue !== true && (session.live || !submissions.has(session.id));
  };
  if (wanted.every(settled)) return undefined;
  // what has ended meanwhile is ours by then
  await context.takeInJobs();
  const others = await elsewhere(context);
  const places = wanted.map((word) => placeOf(table.all(), others, word, call.request.directory));
  const [first] = places;
  if (places.some((place) => place !== first)) {
    throw new Failure("these sessions are in different places (the host, a batch job): name them one by one", Status.usage);
  }
  if (first === undefined) {
    const submitted = () => onlySubmitted(call, context, spec, command.opts(), wanted, others);
    // what Slurm can do for its job needs no way to its node
    const asked = doneBySlurm(spec.name, command.opts()) ? await submitted() : undefined;
    if (asked !== undefined) return asked;
    return (await onAnotherMachine(call, context, spec, command, wanted)) ? "sent-on" : submitted();
  }
  if (spec.name === startsAgain) {
    const where = first === hostsPlace ? "outside of this batch job" : `in job ${first.slice(1)}`;
    throw new Failure(`that session is ${where}, and would not run there when it is started again from here`, Status.usage);
  }
  call.exec(path.join(nativeFolder, "falcon"), [call.request.name, "@job", first, ...call.request.arguments]);
  return "sent-on";
}

/**
 * Whether what is meant is on other machines, to which the client is then sent. A run's directory and no name
 * at all mean this machine's.
 */
async function onAnotherMachine(
  call: Call,
  context: Context,
  spec: CommandSpec,
  command: Command,
  wanted: readonly (string | undefined)[],
): Promise<boolean> {
  const words = wanted.filter((word) => word !== undefined && word !== "") as string[];
  if (
    words.length === 0 ||
    words.length !== wanted.length ||
    call.request.arguments[0] === sentHere ||
    words.some((word) => !call.request.arguments.includes(word))
  )
    return false;
  const { table } = context;
  const own = words.filter((word) => ownOf(table.all(), word, call.request.directory) !== undefined);
  if (own.length === words.length) return false;
  const site = call.request.arguments[0] === sentToSite;
  const known = (id: string) => table.get(id) !== undefined;
  const meantOf = async (environment?: Readonly<Record<string, string>>) => {
    const { sessions } = await (site ? context.roster.others(known) : remoteSessions(context, known, environment));
    return words.map((word) => remoteMeant(sessions, word));
  };
  let meant = await meantOf();
  // nobody is asked who need not be
  const unknown = meant.filter((session) => session === undefined).length - own.length;
  if (unknown > 0 && !site && context.hosts.names.length > 0) meant = await meantOf(call.request.environment);
  if (words.length === 1 && (await broughtIn(call, context, words[0] as string, meant[0]))) return false;
  const there = meant.filter((session) => session !== undefined);
  if (there.length === 0) return false;
  if (there.length < words.length || own.length > 0)
    throw new Failure("these sessions are on different machines: name them one by one", Status.usage);
  runThere(call, context, spec, command, there);
  return true;
}

/** @throws Failure where a word fits several that run. */
function remoteMeant(sessions: readonly RemoteSession[], word: string): RemoteSession | undefined {
  const found = named(sessions, word, "/");
  const live = found.filter((s) => s.live);
  if (live.length > 1) throw several(word, live);
  return live[0] ?? found.sort((a, b) => a.created - b.created).at(-1);
}

/** The place of another server's session, as the client is told it. */
export function serverOf({ job }: NeighbourSession): string {
  return job ?? hostsPlace;
}

/**
 * The client attaches to another server's session, and does its own command again when that is left. Nothing
 * can be said after it.
 */
export function attachElsewhere(call: Call, server: string, id: string): void {
  const script = 'falcon=$0 server=$1 id=$2; shift 2; "$falcon" @job "$server" attach "$id"; exec "$falcon" "$@"';
  call.exec("/bin/sh", ["sh", "-c", script, path.join(nativeFolder, "falcon"), server, id, ...call.request.arguments]);
}

/** A session that was submitted and is not here: of what is here none is meant, or only an earlier part. */
async function onlySubmitted(
  call: Call,
  context: Context,
  spec: CommandSpec,
  options: SubmittedOptions,
  wanted: readonly (string | undefined)[],
  others: readonly NeighbourSession[],
): Promise<number | undefined> {
  const [word] = wanted;
  if (wanted.length !== 1 || word === undefined) return undefined;
  const own = ownOf(context.table.all(), word, call.request.directory);
  if (own?.live || spec.name === startsAgain) return undefined;
  const meant = submittedMeant(await submittedElsewhere(call, context, presentIds(context, others)), word);
  // of an ended part only what ends the job that is to go on with it is another's
  if (meant === undefined || (own !== undefined && spec.name !== "stop" && spec.name !== "kill")) return undefined;
  return onSubmitted(call, context, spec.name, options, meant);
}

/** The ids of all sessions of this host, and when each ended (ms since 1970; Infinity: it runs). */
export function presentIds(context: Context, others: readonly NeighbourSession[]): Map<string, number> {
  const present = new Map<string, number>();
  for (const { id, live, row } of context.table.all()) present.set(id, live ? Number.POSITIVE_INFINITY : (row.ended ?? 0));
  for (const { id, live, ended } of others) present.set(id, live ? Number.POSITIVE_INFINITY : (ended ?? 0));
  return present;
}

/** The sessions of the other servers. */
export async function elsewhere(context: Context): Promise<NeighbourSession[]> {
  if (!context.neighbours.any) return [];
  return (await context.neighbours.sessions()).filter(({ id }) => context.table.get(id) === undefined);
}

/**
 * The place of the session that is meant, as the client is told it; undefined: here, or nowhere, which the
 * command itself says.
 */
export function placeOf(
  own: readonly Session[],
  others: readonly NeighbourSession[],
  wanted: string | undefined,
  directory: string,
): string | undefined {
  if (wanted === undefined || wanted === "") return unnamed(own, others);
  const mine = own.find(({ id }) => id === wanted);
  if (mine !== undefined) return runningAgain(mine, others)?.job ?? undefined;
  const found = named(others, wanted, directory);
  if (found.length === 0) return undefined;
  const here = ownOf(own, wanted, directory);
  const live = found.filter((s) => s.live);
  if (here?.live && live.length > 0) throw several(wanted, live, here);
  if (here?.live) return undefined;
  if (live.length > 1) throw several(wanted, live);
  const [best = found[0] as NeighbourSession] = live.length > 0 ? live : found.slice(-1);
  if (here !== undefined && !best.live && here.row.created >= best.created) return undefined;
  return serverOf(best);
}

/** The part that runs now of a session whose job is run again: the id that was told first means it. */
function runningAgain({ id, row }: Session, others: readonly NeighbourSession[]): NeighbourSession | undefined {
  return others.find((s) => s.live && s.job !== null && s.job === row.facts.job && s.listing.run === id);
}

/** The only one that runs, where none runs here. */
function unnamed(own: readonly Session[], others: readonly NeighbourSession[]): string | undefined {
  const live = others.filter((s) => s.live);
  if (own.some((s) => s.live) || live.length === 0) return undefined;
  if (live.length > 1)
    throw new Failure(`${live.length} sessions are running, say which one:\n${candidates(live)}`, Status.noSession);
  return serverOf(live[0] as NeighbourSession);
}

/** What fits an id, a name, a prefix or a run directory. */
export function named<S extends NeighbourSession>(others: readonly S[], wanted: string, directory: string): S[] {
  const exact = others.filter((s) => s.id === wanted);
  if (exact.length > 0) return exact;
  const named = others.filter((s) => s.name === wanted);
  if (named.length > 0) return named;
  const prefixed = others.filter((s) => s.id.startsWith(wanted));
  if (prefixed.length > 0) return prefixed;
  const run = realPath(path.resolve(directory, wanted));
  return others.filter((s) => s.runDirectory !== null && realPath(s.runDirectory) === run);
}

function ownOf(own: readonly Session[], wanted: string, directory: string): Session | undefined {
  try {
    return selectSession(own, wanted, directory);
  } catch {
    return undefined;
  }
}

function several(wanted: string, live: readonly NeighbourSession[], here?: Session): Failure {
  const ours = here === undefined ? "" : `  ${here.id}  ${here.row.name}  ${here.row.state}  here\n`;
  return new Failure(
    `'${wanted}' fits ${live.length + (here ? 1 : 0)} sessions, say which one:\n${ours}${candidates(live)}`,
    Status.noSession,
  );
}

function candidates(found: readonly NeighbourSession[]): string {
  return found.map((s) => `  ${s.id}  ${s.name}  ${s.state}  ${placeText(s)}`).join("\n");
}

function placeText(session: NeighbourSession): string {
  const host = "host" in session && typeof session.host === "string" ? ` on ${session.host}` : "";
  return session.job === null ? host.trim() || "the host" : `job ${session.job.slice(1)}${host}`;
}
