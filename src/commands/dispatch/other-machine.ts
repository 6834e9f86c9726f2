// A session of another machine: the command is run there, in whose place the client becomes it. For attach
// the client stays, and goes through a byte channel. Logins, keys and prompts are ssh's own, and a login that
// fails is not tried again.
import path from "node:path";
import { Failure, Status } from "../../base/failure.ts";
import { nativeFolder } from "../../platform/native.ts";
import type { RemoteSession } from "../../session/machines/roster.ts";
import { channelWords, type FarPlace, farCommand, farContract, placeOfRemote, quoted } from "../machines/reach.ts";
import type { Call, Context } from "./call.ts";

/**
 * The first word of a command line that another machine sent here: it is done here, or not at all. A contract
 * between versions.
 */
export const sentHere = "@here";

/** Needs the caller's folder: a file is written below it. */
const inFolder = new Set(["export"]);

/**
 * Makes the client run the command on the machine of `sessions`, which all are on one.
 * @param words what named them, in the order of `sessions`; ids stand in their places on the far command
 * line.
 * @throws Failure where that machine cannot be reached by its name.
 */
export function runThere(call: Call, context: Context, words: readonly string[], sessions: readonly RemoteSession[]): void {
  const [first] = sessions as [RemoteSession];
  const { host } = first;
  if (sessions.some((s) => s.host !== host))
    throw new Failure("these sessions are on different machines: name them one by one", Status.usage);
  refuseOurName(context, first);
  const { stdin, stdout } = call.request.terminal;
  const person = stdin && stdout;
  const [command = "", ...rest] = call.request.arguments;
  const args = [...rest];
  for (const [i, word] of words.entries()) args[args.indexOf(word)] = (sessions[i] as RemoteSession).id;
  const asked = [sentHere, command, ...args];
  if (command === "attach" && person && first.contract >= farContract) return throughChannel(call, context, first, asked);
  if (command === "attach" && person)
    call.stderr(`falcon: falcon-sessions on ${host} is older: where the network is lost, this attach is, too\n`);
  const folder = inFolder.has(command) ? call.request.directory : "";
  const argv = farCommand(context.config, placeOfRemote(first), asked, person ? "person" : "program", { folder });
  call.exec("/usr/bin/env", ["env", ...argv]);
}

/** The client stays, and asks the server of that machine. */
function throughChannel(call: Call, context: Context, session: RemoteSession, asked: readonly string[]): void {
  call.exec(path.join(nativeFolder, "falcon"), [
    call.request.name,
    ...channelWords(context.config, placeOfRemote(session), asked),
  ]);
}

/** @throws Failure where nothing tells that machine from ours. */
function refuseOurName(context: Context, { id, host }: RemoteSession): void {
  if (host !== context.host) return;
  throw new Failure(
    `session ${id} is in another home of this machine, or on another machine of its name: use falcon with that FALCON_SESSIONS_HOME, or there`,
    Status.usage,
  );
}

/** The client attaches to a session of another machine, and does its own command again when that is left. */
export function attachThere(call: Call, context: Context, session: FarPlace & { id: string }): void {
  const line = channelWords(context.config, session, [sentHere, "attach", session.id]).map(quoted).join(" ");
  const script = 'falcon=$0 line=$1; shift; eval "\\"\\$falcon\\" $line"; exec "$falcon" "$@"';
  call.exec("/bin/sh", ["sh", "-c", script, path.join(nativeFolder, "falcon"), line, ...call.request.arguments]);
}
