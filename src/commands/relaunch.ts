// falcon relaunch: an ended, failed or lost session is started again, same command, directory, environment and run directory.
import { Failure, Status } from "../base/failure.ts";
import { parseLaunch } from "../falcon/arguments.ts";
import { selectSession } from "../session/select.ts";
import type { SessionRow } from "../store/session-store.ts";
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
        command: resuming(row),
        name: row.name,
        runDirectory: row.runDirectory,
        again: { directory, environment, umask, limits },
      },
      { ...options, ...(size === undefined ? {} : { size }) },
    );
  },
};

/** falcon resumes a run where -o names its directory: a run that had been given none is told the one that it made. */
function resuming(row: SessionRow): string[] {
  if (row.kind !== "launch" || row.runDirectory === null) return row.command;
  const at = row.command.indexOf("launch");
  const own = parseLaunch(row.command.slice(at + 1));
  return own.output === undefined
    ? [...row.command.slice(0, at + 1), "-o", row.runDirectory, ...row.command.slice(at + 1)]
    : row.command;
}
