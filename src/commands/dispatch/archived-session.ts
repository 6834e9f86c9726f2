// A session of a batch job that is over: its home may have died with its node. What the shared archive
// keeps of it becomes this home's, and the command is done here.
import { Slurm } from "../../batch/slurm.ts";
import type { RemoteSession } from "../../session/machines/remote-session.ts";
import type { ArchivedPart } from "../../store/archive/part-archive.ts";
import type { Call, Context } from "./call.ts";

/** States in which nothing of a job runs any more. */
const over = new Set([
  "COMPLETED",
  "CANCELLED",
  "TIMEOUT",
  "PREEMPTED",
  "NODE_FAIL",
  "FAILED",
  "OUT_OF_MEMORY",
  "BOOT_FAIL",
  "DEADLINE",
]);

/**
 * A part that was running when it was written last is taken for over after so long (ms) where neither its
 * machine nor Slurm tells: while it has output it is written each minute (PartKeeper), and its machine's word
 * may be missing for a moment only, as where the roster's folder does not answer.
 */
const takenForOver = 900_000;

/**
 * Brings in what `word` means, where no machine is known to run it.
 * @param told the session that the word means, by its machine's last word; undefined: none told of it.
 * @returns whether it is here now.
 */
export async function broughtIn(
  call: Pick<Call, "request">,
  { parts, table, clock }: Pick<Context, "parts" | "table" | "clock">,
  word: string,
  told: RemoteSession | undefined,
): Promise<boolean> {
  if (told?.via) return false;
  const part = await parts.archived(told?.id ?? word);
  if (part === undefined) return false;
  const silent = told === undefined ? clock() - part.written > takenForOver : told.unheard !== null;
  if (told?.live !== false && !(await isOver(call, part, told, silent))) return false;
  await parts.bringIn(part.run);
  return table.get(part.row.id) !== undefined;
}

/**
 * Of a session that its machine told as running, or told nothing of: the archive saw its end, or Slurm says
 * that its job is over.
 * @param silent whether its machine says nothing any more.
 */
async function isOver(
  call: Pick<Call, "request">,
  { row }: ArchivedPart,
  told: RemoteSession | undefined,
  silent: boolean,
): Promise<boolean> {
  if (row.state === "exited" || row.state === "lost") return true;
  const number = /^s(\d+)/.exec(told?.job ?? row.facts.job ?? "")?.[1];
  const known =
    number === undefined ? "silent" : await new Slurm(call.request.environment).job(number).catch(() => "silent" as const);
  // where Slurm says nothing a machine that told of it last is asked
  if (known === "silent") return told === undefined && silent;
  return known === undefined ? silent : over.has(known.state);
}
