// falcon rename: another name for a session.
import { Failure, Status } from "../../base/failure.ts";
import { partsOf } from "../../session/run/parts.ts";
import { nameOne } from "../dispatch/choose-sessions.ts";
import type { CommandSpec } from "../dispatch/command.ts";
import { parseName } from "../start/start-session.ts";

export const rename: CommandSpec = {
  name: "rename",
  group: "act",
  summary: "give a session another name",
  examples: [["falcon rename k3v9ad night", "a name that is easier to type"]],
  completes: "all",
  define(command) {
    command.argument("<session>", "id, unique prefix, name or run directory").argument("<name>", "the new name");
  },
  async run(call, context, [wanted, name]) {
    const session = nameOne(call, context, wanted);
    const wantedName = parseName(name ?? "");
    const other = context.table.live().find((s) => s.row.name === wantedName && s !== session);
    if (other !== undefined) throw new Failure(`session ${other.id} is named '${wantedName}' already`, Status.usage);
    // all its parts are one run, which has one name
    for (const part of partsOf(context.table.all(), session)) part.rename(wantedName);
    return Status.ok;
  },
};
