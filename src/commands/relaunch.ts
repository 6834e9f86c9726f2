// falcon relaunch: an ended, failed or lost session is started again, same command, directory, environment and run directory.
import { Failure, Status } from "../base/failure.ts";
import { relaunchPlan } from "../falcon/relaunch.ts";
import { selectSession } from "../session/select.ts";
import type { SessionRow } from "../store/session-store.ts";
import type { Call } from "./call.ts";
import type { CommandSpec } from "./dispatch.ts";
import { programFile } from "./program-file.ts";
import { startAndStay } from "./starting.ts";

export const relaunch: CommandSpec = {
  name: "relaunch",
  summary: "start an ended or lost session again; a falcon run resumes in its run directory",
  define(command) {
    command
      .argument("<session>", "id, unique prefix, name or run directory")
      .option("-d, --detach", "start in the background, print the session's id")
      .option("--size <COLSxROWS>", "pin the size of its terminal");
  },
  async run(call, context, [wanted], options) {
    const { row, live, id } = selectSession(context.table.all(), wanted, call.request.directory);
    if (live) throw new Failure(`session ${id} (${row.name}) is running: 'falcon attach ${id}' shows it`, Status.usage);
    const { directory, environment, umask, limits } = row;
    programFile(row.command[0] ?? "", environment, directory);
    const size = options.size ?? (row.pinned ? `${row.cols}x${row.rows}` : undefined);
    return startAndStay(
      call,
      context,
      {
        kind: row.kind,
        command: await resuming(call, row),
        name: row.name,
        runDirectory: row.runDirectory,
        again: { directory, environment, umask, limits },
      },
      { ...options, ...(size === undefined ? {} : { size }) },
    );
  },
};

/** The command that resumes: a falcon run whose directory was not named in its arguments is told the one that it made. */
async function resuming(call: Call, row: SessionRow): Promise<string[]> {
  if (row.kind !== "launch") return row.command;
  const at = row.command.indexOf("launch") + 1;
  const plan = await relaunchPlan(row.command.slice(at), row.directory, row.runDirectory ?? undefined);
  call.stderr(`[${row.name}] ${plan.sentence}\n`);
  return [...row.command.slice(0, at), ...plan.args];
}
