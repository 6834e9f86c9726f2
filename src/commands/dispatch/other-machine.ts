// A session of another machine: the command is run there, in whose place the client becomes it. For attach
// the client stays, and goes through a byte channel. Logins, keys and prompts are ssh's own, and a login that
// fails is not tried again.
import path from "node:path";
import type { Command } from "commander";
import { Failure, Status } from "../../base/failure.ts";
import { quoted } from "../../base/text/shell-words.ts";
import { nativeFolder } from "../../platform/native-files.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import { channelWords, type FarPlace, farCommand, farContract, placeOfRemote, sentHere, sentToSite } from "../machines/reach.ts";
import type { Call, Context } from "./call.ts";
import type { CommandSpec } from "./command.ts";
import { withSessions } from "./session-words.ts";

/** Options that name files as they are seen from the caller's folder. */
const ofFiles = ["output", "to", "runDir"];

/**
 * Makes the client run the command on the machine of `sessions`, which all are on one.
 * @param command the command line; the ids of `sessions` stand in the places of the words that named them, in
 * their order, on the far one.
 * @throws Failure where that machine cannot be reached by its name.
 */
export function runThere(
  call: Call,
  context: Context,
  spec: CommandSpec,
  command: Command,
  sessions: readonly RemoteSession[],
): void {
  const [first] = sessions as [RemoteSession];
  const { host } = first;
  if (sessions.some((s) => s.host !== host))
    throw new Failure("these sessions are on different machines: name them one by one", Status.usage);
  refuseOurName(context, first);
  const { stdin, stdout } = call.request.terminal;
  const person = stdin && stdout;
  const given = call.request.arguments;
  const [name = "", ...rest] = given[0] === sentToSite ? given.slice(1) : given;
  const ids = sessions.map(({ id }) => id);
  const place = placeOfRemote(first);
  const asked = [place.behind ? sentToSite : sentHere, name, ...withSessions(spec, rest, ids)];
  if (spec.name === "attach" && person && !place.behind && first.contract >= farContract)
    return throughChannel(call, context, place, asked);
  if (spec.name === "attach" && person && first.contract < farContract)
    call.stderr(`falcon: falcon-sessions on ${host} is older: where the network is lost, this attach is, too\n`);
  const folder = ofFiles.some((option) => command.opts()[option] !== undefined) ? call.request.directory : "";
  const argv = farCommand(context.config, place, asked, person ? "person" : "program", {
    ...{ folder, masters: context.masters.folder },
  });
  call.exec("/usr/bin/env", ["env", ...argv]);
}

/** The client stays, and asks the server of that machine. */
function throughChannel(call: Call, context: Context, place: FarPlace, asked: readonly string[]): void {
  call.exec(path.join(nativeFolder, "falcon"), [
    call.request.name,
    ...channelWords(context.config, place, asked, context.masters.folder),
  ]);
}

/** @throws Failure where nothing tells that machine from ours. */
function refuseOurName(context: Context, { id, host, via }: RemoteSession): void {
  if (host !== context.host || via !== null) return;
  throw new Failure(
    `session ${id} is in another home of this machine, or on another machine of its name: ` +
      "use falcon with that FALCON_SESSIONS_HOME, or there",
    Status.usage,
  );
}

/** The client attaches to a session of another machine, and does its own command again when that is left. */
export function attachThere(call: Call, context: Context, { id, ...place }: FarPlace & { id: string }): void {
  const masters = context.masters.folder;
  const words = place.behind
    ? farCommand(context.config, place, [sentToSite, "attach", id], "person", { masters })
    : ['"$falcon"', ...channelWords(context.config, place, [sentHere, "attach", id], masters)];
  const line = words.map((word, i) => (i === 0 && !place.behind ? word : quoted(word))).join(" ");
  const script = 'falcon=$0 line=$1; shift; eval "$line"; exec "$falcon" "$@"';
  call.exec("/bin/sh", ["sh", "-c", script, path.join(nativeFolder, "falcon"), line, ...call.request.arguments]);
}
