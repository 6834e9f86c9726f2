// The hidden command @roster: all that this machine knows of, for another one of the user's that asks
// over ssh.
import path from "node:path";
import { Status } from "../../base/failure.ts";
import { rosterHas } from "../../session/machines/roster-files.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { rosterCommand } from "./ask-host.ts";

export const tellRoster: CommandSpec = {
  name: rosterCommand,
  summary: "what another machine asks for",
  define(command) {
    command.option("--sees <file>", "whether a file of this name lies in the roster's folder");
  },
  async run(call, { roster }, _args, options) {
    const { sees } = options as { sees?: string };
    const facts = sees === undefined ? {} : { sees: await rosterHas(path.join(roster.folder, path.basename(sees))) };
    for (const line of await roster.lines(facts)) call.stdout(`${line}\n`);
    return Status.ok;
  },
};
